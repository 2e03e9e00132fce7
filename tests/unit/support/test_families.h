/* Families that only tests have, of the parts that there are: that a new one is a table and nothing else. Between them,
 * and gpt2 and llama, they have every part and every flag. */
#ifndef SFT_TESTS_TEST_FAMILIES_H
#define SFT_TESTS_TEST_FAMILIES_H

#include "model/family.h"

#define MODULE(name)         "layers.%zu." name
#define BIASED(name)         {MODULE(name) ".weight", MODULE(name) ".bias", LAYOUT_OUT_IN, BIAS_ALWAYS}
#define BIASED_IF(name, has) {MODULE(name) ".weight", MODULE(name) ".bias", LAYOUT_OUT_IN, has}
#define UNBIASED(name)       {MODULE(name) ".weight", NULL, LAYOUT_OUT_IN, BIAS_ALWAYS}
#define NORM(name)           {NORM_LAYERNORM, MODULE(name) ".weight", MODULE(name) ".bias"}
#define SCALE_NORM(name)     {NORM_LAYERNORM, MODULE(name) ".weight", NULL}
#define RMS_NORM(name)       {NORM_RMSNORM, MODULE(name) ".weight", NULL}
#define PLUS_ONE_NORM(name)  {NORM_RMSNORM_PLUS_ONE, MODULE(name) ".weight", NULL}
#define COUNT_OF(array)      (sizeof(array) / sizeof *(array))
#define SUBLAYERS(array)     .sublayers = array, .n_sublayers = COUNT_OF(array)
#define NAMES                                                                                                          \
    .prefix = "model.", .unprefixed = no_names, .token_embedding = "embed.weight", .head = "head.weight"

static const char *const no_names[] = {NULL};

/* What GPT-2 computes, its tensors as most others keep them: queries, keys and values apart, matrices (out,in). And a
 * table of positions that begins before position 0. */
static const struct sublayer_spec separate_sublayers[] = {
    {.kind = BLOCK_ATTENTION,
     .norm = NORM("norm1"),
     .attention = {.q = BIASED("q_proj"), .k = BIASED("k_proj"), .v = BIASED("v_proj"), .out = BIASED("o_proj")}},
    {.kind = BLOCK_MLP, .norm = NORM("norm2"), .mlp = {.up = BIASED("up_proj"), .down = BIASED("down_proj")}},
};
static const struct family family_separate = {
    .model_type = "separate",
    NAMES,
    .position_embedding = "positions.weight",
    .final_norm = {NORM_LAYERNORM, "norm.weight", "norm.bias"},
    SUBLAYERS(separate_sublayers),
};
static const struct family family_offset = {
    .model_type = "offset",
    NAMES,
    .position_embedding = "positions.weight",
    .position_offset = 2,
    .final_norm = {NORM_LAYERNORM, "norm.weight", "norm.bias"},
    SUBLAYERS(separate_sublayers),
};

/* What may be lacking is: biases of norms, and of linear layers but q and v; learned positions. The MLP comes
 * first, so that the last sublayer is the one that mixes positions. */
static const struct sublayer_spec bare_sublayers[] = {
    {.kind = BLOCK_MLP, .norm = SCALE_NORM("norm1"), .mlp = {.up = UNBIASED("up_proj"), .down = UNBIASED("down_proj")}},
    {.kind = BLOCK_ATTENTION,
     .norm = SCALE_NORM("norm2"),
     .attention = {.q = BIASED("q_proj"), .k = UNBIASED("k_proj"), .v = BIASED("v_proj"), .out = UNBIASED("o_proj")}},
};
static const struct family family_bare = {
    .model_type = "bare",
    NAMES,
    .final_norm = {NORM_LAYERNORM, "norm.weight", NULL},
    SUBLAYERS(bare_sublayers),
};

/* Biases where config.json's flags ask for them, multipliers, layers that are not turned. */
static const struct sublayer_spec flagged_sublayers[] = {
    {.kind = BLOCK_ATTENTION,
     .norm = RMS_NORM("norm1"),
     .attention = {.q = BIASED_IF("q_proj", BIAS_IF_ATTENTION_BIAS),
                   .k = BIASED_IF("k_proj", BIAS_IF_ATTENTION_BIAS),
                   .v = BIASED_IF("v_proj", BIAS_IF_ATTENTION_BIAS),
                   .out = BIASED_IF("o_proj", BIAS_IF_ATTENTION_BIAS),
                   .rotary = true}},
    {.kind = BLOCK_MLP,
     .norm = RMS_NORM("norm2"),
     .mlp = {.gate = BIASED_IF("gate_proj", BIAS_IF_MLP_BIAS),
             .up = BIASED_IF("up_proj", BIAS_IF_MLP_BIAS),
             .down = BIASED_IF("down_proj", BIAS_IF_MLP_BIAS)}},
};
static const struct family family_flagged = {
    .model_type = "flagged", NAMES, .final_norm = {NORM_RMSNORM, "norm.weight", NULL}, SUBLAYERS(flagged_sublayers)};

