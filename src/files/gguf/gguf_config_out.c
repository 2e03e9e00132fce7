#include "files/gguf/gguf_config_out.h"

#include "files/gguf/gguf_keys.h"
#include "files/gguf/gguf_rope.h"

#include <math.h>
#include <stdio.h>

/* ---- what llama.cpp cannot compute ---- */

static enum sft_status refuse(const struct model_config *config, size_t field, const char *why, struct sft_err *err)
{
    return sft_fail(err, SFT_EDATA, "config.json: %s: not written as GGUF: llama.cpp's %s %s",
                    family_key(config->family, field), config->family->gguf.architecture, why);
}

static enum sft_status check_family(const struct model_config *config, struct sft_err *err)
{
    struct strbuf list = {0};
    const struct family *f;
    if (config->family->gguf.architecture)
        return SFT_OK;
    for (size_t i = 0; (f = family_at(i)); i++)
        if (f->gguf.architecture)
            strbuf_printf(&list, "%s%s", list.len ? ", " : "", f->model_type);
    sft_fail(err, SFT_EDATA,
             "config.json: model_type '%s': not written as GGUF: llama.cpp has no such architecture (it has those of "
             "%s)",
             config->family->model_type, list.data);
    strbuf_free(&list);
    return SFT_EDATA;
}

static enum sft_status check_block(const struct model_config *config, struct sft_err *err)
{
    const struct family *family = config->family;
    const struct model_config *usual = &family->defaults;
    if (config->activation != usual->activation)
        return sft_fail(err, SFT_EDATA, "config.json: %s: not written as GGUF: llama.cpp's %s computes %s, not %s",
                        family->activation_key, family->gguf.architecture, activation_name(usual->activation),
                        activation_name(config->activation));
    if (!family->gguf.takes_biases && config->attention_bias != usual->attention_bias)
        return refuse(config, CONFIG_FIELD(attention_bias), usual->attention_bias ? "needs biases" : "has no biases",
                      err);
    if (!family->gguf.takes_biases && config->mlp_bias != usual->mlp_bias)
        return refuse(config, CONFIG_FIELD(mlp_bias), "has no biases", err);
    if (family->gguf.head == GGUF_HEAD_NEVER && !config->tied)
        return refuse(config, CONFIG_FIELD(tied), "takes the embedding for its head", err);
    return SFT_OK;
}

/* Whether the family has a key for a number of attention's of which llama.cpp does not read one. */
static bool scale_is_said(const struct model_config *config)
{
    for (size_t i = 0; i < GGUF_REALS; i++)
        if (gguf_reals[i].field == CONFIG_FIELD(attention_multiplier))
            return gguf_has_real(config->family, &gguf_reals[i]);
    return false;
}

static enum sft_status check_attention(const struct model_config *config, struct sft_err *err)
{
    const double scale = gguf_attention_multiplier(config), ours = config->attention_multiplier;
    if (config->scale_attn_by_inverse_layer_idx)
        return refuse(config, CONFIG_FIELD(scale_attn_by_inverse_layer_idx), "has no such scale", err);
    if (!scale_is_said(config) && ours != 0 && fabs(ours - scale) > 1e-6 * scale)
        return sft_fail(err, SFT_EDATA,
                        "config.json: %s: not written as GGUF: llama.cpp's %s multiplies scores by %g, not %g",
                        family_key(config->family, CONFIG_FIELD(attention_multiplier)),
                        config->family->gguf.architecture, scale, ours);
    if (config->family->gguf.heads_share_width && config->head_dim * config->n_head != config->n_embd)
        return refuse(config, CONFIG_FIELD(head_dim), "has heads of hidden_size / num_attention_heads columns", err);
    if (config->family->defaults.attention_softcap > 0 && config->attention_softcap == 0)
        return refuse(config, CONFIG_FIELD(attention_softcap), "has one always", err);
    return SFT_OK;
}

static enum sft_status check_rotation(const struct model_config *config, struct sft_err *err)
{
    const struct family *family = config->family;
    const size_t interval = family->rope.unrotated_interval;
    if (config->rope.type == ROPE_LLAMA3 && !family->gguf.takes_rope_freqs)
        return sft_fail(err, SFT_EDATA, "config.json: rope_type llama3: not written as GGUF: llama.cpp's %s has no "
                                        "rotary factors", family->gguf.architecture);
    if (config->rope_local.theta > 0 && config->rope_local.type != ROPE_DEFAULT)
        return sft_fail(err, SFT_EDATA, "config.json: rope_parameters: not written as GGUF: llama.cpp's %s scales no "
                                        "positions of layers that slide", family->gguf.architecture);
    for (size_t layer = 0; layer < config->n_layer; layer++)
        if (layer_set_has(&config->unrotated, layer) != (interval && (layer + 1) % interval == 0))
            return sft_fail(err, SFT_EDATA,
                            "config.json: no_rope_layers: not written as GGUF: llama.cpp's %s turns all layers but "
                            "each %zuth", family->gguf.architecture, interval);
    return gguf_rope_check(config, err);
}

