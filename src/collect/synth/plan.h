/* What each row is about: a pure function of the recipe, its seed and the row's number, and never of how many rows are
 * asked for, so that more may be asked for later.
 *
 * Refusals are spread evenly, row floor((k + 1/2) / refusals) being the k-th; its look-alikes are the rows behind it.
 * These are a group, in which the refusal is written first; any other row is an answer, and a group of its own. Each
 * kind of row goes through its topics in a new order each time round, and likewise through personas, facts, users. */
#ifndef SFT_COLLECT_SYNTH_PLAN_H
#define SFT_COLLECT_SYNTH_PLAN_H

#include "collect/synth/recipe.h"

enum row_kind { KIND_ANSWER, KIND_REFUSAL, KIND_LOOK_ALIKE, N_ROW_KINDS };
extern const char *const row_kind_name[N_ROW_KINDS]; /* "answer", "refusal", "look_alike" */

struct plan {
    const struct recipe *recipe; /* loaded; borrowed, as the topics are */
    struct string_list topics;
};

struct plan_row {
    uint64_t row, seed;
    enum row_kind kind;
    uint64_t refusal;                       /* of a look-alike: the row that it is like */
    const struct persona *persona, *critic; /* critic: NULL where the recipe asks for no critique */
    const char *topic;
    const struct facts_piece *facts;                         /* NULL: none */
    const struct conversation *examples[EXAMPLES_SHOWN_MAX]; /* (n_examples) */
    size_t n_examples, exchanges;
    const char *user;   /* who asks */
    const char *manner; /* how: "in one short sentence" */
    const char *angle;  /* of a look-alike: what makes it harmless */
};

/* topics: what the model said where the recipe has none of its own (prompts.h), else NULL. */
void plan_init(struct plan *plan, const struct recipe *recipe, const struct string_list *topics);

void plan_row(const struct plan *plan, uint64_t row, struct plan_row *out);

/* The group that a row stands in: rows *first .. *first + *n, of which those from the recipe's count on are not
 * made. */
void plan_group(const struct plan *plan, uint64_t row, uint64_t *first, uint64_t *n);

#endif
