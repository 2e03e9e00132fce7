#include "model/config_read.h"

#include "model/block/tensors.h"
#include "model/config_keys.h"
#include "model/config_parts.h"

#include <math.h>
#include <stdlib.h>

static const double parameter_limit = 0x1p40; /* beyond it a file is damaged rather than large */

/* ---- the family ---- */

static enum sft_status fail_family(const char *key, const char *value, struct sft_err *err)
{
    char *done = family_list();
    if (key)
        sft_fail(err, SFT_EDATA, "%s '%s' is not supported (%s)", key, value, done);
    else
        sft_fail(err, SFT_EDATA, "model_type is missing (%s supported)", done);
    free(done);
    return SFT_EDATA;
}

static enum sft_status read_family(struct model_config *config, const json *root, struct sft_err *err)
{
    const char *model_type, *architecture = json_string(json_first(json_get(root, "architectures")));
    if (json_get_string(root, "model_type", NULL, &model_type, err))
        return SFT_EDATA;
    if (!model_type && !architecture)
        return fail_family(NULL, NULL, err);
    const struct family *family = model_type ? family_by_model_type(model_type) : family_by_architecture(architecture);
    if (!family && model_type && config_refuse_type(model_type, err))
        return SFT_EDATA;
    if (!family)
        return fail_family(model_type ? "model_type" : "architecture", model_type ? model_type : architecture, err);
    *config = family->defaults;
    config->family = family;
    return SFT_OK;
}

/* ---- fields ---- */

/* The name under which a key stands; its own where it stands under none. Two that contradict are an error. */
static enum sft_status find_key(const char **found, const json *root, const struct config_key *k, struct sft_err *err)
{
    const char *const names[] = {k->key, k->alias};
    if (config_choose(found, root, names, 2, err))
        return SFT_EDATA;
    if (k->old_key && !config_find(root, *found) && config_find(root, k->old_key))
        *found = k->old_key;
    return SFT_OK;
}

static enum sft_status read_inverse_root(double *out, const json *root, const struct config_key *k, const char *key,
                                         struct sft_err *err)
{
    double x = 0;
    if (config_get_real(&x, root, key, k->min, k->max, err))
        return SFT_EDATA;
    if (x > 0)
        *out = pow(x, -0.5);
    return SFT_OK;
}

static enum sft_status read_opposite(bool *out, const json *root, const char *key, struct sft_err *err)
{
    bool flag = !*out;
    if (json_get_bool(root, key, flag, &flag, err))
        return SFT_EDATA;
    *out = !flag;
    return SFT_OK;
}

static enum sft_status read_one_if_false(double *out, const json *root, const char *key, struct sft_err *err)
{
    bool flag;
    if (json_get_bool(root, key, true, &flag, err))
        return SFT_EDATA;
    if (!flag)
        *out = 1;
    return SFT_OK;
}

static enum sft_status read_key(struct model_config *config, const json *root, const struct config_key *k,
                                struct sft_err *err)
{
    void *field = (char *)config + k->offset;
    const char *key;
    if (find_key(&key, root, k, err))
        return SFT_EDATA;
    if (k->required && !config_find(root, key))
        return sft_fail(err, SFT_EDATA, "%s is missing", key);
    const bool is_none = k->nullable && config_is_null(root, key);
    switch (k->type) {
    case CONFIG_SIZE:
        *(size_t *)field = is_none ? 0 : *(size_t *)field;
        return config_get_size(field, root, key, err);
    case CONFIG_REAL:
        *(double *)field = is_none ? 0 : *(double *)field;
        return config_get_real(field, root, key, k->min, k->max, err);
    case CONFIG_FLAG:
        return json_get_bool(root, key, *(bool *)field, field, err);
    case CONFIG_INVERSE_ROOT:
        return read_inverse_root(field, root, k, key, err);
    case CONFIG_OPPOSITE:
        return read_opposite(field, root, key, err);
    case CONFIG_ONE_IF_FALSE:
        return read_one_if_false(field, root, key, err);
    }
    SFT_BUG("unknown type of a config key");
}

static enum sft_status read_keys(struct model_config *config, const json *root, struct sft_err *err)
{
    const struct config_key *k;
    for (size_t i = 0; (k = family_key_at(config->family, i)); i++)
        if (read_key(config, root, k, err))
            return SFT_EDATA;
    return SFT_OK;
}

static enum sft_status read_activation(struct model_config *config, const json *root, struct sft_err *err)
{
    const char *key = config->family->activation_key, *name;
    if (json_get_string(root, key, activation_name(config->activation), &name, err))
        return SFT_EDATA;
    if (activation_by_name(&config->activation, name))
        return SFT_OK;
    return sft_fail(err, SFT_EDATA, "%s '%s' is not supported (%s are)", key, name, activation_names());
}

static enum sft_status raise_dropout(struct model_config *config, const json *root, const char *const *keys,
                                     double by_default, struct sft_err *err)
{
    for (; keys && *keys; keys++) {
        double p = by_default;
        if (config_get_real(&p, root, *keys, 0, 1, err))
            return SFT_EDATA;
        config->dropout = fmax(config->dropout, p);
    }
    return SFT_OK;
}

