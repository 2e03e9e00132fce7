/* The texts of a chat format: what stands before the conversation, and around each role's messages. */
#ifndef SFT_TEXT_TURN_TEXTS_H
#define SFT_TEXT_TURN_TEXTS_H

#include "text/conversation.h"

/* Control tokens by their content. */
struct turn_texts {
    const char *start;              /* before the first turn; NULL or "": nothing */
    const char *prefix[ROLE_COUNT]; /* before a message's content; "": the format has no openers */
    const char *suffix[ROLE_COUNT]; /* after it; NULL: the role has no turn */
    size_t close_len; /* bytes of the assistant's suffix up to the end of its closing control token */
};

#endif
