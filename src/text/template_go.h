/* The form of a chat format that ollama reads: a Go text/template over .Messages (.Role, .Content), as its own library
 * has them. It ends with the header of an answer, unless the conversation ends with one, which is then gone on with.
 *
 * Go's templates cannot cut a text: what the format trims of contents, finds in them (a word that turns reasoning off),
 * or takes out of answers that have been given, is left in. A default system prompt is not in it: ollama has a place of
 * its own for that. */
#ifndef SFT_TEXT_TEMPLATE_GO_H
#define SFT_TEXT_TEMPLATE_GO_H

#include "base/strbuf.h"
#include "text/chat_format.h"

/* Append it. `bos`: what the runner puts before every text, which the template then does not begin with; or NULL. */
void template_go_write(const struct chat_format *format, const char *bos, struct strbuf *out);

/* The system prompt where a conversation has none; NULL: there is none. */
const char *template_go_system(const struct chat_format *format);

#endif
