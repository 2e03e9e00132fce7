#include "model/config_read.h"

#include "base/mem.h"
#include "model/family.h"
#include "model/param_set.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Beyond these a file is damaged rather than large; below them no product of sizes overflows. */
enum { SIZE_LIMIT = INT32_MAX };
static const double parameter_limit = 0x1p40;

/* The object that holds a key, which a dot follows where it is not the root: "rope_parameters.rope_theta". */
static const json *holder_of(const char **key, const json *root)
{
    for (const char *dot; (dot = strchr(*key, '.')) != NULL; *key = dot + 1) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)(dot - *key), *key);
        root = json_get(root, name);
    }
    return root;
}

/* NULL where it is absent or null. */
static const json *find(const json *root, const char *key)
{
    const json *holder = holder_of(&key, root), *node = json_get(holder, key);
    return node && !json_is_null(node) ? node : NULL;
}

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
    config->family = model_type ? family_by_model_type(model_type) : family_by_architecture(architecture);
    if (!config->family)
        return fail_family(model_type ? "model_type" : "architecture", model_type ? model_type : architecture, err);
    return SFT_OK;
}

static enum sft_status check_refused(const struct family *family, const json *root, struct sft_err *err)
{
    for (size_t i = 0; i < family->n_refused_keys; i++) {
        const struct refused_key *k = &family->refused_keys[i];
        const json *node = find(root, k->key);
        bool is_set = true;
        if (!node || (k->unless && json_is_string(node) && strcmp(json_string(node), k->unless) == 0))
            continue;
        if (!k->unless && json_get_bool(root, k->key, false, &is_set, err))
            return SFT_EDATA;
        if (is_set)
            return sft_fail_in(err, SFT_EDATA, k->key, "%s", k->why);
    }
    return SFT_OK;
}

/* ---- fields ---- */

/* The name under which a key stands; its own where it stands under none. Two that contradict are an error. */
static enum sft_status find_key(const char **found, const json *root, const struct config_key *k,
                                struct sft_err *err)
{
    const bool has_alias = k->alias && find(root, k->alias);
    *found = k->key;
    if (has_alias && find(root, k->key) &&
        json_number(find(root, k->key)) != json_number(find(root, k->alias)))
        return sft_fail(err, SFT_EDATA, "%s and %s, two names of one size, differ", k->key, k->alias);
    if (has_alias && !find(root, k->key))
        *found = k->alias;
    else if (k->old_key && !find(root, k->key) && find(root, k->old_key))
        *found = k->old_key;
    return SFT_OK;
}

static enum sft_status read_size(size_t *out, const json *root, const struct config_key *k,
                                 struct sft_err *err)
{
    const char *key;
    if (find_key(&key, root, k, err))
        return SFT_EDATA;
    if (!find(root, key)) {
        if (k->required)
            return sft_fail(err, SFT_EDATA, "%s is missing", key);
        *out = (size_t)k->fallback;
        return SFT_OK;
    }
    if (json_get_size(root, key, 0, out, err))
        return SFT_EDATA;
    if (*out < 1 || *out > SIZE_LIMIT)
        return sft_fail_in(err, SFT_EDATA, key, "expected 1 to %d, found %zu", SIZE_LIMIT, *out);
    return SFT_OK;
}

static enum sft_status check_range(const char *key, double x, double min, double max, struct sft_err *err)
{
    if (x >= min && x <= max) /* false for NaN */
        return SFT_OK;
    return sft_fail_in(err, SFT_EDATA, key, "expected a number from %g to %g, found %g", min, max, x);
}

static enum sft_status read_real(double *out, const json *root, const struct config_key *k,
                                 struct sft_err *err)
{
    const char *key;
    if (find_key(&key, root, k, err))
        return SFT_EDATA;
    const json *holder = holder_of(&key, root);
    if (json_get_double(holder, key, k->fallback, out, err))
        return SFT_EDATA;
    return check_range(key, *out, k->min, k->max, err);
}

static enum sft_status read_key(struct model_config *config, const json *root, const struct config_key *k,
                                struct sft_err *err)
{
    void *field = (char *)config + k->offset;
    switch (k->type) {
    case CONFIG_SIZE:
        return read_size(field, root, k, err);
    case CONFIG_REAL:
        return read_real(field, root, k, err);
    case CONFIG_FLAG:
        if (k->key)
            return json_get_bool(root, k->key, k->fallback != 0, field, err);
        *(bool *)field = k->fallback != 0;
        return SFT_OK;
    }
    SFT_BUG("unknown type of a config key");
}

