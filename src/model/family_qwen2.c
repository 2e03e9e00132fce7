/* Qwen2 and 2.5 as transformers has them (models/qwen2): a Llama whose queries, keys and values have biases. */
#include "model/family_llama.h"

static const struct sublayer_spec sublayers[] = {
    {.kind = BLOCK_ATTENTION,
     .norm = LLAMA_NORM(NORM_RMSNORM, "input_layernorm"),
     .attention = {.q = LLAMA_BIASED("self_attn.q_proj", BIAS_ALWAYS),
                   .k = LLAMA_BIASED("self_attn.k_proj", BIAS_ALWAYS),
                   .v = LLAMA_BIASED("self_attn.v_proj", BIAS_ALWAYS),
                   .out = LLAMA_LINEAR("self_attn.o_proj"),
                   .rotary = true}},
    {.kind = BLOCK_MLP, .norm = LLAMA_NORM(NORM_RMSNORM, "post_attention_layernorm"), .mlp = {LLAMA_MLP}},
};

const struct family family_qwen2 = {
    .model_type = "qwen2",
    .architecture = "Qwen2ForCausalLM",
    .headless = "Qwen2Model",
    .config_keys = {llama_keys},
    .defaults = {.n_kv_head = 32, .layer_norm_epsilon = 1e-6, .rope = {.theta = 10000}, LLAMA_DEFAULTS(-1, -1, -1)},
    .rope = {.theta_key = "rope_theta"},
    .window = {.rule = WINDOW_UPPER, .positions = 4096},
    LLAMA_NAMES,
    .sublayers = sublayers,
    .n_sublayers = sizeof sublayers / sizeof *sublayers,
    .gguf = {.architecture = "qwen2", .heads_share_width = true},
};
