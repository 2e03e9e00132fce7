/* A Hugging Face model directory, in and out.
 *
 * In: config.json, model.safetensors (or the shards that model.safetensors.index.json lists), names with or
 * without the family's prefix. Out: config.json with what the base's held beyond ours, model.safetensors,
 * generation_config.json; the tokenizer writes its own files. */
#ifndef SFT_MODEL_HF_H
#define SFT_MODEL_HF_H

#include "base/err.h"
#include "base/json.h"
#include "model/params.h"
#include "model/safetensors.h"

/* Read every tensor of the table from directory `dir` into params (table->n_elements floats, zeroed). Rows of
 * the embedding and of the head beyond what the file holds (file_vocab, the base's own vocab_size) are set to
 * the mean of the old ones. SFT_EDATA, with the file, for a tensor that is missing, has another shape, holds
 * a value that is not finite, or that the model has no place for (transformers warns of that one; but
 * buffers, and the scoring head of a classifier, are passed over by both). A head beside a tied embedding
 * must equal it: where it does not, transformers does not tie them, so config.json is wrong. */
enum sft_status hf_load_params(float *params, const struct tensor_table *table,
                               const struct model_config *config, size_t file_vocab, const char *dir,
                               struct sft_err *err);

/* What goes into the written config.json and generation_config.json. */
struct hf_meta {
    const json *base_config;                          /* the base's, may be NULL */
    int32_t eos_token_id, pad_token_id, bos_token_id; /* -1: none */
    enum st_dtype dtype;
};

/* Write config.json, generation_config.json and model.safetensors into the existing directory `dir`.
 * *weights_hash (may be NULL): XXH64 of model.safetensors. */
enum sft_status hf_save(const float *params, const struct tensor_table *table,
                        const struct model_config *config, const struct hf_meta *meta, const char *dir,
                        uint64_t *weights_hash, struct sft_err *err);

#endif
