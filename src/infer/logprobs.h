/* Log probabilities of tokens, from logits. */
#ifndef SFT_INFER_LOGPROBS_H
#define SFT_INFER_LOGPROBS_H

#include <stddef.h>
#include <stdint.h>

struct scored_token {
    int32_t id;
    float logprob;
};

/* log of the sum of exp(logits[v]) over V; those of -INFINITY count nothing, one at least is finite. */
double logits_log_sum(const float *logits, size_t V);

/* The n likeliest (n <= V), the likeliest first, of equals the smaller id: log probabilities where log_sum is
 * logits_log_sum of all. */
void logits_top(const float *logits, size_t V, double log_sum, struct scored_token *top, size_t n);

#endif
