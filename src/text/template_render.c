/* Rendering: a conversation's runs of text between control tokens, each encoded in one go, and the weight
 * of each token. */
#include "text/template_render.h"

#include "text/chat_walk.h"

#include <stdlib.h>
#include <string.h>

/* One pass over a conversation. Text gathers in out->text until a control token ends the run. Where its
 * loss weight changes there is a mark: what follows the last turn, and the next one's content, may be of
 * one run. */
struct rendering {
    struct encoder *enc;
    struct rendered *out;
    size_t n_marks;
    int32_t before; /* the control token before the run, or TOKEN_NONE */
    enum train_on train_on;
    const struct message *last_answer; /* the conversation's last of an assistant, or NULL */
};

/* ---- a run ---- */

/* Text that follows has this weight. */
static void mark(struct rendering *r, float weight)
{
    struct rendered *out = r->out;
    const size_t at = out->text.len;
    if (r->n_marks > 0 && out->marks[r->n_marks - 1].from == at)
        r->n_marks--;
    if (r->n_marks > 0 && out->marks[r->n_marks - 1].weight == weight)
        return;
    out->marks = mem_grow(out->marks, &out->marks_capacity, r->n_marks + 1, sizeof *out->marks);
    out->marks[r->n_marks].from = at;
    out->marks[r->n_marks++].weight = weight;
}

/* Give the tokens from `from` on a weight. */
static void weigh(struct rendered *out, size_t from, float weight)
{
    out->weights = mem_grow(out->weights, &out->weights_capacity, out->tokens.count, sizeof *out->weights);
    for (size_t i = from; i < out->tokens.count; i++)
        out->weights[i] = weight;
}

/* A run of several weights, from begin to end: a token has that of its last byte, or, where that is not trained, of the
 * last trained one that it holds. */
static void encode_marked(struct rendering *r, size_t begin, size_t end)
{
    struct rendered *out = r->out;
    const size_t first = out->tokens.count;
    size_t k = r->n_marks - 1;
    encoder_encode_offsets(r->enc, out->text.data + begin, end - begin, &out->tokens, &out->starts,
                           &out->starts_capacity);
    weigh(out, first, 0.0F);
    for (size_t i = out->tokens.count, next = end; i-- > first;) {
        const size_t start = begin + out->starts[i], last = next > start ? next - 1 : start;
        while (k > 0 && out->marks[k].from > last)
            k--;
        size_t trained = k;
        while (trained > 0 && out->marks[trained].weight == 0.0F && out->marks[trained].from > start)
            trained--;
        out->weights[i] = out->marks[trained].weight;
        next = start;
    }
}

/* Encode the run that ends before the control token `after`, or with the conversation, in one go. */
static void flush(struct rendering *r, int32_t after)
{
    struct rendered *out = r->out;
    size_t begin = 0, end = out->text.len;
    encoder_strip(r->enc, r->before, after, out->text.data, &begin, &end);
    encoder_set_continuation(r->enc, r->before != TOKEN_NONE);
    while (r->n_marks > 1 && out->marks[r->n_marks - 1].from >= end) /* of parts that were empty or stripped */
        r->n_marks--;
    if (begin < end && r->n_marks == 1) {
        const size_t first = out->tokens.count;
        encoder_encode(r->enc, out->text.data + begin, end - begin, &out->tokens);
        weigh(out, first, out->marks[0].weight);
    } else if (begin < end) {
        encode_marked(r, begin, end);
    }
    encoder_set_continuation(r->enc, false);
    strbuf_clear(&out->text);
    r->n_marks = 0;
    r->before = after;
}

static void put_control(struct rendering *r, int32_t id, float weight)
{
    flush(r, id);
    token_buf_push(&r->out->tokens, id);
    weigh(r->out, r->out->tokens.count - 1, weight);
}

static void put_text(struct rendering *r, const char *text, size_t len, float weight)
{
    mark(r, weight);
    strbuf_add(&r->out->text, text, len);
}

/* ---- parts ---- */

static float weight_of(const struct rendering *r, const struct chat_part *part)
{
    if (r->train_on == TRAIN_ON_ALL)
        return part->message ? part->message->weight : 1.0F;
    const bool is_trained = r->train_on == TRAIN_ON_ASSISTANT || part->message == r->last_answer;
    return part->is_answer && part->message && is_trained ? part->message->weight : 0.0F;
}

static void put_part(void *to, const struct chat_part *part)
{
    struct rendering *r = to;
    const float weight = weight_of(r, part);
    if (!part->affix) {
        put_text(r, part->text, part->len, weight);
        return;
    }
    for (size_t i = 0; i < part->affix->count; i++) {
        const struct template_piece *piece = &part->affix->pieces[i];
        if (piece->control == TOKEN_NONE)
            put_text(r, piece->text, strlen(piece->text), weight);
        else
            put_control(r, piece->control, weight);
    }
}

static void put_document(struct rendering *r, const struct chat_template *tpl, const struct message *m)
{
    if (tpl->document_start != TOKEN_NONE)
        put_control(r, tpl->document_start, m->weight);
    r->before = TOKEN_NONE; /* the document begins here: the tokenizer puts its BOS before text, not into it */
    put_text(r, m->content, m->len, m->weight);
    if (tpl->document_end != TOKEN_NONE)
        put_control(r, tpl->document_end, m->weight);
}

/* ---- conversations ---- */

static struct rendering start(struct encoder *enc, struct rendered *out)
{
    out->tokens.count = 0;
    strbuf_clear(&out->text);
    return (struct rendering){.enc = enc, .out = out, .before = TOKEN_NONE};
}

static const struct message *last_answer(const struct conversation *conv)
{
    for (size_t i = conv->count; i-- > 0;)
        if (conv->messages[i].role == ROLE_ASSISTANT)
            return &conv->messages[i];
    return NULL;
}

void template_render(const struct chat_template *tpl, struct encoder *enc, const struct conversation *conv,
                     enum train_on train_on, struct rendered *out)
{
    struct rendering r = start(enc, out);
    r.train_on = train_on;
    r.last_answer = last_answer(conv);
    for (size_t i = 0; conv->is_document && i < conv->count; i++)
        put_document(&r, tpl, &conv->messages[i]);
    if (!conv->is_document)
        chat_walk(&tpl->format, conv, false, &out->scratch, put_part, &r);
    flush(&r, TOKEN_NONE);
    if (out->tokens.count > 0)
        out->weights[0] = 0.0F;
}

void template_render_prompt(const struct chat_template *tpl, struct encoder *enc,
                            const struct conversation *conv, struct rendered *out)
{
    struct rendering r = start(enc, out);
    chat_walk(&tpl->format, conv, true, &out->scratch, put_part, &r);
    flush(&r, TOKEN_NONE);
}

void rendered_free(struct rendered *r)
{
    token_buf_free(&r->tokens);
    strbuf_free(&r->text);
    strbuf_free(&r->scratch);
    free(r->weights);
    free(r->starts);
    free(r->marks);
    *r = (struct rendered){0};
}
