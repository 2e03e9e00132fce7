/* OPT as transformers has it (models/opt): learnt positions, of which the first two rows are for no position, and ReLU.
 * Its smallest but one, opt-350m, is another model: norms after each sublayer, a narrower embedding. */
#include "model/family.h"

static const struct config_key config_keys[] = {
    {"num_hidden_layers", SIZE_KEY(n_layer), .required = true},
    {"num_attention_heads", SIZE_KEY(n_head), .required = true},
    {"hidden_size", SIZE_KEY(n_embd), .required = true},
    {"ffn_dim", SIZE_KEY(n_inner), .required = true},
    {"max_position_embeddings", SIZE_KEY(n_positions), .required = true},
    {"vocab_size", SIZE_KEY(vocab_size), .required = true},
    {"init_std", REAL_KEY(initializer_range), .max = 10},
    {"tie_word_embeddings", FLAG_KEY(tied)},
    {"enable_bias", FLAG_KEY(attention_bias)}, /* of the MLP too */
    {.key = NULL},
};

static const struct refused_key refused_keys[] = {
    {"word_embed_proj_dim", .why = "an embedding that is not as wide as the model is not supported",
     .equals = CONFIG_FIELD(n_embd)},
    {"do_layer_norm_before", .why = "norms after attention and MLP are not supported", .unless = "true"},
    {"_remove_final_layer_norm", .why = "a model without its last norm is not supported"},
    {"layer_norm_elementwise_affine", .why = "norms without weights are not supported", .unless = "true"},
    {.key = NULL},
};

static const char *const dropouts[] = {"dropout", NULL};
static const char *const unprefixed[] = {"lm_head.weight", NULL};
static const char *const buffers[] = {NULL};

#define LINEAR(module)                                                                                       \
    {"layers.%zu." module ".weight", "layers.%zu." module ".bias", LAYOUT_OUT_IN, BIAS_IF_ATTENTION_BIAS}
#define NORM(module) {NORM_LAYERNORM, "layers.%zu." module ".weight", "layers.%zu." module ".bias"}

static const struct sublayer_spec sublayers[] = {
    {.kind = BLOCK_ATTENTION,
     .norm = NORM("self_attn_layer_norm"),
     .attention = {.q = LINEAR("self_attn.q_proj"),
                   .k = LINEAR("self_attn.k_proj"),
                   .v = LINEAR("self_attn.v_proj"),
                   .out = LINEAR("self_attn.out_proj")}},
    {.kind = BLOCK_MLP, .norm = NORM("final_layer_norm"), .mlp = {.up = LINEAR("fc1"), .down = LINEAR("fc2")}},
};

const struct family family_opt = {
    .model_type = "opt",
    .architecture = "OPTForCausalLM",
    .headless = "OPTModel",
    .config_keys = {config_keys},
    .refused_keys = refused_keys,
    .defaults = {.layer_norm_epsilon = 1e-5, /* nn.LayerNorm's, which no key changes */
                 .initializer_range = 0.02,
                 .tied = true,
                 .attention_bias = true,
                 .activation = ACTIVATION_RELU,
                 .dropout = 0.1,
                 .bos_token_id = 2,
                 .eos_token_id = 2,
                 .pad_token_id = 1},
    .activation_key = "activation_function",
    .dropouts = dropouts,
    .has_padding_idx = true,
    .prefix = "model.decoder.",
    .unprefixed = unprefixed,
    .buffers = buffers,
    .token_embedding = "embed_tokens.weight",
    .position_embedding = "embed_positions.weight",
    .position_offset = 2,
    .final_norm = {NORM_LAYERNORM, "final_layer_norm.weight", "final_layer_norm.bias"},
    .head = "lm_head.weight",
    .sublayers = sublayers,
    .n_sublayers = sizeof sublayers / sizeof *sublayers,
};
