/* GPT-2 as transformers has it (models/gpt2). Its matrices are (in, out), as Conv1D keeps them. */
#include "model/family.h"

#define FIELD(name) offsetof(struct model_config, name)

/* The aliases are those of transformers' GPT2Config.attribute_map; n_ctx stands in GPT-2's own files, and transformers
 * ignores it. */
static const struct config_key config_keys[] = {
    {"n_layer", "num_hidden_layers", NULL, CONFIG_SIZE, FIELD(n_layer), true, 0, 0, 0},
    {"n_head", "num_attention_heads", NULL, CONFIG_SIZE, FIELD(n_head), true, 0, 0, 0},
    {"n_embd", "hidden_size", NULL, CONFIG_SIZE, FIELD(n_embd), true, 0, 0, 0},
    {"n_positions", "max_position_embeddings", "n_ctx", CONFIG_SIZE, FIELD(n_positions), true, 0, 0, 0},
    {"vocab_size", NULL, NULL, CONFIG_SIZE, FIELD(vocab_size), true, 0, 0, 0},
    {"n_inner", NULL, NULL, CONFIG_SIZE, FIELD(n_inner), false, 0, 0, 0},
    {"layer_norm_epsilon", NULL, NULL, CONFIG_REAL, FIELD(layer_norm_epsilon), false, 1e-5, 1e-20, 1},
    {"initializer_range", NULL, NULL, CONFIG_REAL, FIELD(initializer_range), false, 0.02, 0, 10},
    {"tie_word_embeddings", NULL, NULL, CONFIG_FLAG, FIELD(tied), false, 1, 0, 0},
    {"scale_attn_weights", NULL, NULL, CONFIG_FLAG, FIELD(scale_attn_weights), false, 1, 0, 0},
    {"scale_attn_by_inverse_layer_idx", NULL, NULL, CONFIG_FLAG, FIELD(scale_attn_by_inverse_layer_idx), false, 0, 0,
     0},
};

static const struct size_rule size_rules[] = {
    {FIELD(n_inner), 4, FIELD(n_embd), NO_FIELD},
    {FIELD(n_kv_head), 1, FIELD(n_head), NO_FIELD},
    {FIELD(head_dim), 1, FIELD(n_embd), FIELD(n_head)},
};

static const struct refused_key refused_keys[] = {
    {"add_cross_attention", "a model with an encoder is not supported", NULL},
};

static const char *const dropout_keys[] = {"resid_pdrop", "embd_pdrop", "attn_pdrop", NULL};
static const char *const unprefixed[] = {"lm_head.weight", NULL};

/* The causal mask and the value it masks with, which older versions saved, and other programs' names for it. */
static const char *const buffers[] = {".attn.bias", ".attn.masked_bias", ".attn.mask", ".attn.causal_mask",
                                      ".attn.tril", NULL};

/* A Conv1D of layer %zu. */
#define CONV1D(module) {"h.%zu." module ".weight", "h.%zu." module ".bias", LAYOUT_IN_OUT}

static const struct sublayer_spec sublayers[] = {
    {.kind = BLOCK_ATTENTION,
     .norm = {NORM_LAYERNORM, "h.%zu.ln_1.weight", "h.%zu.ln_1.bias"},
     .attention = {.qkv = CONV1D("attn.c_attn"), .out = CONV1D("attn.c_proj")}},
    {.kind = BLOCK_MLP,
     .norm = {NORM_LAYERNORM, "h.%zu.ln_2.weight", "h.%zu.ln_2.bias"},
     .mlp = {.up = CONV1D("mlp.c_fc"), .down = CONV1D("mlp.c_proj")}},
};

const struct family family_gpt2 = {
    .model_type = "gpt2",
    .architecture = "GPT2LMHeadModel",
    .headless = "GPT2Model",
    .config_keys = config_keys,
    .n_config_keys = sizeof config_keys / sizeof *config_keys,
    .size_rules = size_rules,
    .n_size_rules = sizeof size_rules / sizeof *size_rules,
    .refused_keys = refused_keys,
    .n_refused_keys = sizeof refused_keys / sizeof *refused_keys,
    .activation_key = "activation_function",
    .default_activation = ACTIVATION_GELU_NEW,
    .dropout_keys = dropout_keys,
    .default_dropout = 0.1,
    .default_bos_token_id = 50256,
    .default_eos_token_id = 50256,
    .prefix = "transformer.",
    .unprefixed = unprefixed,
    .buffers = buffers,
    .token_embedding = "wte.weight",
    .position_embedding = "wpe.weight",
    .final_norm = {NORM_LAYERNORM, "ln_f.weight", "ln_f.bias"},
    .head = "lm_head.weight",
    .sublayers = sublayers,
    .n_sublayers = sizeof sublayers / sizeof *sublayers,
};
