/* Llama as transformers has it (models/llama): RMSNorm, rotary positions, fewer heads of keys and values than of
 * queries, a gated MLP, no biases. Its matrices are (out, in), as nn.Linear keeps them. */
#include "model/family.h"

#define FIELD(name) offsetof(struct model_config, name)

/* rope_theta stands in an object of its own since transformers 5. */
static const struct config_key config_keys[] = {
    {"num_hidden_layers", NULL, NULL, CONFIG_SIZE, FIELD(n_layer), true, 0, 0, 0},
    {"num_attention_heads", NULL, NULL, CONFIG_SIZE, FIELD(n_head), true, 0, 0, 0},
    {"num_key_value_heads", NULL, NULL, CONFIG_SIZE, FIELD(n_kv_head), false, 0, 0, 0},
    {"head_dim", NULL, NULL, CONFIG_SIZE, FIELD(head_dim), false, 0, 0, 0},
    {"hidden_size", NULL, NULL, CONFIG_SIZE, FIELD(n_embd), true, 0, 0, 0},
    {"intermediate_size", NULL, NULL, CONFIG_SIZE, FIELD(n_inner), true, 0, 0, 0},
    {"max_position_embeddings", NULL, NULL, CONFIG_SIZE, FIELD(n_positions), true, 0, 0, 0},
    {"vocab_size", NULL, NULL, CONFIG_SIZE, FIELD(vocab_size), true, 0, 0, 0},
    {"rms_norm_eps", NULL, NULL, CONFIG_REAL, FIELD(layer_norm_epsilon), false, 1e-6, 1e-20, 1},
    {"initializer_range", NULL, NULL, CONFIG_REAL, FIELD(initializer_range), false, 0.02, 0, 10},
    {"rope_theta", "rope_parameters.rope_theta", NULL, CONFIG_REAL, FIELD(rope.theta), false, 10000, 1, 1e12},
    {"tie_word_embeddings", NULL, NULL, CONFIG_FLAG, FIELD(tied), false, 0, 0, 0},
    {NULL, NULL, NULL, CONFIG_FLAG, FIELD(scale_attn_weights), false, 1, 0, 0},
};

static const struct size_rule size_rules[] = {
    {FIELD(n_kv_head), 1, FIELD(n_head), NO_FIELD},
    {FIELD(head_dim), 1, FIELD(n_embd), FIELD(n_head)},
    {FIELD(rotary_dim), 1, FIELD(head_dim), NO_FIELD},
};

#define SCALED "rotary positions that are scaled are not supported"
static const struct refused_key refused_keys[] = {
    {"rope_parameters.rope_type", SCALED, "default"},
    {"rope_scaling.rope_type", SCALED, "default"},
    {"rope_scaling.type", SCALED, "default"},
    {"attention_bias", "biases are not supported", NULL},
    {"mlp_bias", "biases are not supported", NULL},
};

static const char *const dropout_keys[] = {"attention_dropout", NULL};
static const char *const unprefixed[] = {"lm_head.weight", NULL};
static const char *const buffers[] = {".rotary_emb.inv_freq", NULL};

/* An nn.Linear without a bias, of layer %zu. */
#define LINEAR(module) {"layers.%zu." module ".weight", NULL, LAYOUT_OUT_IN}

static const struct sublayer_spec sublayers[] = {
    {.kind = BLOCK_ATTENTION,
     .norm = {NORM_RMSNORM, "layers.%zu.input_layernorm.weight", NULL},
     .attention = {.q = LINEAR("self_attn.q_proj"),
                   .k = LINEAR("self_attn.k_proj"),
                   .v = LINEAR("self_attn.v_proj"),
                   .out = LINEAR("self_attn.o_proj"),
                   .rotary = true}},
    {.kind = BLOCK_MLP,
     .norm = {NORM_RMSNORM, "layers.%zu.post_attention_layernorm.weight", NULL},
     .mlp = {.gate = LINEAR("mlp.gate_proj"), .up = LINEAR("mlp.up_proj"), .down = LINEAR("mlp.down_proj")}},
};

const struct family family_llama = {
    .model_type = "llama",
    .architecture = "LlamaForCausalLM",
    .headless = "LlamaModel",
    .config_keys = config_keys,
    .n_config_keys = sizeof config_keys / sizeof *config_keys,
    .size_rules = size_rules,
    .n_size_rules = sizeof size_rules / sizeof *size_rules,
    .refused_keys = refused_keys,
    .n_refused_keys = sizeof refused_keys / sizeof *refused_keys,
    .activation_key = "hidden_act",
    .default_activation = ACTIVATION_SILU,
    .dropout_keys = dropout_keys,
    .default_dropout = 0,
    .default_bos_token_id = 1,
    .default_eos_token_id = 2,
    .prefix = "model.",
    .unprefixed = unprefixed,
    .buffers = buffers,
    .token_embedding = "embed_tokens.weight",
    .final_norm = {NORM_RMSNORM, "norm.weight", NULL},
    .head = "lm_head.weight",
    .sublayers = sublayers,
    .n_sublayers = sizeof sublayers / sizeof *sublayers,
};
