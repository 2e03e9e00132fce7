/* What a config.json may not ask for.
 *
 * A key that is in the family's table is understood. Of the others, one whose value asks for nothing (null, false, 0)
 * is harmless, and so is one that speaks of other things than what a model computes: of files, generation, labels. What
 * is left has a name that speaks of the model's arithmetic ("attn_gate", "key_multiplier"), and nobody here knows what
 * it changes: it is refused, rather than answers be wrong without a word. */
#include "model/config_keys.h"
#include "model/config_parts.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* ---- models of another kind ---- */

static const char recurrent[] = "layers that carry a state from position to position are not supported";
static const char experts[] = "mixtures of experts are not supported";
static const char per_layer[] = "embeddings of each layer are not supported";
static const char linear[] = "layers of linear attention are not supported";
static const char images[] = "models that see images are not supported, but their text model is, where it is saved "
                             "alone (gemma3_text; docs/models.md says how)";

/* By how a model_type begins, or by a part of it ("_moe"). */
static const struct {
    const char *begins, *has, *why;
} types[] = {
    {"mamba", NULL, recurrent},        {"falcon_mamba", NULL, recurrent}, {"falcon_h1", NULL, recurrent},
    {"jamba", NULL, recurrent},        {"bamba", NULL, recurrent},        {"zamba", NULL, recurrent},
    {"nemotron_h", NULL, recurrent},   {"rwkv", NULL, recurrent},         {"recurrent_gemma", NULL, recurrent},
    {"lfm2", NULL, recurrent},         {"xlstm", NULL, recurrent},        {"granitemoehybrid", NULL, recurrent},
    {"qwen3_next", NULL, linear},      {"qwen3_5", NULL, linear},         {"minimax", NULL, linear},
    {"gemma3n", NULL, per_layer},      {"gemma4", NULL, per_layer},       {"mixtral", NULL, experts},
    {"deepseek_v", NULL, experts},     {"gpt_oss", NULL, experts},        {"llama4", NULL, experts},
    {"dbrx", NULL, experts},           {NULL, "moe", experts},            {"gemma3", NULL, images},
    {"qwen2_vl", NULL, images},        {"qwen2_5_vl", NULL, images},      {"qwen3_vl", NULL, images},
    {"mistral3", NULL, images},        {"mllama", NULL, images},          {NULL, "llava", images},
    {"paligemma", NULL, images},       {"smolvlm", NULL, images},         {"idefics", NULL, images},
};

enum sft_status config_refuse_type(const char *model_type, struct sft_err *err)
{
    for (size_t i = 0; i < COUNT(types); i++) {
        const bool is_it = types[i].begins ? strncmp(model_type, types[i].begins, strlen(types[i].begins)) == 0
                                           : strstr(model_type, types[i].has) != NULL;
        if (is_it)
            return sft_fail(err, SFT_EDATA, "model_type '%s' is not supported: %s", model_type, types[i].why);
    }
    return SFT_OK;
}

/* ---- keys that are known, and not done ---- */

static const char quantized[] = "quantized weights are not read; dequantize the model in transformers and save that, "
                                "or remove the key where the weights are plain";

static const struct refused_key refused[] = {
    {"quantization_config", .why = quantized},
    {"compression_config", .why = quantized},
    {"quantization", .why = quantized},
    {"num_local_experts", .why = experts},
    {"num_experts", .why = experts},
    {"n_routed_experts", .why = experts},
    {"moe_intermediate_size", .why = experts},
    {"attention_chunk_size", .why = "attention in chunks is not supported"},
    {"alibi", .why = "positions by ALiBi are not supported"},
    {"use_alibi", .why = "positions by ALiBi are not supported"},
    {"hidden_size_per_layer_input", .why = per_layer},
    {"vocab_size_per_layer_input", .why = per_layer},
    {"num_kv_shared_layers", .why = "layers that share keys and values are not supported"},
    {"per_layer_config", .why = "layers of different sizes are not supported"},
    {"pruned_heads", .why = "models without some of their heads are not supported"},
    {"add_cross_attention", .why = "a model with an encoder is not supported"},
    {"is_encoder_decoder", .why = "a model with an encoder is not supported"},
    {"use_bidirectional_attention", .why = "a model that sees what comes next cannot be trained to foretell it"},
    {.key = NULL},
};

/* Whether the value is the one that may be. */
static bool is_fine(const struct refused_key *k, const json *node, const struct model_config *config)
{
    if (k->equals)
        return json_number(node) == (double)*(const size_t *)((const char *)config + k->equals);
    if (!k->unless)
        return config_asks_nothing(node);
    struct strbuf text = {0};
    json_print_line(node, &text);
    const bool is_it = strcmp(text.data, k->unless) == 0;
    strbuf_free(&text);
    return is_it;
}