enum sft_status gguf_config_check(const struct model_config *config, struct sft_err *err)
{
    return check_family(config, err) || check_block(config, err) || check_attention(config, err) ||
                   check_rotation(config, err)
               ? SFT_EDATA
               : SFT_OK;
}

/* ---- keys ---- */

struct keys {
    struct gguf_out *out;
    const char *architecture;
    char key[128];
};

static const char *key_of(struct keys *k, const char *name)
{
    snprintf(k->key, sizeof k->key, "%s.%s", k->architecture, name);
    return k->key;
}

static void put_size(struct keys *k, const char *name, size_t n)
{
    gguf_put_u32(k->out, key_of(k, name), n);
}

static bool slides(const struct model_config *config)
{
    for (size_t layer = 0; layer < config->n_layer; layer++)
        if (layer_set_has(&config->sliding, layer))
            return true;
    return false;
}

size_t gguf_context_length(const struct model_config *config)
{
    const bool is_known = config->family->window.rule == WINDOW_PATTERN;
    return !is_known && slides(config) && config->sliding_window < config->n_positions ? config->sliding_window
                                                                                      : config->n_positions;
}

static void put_sizes(struct keys *k, const struct model_config *config)
{
    for (size_t i = 0; i < GGUF_SIZES; i++) {
        const size_t field = gguf_sizes[i].field;
        put_size(k, gguf_sizes[i].name,
                 field == CONFIG_FIELD(n_positions) ? gguf_context_length(config)
                                                    : *(const size_t *)(const void *)((const char *)config + field));
    }
    put_size(k, "vocab_size", config->vocab_size);
    put_size(k, "attention.head_count_kv", config->n_kv_head);
    put_size(k, "attention.key_length", config->head_dim);
    put_size(k, "attention.value_length", config->head_dim);
}

/* Those of the family's that ask for something, here or by its default. */
static void put_reals(struct keys *k, const struct model_config *config)
{
    for (size_t i = 0; i < GGUF_REALS; i++) {
        const struct gguf_real_key *real = &gguf_reals[i];
        if (!gguf_has_real(config->family, real))
            continue;
        const double x = *(const double *)(const void *)((const char *)config + real->field),
                     usual = *(const double *)(const void *)((const char *)&config->family->defaults + real->field);
        if (x != 0 || (real->family_default && usual != 0))
            gguf_put_f32(k->out, key_of(k, real->name), x);
    }
    gguf_put_f32(k->out, key_of(k, gguf_epsilon_key(config->family)), config->layer_norm_epsilon);
    if (family_is_parallel(config->family))
        gguf_put_flag(k->out, key_of(k, gguf_parallel_key), !config->sequential_residual);
}

/* All but each so many-th slide in llama.cpp, unless a flag a layer says which do. Where none does, all is seen. */
static void put_window(struct keys *k, const struct model_config *config)
{
    const struct window_spec *spec = &config->family->window;
    bool is_usual = true;
    if (spec->rule != WINDOW_PATTERN)
        return;
    for (size_t layer = 0; layer < config->n_layer; layer++)
        is_usual &= layer_set_has(&config->sliding, layer) == ((layer + 1) % spec->pattern != 0);
    put_size(k, gguf_window_key, slides(config) ? config->sliding_window : config->n_positions);
    if (is_usual)
        return;
    gguf_put_array(k->out, key_of(k, gguf_pattern_key), GGUF_BOOL, config->n_layer);
    for (size_t layer = 0; layer < config->n_layer; layer++)
        gguf_put_element_flag(k->out, layer_set_has(&config->sliding, layer));
}

void gguf_config_put(struct gguf_out *out, const struct model_config *config)
{
    struct keys k = {.out = out, .architecture = config->family->gguf.architecture};
    put_sizes(&k, config);
    put_reals(&k, config);
    put_window(&k, config);
    if (family_is_rotary(config->family))
        gguf_put_rope(out, config);
}
