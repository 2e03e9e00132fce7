/* What Gemma 2 and 3 have in common beside what they have of Llama. */
#ifndef SFT_MODEL_FAMILY_GEMMA_H
#define SFT_MODEL_FAMILY_GEMMA_H

#include "model/family_llama.h"

extern const struct config_key gemma_keys[];
extern const char *const gemma_ignored[];

/* Norms before and after each block, the weight of each kept as what it differs from 1 by. */
#define GEMMA_NORM(module) LLAMA_NORM(NORM_RMSNORM_PLUS_ONE, module)
#define GEMMA_ATTENTION_NORMS                                                                                \
    .norm = GEMMA_NORM("input_layernorm"), .post_norm = GEMMA_NORM("post_attention_layernorm")
#define GEMMA_MLP_NORMS                                                                                      \
    .norm = GEMMA_NORM("pre_feedforward_layernorm"), .post_norm = GEMMA_NORM("post_feedforward_layernorm")

/* Of struct family; 1/16: query_pre_attn_scalar is 256. */
#define GEMMA_DEFAULTS                                                                                       \
    .n_kv_head = 4, .head_dim = 256, .tied = true, .layer_norm_epsilon = 1e-6, .initializer_range = 0.02,    \
    .activation = ACTIVATION_GELU_NEW, .attention_multiplier = 1.0 / 16, .bos_token_id = 2, .eos_token_id = 1, \
    .pad_token_id = 0
#define GEMMA_NAMES                                                                                          \
    .ignored_keys = gemma_ignored, .activation_key = "hidden_activation", .activation = "gelu_pytorch_tanh", \
    .scales_embedding = true, .has_padding_idx = true, .prefix = "model.", .unprefixed = llama_unprefixed,   \
    .buffers = llama_buffers, .token_embedding = "embed_tokens.weight",                                      \
    .final_norm = {NORM_RMSNORM_PLUS_ONE, "norm.weight", NULL}, .head = "lm_head.weight"

#endif
