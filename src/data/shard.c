#include "data/shard.h"

#include "base/io.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void shard_free(struct dataset_shard *shard)
{
    for (size_t i = 0; i < shard->n_rows; i++)
        free(shard->rows[i].message);
    free(shard->rows);
    free(shard->tokens);
    free(shard->weights);
    *shard = (struct dataset_shard){0};
}

void shard_trim(struct dataset_shard *shard)
{
    shard->tokens = mem_realloc(shard->tokens, shard->n_tokens, sizeof *shard->tokens);
    shard->weights = mem_realloc(shard->weights, shard->n_tokens, sizeof *shard->weights);
    shard->tokens_capacity = shard->weights_capacity = shard->n_tokens;
}

void row_renderer_init(struct row_renderer *r, const struct chat_template *tpl, const struct tokenizer *tok,
                       const struct dataset_options *options)
{
    *r = (struct row_renderer){.tpl = tpl, .options = options, .enc = encoder_new(tok)};
}

void row_renderer_free(struct row_renderer *r)
{
    encoder_free(r->enc);
    arena_free(&r->arena);
    rendered_free(&r->rendered);
}

/* ---- appending ---- */

static struct shard_row *add_row(struct dataset_shard *shard, size_t line)
{
    shard->rows = mem_grow(shard->rows, &shard->rows_capacity, shard->n_rows + 1, sizeof *shard->rows);
    struct shard_row *row = &shard->rows[shard->n_rows++];
    *row = (struct shard_row){.line = line, .offset = shard->n_tokens};
    return row;
}

void shard_add_bad(struct dataset_shard *shard, size_t line, const char *message)
{
    struct shard_row *row = add_row(shard, line);
    row->why = DROP_BAD_ROW;
    row->message = mem_strdup(message);
}

/* Copy n rendered tokens to the row, and count what is trained of them. */
static void store_tokens(struct dataset_shard *shard, struct shard_row *row, const int32_t *tokens,
                         const float *weights, size_t n)
{
    const size_t need = shard->n_tokens + n;
    shard->tokens = mem_grow(shard->tokens, &shard->tokens_capacity, need, sizeof *shard->tokens);
    shard->weights = mem_grow(shard->weights, &shard->weights_capacity, need, sizeof *shard->weights);
    int32_t *to = shard->tokens + shard->n_tokens;
    float *to_weights = shard->weights + shard->n_tokens;
    for (size_t i = 0; i < n; i++) {
        to[i] = tokens[i];
        to_weights[i] = i == 0 ? 0.0F : weights[i]; /* nothing predicts the first */
        row->n_targets += to_weights[i] > 0.0F;
        row->target_weight += to_weights[i];
    }
    struct xxh64 hash;
    xxh64_init(&hash, 0);
    xxh64_update(&hash, to, n * sizeof *to);
    xxh64_update(&hash, to_weights, n * sizeof *to_weights);
    row->content_hash = xxh64_digest(&hash);
    row->n_tokens = n;
    shard->n_tokens += n;
}

static bool has_empty_content(const struct conversation *conv)
{
    for (size_t i = 0; i < conv->count; i++)
        if (conv->messages[i].len == 0)
            return true;
    return false;
}

/* A document goes into as many examples of max_length tokens as it needs. */
static void add_document(struct dataset_shard *shard, const struct rendered *out, size_t max_length,
                         size_t line, bool is_empty)
{
    for (size_t from = 0; from == 0 || from < out->tokens.count; from += max_length) {
        const size_t left = out->tokens.count - from;
        struct shard_row *row = add_row(shard, line);
        store_tokens(shard, row, out->tokens.ids + from, out->weights + from,
                     left < max_length ? left : max_length);
        row->uncut = out->tokens.count;
        row->has_empty_content = is_empty;
        row->why = row->n_targets == 0 ? DROP_NOTHING_LEFT : DROP_NO;
    }
}

static bool has_assistant(const struct conversation *conv)
{
    for (size_t i = 0; i < conv->count; i++)
        if (conv->messages[i].role == ROLE_ASSISTANT)
            return true;
    return false;
}

static void add_turns(struct dataset_shard *shard, const struct rendered *out,
                      const struct dataset_options *options, const struct conversation *conv, size_t line)
{
    const size_t n = out->tokens.count;
    const bool is_overlong = n > options->max_length;
    struct shard_row *row = add_row(shard, line);
    row->truncated = is_overlong && options->overlong == OVERLONG_TRUNCATE;
    store_tokens(shard, row, out->tokens.ids, out->weights, row->truncated ? options->max_length : n);
    row->uncut = n;
    row->has_empty_content = has_empty_content(conv);
    if (!has_assistant(conv)) {
        row->why = DROP_NO_ASSISTANT;
    } else if (is_overlong && !row->truncated) {
        row->why = DROP_OVERLONG;
        row->message = mem_printf("%zu tokens, more than max_length %zu", n, options->max_length);
    } else if (row->n_targets == 0) {
        row->why = DROP_NOTHING_LEFT;
    }
}

static void add_conversation(struct dataset_shard *shard, struct row_renderer *r,
                             const struct conversation *conv, size_t line)
{
    template_render(r->tpl, r->enc, conv, (enum train_on)r->options->train_on, &r->rendered);
    if (conv->is_document)
        add_document(shard, &r->rendered, r->options->max_length, line, has_empty_content(conv));
    else
        add_turns(shard, &r->rendered, r->options, conv, line);
}

/* ---- rows ---- */

static enum sft_status read_row(const struct reader *reader, const json *root, struct arena *arena,
                                struct conversation *conv, struct sft_err *err)
{
    if (!reader && !(reader = reader_detect(root, err)))
        return SFT_EDATA;
    return reader_read(reader, root, arena, conv, err);
}

/* A parser's "line N, column ..." counts from the row's first line; in the message it shall be the file's. */
static void shift_line(struct sft_err *err, size_t first_line)
{
    size_t line;
    int used = 0;
    if (sscanf(err->message, "line %zu, %n", &line, &used) != 1 || used == 0)
        return;
    const struct sft_err inner = *err;
    sft_fail(err, inner.status, "line %zu, %.*s", first_line + line - 1, SFT_ERR_MAX - 64,
             inner.message + used);
}

void shard_add_json(struct dataset_shard *shard, struct row_renderer *r, const struct reader *reader,
                    const struct json_element *row)
{
    struct sft_err err;
    struct conversation conv;
    json *root = NULL;
    arena_reset(&r->arena);
    if (json_parse(row->text, row->len, &root, &err)) {
        shift_line(&err, row->line);
        shard_add_bad(shard, row->line, err.message);
    } else if (read_row(reader, root, &r->arena, &conv, &err) || template_check_roles(r->tpl, &conv, &err)) {
        shard_add_bad(shard, row->line, err.message);
    } else {
        add_conversation(shard, r, &conv, row->line);
    }
    json_free(root);
}

void shard_add_text(struct dataset_shard *shard, struct row_renderer *r, const char *text, size_t len)
{
    arena_reset(&r->arena);
    char *copy = arena_alloc(&r->arena, len);
    size_t n = 0;
    for (size_t i = 0; i < len; i++)
        if (!(text[i] == '\r' && i + 1 < len && text[i + 1] == '\n'))
            copy[n++] = text[i];
    struct message message = {.role = ROLE_USER, .content = copy, .len = n, .weight = 1.0F};
    const struct conversation conv = {.messages = &message, .count = 1, .is_document = true};
    add_conversation(shard, r, &conv, 1);
}
