#include "text/chat_text.h"

static void add(void *to, const struct chat_part *part)
{
    struct chat_text *out = to;
    const size_t begin = out->text.len;
    strbuf_add(&out->text, part->text, part->len);
    if (!part->is_answer || part->len == 0)
        return;
    if (out->n_spans > 0 && out->spans[out->n_spans - 1].end == begin)
        out->n_spans--;
    else if (out->n_spans < CHAT_TEXT_SPANS)
        out->spans[out->n_spans].begin = begin;
    else
        return;
    out->spans[out->n_spans++].end = out->text.len;
}

void chat_text(const struct chat_format *format, const struct conversation *conv, bool prompts, struct chat_text *out)
{
    strbuf_clear(&out->text);
    strbuf_puts(&out->text, "");
    out->n_spans = 0;
    chat_walk(format, conv, prompts, &out->scratch, add, out);
}

void chat_text_free(struct chat_text *out)
{
    strbuf_free(&out->text);
    strbuf_free(&out->scratch);
    *out = (struct chat_text){0};
}
