/* The messages of a chat request:
 *     {"role": "system"|"developer"|"user"|"assistant"|"tool"|"function", "content": ...}
 * Content is a string, a list of parts ({"type": "text", "text": ...}; a refusal's text too), which are joined, or
 * nothing where an assistant refused or called tools. Calls become the text that training makes of them
 * (data/readers/reader_tools.h). Whatever else a message has is passed over. */
#ifndef SFT_SERVE_OPENAI_MESSAGES_H
#define SFT_SERVE_OPENAI_MESSAGES_H

#include "base/mem.h"
#include "serve/request_fields.h"
#include "text/conversation.h"

/* Read body's "messages" into *conv, whose memory is the arena's: so many of them at most, the arguments of a call
 * being so many JSON values at most. SFT_EDATA with the path. */
enum sft_status messages_read(const json *body, size_t max_messages, size_t max_values, struct arena *arena,
                              struct conversation *conv, struct sft_err *err);

/* How many JSON values text[0..len) holds at most, by its commas, colons and brackets outside strings. */
size_t json_values_bound(const char *text, size_t len);

#endif
