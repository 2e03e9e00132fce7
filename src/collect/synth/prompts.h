/* What is asked for a row, step by step, and what becomes of the answers: a pure function of the plan and of the
 * answers so far, so that a run that goes on, --dry-run and tests all walk the same way.
 *
 *     struct prompt_answer answers[PROMPT_STEPS_MAX];
 *     size_t n = 0;
 *     while (row_next(&plan, &row, shared, answers, n, &arena, &next) == NEXT_REQUEST)
 *         answers[n++] = ...what the endpoint says to next.request...;
 *
 * With mode = turns a step is a message: the user's, by a prompt that says who asks what (and never asks for an
 * answer), the assistant's, by the persona's with facts and examples; and so on. With mode = structured the first step
 * is the whole conversation in JSON. Then, where the recipe has it, the critic's, who writes the last answer again, the
 * second answer of a pair, and the verdict on both. */
#ifndef SFT_COLLECT_SYNTH_PROMPTS_H
#define SFT_COLLECT_SYNTH_PROMPTS_H

#include "collect/synth/completion.h"
#include "collect/synth/plan.h"
#include "collect/synth/prompt_marks.h"

enum { PROMPT_STEPS_MAX = 2 * EXCHANGES_MAX + 3 };

enum prompt_step {
    PROMPT_USER,
    PROMPT_ASSISTANT,
    PROMPT_CONVERSATION,
    PROMPT_CRITIC,
    PROMPT_SECOND,
    PROMPT_JUDGE,
    PROMPT_TOPICS,
    N_PROMPT_STEPS
};
extern const char *const prompt_step_name[N_PROMPT_STEPS]; /* for --dry-run: "the user's message", ... */

struct prompt_answer {
    const char *text; /* as the endpoint gave it */
    size_t len;
    bool is_cut;
};

enum next_how {
    NEXT_REQUEST,  /* ask `request` */
    NEXT_COMPLETE, /* `conv` is the row, `topics` are the topics */
    NEXT_MALFORMED /* no row can be made of the answers: `why` */
};

struct prompt_next {
    enum next_how how;
    enum prompt_step step;             /* of a request */
    struct completion_request request; /* the arena's; model NULL where the recipe names none */
    struct conversation conv;          /* the row, with the recipe's system prompt in front if it has one */
    const char *rejected; /* of a pair the answer that was not chosen, else NULL; conv ends with the chosen */
    size_t rejected_len;
    bool is_cut;     /* of a row: one of the answers that it is made of was */
    bool is_revised; /* a critic wrote its last answer */
    struct string_list topics;
    struct sft_err why;
};

/* shared: of a look-alike's row what the user asks in its group's refusal (row_shared), NULL where that row came to
 * nothing. Everything that *next points to is the arena's, the answers', the plan's or static. Returns next->how. */
enum next_how row_next(const struct plan *plan, const struct plan_row *row, const struct message *shared,
                       const struct prompt_answer *answers, size_t n, struct arena *arena, struct prompt_next *next);

/* What look-alikes are made like: the user's last message of a refusal's row that is complete; points into it. */
const struct message *row_shared(const struct prompt_next *next);

/* Whether the recipe has topics asked for before all rows; and their steps, as a row's. */
bool topics_are_asked(const struct recipe *recipe);
enum next_how topics_next(const struct recipe *recipe, const struct prompt_answer *answers, size_t n,
                          struct arena *arena, struct prompt_next *next);

/* What a recipe will need, without asking anybody: bytes / 4 a token, answers of a length that is usual for what was
 * asked and below max_tokens. */
struct prompt_estimate {
    double requests, prompt_tokens, completion_tokens, cost; /* of all rows; cost 0 without prices */
};
void prompts_estimate(const struct recipe *recipe, struct prompt_estimate *estimate);

#endif
