/* Gemma 2 as transformers has it (models/gemma2): norms before and after attention and MLP, a gate by GELU, soft caps,
 * and each second layer slides. */
#include "model/family_gemma.h"

const struct config_key gemma_keys[] = {
    {"attention_bias", FLAG_KEY(attention_bias)},
    {"query_pre_attn_scalar", INVERSE_ROOT_KEY(attention_multiplier), .min = 1e-6, .max = 1e6},
    {"final_logit_softcapping", REAL_KEY(logit_softcap), .nullable = true, .max = 1e6},
    {.key = NULL},
};
const char *const gemma_ignored[] = {"hidden_act", "sliding_window_size", NULL}; /* older names of keys */

static const struct config_key config_keys[] = {
    {"attn_logit_softcapping", REAL_KEY(attention_softcap), .nullable = true, .max = 1e6},
    {.key = NULL},
};

static const struct sublayer_spec sublayers[] = {
    {.kind = BLOCK_ATTENTION, GEMMA_ATTENTION_NORMS, .attention = {LLAMA_ATTENTION}},
    {.kind = BLOCK_MLP, GEMMA_MLP_NORMS, .mlp = {LLAMA_MLP}},
};

const struct family family_gemma2 = {
    .model_type = "gemma2",
    .architecture = "Gemma2ForCausalLM",
    .headless = "Gemma2Model",
    .config_keys = {llama_keys, gemma_keys, config_keys},
    .defaults = {.rope = {.theta = 10000}, .attention_softcap = 50, .logit_softcap = 30, GEMMA_DEFAULTS},
    .rope = {.theta_key = "rope_theta"},
    .window = {.rule = WINDOW_PATTERN, .positions = 4096, .pattern = 2},
    GEMMA_NAMES,
    .sublayers = sublayers,
    .n_sublayers = sizeof sublayers / sizeof *sublayers,
    .gguf = {.architecture = "gemma2",
             .head = GGUF_HEAD_NEVER,
             .merges_in_order = true,
             .layers_scaled_by_width = 46}, /* 27B */
};
