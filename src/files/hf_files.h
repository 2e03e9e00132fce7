/* Which files hold the weights of a Hugging Face directory. */
#ifndef SFT_FILES_HF_FILES_H
#define SFT_FILES_HF_FILES_H

#include "base/err.h"

#include <stddef.h>

struct hf_files {
    char **paths;
    size_t n, capacity;
};

/* model.safetensors, or the shards that model.safetensors.index.json lists. SFT_EDATA where there are none; then the
 * message says which other format is there and how it is converted. Free with hf_files_free in any case. */
enum sft_status hf_files_find(struct hf_files *files, const char *dir, struct sft_err *err);
void hf_files_free(struct hf_files *files);

#endif
