/* A shard: the rows of one stretch of a file, rendered by one thread. For the dataset only.
 *
 * Files are cut into shards of a fixed number of rows, so that the result does not depend on how many
 * threads there are. */
#ifndef SFT_DATA_SHARD_H
#define SFT_DATA_SHARD_H

#include "data/dataset.h"
#include "data/reader.h"

struct shard_row { /* an example, or what was left out */
    size_t line;
    size_t offset, n_tokens; /* in the shard's tokens and weights */
    size_t uncut;            /* tokens before any cut */
    size_t n_targets;
    double target_weight;
    uint64_t content_hash;
    enum drop why;
    char *message; /* of a bad row, and of one that is too long; malloc'd */
    bool truncated, has_empty_content;
};

struct dataset_shard {
    int32_t *tokens;
    float *weights;
    size_t n_tokens, tokens_capacity, weights_capacity;
    struct shard_row *rows;
    size_t n_rows, rows_capacity;
};
void shard_free(struct dataset_shard *shard);

/* What a thread renders with. */
struct row_renderer {
    const struct chat_template *tpl;
    const struct dataset_options *options;
    struct encoder *enc;
    struct arena arena;
    struct rendered rendered;
};
void row_renderer_init(struct row_renderer *r, const struct chat_template *tpl, const struct tokenizer *tok,
                       const struct dataset_options *options);
void row_renderer_free(struct row_renderer *r);

/* Append what the row becomes. reader NULL: the row's own, if any knows it. */
void shard_add_json(struct dataset_shard *shard, struct row_renderer *r, const struct reader *reader,
                    const struct json_element *row);

/* The same for a whole file that is one document. */
void shard_add_text(struct dataset_shard *shard, struct row_renderer *r, const char *text, size_t len);

void shard_add_bad(struct dataset_shard *shard, size_t line, const char *message);

/* Give back what the growing arrays have too much. */
void shard_trim(struct dataset_shard *shard);

#endif
