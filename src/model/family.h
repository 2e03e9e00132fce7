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
    bool parallel; /* its norm sees what the sublayer before it saw (Wang and Komatsuzaki 2021), unless
                    * config.json says sequential_residual */
    struct norm_spec norm, post_norm;
    union {
        struct attention_spec attention;
        struct mlp_spec mlp;
    };
};

/* ---- config.json ---- */

/* A field of struct model_config and its key in config.json; reading and writing both walk these. Where the key is
 * absent the field is what the family's defaults say. */
enum config_type {
    CONFIG_SIZE,
    CONFIG_REAL,
    CONFIG_FLAG,
    CONFIG_INVERSE_ROOT, /* of the key's number, which is positive */
    CONFIG_OPPOSITE,     /* of the key's flag */
    CONFIG_ONE_IF_FALSE  /* a real, of a flag: 1 where that is false */
};
struct config_key {
    const char *key, *alias; /* alias: another name, which must agree where both are there; NULL: none */
    const char *old_key;     /* one that files of old have, read only where neither is there; NULL: none */
    enum config_type type;
    size_t offset;   /* of the field, a size_t, double or bool */
    bool required;   /* it must be there */
    bool nullable;   /* null is a value, 0, and not the same as an absent key */
    double min, max; /* of a real */
};
#define CONFIG_FIELD(name)     offsetof(struct model_config, name)
#define SIZE_KEY(name)         .type = CONFIG_SIZE, .offset = CONFIG_FIELD(name)
#define REAL_KEY(name)         .type = CONFIG_REAL, .offset = CONFIG_FIELD(name)
#define FLAG_KEY(name)         .type = CONFIG_FLAG, .offset = CONFIG_FIELD(name)
#define INVERSE_ROOT_KEY(name) .type = CONFIG_INVERSE_ROOT, .offset = CONFIG_FIELD(name)
#define OPPOSITE_KEY(name)     .type = CONFIG_OPPOSITE, .offset = CONFIG_FIELD(name)
#define ONE_IF_FALSE_KEY(name) .type = CONFIG_ONE_IF_FALSE, .offset = CONFIG_FIELD(name)

/* A key that may have one value alone, since any other asks for what is not done here; null is fine. */
struct refused_key {
    const char *key, *why;
    const char *unless; /* as JSON: "true", "1", "\"default\""; NULL: false, 0, "" and what is empty */
    size_t equals;      /* or: the value of this field, a size; 0: none */
};

/* Keys of rotary positions (config_rope.c): rope_scaling and rope_parameters, and these; NULL: there is no such. */
struct rope_spec {
    const char *theta_key;       /* rope_parameters.rope_theta of old */
    const char *local_theta_key; /* of sliding layers; rope_parameters is nested by layer type then */
    const char *partial_key;     /* which share of a head turns */
    double partial;              /* where that is absent; 0: all of it */
    size_t unrotated_interval;   /* no_rope_layer_interval: each so many-th layer is not turned; 0: all are */
};

/* Which layers slide, where layer_types does not say it (config_layers.c). */
enum window_rule {
    WINDOW_NEVER,
    WINDOW_ALL,       /* where sliding_window is there; there are no layer_types */
    WINDOW_PATTERN,   /* all but each window_pattern-th */
    WINDOW_UPPER,     /* from max_window_layers on, where use_sliding_window is true */
    WINDOW_UNROTATED  /* those that are not turned, where use_sliding_window is true */
};
struct window_spec {
    enum window_rule rule;
    size_t positions;        /* sliding_window where it is absent */
    size_t pattern;          /* of WINDOW_PATTERN, where its key is absent */
    const char *pattern_key; /* NULL: it has none */
};

/* What llama.cpp makes of it. Tensors' names, norms that have 1 added and matrices that are turned follow from the
 * sublayers (files/gguf). */
