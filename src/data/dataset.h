/* A dataset: files of conversations, rendered to tokens and loss weights, ready to be batched.
 *
 * dataset_load reads every file in the order given, each row by its format's reader, renders it by the chat
 * template, and cuts or leaves out what is too long. Rows are rendered by all threads; the result does not
 * depend on their number. */
#ifndef SFT_DATA_DATASET_H
#define SFT_DATA_DATASET_H

#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "config/settings.h"
#include "text/template.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Why a row is not trained on. */
enum drop {
    DROP_NO,           /* it is */
    DROP_NO_ASSISTANT, /* no assistant turn */
    DROP_NOTHING_LEFT, /* nothing trained is left (all weights 0, or cut away) */
    DROP_OVERLONG,     /* over max_length, and overlong = drop */
    DROP_BAD_ROW,      /* not readable, and on_bad_row = skip */
    DROP_COUNT
};
extern const char *const drop_reason[DROP_COUNT]; /* as --json and the report say it */

/* One row as it will be trained on; pointers are the dataset's. A document longer than max_length is several
 * examples of the same line, one after another. */
struct example {
    const int32_t *tokens; /* (n_tokens) */
    const float *weights;  /* (n_tokens): loss weight of each token; the first is 0 */
    size_t n_tokens;
    uint32_t file; /* index into dataset.files */
    size_t line;   /* where the row's object starts, 1-based */
    bool truncated;
    uint64_t content_hash; /* of tokens and weights; eval_fraction splits by it */
    double target_weight;  /* sum of weights */
    size_t n_targets;      /* tokens with a weight above 0 */
};

struct dataset_file {
    char *spec;         /* as the user gave it */
    char *path;         /* without *repeat and :format */
    const char *format; /* name of its reader */
    size_t repeat;      /* FILE*2: 2 */
    uint64_t hash;      /* XXH64 of its bytes */
    /* Counts of one pass over the file, whatever its repeat: rows in it; examples kept, their tokens, trained
     * tokens and how many of them are cut; rows (of documents: pieces) left out; examples kept of which a
     * message is empty. */
    size_t rows, conversations, tokens, targets, truncated, dropped[DROP_COUNT], empty_content;
    size_t longest; /* tokens, before any cut */
};

struct dataset {
    struct dataset_file *files;
    size_t n_files;
    struct example *examples; /* kept ones only, in file order; repeats follow one another */
    size_t n_examples;
    size_t n_tokens, n_targets;
    struct dropped_row {
        uint32_t file;
        size_t line;
        enum drop why;
        char *message;         /* of a bad row; NULL otherwise */
        size_t position;       /* it stands before the example of this index */
        const int32_t *tokens; /* as rendered and cut, where there is something to show */
        const float *weights;
        size_t n_tokens;
        bool truncated;
    } * dropped;
    size_t n_dropped;
    struct dataset_shard *shards; /* the storage behind the pointers */
    size_t n_shards;
    bool borrows; /* made by dataset_split: files and storage are another dataset's */
};

struct dataset_options {
    size_t max_length; /* the effective one: min(max_length, n_positions) */
    int overlong;      /* enum overlong */
    int train_on;      /* enum train_on */
    int on_bad_row;    /* enum on_bad_row */
};

/* Split "FILE*2:format": FILE*N repeats, FILE:format forces a reader (or "txt": the file is one document), in
 * either order, and a name that exists literally wins. Fills file->spec, path and repeat; *format is NULL
 * where none is forced. SFT_EUSAGE for an unknown format or a bad count. dataset_file_free frees it. */
enum sft_status dataset_parse_spec(const char *spec, struct dataset_file *file, const char **format,
                                   struct sft_err *err);

extern const char *const dataset_text_format; /* "txt" */
void dataset_file_free(struct dataset_file *file);

/* Read and render the files. A file that is named *.txt is one document (its CRLF become LF). A file without
 * a row is an error, one of which no row is kept is not. With on_bad_row = error, SFT_EDATA carries the first
 * bad row's "FILE:LINE: what" and how many more there are. Free with dataset_free, which accepts a zeroed
 * struct. */
enum sft_status dataset_load(struct dataset *ds, char *const *specs, size_t n_specs,
                             const struct chat_template *tpl, const struct tokenizer *tok,
                             const struct dataset_options *options, struct sft_err *err);
void dataset_free(struct dataset *ds);

/* Whether its files hold documents only, no conversation. */
bool dataset_is_documents(const struct dataset *ds);

/* Move the share `fraction` of `from` into `to` (an empty dataset), by content hash: whether a row moves
 * depends on nothing but its own content. `to` borrows from `from` and must be freed first. */
void dataset_split(struct dataset *from, struct dataset *to, double fraction);

/* One conversation from a row in any format: for generate. Strings go to the arena. */
enum sft_status conversation_read(const json *row, struct arena *arena, struct conversation *conv,
                                  struct sft_err *err);

#endif