/* The largest of all that any family may have. */
static enum sft_status read_dropout(struct model_config *config, const json *root, struct sft_err *err)
{
    static const char *const keys[] = {"attention_dropout", "hidden_dropout", "activation_dropout", "layerdrop", NULL};
    const double by_default = config->dropout;
    config->dropout = 0;
    return raise_dropout(config, root, keys, 0, err) ||
                   raise_dropout(config, root, config->family->dropouts, by_default, err)
               ? SFT_EDATA
               : SFT_OK;
}

/* An id, a list of ids (the first that the vocabulary has counts) or null. One outside the vocabulary is none:
 * GPT2Config fills in 50256 whatever the vocabulary, and -1 is a common way to say none. */
static enum sft_status read_token_id(int32_t *id, const json *root, const char *key, size_t vocab_size,
                                     struct sft_err *err)
{
    const json *node = json_get(root, key);
    *id = !node && *id >= 0 && (size_t)*id < vocab_size ? *id : -1;
    if (!node || json_is_null(node))
        return SFT_OK;
    const bool is_list = json_is_array(node);
    for (const json *one = is_list ? json_first(node) : node; one; one = is_list ? json_next(one) : NULL) {
        const double value = json_number(one);
        if (!json_is_number(one))
            return sft_fail_in(err, SFT_EDATA, key, "expected a token id, found %s", json_type_name(one));
        if (*id < 0 && value >= 0 && value < (double)vocab_size && value == floor(value))
            *id = (int32_t)value;
    }
    return SFT_OK;
}

static enum sft_status read_token_ids(struct model_config *config, const json *root, struct sft_err *err)
{
    const size_t V = config->vocab_size;
    if (read_token_id(&config->bos_token_id, root, "bos_token_id", V, err) ||
        read_token_id(&config->eos_token_id, root, "eos_token_id", V, err) ||
        read_token_id(&config->pad_token_id, root, "pad_token_id", V, err))
        return SFT_EDATA;
    config->has_padding_idx = config->family->has_padding_idx && config->pad_token_id >= 0;
    return SFT_OK;
}

/* ---- sizes ---- */

/* n, by: fields, of which the second must divide the first. */
static enum sft_status fail_division(const struct model_config *config, size_t n, size_t by, struct sft_err *err)
{
    return sft_fail(err, SFT_EDATA, "%s %zu does not divide %s %zu", family_key(config->family, by),
                    *(const size_t *)((const char *)config + by), family_key(config->family, n),
                    *(const size_t *)((const char *)config + n));
}

/* Sizes that no key has set follow from others. */
static enum sft_status derive_sizes(struct model_config *config, struct sft_err *err)
{
    if (!config->n_inner)
        config->n_inner = 4 * config->n_embd;
    if (!config->n_kv_head)
        config->n_kv_head = config->n_head;
    if (!config->head_dim && config->n_embd % config->n_head != 0)
        return fail_division(config, CONFIG_FIELD(n_embd), CONFIG_FIELD(n_head), err);
    if (!config->head_dim)
        config->head_dim = config->n_embd / config->n_head;
    if (config->n_head % config->n_kv_head != 0)
        return fail_division(config, CONFIG_FIELD(n_head), CONFIG_FIELD(n_kv_head), err);
    return SFT_OK;
}

/* What no key has set and a family does not have. */
static void derive_multipliers(struct model_config *config)
{
    if (config->family->scales_embedding)
        config->embedding_multiplier = sqrt((double)config->n_embd);
    if (config->embedding_multiplier == 0)
        config->embedding_multiplier = 1;
    if (config->residual_multiplier == 0)
        config->residual_multiplier = 1;
    if (config->logits_divisor == 0)
        config->logits_divisor = 1;
}

static enum sft_status check_sizes(const struct model_config *config, struct sft_err *err)
{
    if (config->n_layer > LAYER_LIMIT)
        return sft_fail(err, SFT_EDATA, "%s %zu is more than %d",
                        family_key(config->family, offsetof(struct model_config, n_layer)), config->n_layer,
                        LAYER_LIMIT);
    const double n_parameters = tensor_table_estimate(config);
    if (n_parameters > parameter_limit)
        return sft_fail(err, SFT_EDATA, "these sizes make %.3g parameters, more than can be right", n_parameters);
    return SFT_OK;
}

/* ---- the whole ---- */

enum sft_status model_config_read(struct model_config *config, const json *root, struct sft_err *err)
{
    *config = (struct model_config){.embedding_multiplier = 1, .residual_multiplier = 1, .logits_divisor = 1};
    if (!json_is_object(root))
        return sft_fail(err, SFT_EDATA, "expected an object, found %s", json_type_name(root));
    if (read_family(config, root, err) || read_keys(config, root, err) || config_refuse_keys(config, root, err) ||
        derive_sizes(config, err) || check_sizes(config, err) || config_read_layers(config, root, err) ||
        config_read_rope(config, root, err) || read_activation(config, root, err) || read_dropout(config, root, err) ||
        read_token_ids(config, root, err))
        return SFT_EDATA;
    derive_multipliers(config);
    return SFT_OK;
}

enum sft_status model_config_check_vocab(const struct model_config *config, size_t tokenizer_vocab_size,
                                         const char *dir, struct sft_err *err)
{
    if (tokenizer_vocab_size <= config->vocab_size)
        return SFT_OK;
    return sft_fail(
        err, SFT_EDATA,
        "%s: the tokenizer has ids up to %zu, but config.json's vocab_size is %zu (they belong to different "
        "models, or the embedding must be resized first)",
        dir, tokenizer_vocab_size - 1, config->vocab_size);
}