static enum sft_status check_refused(const struct refused_key *keys, const struct model_config *config,
                                     const json *root, struct sft_err *err)
{
    for (const struct refused_key *k = keys; k && k->key; k++) {
        const json *node = config_find(root, k->key);
        if (node && !is_fine(k, node, config))
            return sft_fail_in(err, SFT_EDATA, k->key, "%s", k->why);
    }
    return SFT_OK;
}

/* ---- keys that nobody here knows ---- */

/* Parts of names that speak of what a model computes. */
static const char *const arithmetic[] = {
    "act", "activation", "adapter", "alibi", "altup", "attention", "attn", "bias", "bidirectional", "blocks",
    "causal", "chunk", "clamp", "clip", "conv", "conv1d", "cross", "depth", "dim", "dims", "emb", "embed",
    "embedding", "embeddings", "eps", "epsilon", "expert", "experts", "ff", "ffn", "gate", "gated", "gating", "head",
    "heads", "hidden", "inner", "interleaved", "intermediate", "kv", "latent", "laurel", "layer", "layernorm",
    "layers", "logit", "logits", "lora", "mamba", "mixer", "mla", "mlp", "moe", "mrope", "multiplier", "mup", "nope",
    "norm", "pos", "position", "positional", "positions", "qk", "qkv", "query", "rank", "recurrent", "residual",
    "rms", "rmsnorm", "rope", "rotary", "router", "scale", "scaled", "scaling", "sink", "sinks", "sliding", "softcap",
    "softcapping", "softmax", "sparse", "ssm", "state", "swiglu", "theta", "window", "yarn",
};

/* And of those that do, what changes nothing here: at random, how weights begin, how the same is computed. */
static const char *const harmless_parts[] = {
    "autoset", "dropout", "flash", "fused", "implementation", "initializer", "layerdrop", "loss", "pdrop", "std",
};
static const char *const harmless[] = {
    "chunk_size_feed_forward", "max_window_layers", /* for the window is said elsewhere */
    "output_attentions", "output_hidden_states",
    "reorder_and_upcast_attn", "summary_activation", "tie_last_hidden_states", "upcast_attn",
};

static bool has_part(const char *key, const char *const *parts, size_t n_parts)
{
    for (const char *part = key; *part;) {
        const size_t len = strcspn(part, "_.");
        if (len && str_is_one_of(part, len, parts, n_parts))
            return true;
        part += len + (part[len] != '\0');
    }
    return false;
}

static bool is_in(const char *key, const char *const *list)
{
    for (; list && *list; list++)
        if (strcmp(*list, key) == 0)
            return true;
    return false;
}

static bool is_in_table(const struct family *family, const char *key)
{
    const struct config_key *k;
    for (size_t i = 0; (k = family_key_at(family, i)); i++)
        if (strcmp(k->key, key) == 0 || (k->alias && strcmp(k->alias, key) == 0) ||
            (k->old_key && strcmp(k->old_key, key) == 0))
            return true;
    return false;
}

static bool is_refused_key(const struct refused_key *keys, const char *key)
{
    for (const struct refused_key *k = keys; k && k->key; k++)
        if (strcmp(k->key, key) == 0)
            return true;
    return false;
}

static bool is_known(const struct family *family, const char *key)
{
    return is_in_table(family, key) || is_refused_key(family->refused_keys, key) || is_refused_key(refused, key) ||
           is_in(key, family->ignored_keys) || strcmp(key, family->activation_key) == 0 ||
           config_knows_rope_key(family, key) || config_knows_layer_key(family, key);
}

static bool is_harmless(const char *key)
{
    return !has_part(key, arithmetic, COUNT(arithmetic)) || has_part(key, harmless_parts, COUNT(harmless_parts)) ||
           str_is_one_of(key, strlen(key), harmless, COUNT(harmless));
}

static enum sft_status check_unknown(const struct family *family, const json *root, struct sft_err *err)
{
    for (const json *child = json_first(root); child; child = json_next(child)) {
        const char *key = json_key(child);
        if (!config_asks_nothing(child) && !is_known(family, key) && !is_harmless(key))
            return sft_fail(err, SFT_EDATA,
                            "%s is not understood, and by its name it may change what the model computes (where "
                            "transformers' %s ignores it, remove it)",
                            key, family->model_type);
    }
    return SFT_OK;
}

enum sft_status config_refuse_keys(const struct model_config *config, const json *root, struct sft_err *err)
{
    const struct family *family = config->family;
    return check_refused(refused, config, root, err) || check_refused(family->refused_keys, config, root, err) ||
                   check_unknown(family, root, err)
               ? SFT_EDATA
               : SFT_OK;
}
