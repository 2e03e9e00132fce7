/* A conversation: what every reader makes and every template renders. Strings are borrowed from the arena
 * that the reader was given, and are not NUL-terminated: content may hold any byte. */
#ifndef SFT_TEXT_CONVERSATION_H
#define SFT_TEXT_CONVERSATION_H

#include <stdbool.h>
#include <stddef.h>

enum role { ROLE_SYSTEM, ROLE_USER, ROLE_ASSISTANT, ROLE_TOOL, ROLE_COUNT };
extern const char *const role_name[ROLE_COUNT]; /* "system", "user", "assistant", "tool" */

struct message {
    enum role role;
    const char *content;
    size_t len;
    float weight; /* scales the loss of an assistant's message; 1 unless the file says otherwise */
};

struct conversation {
    struct message *messages;
    size_t count;
    const size_t *numbers; /* (count) of the messages in their row, from 1; 0: of the settings. NULL: 1, 2, ... */
    bool is_document; /* {"text": ...}: one message, whose role means nothing */
    bool has_tools;   /* the row defines tools, which no template shows */
};

#endif
