/* The Jinja form of a chat template, as transformers' apply_chat_template renders it. For template.c only.
 *
 * What is written is one fixed skeleton around the affixes, so that it can be read back exactly: a
 * checkpoint of ours is recognised by `template = auto` whatever its affixes are. */
#ifndef SFT_TEXT_TEMPLATE_JINJA_H
#define SFT_TEXT_TEMPLATE_JINJA_H

#include "base/mem.h"
#include "text/turn_texts.h"

#include <stdbool.h>

/* The template with generation markers around what is trained; the arena's. */
char *template_jinja_write(const struct turn_texts *texts, struct arena *arena);

/* Read back what template_jinja_write wrote: false if it is anything else. Strings go to the arena. */
bool template_jinja_read(const char *jinja, struct turn_texts *texts, struct arena *arena);

#endif
