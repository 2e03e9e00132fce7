#include "data/store/text_document.h"

#include "base/log.h"
#include "data/store/text_cut.h"

#include <stdlib.h>
#include <string.h>

enum { PART_BYTES = 1 << 18, BLOCK_PARTS = 64 };

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- pieces ---- */

/* Tokens on their way into records of max_length. */
struct pieces {
    struct token_store_writer *store;
    size_t max_length;
    int32_t *tokens;
    float *weights; /* 0, 1, 1, ...: nothing predicts a piece's first token, all others are learned */
    size_t n, tokens_capacity, weights_capacity;
    uint64_t total;
};

static void end_piece(struct pieces *p)
{
    const size_t filled = p->weights_capacity;
    p->weights = mem_grow(p->weights, &p->weights_capacity, p->n, sizeof *p->weights);
    for (size_t i = filled; i < p->weights_capacity; i++)
        p->weights[i] = i > 0 ? 1.0F : 0.0F;
    const unsigned flags = RECORD_DOCUMENT | (p->total > p->n ? RECORD_SAME_ROW : 0U);
    const struct record record = {
        .line = 1, .n_tokens = (uint32_t)p->n, .uncut = p->total, .n_turns = 1, .flags = (uint16_t)flags};
    token_store_add(p->store, &record, p->tokens, p->weights, "", "");
    p->n = 0;
}

static void add_to_pieces(struct pieces *p, const int32_t *ids, size_t count)
{
    while (count > 0) {
        const size_t n = min_size(count, p->max_length - p->n);
        p->tokens = mem_grow(p->tokens, &p->tokens_capacity, p->n + n, sizeof *p->tokens);
        memcpy(p->tokens + p->n, ids, n * sizeof *ids);
        p->n += n;
        p->total += n;
        ids += n;
        count -= n;
        if (p->n == p->max_length)
            end_piece(p);
    }
}

/* ---- what stands around a document's text ---- */

static void render_document(struct renderer *r, const char *text, struct token_buf *out)
{
    struct message message = {.role = ROLE_USER, .content = text, .len = strlen(text), .weight = 1.0F};
    const struct conversation conv = {.messages = &message, .count = 1, .is_document = true};
    template_render(r->tpl, r->enc, &conv, r->options->train_on, &r->rendered);
    for (size_t i = 0; i < r->rendered.tokens.count; i++)
        token_buf_push(out, r->rendered.tokens.ids[i]);
}

static bool is_same(const int32_t *a, const int32_t *b, size_t n)
{
    return n == 0 || memcmp(a, b, n * sizeof *a) == 0;
}

/* The template's tokens before and after any text: a document without one has both, `*n_before` of them the first. */
static void find_frame(struct renderer *r, struct token_buf *frame, size_t *n_before)
{
    struct token_buf text = {0}, framed = {0};
    encoder_encode(r->enc, "a", 1, &text);
    render_document(r, "a", &framed);
    render_document(r, "", frame);
    for (*n_before = 0; *n_before < frame->count; ++*n_before) {
        const size_t n = *n_before;
        if (framed.count == frame->count + text.count && is_same(framed.ids, frame->ids, n) &&
            is_same(framed.ids + n, text.ids, text.count) &&
            is_same(framed.ids + n + text.count, frame->ids + n, frame->count - n))
            break;
    }
    token_buf_free(&text);
    token_buf_free(&framed);
}

/* ---- blocks ---- */

struct document {
    const struct source *source;
    struct text_cutter *cutter;
    const char *text; /* the file's */
    size_t len, cuts[BLOCK_PARTS + 1], n_parts;
    struct token_buf tokens[BLOCK_PARTS];
    struct pieces pieces;
    bool is_stopped;
    struct sft_err failed; /* of a part that cannot be encoded; status SFT_OK: none */
};

/* The next parts: from cuts[i] to cuts[i + 1]. */
static void plan_block(struct document *doc)
{
    doc->cuts[0] = doc->cuts[doc->n_parts];
    doc->is_stopped = doc->source->stop && *doc->source->stop;
    const bool goes_on = !doc->is_stopped && !doc->failed.status;
    for (doc->n_parts = 0; doc->n_parts < BLOCK_PARTS && goes_on; doc->n_parts++) {
        const size_t from = doc->cuts[doc->n_parts];
        if (from == doc->len)
            break;
        doc->cuts[doc->n_parts + 1] = doc->len - from > PART_BYTES
                                          ? text_cut(doc->cutter, doc->text, doc->len, from + PART_BYTES)
                                          : doc->len;
    }
}