enum gguf_head { GGUF_HEAD_OPTIONAL, GGUF_HEAD_REQUIRED, GGUF_HEAD_NEVER }; /* a tensor of the head's own */
struct gguf_spec {
    const char *architecture; /* general.architecture, which several may share; NULL: llama.cpp has none such */
    enum gguf_head head;
    bool takes_biases;        /* those that config.json's flags ask for, where the defaults do not */
    bool takes_rope_freqs;    /* the tensor of Llama 3's rotary factors */
    bool heads_share_width;   /* n_embd / n_head columns each, whatever head_dim */
    bool permutes_rows;       /* of queries and keys: the two that turn together are neighbours */
    bool merges_in_order;     /* tokens of a SentencePiece model stand in their merges' order, whatever their scores */
    const char *pre;          /* tokenizer.ggml.pre of files from before there was that key; NULL: it may be any */
    size_t layers_scaled_by_width; /* the one of its models that has so many scales attention by (n_embd / n_head)^-1/2,
                                    * whatever head_dim: no key says so; 0: none does */
};

enum { KEY_LISTS = 3 };
struct family {
    const char *model_type;   /* config.json's */
    const char *architecture; /* config.json's architectures[0] of what we write */
    const char *headless;     /* the same of a model saved without its head, which may be read too */

    const struct config_key *config_keys[KEY_LISTS]; /* lists that families share or not, each up to a key NULL */
    const struct refused_key *refused_keys;          /* up to a key NULL; and those of config_refuse.c */
    const char *const *ignored_keys;                 /* that transformers does not read either; NULL-terminated */
    struct model_config defaults; /* what absent keys mean. Tokens: -1 is none. Sizes of 0 follow from others: as many
                                   * heads of keys as of queries, n_embd / n_head columns each, n_inner 4 n_embd */
    struct rope_spec rope;
    struct window_spec window;
    const char *activation_key;  /* names the MLP's activation function; by default defaults.activation, */
    const char *activation;      /* by this of its names; NULL: the one that activation_name gives */
    const char *const *dropouts; /* keys of which defaults.dropout is the default; others are 0. NULL-terminated */
    bool scales_embedding;       /* embedding_multiplier is n_embd^1/2 */
    bool has_padding_idx;        /* where there is a pad_token_id */

    const char *prefix;            /* that tensor names may carry, and that ours do: "transformer." */
    const char *const *unprefixed; /* names that never carry it ("lm_head.weight"), NULL-terminated */
    const char *const *buffers; /* name endings of tensors that files may hold and that are computed, not learnt */

    const char *token_embedding, *position_embedding; /* position_embedding may be NULL */
    size_t position_offset;                           /* its rows before that of position 0 */
    struct norm_spec final_norm;
    const char *head; /* where it is not the token embedding, and in files that hold a tied one all the same */
    const struct sublayer_spec *sublayers; /* of each layer */
    size_t n_sublayers;

    struct gguf_spec gguf;
};

extern const struct family family_gpt2, family_llama, family_mistral, family_qwen2, family_qwen3, family_gemma2,
    family_gemma3, family_smollm3, family_granite, family_olmo2, family_gpt_neox, family_opt;
const struct family *family_at(size_t i); /* NULL at their end */
const struct family *family_by_model_type(const char *model_type); /* NULL if there is none */
const struct family *family_by_architecture(const char *architecture);

/* Which there are, for messages: "gpt2 is"; malloc'd. */
char *family_list(void);

/* The i-th key of its lists, NULL at their end. */
const struct config_key *family_key_at(const struct family *family, size_t i);

/* What config.json calls a field of struct model_config (its offset). */
const char *family_key(const struct family *family, size_t offset);

/* A tensor's full name, whether `name` came with the prefix, with its last part or without; the caller's to free. */
char *family_tensor_name(const struct family *family, const char *name);

/* What a part asks of a model's sizes. */
bool family_is_rotary(const struct family *family);
bool family_is_parallel(const struct family *family); /* unless config.json says otherwise */

/* transformers has several names for the same functions: false for one that is not done here, and the name that we
 * write. activation_names: those that are done, for messages. */
bool activation_by_name(enum activation_function *activation, const char *name);
const char *activation_name(enum activation_function activation);
const char *activation_names(void);

#endif
