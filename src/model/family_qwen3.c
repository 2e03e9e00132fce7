/* Qwen3 as transformers has it (models/qwen3), the dense ones: a Llama that norms each head's queries and keys before
 * they are turned, and whose heads need not add up to n_embd. */
#include "model/family_llama.h"

static const struct config_key config_keys[] = {
    {"attention_bias", FLAG_KEY(attention_bias)},
    {.key = NULL},
};

static const struct sublayer_spec sublayers[] = {
    {.kind = BLOCK_ATTENTION,
     .norm = LLAMA_NORM(NORM_RMSNORM, "input_layernorm"),
     .attention = {LLAMA_ATTENTION, LLAMA_QK_NORM(NORM_RMSNORM)}},
    {.kind = BLOCK_MLP, .norm = LLAMA_NORM(NORM_RMSNORM, "post_attention_layernorm"), .mlp = {LLAMA_MLP}},
};

const struct family family_qwen3 = {
    .model_type = "qwen3",
    .architecture = "Qwen3ForCausalLM",
    .headless = "Qwen3Model",
    .config_keys = {llama_keys, config_keys},
    .defaults = {.n_kv_head = 32,
                 .head_dim = 128,
                 .layer_norm_epsilon = 1e-6,
                 .rope = {.theta = 10000},
                 LLAMA_DEFAULTS(-1, -1, -1)},
    .rope = {.theta_key = "rope_theta"},
    .window = {.rule = WINDOW_UPPER, .positions = 4096},
    LLAMA_NAMES,
    .sublayers = sublayers,
    .n_sublayers = sizeof sublayers / sizeof *sublayers,
    .gguf = {.architecture = "qwen3"},
};
