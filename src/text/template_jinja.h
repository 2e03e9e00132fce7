/* The Jinja form of a chat template, as transformers' apply_chat_template renders it. For template.c only.
 *
 * What is written is one fixed skeleton around the affixes, so that it can be read back exactly: a
 * checkpoint of ours is recognised by `template = auto` whatever its affixes are. */
#ifndef SFT_TEXT_TEMPLATE_JINJA_H
#define SFT_TEXT_TEMPLATE_JINJA_H

#include "base/mem.h"
#include "text/conversation.h"

#include <stdbool.h>
#include <stddef.h>

/* What stands before and after a message's content; NULL where a role has no turn. */
struct turn_texts {
    const char *prefix[ROLE_COUNT], *suffix[ROLE_COUNT];
    size_t close_len; /* bytes of the assistant's suffix up to the end of its closing control token */
};

/* The template with generation markers around what is trained; the arena's. */
char *jinja_write(const struct turn_texts *texts, struct arena *arena);

/* Read back what jinja_write wrote: false if it is anything else. Strings go to the arena. */
bool jinja_read(const char *jinja, struct turn_texts *texts, struct arena *arena);

/* "chatml" or "im_sep" where a template of somebody else's means exactly that, whatever its white space,
 * quotes and spelling; else NULL. */
const char *jinja_recognise(const char *jinja);

#endif
