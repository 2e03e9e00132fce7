/* The next token of a stream, from a row of logits: what an ask says of sampling and log probabilities, in order. */
#ifndef SFT_INFER_CHOOSER_H
#define SFT_INFER_CHOOSER_H

#include "infer/ask.h"
#include "infer/sampler.h"
#include "kernels.h"

/* Memory for one choice at a time: a thread's. */
struct chooser {
    struct sampler_scratch sampler;
    float *plain; /* (V) logits before bias and penalties */
    size_t V;
};
void chooser_init(struct chooser *chooser, size_t V);
void chooser_free(struct chooser *chooser); /* accepts a zeroed struct */
size_t chooser_bytes(size_t V);             /* what chooser_init takes */

struct choice {
    bool is_finite; /* the logits are; otherwise nothing is chosen */
    int32_t id;
    float logprob; /* these two as in struct new_token */
    struct scored_token top[TOP_LOGPROBS_MAX];
};

/* What logits are to be divided by, turned round: 1 where the likeliest is taken. */
float chooser_inverse_temperature(const struct sampling *options);

/* The token after those that were said. Changes logits (V), in which tokens that must not be chosen are -INFINITY,
 * and of which *scan was found, by the inverse temperature. */
void chooser_choose(struct chooser *chooser, struct choice *choice, float *logits, const struct logits_scan *scan,
                    const struct ask *ask, const struct said *said, struct rng *rng);

#endif
