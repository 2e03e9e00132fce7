/* Writing the weights of a Hugging Face directory. */
#ifndef SFT_FILES_HF_WEIGHTS_H
#define SFT_FILES_HF_WEIGHTS_H

#include "base/err.h"
#include "files/model_out.h"

/* As save_pretrained has it before transformers 5, and huggingface_hub still. */
#define HF_SHARD_BYTES ((size_t)5000000000)

/* Which shard each tensor comes into: shard_of (table->n_tensors); returns their number. In the table's order, a shard
 * is filled while it holds no more than max_bytes; a tensor that is larger has one of its own, whose number is before
 * that of the shard then being filled (huggingface_hub's split_state_dict_into_shards_factory). */
size_t hf_weights_split(const struct tensor_table *table, const struct dtype *dtype, size_t max_bytes,
                        size_t *shard_of);

/* Write model.safetensors into the existing directory `dir`; or where that is more than meta->max_shard_bytes (0:
 * HF_SHARD_BYTES), model-00001-of-0000N.safetensors, ... and model.safetensors.index.json. */
enum sft_status hf_weights_save(const struct model_out *model, const char *dir, struct sft_err *err);

#endif