static enum sft_status read_activation(struct model_config *config, const json *root, struct sft_err *err)
{
    const struct family *family = config->family;
    const bool gated = family_has_gate(family);
    const char *name;
    if (json_get_string(root, family->activation_key, activation_name(family->default_activation), &name, err))
        return SFT_EDATA;
    if (activation_by_name(&config->activation, name, gated))
        return SFT_OK;
    return sft_fail(err, SFT_EDATA, "%s '%s' is not supported (%s are)", family->activation_key, name,
                    activation_names(gated));
}

static enum sft_status read_dropout(struct model_config *config, const json *root, struct sft_err *err)
{
    for (const char *const *key = config->family->dropout_keys; *key; key++) {
        double p;
        if (json_get_double(root, *key, config->family->default_dropout, &p, err) ||
            check_range(*key, p, 0, 1, err))
            return SFT_EDATA;
        config->dropout = fmax(config->dropout, p);
    }
    return SFT_OK;
}

/* An id, a list of ids (the first that the vocabulary has counts) or null. One outside the vocabulary is none:
 * GPT2Config fills in 50256 whatever the vocabulary, and -1 is a common way to say none. */
static enum sft_status read_token_id(int32_t *id, const json *root, const char *key, int32_t fallback,
                                     size_t vocab_size, struct sft_err *err)
{
    const json *node = json_get(root, key);
    *id = !node && (size_t)fallback < vocab_size ? fallback : -1;
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
    const struct family *family = config->family;
    const size_t V = config->vocab_size;
    if (read_token_id(&config->bos_token_id, root, "bos_token_id", family->default_bos_token_id, V, err) ||
        read_token_id(&config->eos_token_id, root, "eos_token_id", family->default_eos_token_id, V, err) ||
        read_token_id(&config->pad_token_id, root, "pad_token_id", -1, V, err))
        return SFT_EDATA;
    return SFT_OK;
}

/* ---- sizes ---- */

static size_t *size_field(struct model_config *config, size_t offset)
{
    return (size_t *)((char *)config + offset);
}

/* Sizes that no key has set follow from others. */
static enum sft_status derive_sizes(struct model_config *config, struct sft_err *err)
{
    const struct family *family = config->family;
    for (size_t i = 0; i < family->n_size_rules; i++) {
        const struct size_rule *rule = &family->size_rules[i];
        size_t *field = size_field(config, rule->offset);
        const size_t of = *size_field(config, rule->of);
        const size_t by = rule->by == NO_FIELD ? 1 : *size_field(config, (size_t)rule->by);
        if (*field)
            continue;
        if (of % by != 0)
            return sft_fail(err, SFT_EDATA, "%s %zu does not divide by %s %zu", family_key(family, rule->of), of,
                            family_key(family, (size_t)rule->by), by);
        *field = rule->factor * of / by;
    }
    return SFT_OK;
}

static enum sft_status check_heads(const struct model_config *config, struct sft_err *err)
{
    const struct family *family = config->family;
    if (config->n_head % config->n_kv_head != 0)
        return sft_fail(err, SFT_EDATA, "%s %zu does not divide by %s %zu",
                        family_key(family, offsetof(struct model_config, n_head)), config->n_head,
                        family_key(family, offsetof(struct model_config, n_kv_head)), config->n_kv_head);
    if (family_is_rotary(family) && config->head_dim % 2 != 0)
        return sft_fail(err, SFT_EDATA, "%s %zu: rotary positions need an even one",
                        family_key(family, offsetof(struct model_config, head_dim)), config->head_dim);
    return SFT_OK;
}

static enum sft_status check_sizes(const struct model_config *config, struct sft_err *err)
{
    if (config->n_layer > LAYER_LIMIT)
        return sft_fail(err, SFT_EDATA, "%s %zu is more than %d",
                        family_key(config->family, offsetof(struct model_config, n_layer)), config->n_layer,
                        LAYER_LIMIT);
    const double n_parameters = tensor_table_estimate(config);
    if (n_parameters > parameter_limit)
        return sft_fail(err, SFT_EDATA, "these sizes make %.3g parameters, more than can be right",
                        n_parameters);
    return SFT_OK;
}

/* ---- the whole ---- */

enum sft_status model_config_read(struct model_config *config, const json *root, struct sft_err *err)
{
    *config = (struct model_config){.embedding_multiplier = 1, .residual_multiplier = 1, .logits_divisor = 1};
    if (!json_is_object(root))
        return sft_fail(err, SFT_EDATA, "expected an object, found %s", json_type_name(root));
    if (read_family(config, root, err) || check_refused(config->family, root, err))
        return SFT_EDATA;
    for (size_t i = 0; i < config->family->n_config_keys; i++)
        if (read_key(config, root, &config->family->config_keys[i], err))
            return SFT_EDATA;
    if (derive_sizes(config, err) || read_activation(config, root, err) || read_dropout(config, root, err) ||
        read_token_ids(config, root, err))
        return SFT_EDATA;
    return check_heads(config, err) ? SFT_EDATA : check_sizes(config, err);
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
