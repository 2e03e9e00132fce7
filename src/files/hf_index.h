/* model.safetensors.index.json: in which of its files, its shards, each of a model's tensors is.
 *
 * It is held against what the shards have: a shard that is missing, changed places with another or is of another
 * download is named, rather than found out by what the model then lacks. */
#ifndef SFT_FILES_HF_INDEX_H
#define SFT_FILES_HF_INDEX_H

#include "base/json.h"
#include "files/safetensors.h"

#include <stddef.h>

extern const char hf_index_name[]; /* "model.safetensors.index.json" */

struct hf_index {
    struct hf_index_entry {
        char *tensor;
        const char *file; /* its shard's name */
        size_t shard;
    } *entries;           /* (n_entries) sorted by tensor */
    size_t n_entries;
    char **shards;        /* (n_shards) names of files, sorted */
    size_t n_shards;
};

/* What an index, parsed (the caller's), says. SFT_EDATA where it is none, or names what is no file's name. Free with
 * hf_index_free in any case. */
enum sft_status hf_index_read(struct hf_index *index, const json *root, struct sft_err *err);
void hf_index_free(struct hf_index *index); /* accepts a zeroed struct */

/* SFT_EDATA, naming all of them, where shards are not in directory `dir`. */
enum sft_status hf_index_check_files(const struct hf_index *index, const char *dir, struct sft_err *err);

/* SFT_EDATA where shard number `shard`, opened, lacks tensors that the index puts there, or holds such as it puts
 * elsewhere. Of what the index does not name it says nothing. */
enum sft_status hf_index_check_shard(const struct hf_index *index, size_t shard, const struct st_file *file,
                                     struct sft_err *err);

#endif
