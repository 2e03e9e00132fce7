/* A conversation as text in a chat format, to be compared with what a template makes of it. */
#ifndef SFT_TEXT_CHAT_TEXT_H
#define SFT_TEXT_CHAT_TEXT_H

#include "text/chat_walk.h"

enum { CHAT_TEXT_SPANS = 64 };

/* Zero-initialised is empty; cleared by each chat_text. */
struct chat_text {
    struct strbuf text, scratch;
    struct {
        size_t begin, end; /* bytes of text that are trained; none is empty, none touches the next */
    } spans[CHAT_TEXT_SPANS];
    size_t n_spans;
};
void chat_text(const struct chat_format *format, const struct conversation *conv, bool prompts, struct chat_text *out);
void chat_text_free(struct chat_text *out);

#endif
