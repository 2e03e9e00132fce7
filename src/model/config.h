/* A model's shape, as config.json gives it. */
#ifndef SFT_MODEL_CONFIG_H
#define SFT_MODEL_CONFIG_H

#include "base/err.h"
#include "base/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model_config {
    const struct family *family;
    size_t n_layer, n_head, n_embd, n_inner, n_positions, vocab_size;
    bool gelu_exact; /* activation_function gelu: x * Phi(x) by erf; otherwise gelu_new, the tanh form */
    bool tied;       /* tie_word_embeddings: the head is the token embedding */
    bool scale_attn_weights, scale_attn_by_inverse_layer_idx;
    double layer_norm_epsilon, initializer_range;
    double dropout; /* the largest the base had; sft trains without, and says so */
    int32_t bos_token_id, eos_token_id, pad_token_id; /* -1: none */
};

/* What a config.json, parsed, says. SFT_EDATA for a family that is not supported, and for sizes that are missing, zero,
 * or do not divide, each named. */
enum sft_status model_config_read(struct model_config *config, const json *root, struct sft_err *err);

/* SFT_EDATA where a tokenizer of so many ids, read from directory `dir`, does not fit the model's vocabulary.
 * To be asked before control tokens are added. */
enum sft_status model_config_check_vocab(const struct model_config *config, size_t tokenizer_vocab_size,
                                         const char *dir, struct sft_err *err);

#endif
