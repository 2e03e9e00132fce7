/* A family of models, as data: the keys of its config.json, its sublayers, and what files call their tensors.
 *
 * The transformer walks this table and knows no family by name; what a sublayer computes, and the shapes of its
 * tensors, its block says (block/). So a family of known parts is one file with such a table, and its row in
 * family.c. */
#ifndef SFT_MODEL_FAMILY_H
#define SFT_MODEL_FAMILY_H

#include "model/config.h"

/* ---- tensors, by Hugging Face's names: %zu stands for the layer; NULL: there is none ---- */

/* y = x W + b, and how W lies in files, and so in memory. */
enum layout {
    LAYOUT_IN_OUT, /* as Hugging Face's Conv1D keeps it */
    LAYOUT_OUT_IN  /* as torch.nn.Linear does */
};
enum bias_presence { BIAS_ALWAYS, BIAS_IF_ATTENTION_BIAS, BIAS_IF_MLP_BIAS }; /* as config.json's flags say */
struct linear_spec {
    const char *weight, *bias;
    enum layout layout;
    enum bias_presence bias_presence;
};

enum norm_kind {
    NORM_LAYERNORM,
    NORM_RMSNORM,
    NORM_RMSNORM_PLUS_ONE /* x * (1 + w), as Gemma has it */
};
struct norm_spec { /* weight NULL: there is none */
    enum norm_kind kind;
    const char *weight, *bias;
};

/* ---- sublayers: x += residual_multiplier * post_norm(block(norm(x))) ---- */

/* Causal self-attention. Queries, keys and values are one tensor, qkv, in this order, or three. */
struct attention_spec {
    struct linear_spec qkv, q, k, v;
    bool by_head; /* of qkv: head by head, each one's q, k and v, rather than all q, all k, all v */
    struct linear_spec out;
    struct norm_spec q_norm, k_norm; /* before they are turned: of each head, its weight (D), or */
    bool norm_all_heads;             /* of all heads at once, (H*D) and (KV*D) */
    bool rotary; /* queries and keys are turned by their positions (Su et al. 2021) */
};

struct mlp_spec {
    struct linear_spec gate; /* f(gate) * up; without one: f(up) */
    struct linear_spec up, down;
};

enum block_kind { BLOCK_ATTENTION, BLOCK_MLP };
struct sublayer_spec {
    enum block_kind kind;
    bool parallel; /* its norm sees what the sublayer before it saw (Wang and Komatsuzaki 2021) */
    struct norm_spec norm, post_norm;
    union {
        struct attention_spec attention;
        struct mlp_spec mlp;
    };
};

/* ---- config.json ---- */

/* A field of struct model_config and its key in config.json; reading and writing both walk these. A dot stands before
 * the key of an object in it. */
enum config_type { CONFIG_SIZE, CONFIG_REAL, CONFIG_FLAG };
struct config_key {
    const char *key, *alias; /* alias: another name, which must agree where both are there; NULL: none. A flag
                               * without a key is always what `fallback` says. */
    const char *old_key;     /* one that files of old have, read only where neither is there; NULL: none */
    enum config_type type;
    size_t offset;   /* of the field, a size_t, double or bool */
    bool required;   /* otherwise: */
    double fallback; /* its value where the key is absent or null; a size of 0 is left to a rule, below */
    double min, max; /* of a CONFIG_REAL */
};

/* A size that no key has set: factor * of / by, fields of struct model_config; by NO_FIELD: 1. It must divide. */
enum { NO_FIELD = -1 };
struct size_rule {
    size_t offset; /* of the field that it sets */
    size_t factor, of;
    ptrdiff_t by;
};

/* A key that must be false where it is there, or this word, since anything else asks for what is not done here. */
struct refused_key {
    const char *key, *why, *unless; /* unless: NULL: false */
};

struct family {
    const char *model_type;   /* config.json's */
    const char *architecture; /* config.json's architectures[0] of what we write */
    const char *headless;     /* the same of a model saved without its head, which may be read too */

    const struct config_key *config_keys;
    size_t n_config_keys;
    const struct size_rule *size_rules; /* applied in order */
    size_t n_size_rules;
    const struct refused_key *refused_keys;
    size_t n_refused_keys;
    const char *activation_key; /* names the MLP's activation function, and where it is absent: */
    enum activation_function default_activation;
    const char *const *dropout_keys; /* NULL-terminated */
    double default_dropout;
    int32_t default_bos_token_id, default_eos_token_id; /* where config.json is silent */

    const char *prefix;            /* that tensor names may carry, and that ours do: "transformer." */
    const char *const *unprefixed; /* names that never carry it ("lm_head.weight"), NULL-terminated */
    const char *const *buffers; /* name endings of tensors that files may hold and that are computed, not learnt */

    const char *token_embedding, *position_embedding; /* position_embedding may be NULL */
    size_t position_offset;                           /* its rows before that of position 0 */
    struct norm_spec final_norm;
    const char *head; /* where it is not the token embedding, and in files that hold a tied one all the same */
    const struct sublayer_spec *sublayers; /* of each layer */
    size_t n_sublayers;
};

extern const struct family family_gpt2, family_llama;
const struct family *family_by_model_type(const char *model_type); /* NULL if there is none */
const struct family *family_by_architecture(const char *architecture);

/* Which there are, for messages: "gpt2 is"; malloc'd. */
char *family_list(void);

/* What config.json calls a field of struct model_config (its offset). */
const char *family_key(const struct family *family, size_t offset);

/* A tensor's full name, whether `name` came with the prefix or without; the caller's to free. */
char *family_tensor_name(const struct family *family, const char *name);

/* What a part asks of a model's sizes. */
bool family_has_gate(const struct family *family); /* in its MLP */
bool family_is_rotary(const struct family *family);

/* transformers has several names for the same functions: false for one that is not done here, in an MLP with a gate or
 * one without; and the name that we write. activation_names: those that are done, for messages. */
bool activation_by_name(enum activation_function *activation, const char *name, bool gated);
const char *activation_name(enum activation_function activation);
const char *activation_names(bool gated);

#endif
