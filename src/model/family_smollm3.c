/* SmolLM3 as transformers has it (models/smollm3): a Llama that turns nothing in each fourth layer (no_rope_layers, in
 * which 1 means that a layer does turn). */
#include "model/family_llama.h"

const struct family family_smollm3 = {
    .model_type = "smollm3",
    .architecture = "SmolLM3ForCausalLM",
    .headless = "SmolLM3Model",
    .config_keys = {llama_keys, llama_bias_keys},
    .defaults = {.n_kv_head = 4,
                 .tied = true,
                 .layer_norm_epsilon = 1e-6,
                 .rope = {.theta = 2000000},
                 LLAMA_DEFAULTS(128000, 128001, 128004)},
    .rope = {.theta_key = "rope_theta", .unrotated_interval = 4},
    .window = {.rule = WINDOW_UNROTATED},
    LLAMA_NAMES,
    .sublayers = llama_sublayers,
    .n_sublayers = LLAMA_SUBLAYERS,
    .gguf = {.architecture = "smollm3", .permutes_rows = true},
};
