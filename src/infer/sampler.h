/* Choosing the next token from logits: greedy, or by temperature, top-k and top-p (Holtzman et al. 2020), in
 * the order in which transformers' generate applies them. */
#ifndef SFT_INFER_SAMPLER_H
#define SFT_INFER_SAMPLER_H

#include "base/rng.h"

#include <stddef.h>
#include <stdint.h>

struct sampling {
    double temperature; /* 0: the most likely token, always */
    size_t top_k;       /* 0: all */
    double top_p;       /* 1: all */
    double repetition_penalty; /* 1: none; applied by decode.c, which knows what was said */
    uint64_t seed;
};

struct sampler {
    struct sampling options;
    struct rng rng;
    struct candidate {
        float p; /* logit, then probability */
        int32_t id;
    } * candidates, *scratch; /* (V) */
};

/* Room for V tokens. `stream`: which of many texts this is, so that each has numbers of its own. Free with
 * sampler_free, which accepts a zeroed struct. */
void sampler_init(struct sampler *sampler, const struct sampling *options, size_t V, uint64_t stream);
void sampler_restart(struct sampler *sampler, uint64_t stream);
void sampler_free(struct sampler *sampler);

/* The next token; the first of equals where it is greedy. logits (V), at least one of them finite, none NaN; -INFINITY
 * for a token that must not be chosen. Takes time linear in V. */
int32_t sampler_next(struct sampler *sampler, const float *logits, size_t V);

#endif
