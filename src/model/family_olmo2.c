/* OLMo 2 as transformers has it (models/olmo2): a Llama whose norms come after attention and MLP, and that norms
 * queries and keys, all heads at once. */
#include "model/family_llama.h"

static const struct config_key config_keys[] = {
    {"attention_bias", FLAG_KEY(attention_bias)},
    {.key = NULL},
};

static const struct sublayer_spec sublayers[] = {
    {.kind = BLOCK_ATTENTION,
     .post_norm = LLAMA_NORM(NORM_RMSNORM, "post_attention_layernorm"),
     .attention = {LLAMA_ATTENTION, LLAMA_QK_NORM(NORM_RMSNORM), .norm_all_heads = true}},
    {.kind = BLOCK_MLP, .post_norm = LLAMA_NORM(NORM_RMSNORM, "post_feedforward_layernorm"), .mlp = {LLAMA_MLP}},
};

const struct family family_olmo2 = {
    .model_type = "olmo2",
    .architecture = "Olmo2ForCausalLM",
    .headless = "Olmo2Model",
    .config_keys = {llama_keys, config_keys},
    .defaults = {.layer_norm_epsilon = 1e-5, .rope = {.theta = 10000}, LLAMA_DEFAULTS(-1, 50279, 1)},
    .rope = {.theta_key = "rope_theta"},
    LLAMA_NAMES,
    .sublayers = sublayers,
    .n_sublayers = sizeof sublayers / sizeof *sublayers,
    .gguf = {.architecture = "olmo2", .head = GGUF_HEAD_REQUIRED, .heads_share_width = true},
};
