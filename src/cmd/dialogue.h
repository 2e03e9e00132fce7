/* What has been said in a chat: the messages, and from which of them on the model still sees them. */
#ifndef SFT_CMD_DIALOGUE_H
#define SFT_CMD_DIALOGUE_H

#include "base/mem.h"
#include "base/strbuf.h"
#include "text/conversation.h"

struct dialogue {
    struct strbuf system; /* the system prompt; empty: none */
    struct message *messages; /* (count) user and assistant in turn; their text is the arena's */
    size_t count, capacity;
    size_t n_forgotten; /* of them, the oldest, that the model does not see any more */

    /* dialogue.c's own */
    struct arena arena;
    struct message *shown;
    size_t shown_capacity;
};

void dialogue_free(struct dialogue *dialogue); /* accepts a zeroed struct, which is an empty one */

void dialogue_reset(struct dialogue *dialogue); /* the system prompt stays */
void dialogue_set_system(struct dialogue *dialogue, const char *text, size_t len); /* and begin again */
void dialogue_say(struct dialogue *dialogue, const struct message *message); /* is copied; weight 0: not trained on */
void dialogue_take_back(struct dialogue *dialogue); /* the last message */

/* The role of the last message; ROLE_SYSTEM where nothing was said. */
enum role dialogue_last_role(const struct dialogue *dialogue);

/* What the model is asked: the system prompt and the messages that are not forgotten; good until the dialogue
 * changes. */
struct conversation dialogue_shown(struct dialogue *dialogue);

/* Forget the oldest question and its answer; false where only one question is left. */
bool dialogue_forget_oldest(struct dialogue *dialogue);

/* Write it to a file, forgotten turns too, as a line that training reads: {"messages": [...]}, those of weight 0 with
 * "train": false. A file that is there stays unless `replaces`: SFT_EUSAGE. */
enum sft_status dialogue_save(const struct dialogue *dialogue, const char *path, bool replaces, struct sft_err *err);

#endif
