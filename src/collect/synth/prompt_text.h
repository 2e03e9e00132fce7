/* What prompts say: for prompts.c, which knows when, and for what must not be said again. All strings are the
 * arena's. */
#ifndef SFT_COLLECT_SYNTH_PROMPT_TEXT_H
#define SFT_COLLECT_SYNTH_PROMPT_TEXT_H

#include "collect/synth/completion.h"
#include "collect/synth/plan.h"

/* A request's messages while they are made. */
struct prompt {
    struct arena *arena;
    struct chat_message *messages; /* (n) of (capacity), the arena's */
    size_t n, capacity;
};

/* What a row is about, and what was said so far. */
struct scene {
    const struct plan *plan;
    const struct plan_row *row;
    const struct message *shared; /* what a look-alike is like; NULL: only its topic is known */
    struct conversation said;     /* begins with the user */
};

void prompt_user(struct prompt *prompt, const struct scene *scene);      /* `said` ends with the assistant, if at all */
void prompt_assistant(struct prompt *prompt, const struct scene *scene); /* with the user, as the next three */
void prompt_conversation(struct prompt *prompt, const struct scene *scene); /* nothing is said */
void prompt_critic(struct prompt *prompt, const struct scene *scene, const struct message *answer);
void prompt_judge(struct prompt *prompt, const struct scene *scene, const struct message *a, const struct message *b);

/* The texts of the examples that stand in the prompts above, whatever the recipe, one by one. */
void prompt_shots(void (*tell)(void *user, const char *text), void *user);

/* n topics of the recipe's subject, or of a branch of it. */
void prompt_topics(struct prompt *prompt, const struct recipe *recipe, size_t n, const char *branch);

#endif
