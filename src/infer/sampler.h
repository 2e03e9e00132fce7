/* The next token of a stream, from a row of logits: what an ask says of sampling and log probabilities, as
 * transformers' generate does it (infer/sampling.h has the settings and their order). Takes time linear in V: nothing
 * is sorted.
 *
 *     sampler_adjust(&sampler, &choice, logits, plain, &ask, &history);
 *     inverse_temperature = sampler_inverse_temperature(&ask.sampling);
 *     kernels->scan_logits(&scan, logits, &inverse_temperature, 1, V);       // an op, over all streams' rows at once
 *     sampler_choose(&sampler, &choice, logits, plain, &scan, &ask, &rng); */
#ifndef SFT_INFER_SAMPLER_H
#define SFT_INFER_SAMPLER_H

#include "base/rng.h"
#include "infer/ask.h"
#include "kernels.h"

/* Memory for one choice at a time: a thread's, not a stream's. */
struct sampler {
    size_t V;
    struct candidate {
        float p; /* logit, then probability */
        int32_t id;
    } * candidates;  /* (V) */
    uint32_t *times; /* (V), all 0 between uses */
};
void sampler_init(struct sampler *sampler, size_t V);
void sampler_free(struct sampler *sampler); /* accepts a zeroed struct */
size_t sampler_bytes(size_t V);             /* what sampler_init takes */

/* A stream's tokens so far: a prompt and n_answer tokens behind it, ids below V. */
struct history {
    const int32_t *tokens;
    size_t n_prompt, n_answer;
};

struct choice {
    bool is_finite; /* the logits are, and not all are -INFINITY; otherwise nothing is chosen */
    int32_t id;
    float logprob; /* these two as in struct new_token */
    struct scored_token top[TOP_LOGPROBS_MAX];
    double log_sum; /* sampler.c's own */
};

/* Change logits (V), in which tokens that must not be chosen are -INFINITY, by bias and penalties. Where the ask wants
 * log probabilities, the likeliest go into *choice before that, and the logits into plain (V). */
void sampler_adjust(struct sampler *sampler, struct choice *choice, float *logits, float *plain, const struct ask *ask,
                    const struct history *history);

/* By what logits are to be scanned: 1 where it is greedy. */
float sampler_inverse_temperature(const struct sampling *options);

/* The next token, the first of equals where it is greedy. logits (V) as sampler_adjust left them, *scan what was found
 * of them by the inverse temperature. Takes one number of rng where it is not greedy. */
void sampler_choose(struct sampler *sampler, struct choice *choice, const float *logits, const float *plain,
                    const struct logits_scan *scan, const struct ask *ask, struct rng *rng);

/* What may be chosen where it is not greedy: into sampler->candidates, in the order of ids, what top_k, top_p and min_p
 * leave, with its probability relative to the likeliest. Their number, at least 1. Arguments as for sampler_choose, of
 * which it is a part. */
size_t sampler_candidates(struct sampler *sampler, const struct sampling *options, const float *logits,
                          const struct logits_scan *scan);

#endif
