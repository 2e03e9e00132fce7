/* Families that only tests have, of the parts that there are: that a new one is a table and nothing else. */
#ifndef SFT_TESTS_TEST_FAMILIES_H
#define SFT_TESTS_TEST_FAMILIES_H

#include "model/family.h"

#define MODULE(name)      "layers.%zu." name
#define BIASED(name)      {MODULE(name) ".weight", MODULE(name) ".bias", LAYOUT_OUT_IN}
#define UNBIASED(name)    {MODULE(name) ".weight", NULL, LAYOUT_OUT_IN}
#define NORM(name)        {NORM_LAYERNORM, MODULE(name) ".weight", MODULE(name) ".bias"}
#define SCALE_NORM(name)  {NORM_LAYERNORM, MODULE(name) ".weight", NULL}
#define COUNT_OF(array)   (sizeof(array) / sizeof *(array))

static const char *const no_names[] = {NULL};

/* What GPT-2 computes, its tensors as most others keep them: queries, keys and values apart, matrices (out,in). */
static const struct sublayer_spec separate_sublayers[] = {
    {.kind = BLOCK_ATTENTION,
     .norm = NORM("norm1"),
     .attention = {.q = BIASED("q_proj"), .k = BIASED("k_proj"), .v = BIASED("v_proj"), .out = BIASED("o_proj")}},
    {.kind = BLOCK_MLP, .norm = NORM("norm2"), .mlp = {.up = BIASED("up_proj"), .down = BIASED("down_proj")}},
};
static const struct family family_separate = {
    .model_type = "separate",
    .prefix = "model.",
    .unprefixed = no_names,
    .token_embedding = "embed.weight",
    .position_embedding = "positions.weight",
    .final_norm = {NORM_LAYERNORM, "norm.weight", "norm.bias"},
    .head = "head.weight",
    .sublayers = separate_sublayers,
    .n_sublayers = COUNT_OF(separate_sublayers),
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
    .prefix = "model.",
    .unprefixed = no_names,
    .token_embedding = "embed.weight",
    .final_norm = {NORM_LAYERNORM, "norm.weight", NULL},
    .head = "head.weight",
    .sublayers = bare_sublayers,
    .n_sublayers = COUNT_OF(bare_sublayers),
};

#undef MODULE
#undef BIASED
#undef UNBIASED
#undef NORM
#undef SCALE_NORM
#undef COUNT_OF

#endif
