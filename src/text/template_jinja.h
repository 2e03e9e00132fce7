/* The Jinja form of a chat format, as transformers' apply_chat_template renders it, with generation markers around what
 * is trained. For template.c only. */
#ifndef SFT_TEXT_TEMPLATE_JINJA_H
#define SFT_TEXT_TEMPLATE_JINJA_H

#include "base/mem.h"
#include "text/chat_format.h"

/* The arena's. Not of a format with modes: that is its base's own, whose template there is. */
char *template_jinja_write(const struct chat_format *format, struct arena *arena);

#endif
