/* A model's shape, as its config.json gives it (config_read.h). */
#ifndef SFT_MODEL_CONFIG_H
#define SFT_MODEL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct family;

/* What the MLP does element by element (Hendrycks and Gimpel 2016). */
enum activation_function {
    ACTIVATION_GELU_NEW, /* the tanh form, GPT-2's */
    ACTIVATION_GELU,     /* x * Phi(x) by erf */
    ACTIVATION_SILU      /* x * sigmoid(x), of a gate */
};

struct model_config {
    const struct family *family;
    size_t n_layer, n_embd, n_inner, n_positions, vocab_size;
    size_t n_head;    /* of queries */
    size_t n_kv_head; /* of keys and values: n_head / n_kv_head query heads in a row share one */
    size_t head_dim;
    enum activation_function activation;
    bool tied; /* tie_word_embeddings: the head is the token embedding */
    bool scale_attn_weights, scale_attn_by_inverse_layer_idx;
    double layer_norm_epsilon, initializer_range;
    double rope_theta; /* the base of rotary positions' frequencies */
    double dropout; /* the largest the base had; sft trains without, and says so */
    int32_t bos_token_id, eos_token_id, pad_token_id; /* -1: none */
};

#endif
