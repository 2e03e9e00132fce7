/* A chat template as programs want it that do not train: without the tags {% generation %} and {% endgeneration %}. */
#ifndef SFT_TEXT_TEMPLATE_UNMARK_H
#define SFT_TEXT_TEMPLATE_UNMARK_H

#include "base/strbuf.h"

/* Append the template, which renders what it did. A tag between others that trim the white space around goes; any other
 * becomes a comment that trims what it trimmed. */
void template_unmark(const char *jinja, struct strbuf *out);

#endif
