/* sft eval DIR --prompts FILE: how often a model refuses, what it should and what it should not. */
#ifndef SFT_CMD_EVAL_PROMPTS_H
#define SFT_CMD_EVAL_PROMPTS_H

#include "cmd/cmd.h"
#include "cmd/model_argument.h"

struct eval_prompts {
    struct string_list files; /* of prompts */
    const char *judge;        /* its name; NULL: refusal */
    const char *baseline;     /* a second model to compare with, as it was given; NULL: none */
    const char *answers;      /* a file that all answers are written to; NULL: none */
    uint64_t max_new_tokens, n_examples; /* of an answer; of each kind, that are shown */
};
enum { EVAL_EXAMPLES = 3 };

/* The command, whose model has been found: prints on stdout what was found out. `words`: what else was on the command
 * line. */
enum sft_status eval_prompts(const struct eval_prompts *what, const struct model_argument *argument,
                             const struct bundle_options *options, const struct string_list *overrides,
                             const struct string_list *words, bool as_json, struct sft_err *err);

#endif
