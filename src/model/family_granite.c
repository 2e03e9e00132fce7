/* Granite 3 as transformers has it (models/granite): a Llama with a multiplier of the embedding, of what a sublayer
 * adds, of q . k and of the logits. */
#include "model/family_llama.h"

enum { LARGEST = 1000000 };
static const struct config_key config_keys[] = {
    {"embedding_multiplier", REAL_KEY(embedding_multiplier), .min = 1e-6, .max = LARGEST},
    {"residual_multiplier", REAL_KEY(residual_multiplier), .min = 1e-6, .max = LARGEST},
    {"attention_multiplier", REAL_KEY(attention_multiplier), .min = 1e-6, .max = LARGEST},
    {"logits_scaling", REAL_KEY(logits_divisor), .min = 1e-6, .max = LARGEST},
    {.key = NULL},
};

const struct family family_granite = {
    .model_type = "granite",
    .architecture = "GraniteForCausalLM",
    .headless = "GraniteModel",
    .config_keys = {llama_keys, llama_bias_keys, config_keys},
    .defaults = {.layer_norm_epsilon = 1e-6,
                 .attention_multiplier = 1,
                 .rope = {.theta = 10000},
                 LLAMA_DEFAULTS(1, 2, -1)},
    .rope = {.theta_key = "rope_theta"},
    LLAMA_NAMES,
    .sublayers = llama_sublayers,
    .n_sublayers = LLAMA_SUBLAYERS,
    .gguf = {.architecture = "granite", .permutes_rows = true, .takes_biases = true, .takes_rope_freqs = true},
};
