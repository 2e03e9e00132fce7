/* The text model of Gemma 3 as transformers has it (models/gemma3): Gemma 2, but each head's queries and keys normed in
 * place of soft caps, and five layers of six slide, turned at a rate of their own. */
#include "model/family_gemma.h"

static const struct refused_key refused_keys[] = {
    {"attn_logit_softcapping", .why = "transformers has it in Gemma 3's configuration alone, and computes without it"},
    {.key = NULL},
};

static const struct sublayer_spec sublayers[] = {
    {.kind = BLOCK_ATTENTION,
     GEMMA_ATTENTION_NORMS,
     .attention = {LLAMA_ATTENTION, LLAMA_QK_NORM(NORM_RMSNORM_PLUS_ONE)}},
    {.kind = BLOCK_MLP, GEMMA_MLP_NORMS, .mlp = {LLAMA_MLP}},
};

const struct family family_gemma3 = {
    .model_type = "gemma3_text",
    .architecture = "Gemma3ForCausalLM",
    .headless = "Gemma3TextModel",
    .config_keys = {llama_keys, gemma_keys},
    .refused_keys = refused_keys,
    .defaults = {.rope = {.theta = 1000000}, .rope_local = {.theta = 10000}, GEMMA_DEFAULTS},
    .rope = {.theta_key = "rope_theta", .local_theta_key = "rope_local_base_freq"},
    .window = {.rule = WINDOW_PATTERN, .positions = 4096, .pattern = 6, .pattern_key = "sliding_window_pattern"},
    GEMMA_NAMES,
    .sublayers = sublayers,
    .n_sublayers = sizeof sublayers / sizeof *sublayers,
    .gguf = {.architecture = "gemma3", .merges_in_order = true, .layers_scaled_by_width = 62}, /* 27B */
};
