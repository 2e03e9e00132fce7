#include "files/gguf/gguf_keys.h"

#include <math.h>
#include <string.h>

const struct gguf_size_key gguf_sizes[GGUF_SIZES] = {
    {"block_count", CONFIG_FIELD(n_layer)},           {"context_length", CONFIG_FIELD(n_positions)},
    {"embedding_length", CONFIG_FIELD(n_embd)},       {"feed_forward_length", CONFIG_FIELD(n_inner)},
    {"attention.head_count", CONFIG_FIELD(n_head)},
};

const struct gguf_real_key gguf_reals[GGUF_REALS] = {
    {"expert_count", GGUF_NO_FIELD, 0, false},
    {"attention.clamp_kqv", GGUF_NO_FIELD, 0, false},
    {"attention.max_alibi_bias", GGUF_NO_FIELD, 0, false},
    {"attn_logit_softcapping", CONFIG_FIELD(attention_softcap), 0, true},
    {"final_logit_softcapping", CONFIG_FIELD(logit_softcap), 0, true},
    {"logit_scale", CONFIG_FIELD(logits_divisor), 1, false},
    {"residual_scale", CONFIG_FIELD(residual_multiplier), 1, false},
    {"embedding_scale", CONFIG_FIELD(embedding_multiplier), 1, false},
    {"attention.scale", CONFIG_FIELD(attention_multiplier), 0, false},
};

bool gguf_has_real(const struct family *family, const struct gguf_real_key *key)
{
    const struct config_key *k;
    for (size_t i = 0; (k = family_key_at(family, i)); i++)
        if (k->offset == key->field && k->type == CONFIG_REAL)
            return true;
    return false;
}

const char gguf_parallel_key[] = "use_parallel_residual", gguf_window_key[] = "attention.sliding_window",
           gguf_pattern_key[] = "attention.sliding_window_pattern";

const char *gguf_epsilon_key(const struct family *family)
{
    return family->final_norm.kind == NORM_LAYERNORM ? "attention.layer_norm_epsilon"
                                                     : "attention.layer_norm_rms_epsilon";
}

double gguf_attention_multiplier(const struct model_config *config)
{
    const bool by_width = config->n_layer == config->family->gguf.layers_scaled_by_width;
    return 1 / sqrt(by_width ? (double)config->n_embd / (double)config->n_head : (double)config->head_dim);
}

const struct gguf_sampling_key gguf_sampling[GGUF_SAMPLING] = {
    {"general.sampling.temp", "temperature"}, {"general.sampling.top_k", "top_k"},
    {"general.sampling.top_p", "top_p"},      {"general.sampling.min_p", "min_p"},
    {"general.sampling.penalty_repeat", "repetition_penalty"},
};
