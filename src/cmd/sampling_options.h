/* The options of sampling that generate and chat share. */
#ifndef SFT_CMD_SAMPLING_OPTIONS_H
#define SFT_CMD_SAMPLING_OPTIONS_H

#include "cmd/cmd.h"
#include "files/generation.h"
#include "infer/sampling.h"

/* What --help says of them. */
#define TOP_K_HELP "sample from the K most likely tokens (0: all)"
#define TOP_P_HELP "sample from the likeliest tokens that together have probability P"
#define MIN_P_HELP "sample from tokens at least P times as likely as the likeliest (0: all)"
#define REPETITION_PENALTY_HELP "above 1: what was said becomes less likely (1: off)"

/* What was given; NaN or UINT64_MAX for what was not. */
struct sampling_options {
    double temperature, top_p, min_p, repetition_penalty;
    uint64_t top_k, seed;
};
#define SAMPLING_OPTIONS_NONE                                                                                \
    {.temperature = NAN, .top_p = NAN, .min_p = NAN, .repetition_penalty = NAN, .top_k = UINT64_MAX, .seed = 42}

/* SFT_EUSAGE names the option that is out of its range. */
enum sft_status sampling_options_check(const struct sampling_options *options, struct sft_err *err);

/* Each setting as given, else the model's own where `model` is not NULL and does sample, else that of `fallback`. */
struct sampling sampling_resolve(const struct sampling_options *options, const struct generation_config *model,
                                 const struct sampling *fallback);

#endif
