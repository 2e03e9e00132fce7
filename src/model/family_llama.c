/* Llama as transformers has it (models/llama): RMSNorm, rotary positions, fewer heads of keys and values than of
 * queries, a gated MLP. SmolLM2 and TinyLlama are Llamas too. */
#include "model/family_llama.h"

const struct config_key llama_keys[] = {
    {"num_hidden_layers", SIZE_KEY(n_layer), .required = true},
    {"num_attention_heads", SIZE_KEY(n_head), .required = true},
    {"num_key_value_heads", SIZE_KEY(n_kv_head), .nullable = true},
    {"head_dim", SIZE_KEY(head_dim), .nullable = true},
    {"hidden_size", SIZE_KEY(n_embd), .required = true},
    {"intermediate_size", SIZE_KEY(n_inner), .required = true},
    {"max_position_embeddings", SIZE_KEY(n_positions), .required = true},
    {"vocab_size", SIZE_KEY(vocab_size), .required = true},
    {"rms_norm_eps", REAL_KEY(layer_norm_epsilon), .min = 1e-20, .max = 1},
    {"initializer_range", REAL_KEY(initializer_range), .max = 10},
    {"tie_word_embeddings", FLAG_KEY(tied)},
    {.key = NULL},
};

const struct config_key llama_bias_keys[] = {
    {"attention_bias", FLAG_KEY(attention_bias)},
    {"mlp_bias", FLAG_KEY(mlp_bias)},
    {.key = NULL},
};

const char *const llama_unprefixed[] = {"lm_head.weight", NULL};
const char *const llama_buffers[] = {"rotary_emb.inv_freq", NULL}; /* which older versions saved */

const struct sublayer_spec llama_sublayers[LLAMA_SUBLAYERS] = {
    {.kind = BLOCK_ATTENTION, .norm = LLAMA_NORM(NORM_RMSNORM, "input_layernorm"), .attention = {LLAMA_ATTENTION}},
    {.kind = BLOCK_MLP, .norm = LLAMA_NORM(NORM_RMSNORM, "post_attention_layernorm"), .mlp = {LLAMA_MLP}},
};

const struct family family_llama = {
    .model_type = "llama",
    .architecture = "LlamaForCausalLM",
    .headless = "LlamaModel",
    .config_keys = {llama_keys, llama_bias_keys},
    .defaults = {.layer_norm_epsilon = 1e-6, .rope = {.theta = 10000}, LLAMA_DEFAULTS(1, 2, -1)},
    .rope = {.theta_key = "rope_theta"},
    LLAMA_NAMES,
    .sublayers = llama_sublayers,
    .n_sublayers = LLAMA_SUBLAYERS,
    .gguf = {.architecture = "llama", .permutes_rows = true, .takes_biases = true, .takes_rope_freqs = true},
};
