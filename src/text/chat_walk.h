/* A conversation in a chat format, part by part: what both text and tokens are made of. */
#ifndef SFT_TEXT_CHAT_WALK_H
#define SFT_TEXT_CHAT_WALK_H

#include "base/strbuf.h"
#include "text/chat_format.h"

/* A text of the format's own (affix) or of a message's (text[0..len)). */
struct chat_part {
    const struct message *message; /* whose turn it is of; NULL: of none that the conversation has */
    bool is_answer;                /* what an assistant writes: its content, and what closes the turn */
    const struct affix *affix;     /* NULL: a content */
    const char *text;
    size_t len;
};
typedef void chat_sink(void *to, const struct chat_part *part);

/* Tell `sink` every part of the conversation, which the format must not refuse; prompts: and then the header of an
 * answer. Parts may be empty. scratch: what is cut out of contents, cleared at the beginning; parts point into it. */
void chat_walk(const struct chat_format *format, const struct conversation *conv, bool prompts, struct strbuf *scratch,
               chat_sink *sink, void *to);

/* SFT_EDATA where the format has no place for one of the messages. `name`: the format's. */
enum sft_status chat_check(const struct chat_format *format, const char *name, const struct conversation *conv,
                           struct sft_err *err);

#endif
