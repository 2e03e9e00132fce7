/* Rendering: a conversation's runs of text between control tokens, each encoded in one go, and the weight
 * of each token. */
#include "text/template_render.h"

#include <math.h>
#include <stdlib.h>

enum { MAX_MARKS = 4 };

/* One pass over a conversation. Text gathers in out->text until a control token ends the run. Where its
 * loss weight changes there is a mark: what follows the last turn, and the next one's content, may be of
 * one run. */
struct rendering {
    struct encoder *enc;
    struct rendered *out;
    struct {
        size_t from;
        float weight;
    } marks[MAX_MARKS];
    size_t n_marks;
    int32_t before; /* the control token before the run, or TOKEN_NONE */
};

/* ---- a run ---- */

/* Text that follows has this weight. */
static void mark(struct rendering *r, float weight)
{
    const size_t at = r->out->text.len;
    if (r->n_marks > 0 && r->marks[r->n_marks - 1].from == at)
        r->n_marks--;
    if (r->n_marks > 0 && r->marks[r->n_marks - 1].weight == weight)
        return;
    if (r->n_marks == MAX_MARKS)
        SFT_BUG("a run of more parts than there are");
    r->marks[r->n_marks].from = at;
    r->marks[r->n_marks++].weight = weight;
}

/* Give the tokens from `from` on a weight. */
static void weigh(struct rendered *out, size_t from, float weight)
{
    out->weights = mem_grow(out->weights, &out->weights_capacity, out->tokens.count, sizeof *out->weights);
    for (size_t i = from; i < out->tokens.count; i++)
        out->weights[i] = weight;
}

/* A run of several weights, from begin to end: a token has that of its last byte, so that one that holds
 * the first trained character is trained. */
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
        while (k > 0 && r->marks[k].from > last)
            k--;
        out->weights[i] = r->marks[k].weight;
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
    while (r->n_marks > 1 && r->marks[r->n_marks - 1].from >= end) /* of parts that were empty or stripped */
        r->n_marks--;
    if (begin < end && r->n_marks == 1) {
        const size_t first = out->tokens.count;
        encoder_encode(r->enc, out->text.data + begin, end - begin, &out->tokens);
        weigh(out, first, r->marks[0].weight);
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

/* ---- turns ---- */

static void put_pieces(struct rendering *r, const struct template_piece *pieces, size_t count, float weight)
{
    for (size_t i = 0; i < count; i++) {
        mark(r, weight);
        if (pieces[i].control == TOKEN_NONE)
            strbuf_puts(&r->out->text, pieces[i].text);
        else
            put_control(r, pieces[i].control, weight);
    }
}

static void put_affix(struct rendering *r, const struct template_affix *affix, float weight)
{
    put_pieces(r, affix->pieces, affix->count, weight);
}

/* trained: loss weight of content and closing token; other: of the rest of the turn. */
static void put_message(struct rendering *r, const struct chat_template *tpl, const struct message *m,
                        float trained, float other)
{
    const struct template_affix *suffix = &tpl->suffix[m->role];
    size_t close = 0;
    while (suffix->pieces[close].control == TOKEN_NONE)
        close++;
    put_affix(r, &tpl->prefix[m->role], other);
    mark(r, trained);
    strbuf_add(&r->out->text, m->content, m->len);
    put_pieces(r, suffix->pieces, close + 1, trained);
    put_pieces(r, suffix->pieces + close + 1, suffix->count - close - 1, other);
}

static void put_document(struct rendering *r, const struct chat_template *tpl, const struct message *m)
{
    if (tpl->document_start != TOKEN_NONE)
        put_control(r, tpl->document_start, m->weight);
    r->before = TOKEN_NONE; /* the document begins here: the tokenizer puts its BOS before text, not into it */
    mark(r, m->weight);
    strbuf_add(&r->out->text, m->content, m->len);
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

static size_t last_assistant(const struct conversation *conv)
{
    size_t i = conv->count;
    while (i > 0 && conv->messages[i - 1].role != ROLE_ASSISTANT)
        i--;
    return i > 0 ? i - 1 : SIZE_MAX;
}

void template_render(const struct chat_template *tpl, struct encoder *enc, const struct conversation *conv,
                     enum train_on train_on, struct rendered *out)
{
    struct rendering r = start(enc, out);
    const size_t last = last_assistant(conv);
    if (!conv->is_document)
        put_affix(&r, &tpl->start, train_on == TRAIN_ON_ALL ? 1.0F : 0.0F);
    for (size_t i = 0; i < conv->count; i++) {
        const struct message *m = &conv->messages[i];
        const bool is_trained = train_on == TRAIN_ON_LAST_ASSISTANT ? i == last : m->role == ROLE_ASSISTANT;
        if (conv->is_document)
            put_document(&r, tpl, m);
        else if (train_on == TRAIN_ON_ALL)
            put_message(&r, tpl, m, m->weight, m->weight);
        else
            put_message(&r, tpl, m, is_trained ? m->weight : 0.0F, 0.0F);
    }
    flush(&r, TOKEN_NONE);
    if (out->tokens.count > 0)
        out->weights[0] = 0.0F;
}

void template_render_prompt(const struct chat_template *tpl, struct encoder *enc,
                            const struct conversation *conv, struct rendered *out)
{
    struct rendering r = start(enc, out);
    put_affix(&r, &tpl->start, 0.0F);
    for (size_t i = 0; i < conv->count; i++)
        put_message(&r, tpl, &conv->messages[i], 0.0F, 0.0F);
    put_affix(&r, &tpl->prefix[ROLE_ASSISTANT], 0.0F);
    flush(&r, TOKEN_NONE);
}

void rendered_free(struct rendered *r)
{
    token_buf_free(&r->tokens);
    strbuf_free(&r->text);
    free(r->weights);
    free(r->starts);
    *r = (struct rendered){0};
}
