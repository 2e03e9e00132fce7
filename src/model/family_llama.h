/* What Llama and the families that come after it have in common: the keys of its config.json, the names of its tensors,
 * and that its matrices are (out, in), as nn.Linear keeps them. */
#ifndef SFT_MODEL_FAMILY_LLAMA_H
#define SFT_MODEL_FAMILY_LLAMA_H

#include "model/family.h"

extern const struct config_key llama_keys[];      /* all but those of biases and rotary positions */
extern const struct config_key llama_bias_keys[]; /* attention_bias, mlp_bias */
extern const char *const llama_unprefixed[], *const llama_buffers[];

/* A module of layer %zu: an nn.Linear, whose bias is there always or where config.json says so, or never; its norm. */
#define LLAMA_BIASED(module, presence)                                                                       \
    {"layers.%zu." module ".weight", "layers.%zu." module ".bias", LAYOUT_OUT_IN, presence}
#define LLAMA_LINEAR(module)     {"layers.%zu." module ".weight", NULL, LAYOUT_OUT_IN, BIAS_ALWAYS}
#define LLAMA_NORM(kind, module) {kind, "layers.%zu." module ".weight", NULL}

/* Queries, keys, values and the way back, turned by their positions; a gate beside what it lets through. */
#define LLAMA_ATTENTION                                                                                      \
    .q = LLAMA_BIASED("self_attn.q_proj", BIAS_IF_ATTENTION_BIAS),                                           \
    .k = LLAMA_BIASED("self_attn.k_proj", BIAS_IF_ATTENTION_BIAS),                                           \
    .v = LLAMA_BIASED("self_attn.v_proj", BIAS_IF_ATTENTION_BIAS),                                           \
    .out = LLAMA_BIASED("self_attn.o_proj", BIAS_IF_ATTENTION_BIAS), .rotary = true
#define LLAMA_QK_NORM(kind)                                                                                  \
    .q_norm = LLAMA_NORM(kind, "self_attn.q_norm"), .k_norm = LLAMA_NORM(kind, "self_attn.k_norm")
#define LLAMA_MLP                                                                                            \
    .gate = LLAMA_BIASED("mlp.gate_proj", BIAS_IF_MLP_BIAS), .up = LLAMA_BIASED("mlp.up_proj", BIAS_IF_MLP_BIAS), \
    .down = LLAMA_BIASED("mlp.down_proj", BIAS_IF_MLP_BIAS)

extern const struct sublayer_spec llama_sublayers[];
enum { LLAMA_SUBLAYERS = 2 };

/* Of struct family. Tokens: -1 is none. */
#define LLAMA_DEFAULTS(bos, eos, pad)                                                                        \
    .initializer_range = 0.02, .activation = ACTIVATION_SILU, .bos_token_id = bos, .eos_token_id = eos,      \
    .pad_token_id = pad
#define LLAMA_NAMES                                                                                          \
    .activation_key = "hidden_act", .has_padding_idx = true, .prefix = "model.", .unprefixed = llama_unprefixed, \
    .buffers = llama_buffers, .token_embedding = "embed_tokens.weight",                                      \
    .final_norm = {NORM_RMSNORM, "norm.weight", NULL}, .head = "lm_head.weight"

#endif
