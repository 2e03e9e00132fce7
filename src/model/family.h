/* A family of models, as data: its tensors with their Hugging Face names, and which ops stand where.
 *
 * The transformer walks this table; it knows no family by name. Adding one is a table here and, where it
 * needs them, ops in kernels/. */
#ifndef SFT_MODEL_FAMILY_H
#define SFT_MODEL_FAMILY_H

#include "model/config.h"

/* What a tensor is to the transformer. Those below TENSOR_GLOBAL_COUNT are once in a model, the others once a
 * layer. */
enum tensor_role {
    TENSOR_TOKEN_EMBEDDING,    /* (vocab_size, n_embd) */
    TENSOR_POSITION_EMBEDDING, /* (n_positions, n_embd) */
    TENSOR_FINAL_NORM_W,       /* (n_embd) */
    TENSOR_FINAL_NORM_B,
    TENSOR_HEAD, /* (vocab_size, n_embd), absent where tied */
    TENSOR_GLOBAL_COUNT,
    TENSOR_NORM1_W = TENSOR_GLOBAL_COUNT, /* (n_embd) */
    TENSOR_NORM1_B,
    TENSOR_QKV_W, /* (n_embd, 3 n_embd) */
    TENSOR_QKV_B,
    TENSOR_PROJ_W, /* (n_embd, n_embd) */
    TENSOR_PROJ_B,
    TENSOR_NORM2_W,
    TENSOR_NORM2_B,
    TENSOR_UP_W, /* (n_embd, n_inner) */
    TENSOR_UP_B,
    TENSOR_DOWN_W, /* (n_inner, n_embd) */
    TENSOR_DOWN_B,
    TENSOR_ROLE_COUNT
};

/* A size by name, so that one table serves every model of the family. */
enum dim { DIM_NONE, DIM_VOCAB, DIM_POSITIONS, DIM_EMBD, DIM_3EMBD, DIM_INNER };

/* How a new tensor starts: GPT-2's scheme (normal with initializer_range; projections back into the residual
 * stream divided by sqrt(2 n_layer); norms 1, biases 0). */
enum init { INIT_NORMAL, INIT_NORMAL_RESIDUAL, INIT_ONE, INIT_ZERO };

struct tensor_spec {
    enum tensor_role role;
    const char *name;    /* Hugging Face's; %zu stands for the layer */
    enum dim rows, cols; /* cols DIM_NONE: a vector */
    enum init init;
    bool decays;    /* weight decay applies: matrices and embeddings, not norms and biases */
    bool if_untied; /* only where the head is not tied */
};

/* A field of struct model_config and its key in config.json; reading and writing both walk these. */
enum config_type { CONFIG_SIZE, CONFIG_REAL, CONFIG_FLAG };
struct config_key {
    const char *key, *aliases[2]; /* aliases: other names, read where key is absent; NULL: none */
    enum config_type type;
    size_t offset;   /* of the field, a size_t, double or bool */
    bool required;   /* otherwise: */
    double fallback; /* its value where the key is absent or null; n_inner 0 stands for 4 n_embd */
    double min, max; /* of a CONFIG_REAL */
};

struct family {
    const char *model_type;   /* config.json's */
    const char *architecture; /* config.json's architectures[0] of what we write */
    const char *headless;     /* the same of a model saved without its head, which may be read too */
    const struct config_key *config_keys;
    size_t n_config_keys;
    const char *activation_key;      /* names the mlp's activation, gelu_new where it is absent */
    const char *const *dropout_keys; /* NULL-terminated */
    double default_dropout;
    int32_t default_token_id;      /* bos and eos where config.json is silent */
    const char *prefix;            /* that tensor names may carry, and that ours do: "transformer." */
    const char *const *unprefixed; /* names that never carry it ("lm_head.weight"), NULL-terminated */
    const char *const *buffers; /* name endings of tensors that files may hold and that are computed, not learnt */
    const struct tensor_spec *tensors;
    size_t n_tensors;
};

extern const struct family family_gpt2;
const struct family *family_by_model_type(const char *model_type); /* NULL if there is none */
const struct family *family_by_architecture(const char *architecture);
size_t family_dim(enum dim dim, const struct model_config *config); /* DIM_NONE: 1 */

/* What config.json calls a field of struct model_config (its offset). */
const char *family_key(const struct family *family, size_t offset);

/* A tensor's full name, whether `name` came with the prefix or without; the caller's to free. */
char *family_tensor_name(const struct family *family, const char *name);

#endif
