/* The next token of a stream, from a row of logits: what an ask says of sampling and log probabilities, in order. */
#ifndef SFT_INFER_CHOOSER_H
#define SFT_INFER_CHOOSER_H

#include "infer/ask.h"
#include "infer/sampler.h"

/* Memory for one choice at a time: a thread's. */
struct chooser {
    struct sampler_scratch sampler;
    float *plain; /* (V) logits before bias and penalties */
    size_t V;
};
void chooser_init(struct chooser *chooser, size_t V);
void chooser_free(struct chooser *chooser); /* accepts a zeroed struct */

struct choice {
    bool is_finite; /* the logits are; otherwise nothing is chosen */
    int32_t id;
    float logprob; /* these two as in struct new_token */
    struct scored_token top[TOP_LOGPROBS_MAX];
};

/* The token after those that were said. Changes logits (V); holes are never chosen. */
void chooser_choose(struct chooser *chooser, struct choice *choice, float *logits, const struct ask *ask,
                    const struct said *said, struct rng *rng, const int32_t *holes, size_t n_holes);

#endif
