/* Choosing the next token from logits, as transformers' generate does (infer/sampling.h has the settings and their
 * order). Takes time linear in V: nothing is sorted. */
#ifndef SFT_INFER_SAMPLER_H
#define SFT_INFER_SAMPLER_H

#include "base/rng.h"
#include "infer/sampling.h"
#include "kernels.h"

#include <stdbool.h>

/* Memory for one choice at a time: a thread's, not a stream's. */
struct sampler_scratch {
    struct candidate {
        float p; /* logit, then probability */
        int32_t id;
    } * candidates;  /* (V) */
    uint32_t *times; /* (V), all 0 between uses */
};
void sampler_scratch_init(struct sampler_scratch *scratch, size_t V);
void sampler_scratch_free(struct sampler_scratch *scratch); /* accepts a zeroed struct */

/* What was said so far: a prompt and of its answer n_answer tokens behind it, ids below V. */
struct said {
    const int32_t *tokens;
    size_t n_prompt, n_answer;
};

/* Change logits by bias[0..n_bias) (ids below V) and by the penalties of `options`. */
void sampler_adjust(float *logits, const struct sampling *options, const struct logit_bias *bias, size_t n_bias,
                    const struct said *said, struct sampler_scratch *scratch);

/* What may be chosen: into scratch->candidates, in the order of ids, what temperature (above 0), top_k, top_p and min_p
 * leave, with its probability relative to the likeliest. Their number, at least 1. Arguments as for sampler_choose. */
size_t sampler_candidates(const struct sampling *options, const float *logits, size_t V,
                          const struct logits_scan *scan, struct sampler_scratch *scratch);

/* The next token; the first of equals where it is greedy. logits (V), at least one of them finite, none NaN;
 * -INFINITY for a token that must not be chosen. scan: what was found of them, by 1 / temperature; NULL where nobody
 * looked, which takes longer. Takes one number of rng where it is not greedy. */
int32_t sampler_choose(const struct sampling *options, struct rng *rng, const float *logits, size_t V,
                       const struct logits_scan *scan, struct sampler_scratch *scratch);

#endif
