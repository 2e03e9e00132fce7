/* GPT-2 as transformers has it (models/gpt2). Its matrices are (in, out), as Conv1D keeps them. */
#include "model/family.h"

/* The aliases are those of transformers' GPT2Config.attribute_map; n_ctx stands in GPT-2's own files, and transformers
 * ignores it. */
static const struct config_key config_keys[] = {
    {"n_layer", "num_hidden_layers", SIZE_KEY(n_layer), .required = true},
    {"n_head", "num_attention_heads", SIZE_KEY(n_head), .required = true},
    {"n_embd", "hidden_size", SIZE_KEY(n_embd), .required = true},
    {"n_positions", "max_position_embeddings", "n_ctx", SIZE_KEY(n_positions), .required = true},
    {"vocab_size", SIZE_KEY(vocab_size), .required = true},
    {"n_inner", SIZE_KEY(n_inner), .nullable = true},
    {"layer_norm_epsilon", REAL_KEY(layer_norm_epsilon), .min = 1e-20, .max = 1},
    {"initializer_range", REAL_KEY(initializer_range), .max = 10},
    {"tie_word_embeddings", FLAG_KEY(tied)},
    {"scale_attn_weights", ONE_IF_FALSE_KEY(attention_multiplier)},
    {"scale_attn_by_inverse_layer_idx", FLAG_KEY(scale_attn_by_inverse_layer_idx)},
    {.key = NULL},
};

static const char *const dropouts[] = {"resid_pdrop", "embd_pdrop", "attn_pdrop", NULL};
static const char *const unprefixed[] = {"lm_head.weight", NULL};

/* The causal mask and the value it masks with, which older versions saved, and other programs' names for it. */
static const char *const buffers[] = {".attn.bias", ".attn.masked_bias", ".attn.mask", ".attn.causal_mask",
                                      ".attn.tril", NULL};

/* A Conv1D of layer %zu. */
#define CONV1D(module) {"h.%zu." module ".weight", "h.%zu." module ".bias", LAYOUT_IN_OUT, BIAS_ALWAYS}

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
    .config_keys = {config_keys},
    .defaults = {.layer_norm_epsilon = 1e-5,
                 .initializer_range = 0.02,
                 .tied = true,
                 .activation = ACTIVATION_GELU_NEW,
                 .dropout = 0.1,
                 .bos_token_id = 50256,
                 .eos_token_id = 50256,
                 .pad_token_id = -1},
    .activation_key = "activation_function",
    .dropouts = dropouts,
    .prefix = "transformer.",
    .unprefixed = unprefixed,
    .buffers = buffers,
    .token_embedding = "wte.weight",
    .position_embedding = "wpe.weight",
    .final_norm = {NORM_LAYERNORM, "ln_f.weight", "ln_f.bias"},
    .head = "lm_head.weight",
    .sublayers = sublayers,
    .n_sublayers = sizeof sublayers / sizeof *sublayers,
    .gguf = {.architecture = "gpt2", .pre = "gpt-2"},
};
