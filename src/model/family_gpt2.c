/* GPT-2 as transformers has it (models/gpt2). Its matrices are (in, out), as Conv1D keeps them. */
#include "model/family.h"

#define FIELD(name) offsetof(struct model_config, name)

/* The aliases are those of transformers' GPT2Config.attribute_map, and what GPT-2's own files call n_positions. */
static const struct config_key config_keys[] = {
    {"n_layer", {"num_hidden_layers"}, CONFIG_SIZE, FIELD(n_layer), true, 0, 0, 0},
    {"n_head", {"num_attention_heads"}, CONFIG_SIZE, FIELD(n_head), true, 0, 0, 0},
    {"n_embd", {"hidden_size"}, CONFIG_SIZE, FIELD(n_embd), true, 0, 0, 0},
    {"n_positions", {"max_position_embeddings", "n_ctx"}, CONFIG_SIZE, FIELD(n_positions), true, 0, 0, 0},
    {"vocab_size", {NULL}, CONFIG_SIZE, FIELD(vocab_size), true, 0, 0, 0},
    {"n_inner", {NULL}, CONFIG_SIZE, FIELD(n_inner), false, 0, 0, 0},
    {"layer_norm_epsilon", {NULL}, CONFIG_REAL, FIELD(layer_norm_epsilon), false, 1e-5, 1e-20, 1},
    {"initializer_range", {NULL}, CONFIG_REAL, FIELD(initializer_range), false, 0.02, 0, 10},
    {"tie_word_embeddings", {NULL}, CONFIG_FLAG, FIELD(tied), false, 1, 0, 0},
    {"scale_attn_weights", {NULL}, CONFIG_FLAG, FIELD(scale_attn_weights), false, 1, 0, 0},
    {"scale_attn_by_inverse_layer_idx",
     {NULL},
     CONFIG_FLAG,
     FIELD(scale_attn_by_inverse_layer_idx),
     false,
     0,
     0,
     0},
};

static const char *const dropout_keys[] = {"resid_pdrop", "embd_pdrop", "attn_pdrop", NULL};
static const char *const unprefixed[] = {"lm_head.weight", NULL};

/* The causal mask and the value it masks with, which older versions saved, and other programs' names for it. */
static const char *const buffers[] = {".attn.bias", ".attn.masked_bias", ".attn.mask", ".attn.causal_mask",
                                      ".attn.tril", NULL};

static const struct tensor_spec tensors[] = {
    {TENSOR_TOKEN_EMBEDDING, "wte.weight", DIM_VOCAB, DIM_EMBD, INIT_NORMAL, true, false},
    {TENSOR_POSITION_EMBEDDING, "wpe.weight", DIM_POSITIONS, DIM_EMBD, INIT_NORMAL, true, false},
    {TENSOR_FINAL_NORM_W, "ln_f.weight", DIM_EMBD, DIM_NONE, INIT_ONE, false, false},
    {TENSOR_FINAL_NORM_B, "ln_f.bias", DIM_EMBD, DIM_NONE, INIT_ZERO, false, false},
    {TENSOR_HEAD, "lm_head.weight", DIM_VOCAB, DIM_EMBD, INIT_NORMAL, true, true},
    {TENSOR_NORM1_W, "h.%zu.ln_1.weight", DIM_EMBD, DIM_NONE, INIT_ONE, false, false},
    {TENSOR_NORM1_B, "h.%zu.ln_1.bias", DIM_EMBD, DIM_NONE, INIT_ZERO, false, false},
    {TENSOR_QKV_W, "h.%zu.attn.c_attn.weight", DIM_EMBD, DIM_3EMBD, INIT_NORMAL, true, false},
    {TENSOR_QKV_B, "h.%zu.attn.c_attn.bias", DIM_3EMBD, DIM_NONE, INIT_ZERO, false, false},
    {TENSOR_PROJ_W, "h.%zu.attn.c_proj.weight", DIM_EMBD, DIM_EMBD, INIT_NORMAL_RESIDUAL, true, false},
    {TENSOR_PROJ_B, "h.%zu.attn.c_proj.bias", DIM_EMBD, DIM_NONE, INIT_ZERO, false, false},
    {TENSOR_NORM2_W, "h.%zu.ln_2.weight", DIM_EMBD, DIM_NONE, INIT_ONE, false, false},
    {TENSOR_NORM2_B, "h.%zu.ln_2.bias", DIM_EMBD, DIM_NONE, INIT_ZERO, false, false},
    {TENSOR_UP_W, "h.%zu.mlp.c_fc.weight", DIM_EMBD, DIM_INNER, INIT_NORMAL, true, false},
    {TENSOR_UP_B, "h.%zu.mlp.c_fc.bias", DIM_INNER, DIM_NONE, INIT_ZERO, false, false},
    {TENSOR_DOWN_W, "h.%zu.mlp.c_proj.weight", DIM_INNER, DIM_EMBD, INIT_NORMAL_RESIDUAL, true, false},
    {TENSOR_DOWN_B, "h.%zu.mlp.c_proj.bias", DIM_EMBD, DIM_NONE, INIT_ZERO, false, false},
};

const struct family family_gpt2 = {
    .model_type = "gpt2",
    .architecture = "GPT2LMHeadModel",
    .headless = "GPT2Model",
    .config_keys = config_keys,
    .n_config_keys = sizeof config_keys / sizeof *config_keys,
    .activation_key = "activation_function",
    .dropout_keys = dropout_keys,
    .default_dropout = 0.1,
    .default_token_id = 50256,
    .prefix = "transformer.",
    .unprefixed = unprefixed,
    .buffers = buffers,
    .tensors = tensors,
    .n_tensors = sizeof tensors / sizeof *tensors,
};
