/* What sft eval --prompts has found out, as JSON for programs and as text for people. */
#ifndef SFT_CMD_JUDGED_H
#define SFT_CMD_JUDGED_H

#include "judge/answers.h"
#include "judge/rates.h"

/* A model that has answered. */
struct judged_model {
    char *name;             /* its directory, or its name on the hub */
    const char *run, *link; /* of which run it is the "best" or the "last"; NULL: of none that was named */
    const char *template;   /* in which it was asked; NULL: for text that goes on */
    struct strbuf unused;   /* tensors in its files that are none of its own */
    struct answers answers;
    struct rates rates;
};
void judged_model_free(struct judged_model *m); /* accepts a zeroed struct */

struct judged {
    const struct prompts *prompts;
    struct judged_model model, baseline;
    bool has_baseline;
    size_t n_examples; /* of each kind, at most */
};

/* Answers that deserve to be looked at: of the model, and last those that are judged otherwise than the baseline's. */
enum judged_kind { JUDGED_UNSAFE_ANSWERED, JUDGED_SAFE_REFUSED, JUDGED_NO_ANSWER, JUDGED_CHANGED };

/* The prompts whose answers are of this kind: *all of them, of which some that lie evenly among them are examples.
 * Returns how many these are, n_examples at most, and in *examples which, malloc'd. */
size_t judged_examples(const struct judged *j, enum judged_kind kind, size_t **examples, size_t *all);

/* One object on a line, members as in docs/judging.md. */
void judged_json(const struct judged *j, struct strbuf *out);

/* All answers that there are, a line of JSON each, which sft judge reads too. */
void judged_answers(const struct judged *j, struct strbuf *out);

/* Tables, then examples in lines of `columns` characters. */
void judged_text(const struct judged *j, size_t columns, struct strbuf *out);

#endif
