/* A Hugging Face model directory, in and out.
 *
 * In: config.json, model.safetensors (or the shards that model.safetensors.index.json lists), names with or
 * without the family's prefix. Out: config.json with what the base's held beyond ours, model.safetensors,
 * generation_config.json; the tokenizer writes its own files. */
#ifndef SFT_FILES_HF_H
#define SFT_FILES_HF_H

#include "base/err.h"
#include "base/json.h"
#include "files/safetensors.h"
#include "model/block/tensors.h"

/* Read every tensor of the table from directory `dir` into params (table->n_elements floats, zeroed). Rows of
 * the embedding and of the head beyond what the file holds (file_vocab, the base's own vocab_size) are set to
 * the mean of the old ones.
 *
 * SFT_EDATA, with the file, where tensors are missing, of another shape, not finite, or show another architecture
 * (tensor_names.h); transformers only warns of those that are missing, and starts them at random. Tensors beside the
 * model are passed over: a value head, a classifier, buffers. A head beside a tied embedding must equal it: where it
 * does not, transformers does not tie them, so config.json is wrong. A head in place of the embedding is taken for
 * it, as transformers does. */
enum sft_status hf_load_params(float *params, const struct tensor_table *table,
                               const struct model_config *config, size_t file_vocab, const char *dir,
                               struct sft_err *err);

/* The same errors, but for those about values, from the files' headers alone. *unused (cleared first): the names of
 * tensors that are passed over, buffers apart, grouped for a message; empty where there are none. */
enum sft_status hf_check_weights(const struct model_config *config, size_t file_vocab, const char *dir,
                                 struct strbuf *unused, struct sft_err *err);

/* What goes into the written config.json and generation_config.json. */
struct hf_meta {
    const json *base_config, *base_generation; /* the base's config.json and generation_config.json; may be NULL */
    int32_t eos_token_id, pad_token_id, bos_token_id; /* -1: as the base has it */
    enum st_dtype dtype;
};

/* Write config.json, generation_config.json and model.safetensors into the existing directory `dir`.
 * *weights_hash (may be NULL): XXH64 of model.safetensors. */
enum sft_status hf_save(const float *params, const struct tensor_table *table,
                        const struct model_config *config, const struct hf_meta *meta, const char *dir,
                        uint64_t *weights_hash, struct sft_err *err);

#endif
