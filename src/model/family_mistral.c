/* Mistral as transformers has it (models/mistral): a Llama of which all layers may slide. */
#include "model/family_llama.h"

const struct family family_mistral = {
    .model_type = "mistral",
    .architecture = "MistralForCausalLM",
    .headless = "MistralModel",
    .config_keys = {llama_keys},
    .defaults = {.n_kv_head = 8, .layer_norm_epsilon = 1e-6, .rope = {.theta = 10000}, LLAMA_DEFAULTS(1, 2, -1)},
    .rope = {.theta_key = "rope_theta"},
    .window = {.rule = WINDOW_ALL, .positions = 4096},
    LLAMA_NAMES,
    .sublayers = llama_sublayers,
    .n_sublayers = LLAMA_SUBLAYERS,
    .gguf = {.architecture = "llama", .permutes_rows = true, .takes_rope_freqs = true}, /* without a window */
};
