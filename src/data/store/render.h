/* Rendering: a row of a file becomes records of a token store. For the dataset only.
 *
 * Rows are rendered by all threads, a shard of some rows at a time; shards are appended to the store in
 * order, so that the result does not depend on how many threads there are. */
#ifndef SFT_DATA_STORE_RENDER_H
#define SFT_DATA_STORE_RENDER_H

#include "config/choices.h"
#include "data/readers/keys.h"
#include "data/readers/reader.h"
#include "data/rows/rows.h"
#include "data/store/token_store.h"
#include "text/template_render.h"

struct render_options {
    size_t max_length; /* the effective one: min(max_length, n_positions) */
    enum overlong overlong;
    enum train_on train_on;
    const char *system; /* NULL or "": none */
    enum system_policy system_policy;
    bool pairs; /* a row with a chosen and a rejected answer becomes a pair of records (token_store.h); else the
                 * rejected one is not looked at */
};

/* Rendered rows, waiting to be appended to a store. Zero-initialised is empty; shard_clear keeps its memory.
 */
struct shard {
    struct shard_record {
        struct record record;
        size_t tokens_at; /* in tokens and weights */
        size_t text_at;   /* in text: the message, then the row */
    } *records;
    int32_t *tokens;
    float *weights;
    struct strbuf text;
    struct key_counts keys; /* of the rows that were read */
    size_t n_records, n_tokens, records_capacity, tokens_capacity, weights_capacity;
};
void shard_clear(struct shard *shard);
void shard_free(struct shard *shard);
void shard_append_to(const struct shard *shard, struct token_store_writer *store);

/* What a thread renders with. */
struct renderer {
    const struct chat_template *tpl;
    const struct names *names;
    const struct render_options *options;
    bool is_forced; /* the file's reader is the user's choice: rows are read by no other; false to begin with */
    struct encoder *enc;
    struct arena arena;
    struct rendered rendered;
};
void renderer_init(struct renderer *r, const struct chat_template *tpl, const struct tokenizer *tok,
                   const struct names *names, const struct render_options *options);
void renderer_free(struct renderer *r);

/* Append what a row becomes, or the rows of a line that holds several, and count its keys. reader NULL: the
 * row's own, if any knows it. */
void render_row(struct renderer *r, const struct rows *rows, const struct reader *reader,
                const struct json_element *row, struct shard *shard);

/* Append a row that cannot be read, for the reason in *err, whose file and line are the row's. */
void render_bad(const struct json_element *row, const struct sft_err *err, struct shard *shard);

#endif
