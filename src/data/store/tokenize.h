/* Tokenizing a file: its token store, from the cache or made now.
 *
 * A file of 1 MB or more is kept in the cache (token_cache.h); a smaller one is made anew each time. A file that
 * changes while it is read is refused: what was made of it would stand in the cache under the key of other bytes.
 * Memory does not grow with the file: rows are read, rendered and written a block at a time. */
#ifndef SFT_DATA_STORE_TOKENIZE_H
#define SFT_DATA_STORE_TOKENIZE_H

#include "data/readers/file_format.h"
#include "data/source/source.h"
#include "data/store/render.h"

struct tokenize_options {
    const struct chat_template *tpl;
    const struct tokenizer *tok;
    struct render_options render;
    const struct names *names;
    const volatile int *stop; /* may be NULL: as in struct dataset_options */
    size_t max_rows;          /* 0: all; else the file is read no further, and nothing is kept in the cache */
};

/* The store of an opened source, its notes the keys of its rows (data/readers/keys.h). *hash: of its bytes. SFT_EDATA
 * "PATH: what" for a file without a row, or none of whose rows has a structure that is known; bad rows are
 * records. Close the store with token_store_close. */
enum sft_status tokenize_file(struct source *source, const struct file_format *format,
                              const struct tokenize_options *options, struct token_store *store,
                              uint64_t *hash, struct sft_err *err);

/* Make the store of the file `path` anew, whose bytes had this hash, in the place of one that is damaged; that one is
 * gone from the cache also where this fails. SFT_EIO where the file is not what it was, or is a pipe. */
enum sft_status tokenize_again(const char *path, const struct file_format *format,
                               const struct tokenize_options *options, uint64_t hash,
                               struct token_store *store, struct sft_err *err);

#endif