/* Norms before and after each block, and of each head's queries and keys. */
static const struct sublayer_spec sandwich_sublayers[] = {
    {.kind = BLOCK_ATTENTION,
     .norm = PLUS_ONE_NORM("norm1"),
     .post_norm = PLUS_ONE_NORM("post_norm1"),
     .attention = {.q = UNBIASED("q_proj"),
                   .k = UNBIASED("k_proj"),
                   .v = UNBIASED("v_proj"),
                   .out = UNBIASED("o_proj"),
                   .q_norm = PLUS_ONE_NORM("q_norm"),
                   .k_norm = PLUS_ONE_NORM("k_norm"),
                   .rotary = true}},
    {.kind = BLOCK_MLP,
     .norm = PLUS_ONE_NORM("norm2"),
     .post_norm = PLUS_ONE_NORM("post_norm2"),
     .mlp = {.gate = UNBIASED("gate_proj"), .up = UNBIASED("up_proj"), .down = UNBIASED("down_proj")}},
};
static const struct family family_sandwich = {.model_type = "sandwich",
                                              NAMES,
                                              .final_norm = {NORM_RMSNORM_PLUS_ONE, "norm.weight", NULL},
                                              SUBLAYERS(sandwich_sublayers)};

/* Norms after the blocks alone, and of all heads' queries and keys at once. */
static const struct sublayer_spec after_sublayers[] = {
    {.kind = BLOCK_ATTENTION,
     .post_norm = RMS_NORM("post_norm1"),
     .attention = {.q = UNBIASED("q_proj"),
                   .k = UNBIASED("k_proj"),
                   .v = UNBIASED("v_proj"),
                   .out = UNBIASED("o_proj"),
                   .q_norm = RMS_NORM("q_norm"),
                   .k_norm = RMS_NORM("k_norm"),
                   .norm_all_heads = true,
                   .rotary = true}},
    {.kind = BLOCK_MLP,
     .post_norm = RMS_NORM("post_norm2"),
     .mlp = {.gate = UNBIASED("gate_proj"), .up = UNBIASED("up_proj"), .down = UNBIASED("down_proj")}},
};
static const struct family family_after = {
    .model_type = "after", NAMES, .final_norm = {NORM_RMSNORM, "norm.weight", NULL}, SUBLAYERS(after_sublayers)};

/* The MLP beside the attention; queries, keys and values in one tensor, head by head. */
static const struct sublayer_spec parallel_sublayers[] = {
    {.kind = BLOCK_ATTENTION,
     .norm = NORM("norm1"),
     .attention = {.qkv = BIASED("query_key_value"), .by_head = true, .out = BIASED("dense"), .rotary = true}},
    {.kind = BLOCK_MLP,
     .parallel = true,
     .norm = NORM("norm2"),
     .mlp = {.up = BIASED("up_proj"), .down = BIASED("down_proj")}},
};
static const struct family family_parallel = {.model_type = "parallel",
                                              NAMES,
                                              .final_norm = {NORM_LAYERNORM, "norm.weight", "norm.bias"},
                                              SUBLAYERS(parallel_sublayers)};

/* Three blocks beside one another, the attention in the middle, each with norms of its own. */
static const struct sublayer_spec chain_sublayers[] = {
    {.kind = BLOCK_MLP,
     .norm = RMS_NORM("norm1"),
     .mlp = {.up = UNBIASED("up_proj1"), .down = UNBIASED("down_proj1")}},
    {.kind = BLOCK_ATTENTION,
     .parallel = true,
     .post_norm = RMS_NORM("post_norm2"),
     .attention = {.q = UNBIASED("q_proj"), .k = UNBIASED("k_proj"), .v = UNBIASED("v_proj"), .out = BIASED("o_proj")}},
    {.kind = BLOCK_MLP,
     .parallel = true,
     .norm = RMS_NORM("norm3"),
     .post_norm = RMS_NORM("post_norm3"),
     .mlp = {.up = UNBIASED("up_proj3"), .down = UNBIASED("down_proj3")}},
};
static const struct family family_chain = {
    .model_type = "chain", NAMES, .final_norm = {NORM_RMSNORM, "norm.weight", NULL}, SUBLAYERS(chain_sublayers)};

#undef MODULE
#undef BIASED
#undef BIASED_IF
#undef UNBIASED
#undef NORM
#undef SCALE_NORM
#undef RMS_NORM
#undef PLUS_ONE_NORM
#undef COUNT_OF
#undef SUBLAYERS
#undef NAMES

#endif
