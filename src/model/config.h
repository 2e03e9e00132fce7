/* A model's shape, as its config.json gives it (config_read.h). */
#ifndef SFT_MODEL_CONFIG_H
#define SFT_MODEL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct family;

/* What the MLP does element by element, to what it sees or to its gate (Hendrycks and Gimpel 2016; Shazeer 2020). */
enum activation_function {
    ACTIVATION_GELU_NEW, /* the tanh form, GPT-2's */
    ACTIVATION_GELU,     /* x * Phi(x) by erf */
    ACTIVATION_SILU,     /* x * sigmoid(x) */
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

/* How fast the pairs of rotary positions turn (transformers' modeling_rope_utils.py): pair d of R/2, R = rotary_dim, by
 * theta^(-2 d / R) a position, and what the type makes of that. */
enum rope_type {
    ROPE_DEFAULT,
    ROPE_LINEAR, /* positions lie `factor` times closer (Chen et al. 2023) */
    ROPE_LLAMA3  /* those of slow pairs do, of fast ones not, and in between a blend (Llama 3.1) */
};
struct rope_config {
    double theta; /* the base of the frequencies */
    enum rope_type type;
    double factor;                            /* of linear and llama3 */
    double low_freq_factor, high_freq_factor; /* of llama3: what is slow and fast: low < high */
    size_t original_positions;                /* of llama3: original_max_position_embeddings */
};

/* What a family lacks is 0, and a multiplier 1 (the attention's apart). */
struct model_config {
    const struct family *family;
    size_t n_layer, n_embd, n_inner, n_positions, vocab_size;
    size_t n_head;    /* of queries */
    size_t n_kv_head; /* of keys and values: n_head / n_kv_head query heads in a row share one */
    size_t head_dim;
    enum activation_function activation;
    bool tied;                     /* tie_word_embeddings: the head is the token embedding */
    bool head_from_embedding;      /* not tied, though the files' models are: an adapter parts the two, and where the
                                    * files have no head it begins as the embedding */
    bool attention_bias, mlp_bias; /* tensors that these flags ask for are there (enum bias_presence) */
    bool sequential_residual;      /* sublayers that the family calls parallel are not (struct sublayer_spec) */
    double layer_norm_epsilon, initializer_range;

    size_t rotary_dim;             /* so many of a head's columns turn, the first; even */
    struct rope_config rope;       /* of all layers but sliding ones where they have their own: */
    struct rope_config rope_local; /* theta 0: they have not */
    struct layer_set unrotated;    /* where queries and keys are not turned */
    size_t sliding_window;         /* positions, its own included, that a query sees in */
    struct layer_set sliding;      /* these layers; empty where sliding_window is 0 */

    double attention_multiplier;             /* of q . k; 0: head_dim^-1/2 */
    bool scale_attn_by_inverse_layer_idx;    /* and that divided by the layer's number, from 1 */
    double attention_softcap, logit_softcap; /* s: x becomes s tanh(x / s) */
    double embedding_multiplier, residual_multiplier, logits_divisor;

    double dropout;                                   /* the largest the base had; sft trains without, and says so */
    int32_t bos_token_id, eos_token_id, pad_token_id; /* -1: none */
    bool has_padding_idx; /* nn.Embedding's: looking up pad_token_id gives its row no gradient */
};

#endif
