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
    ACTIVATION_SILU,     /* x * sigmoid(x), of a gate */
    ACTIVATION_RELU
};

/* Some of a model's layers. */
enum { LAYER_LIMIT = 1024 };
struct layer_set {
    uint64_t bits[LAYER_LIMIT / 64];
};

static inline bool layer_set_has(const struct layer_set *set, size_t layer)
{
    return set->bits[layer / 64] >> layer % 64 & 1;
}

static inline void layer_set_add(struct layer_set *set, size_t layer)
{
    set->bits[layer / 64] |= UINT64_C(1) << layer % 64;
}

/* How fast the pairs of rotary positions turn: transformers' rope_type and what belongs to it. */
enum rope_type { ROPE_DEFAULT, ROPE_LINEAR, ROPE_LLAMA3 };
struct rope_config {
    double theta; /* the base of the frequencies */
    enum rope_type type;
    double factor; /* of linear and llama3: positions are this many times closer */
    double low_freq_factor, high_freq_factor;
    size_t original_positions; /* original_max_position_embeddings */
};

/* What a family lacks is 0, and a multiplier 1. */
struct model_config {
    const struct family *family;
    size_t n_layer, n_embd, n_inner, n_positions, vocab_size;
    size_t n_head;    /* of queries */
    size_t n_kv_head; /* of keys and values: n_head / n_kv_head query heads in a row share one */
    size_t head_dim;
    enum activation_function activation;
    bool tied; /* tie_word_embeddings: the head is the token embedding */
    bool scale_attn_weights, scale_attn_by_inverse_layer_idx;
    bool attention_bias, mlp_bias; /* tensors that these flags ask for are there */
    double layer_norm_epsilon, initializer_range;

    size_t rotary_dim;                   /* so many of a head's columns turn, the first */
    struct rope_config rope, rope_local; /* of all layers; of sliding ones, where they differ */
    struct layer_set unrotated;          /* where queries and keys are not turned */
    size_t sliding_window;               /* positions, its own included, that a query sees in */
    struct layer_set sliding;            /* these layers */
    double attention_multiplier;         /* of q . k; 0: head_dim^-1/2 */
    double attention_softcap, logit_softcap; /* s: x becomes s tanh(x / s) */
    double embedding_multiplier, residual_multiplier, logits_divisor;
    double dropout; /* the largest the base had; sft trains without, and says so */
    int32_t bos_token_id, eos_token_id, pad_token_id; /* -1: none */
};

#endif
