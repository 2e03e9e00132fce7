/* Which files a Hugging Face directory's model is made of. */
#ifndef SFT_FILES_HF_FILES_H
#define SFT_FILES_HF_FILES_H

#include "base/err.h"
#include "files/hf_index.h"

#include <stdbool.h>
#include <stddef.h>

struct hf_files {
    char **paths;
    size_t n;
    struct hf_index index; /* n_shards 0: there is one file, and no index */
};

/* Those that hold the weights: model.safetensors, or the shards that model.safetensors.index.json lists, in its order.
 * SFT_EDATA where there are none, or not all; then the message says which other format is there and how it is
 * converted. Free with hf_files_free in any case. */
enum sft_status hf_files_find(struct hf_files *files, const char *dir, struct sft_err *err);
void hf_files_free(struct hf_files *files);

/* Whether there are any, or names of some. */
bool hf_files_has_weights(const char *dir);

/* Whether a file of this name is read of a model, beside its weights. */
bool hf_files_is_small(const char *name);

/* The files of `dir` that a model is made of, in the order of their names: configuration and tokenizer, and its weights
 * or, where it is a config.json alone (`config`, its name; else NULL), without them. Free with io_list_free. */
enum sft_status hf_files_list(char ***paths, size_t *n_paths, const char *dir, const char *config,
                              struct sft_err *err);

#endif
