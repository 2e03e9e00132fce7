/* GPT-NeoX as transformers has it (models/gpt_neox), and with that Pythia: attention and MLP side by side, queries,
 * keys and values of each head beside one another, and a share of each head turned. */
#include "model/family.h"

static const struct config_key config_keys[] = {
    {"num_hidden_layers", SIZE_KEY(n_layer), .required = true},
    {"num_attention_heads", SIZE_KEY(n_head), .required = true},
    {"hidden_size", SIZE_KEY(n_embd), .required = true},
    {"intermediate_size", SIZE_KEY(n_inner), .required = true},
    {"max_position_embeddings", SIZE_KEY(n_positions), .required = true},
    {"vocab_size", SIZE_KEY(vocab_size), .required = true},
    {"layer_norm_eps", REAL_KEY(layer_norm_epsilon), .min = 1e-20, .max = 1},
    {"initializer_range", REAL_KEY(initializer_range), .max = 10},
    {"tie_word_embeddings", FLAG_KEY(tied)},
    {"attention_bias", FLAG_KEY(attention_bias)},
    {"use_parallel_residual", OPPOSITE_KEY(sequential_residual)},
    {.key = NULL},
};

static const char *const unprefixed[] = {"embed_out.weight", NULL};

/* The causal mask and the value it masks with, which older versions saved. */
static const char *const buffers[] = {".attention.bias", ".attention.masked_bias", "rotary_emb.inv_freq", NULL};

#define LINEAR(module, presence)                                                                             \
    {"layers.%zu." module ".weight", "layers.%zu." module ".bias", LAYOUT_OUT_IN, presence}
#define NORM(module) {NORM_LAYERNORM, "layers.%zu." module ".weight", "layers.%zu." module ".bias"}

static const struct sublayer_spec sublayers[] = {
    {.kind = BLOCK_ATTENTION,
     .norm = NORM("input_layernorm"),
     .attention = {.qkv = LINEAR("attention.query_key_value", BIAS_IF_ATTENTION_BIAS),
                   .by_head = true,
                   .out = LINEAR("attention.dense", BIAS_IF_ATTENTION_BIAS),
                   .rotary = true}},
    {.kind = BLOCK_MLP,
     .parallel = true,
     .norm = NORM("post_attention_layernorm"),
     .mlp = {.up = LINEAR("mlp.dense_h_to_4h", BIAS_ALWAYS), .down = LINEAR("mlp.dense_4h_to_h", BIAS_ALWAYS)}},
};

const struct family family_gpt_neox = {
    .model_type = "gpt_neox",
    .architecture = "GPTNeoXForCausalLM",
    .headless = "GPTNeoXModel",
    .config_keys = {config_keys},
    .defaults = {.layer_norm_epsilon = 1e-5,
                 .initializer_range = 0.02,
                 .attention_bias = true,
                 .rope = {.theta = 10000},
                 .activation = ACTIVATION_GELU,
                 .bos_token_id = 0,
                 .eos_token_id = 2,
                 .pad_token_id = -1},
    .rope = {.theta_key = "rotary_emb_base", .partial_key = "rotary_pct", .partial = 0.25},
    .activation_key = "hidden_act",
    .prefix = "gpt_neox.",
    .unprefixed = unprefixed,
    .buffers = buffers,
    .token_embedding = "embed_in.weight",
    .final_norm = {NORM_LAYERNORM, "final_layer_norm.weight", "final_layer_norm.bias"},
    .head = "embed_out.weight",
    .sublayers = sublayers,
    .n_sublayers = sizeof sublayers / sizeof *sublayers,
    .gguf = {.architecture = "gptneox", .head = GGUF_HEAD_REQUIRED},
};
