/* What is asked of the choice of tokens: settings of sampling, as transformers, vLLM and OpenAI's API name them. */
#ifndef SFT_INFER_SAMPLING_H
#define SFT_INFER_SAMPLING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order in which they are applied: logit_bias, repetition_penalty, frequency_penalty and presence_penalty,
 * temperature, top_k, top_p, min_p. That is the order of transformers' generate (and of vLLM, whose are the penalties
 * of frequency and presence). */
struct sampling {
    double temperature;        /* 0: the most likely token, always (sampling_is_greedy) */
    size_t top_k;              /* 0: all; tokens as likely as the k-th stay, as in transformers */
    double top_p;              /* 1: all (Holtzman et al. 2020); the token that reaches top_p stays */
    double min_p;              /* 0: all; else only what is at least min_p times as likely as the likeliest */
    double repetition_penalty; /* 1: none (Keskar et al. 2019); of what was said, in the prompt too */
    double presence_penalty;   /* 0: none; taken from the logit of what was said in the answer */
    double frequency_penalty;  /* 0: none; the same times how often it was said there */
    uint64_t seed;
};
#define SAMPLING_GREEDY ((struct sampling){.top_p = 1, .repetition_penalty = 1})

/* Whether the most likely token is taken: by temperatures below 1e-5 too, as in vLLM, since floats are soon too small
 * to divide by. */
static inline bool sampling_is_greedy(const struct sampling *options)
{
    return options->temperature < 1e-5;
}

struct logit_bias { /* OpenAI's logit_bias: added to the logit of a token */
    int32_t id;
    float bias;
};

#endif