static void encode_part(struct document *doc, size_t part, struct encoder *enc, struct strbuf *lines)
{
    const size_t from = doc->cuts[part], to = doc->cuts[part + 1];
    strbuf_clear(lines);
    text_cut_add_lines(lines, doc->text + from, to - from);
    doc->tokens[part].count = 0;
    encoder_set_continuation(enc, from > 0);
    encoder_encode(enc, lines->data, lines->len, &doc->tokens[part]);
    encoder_set_continuation(enc, false);
    struct sft_err err;
    if (encoder_check(enc, &err)) {
#pragma omp critical(text_document_failed)
        doc->failed = err;
    }
}

static void store_block(struct document *doc)
{
    for (size_t i = 0; i < doc->n_parts; i++)
        add_to_pieces(&doc->pieces, doc->tokens[i].ids, doc->tokens[i].count);
    source_forget(doc->source, (size_t)(doc->text - doc->source->bytes.data) + doc->cuts[doc->n_parts]);
    log_progress("reading %s: %.0f%%", doc->source->path,
                 100.0 * (double)doc->cuts[doc->n_parts] / (double)doc->len);
}

/* One thread finds the cuts and stores what becomes of the parts, all encode them. */
static void encode_blocks(struct document *doc, const struct tokenizer *tok)
{
#pragma omp parallel
    {
        struct encoder *enc = encoder_new(tok);
        struct strbuf lines = {0};
        bool is_last;
        do {
#pragma omp single
            plan_block(doc);
            is_last = doc->n_parts == 0; /* written by plan_block alone */
#pragma omp for schedule(dynamic, 1)
            for (size_t i = 0; i < doc->n_parts; i++)
                encode_part(doc, i, enc, &lines);
#pragma omp single
            store_block(doc);
        } while (!is_last);
        strbuf_free(&lines);
        encoder_free(enc);
    }
    log_progress("%s", "");
}

/* ---- the whole ---- */

static void read_document(struct document *doc, const struct chat_template *tpl, const struct tokenizer *tok,
                          const struct render_options *options)
{
    struct token_buf frame = {0};
    struct renderer r;
    size_t n_before;
    renderer_init(&r, tpl, tok, NULL, options);
    find_frame(&r, &frame, &n_before);
    renderer_free(&r);
    add_to_pieces(&doc->pieces, frame.ids, n_before);
    encode_blocks(doc, tok);
    if (frame.count > n_before)
        add_to_pieces(&doc->pieces, frame.ids + n_before, frame.count - n_before);
    if (doc->pieces.n > 0 || doc->pieces.total == 0)
        end_piece(&doc->pieces);
    token_buf_free(&frame);
}

enum sft_status text_document_read(const struct source *source, const struct chat_template *tpl,
                                   const struct tokenizer *tok, const struct render_options *options,
                                   struct token_store_writer *store, struct sft_err *err)
{
    const struct io_map *bytes = &source->bytes;
    const size_t mark = bytes->size >= 3 && memcmp(bytes->data, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    if (bytes->size == mark)
        return sft_fail(err, SFT_EDATA, "there is no text in it");
    struct document *doc = mem_calloc(1, sizeof *doc);
    *doc = (struct document){
        .source = source,
        .cutter = text_cutter_new(tok),
        .text = bytes->data + mark,
        .len = bytes->size - mark,
        .pieces = {.store = store, .max_length = min_size(options->max_length, INT32_MAX)}};
    read_document(doc, tpl, tok, options);
    const bool is_stopped = doc->is_stopped;
    const enum sft_status status = doc->failed.status;
    if (status)
        *err = doc->failed;
    for (size_t i = 0; i < BLOCK_PARTS; i++)
        token_buf_free(&doc->tokens[i]);
    text_cutter_free(doc->cutter);
    free(doc->pieces.tokens);
    free(doc->pieces.weights);
    free(doc);
    if (status)
        return status;
    return is_stopped ? sft_fail(err, SFT_EINTERRUPTED, "stopped while it was read") : SFT_OK;
}
