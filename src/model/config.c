#include "model/config.h"

#include "base/mem.h"
#include "model/family.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Beyond these a file is damaged rather than large; below them no product of sizes overflows. */
enum { SIZE_LIMIT = INT32_MAX, LAYER_LIMIT = 4096 };
static const double parameter_limit = 0x1p40;

static bool is_present(const json *root, const char *key)
{
    const json *node = json_get(root, key);
    return node && !json_is_null(node);
}

/* ---- the family ---- */

static enum sft_status read_family(struct model_config *config, const json *root, struct sft_err *err)
{
    const char *model_type, *architecture = json_string(json_first(json_get(root, "architectures")));
    if (json_get_string(root, "model_type", NULL, &model_type, err))
        return SFT_EDATA;
    if (!model_type && !architecture)
        return sft_fail(err, SFT_EDATA, "model_type is missing (gpt2 is the one done here)");
    config->family = model_type ? family_by_model_type(model_type) : family_by_architecture(architecture);
    if (!config->family)
        return sft_fail(err, SFT_EDATA, "%s '%s' is not supported (gpt2 is)",
                        model_type ? "model_type" : "architecture", model_type ? model_type : architecture);
    bool cross_attention;
    if (json_get_bool(root, "add_cross_attention", false, &cross_attention, err))
        return SFT_EDATA;
    if (cross_attention)
        return sft_fail(err, SFT_EDATA, "add_cross_attention: a model with an encoder is not supported");
    return SFT_OK;
}

/* ---- fields ---- */

/* The name under which a key stands; its own where it stands under none. Two that contradict are an error. */
static enum sft_status find_key(const char **found, const json *root, const struct config_key *k,
                                struct sft_err *err)
{
    *found = k->key;
    for (size_t i = 0; i < sizeof k->aliases / sizeof *k->aliases; i++) {
        const char *alias = k->aliases[i];
        if (!alias || !is_present(root, alias))
            continue;
        if (!is_present(root, *found))
            *found = alias;
        else if (strcmp(alias, "n_ctx") != 0 && /* which transformers ignores */
                 json_number(json_get(root, *found)) != json_number(json_get(root, alias)))
            return sft_fail(err, SFT_EDATA, "%s and %s, two names of one size, differ", *found, alias);
    }
    return SFT_OK;
}

static enum sft_status read_size(size_t *out, const json *root, const struct config_key *k,
                                 struct sft_err *err)
{
    const char *key;
    if (find_key(&key, root, k, err))
        return SFT_EDATA;
    if (!is_present(root, key)) {
        if (k->required)
            return sft_fail(err, SFT_EDATA, "%s is missing", key);
        *out = (size_t)k->fallback;
        return SFT_OK;
    }
    if (json_get_size(root, key, 0, out, err))
        return SFT_EDATA;
    if (*out < 1 || *out > SIZE_LIMIT)
        return sft_fail(err, SFT_EDATA, "%s: expected 1 to %d, found %zu", key, SIZE_LIMIT, *out);
    return SFT_OK;
}

static enum sft_status check_range(const char *key, double x, double min, double max, struct sft_err *err)
{
    if (x >= min && x <= max) /* false for NaN */
        return SFT_OK;
    return sft_fail(err, SFT_EDATA, "%s: expected a number from %g to %g, found %g", key, min, max, x);
}

static enum sft_status read_real(double *out, const json *root, const struct config_key *k,
                                 struct sft_err *err)
{
    if (json_get_double(root, k->key, k->fallback, out, err))
        return SFT_EDATA;
    return check_range(k->key, *out, k->min, k->max, err);
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
        return json_get_bool(root, k->key, k->fallback != 0, field, err);
    }
    SFT_BUG("unknown type of a config key");
}

/* transformers has several names for the same two functions. */
static enum sft_status read_activation(struct model_config *config, const json *root, struct sft_err *err)
{
    static const char *const exact[] = {"gelu", "gelu_python"};
    static const char *const tanh_form[] = {"gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_accurate",
                                            "gelu_python_tanh"};
    const char *key = config->family->activation_key, *name;
    if (json_get_string(root, key, "gelu_new", &name, err))
        return SFT_EDATA;
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++)
        if (strcmp(name, exact[i]) == 0) {
            config->gelu_exact = true;
            return SFT_OK;
        }
    for (size_t i = 0; i < sizeof tanh_form / sizeof *tanh_form; i++)
        if (strcmp(name, tanh_form[i]) == 0)
            return SFT_OK;
    return sft_fail(err, SFT_EDATA,
                    "%s '%s' is not supported (gelu_new, gelu_pytorch_tanh, gelu_fast and gelu are)", key,
                    name);
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
            return sft_fail(err, SFT_EDATA, "%s: expected a token id, found %s", key, json_type_name(one));
        if (*id < 0 && value >= 0 && value < (double)vocab_size && value == floor(value))
            *id = (int32_t)value;
    }
    return SFT_OK;
}

static enum sft_status read_token_ids(struct model_config *config, const json *root, struct sft_err *err)
{
    const int32_t fallback = config->family->default_token_id;
    if (read_token_id(&config->bos_token_id, root, "bos_token_id", fallback, config->vocab_size, err) ||
        read_token_id(&config->eos_token_id, root, "eos_token_id", fallback, config->vocab_size, err) ||
        read_token_id(&config->pad_token_id, root, "pad_token_id", -1, config->vocab_size, err))
        return SFT_EDATA;
    return SFT_OK;
}

/* ---- the whole ---- */

static enum sft_status check_sizes(const struct model_config *config, struct sft_err *err)
{
    if (config->n_layer > LAYER_LIMIT)
        return sft_fail(err, SFT_EDATA, "n_layer %zu is more than %d", config->n_layer, LAYER_LIMIT);
    if (config->n_embd % config->n_head != 0)
        return sft_fail(err, SFT_EDATA, "n_embd %zu does not divide by n_head %zu", config->n_embd,
                        config->n_head);
    double n_parameters = 0;
    for (size_t i = 0; i < config->family->n_tensors; i++) {
        const struct tensor_spec *spec = &config->family->tensors[i];
        const double n_copies = spec->role < TENSOR_GLOBAL_COUNT ? 1 : (double)config->n_layer;
        n_parameters += n_copies * (double)family_dim(spec->rows, config) *
                        (double)family_dim(spec->cols, config);
    }
    if (n_parameters > parameter_limit)
        return sft_fail(err, SFT_EDATA, "these sizes make %.3g parameters, more than can be right",
                        n_parameters);
    return SFT_OK;
}

enum sft_status model_config_read(struct model_config *config, const json *root, struct sft_err *err)
{
    *config = (struct model_config){0};
    if (!json_is_object(root))
        return sft_fail(err, SFT_EDATA, "expected an object, found %s", json_type_name(root));
    if (read_family(config, root, err))
        return SFT_EDATA;
    for (size_t i = 0; i < config->family->n_config_keys; i++)
        if (read_key(config, root, &config->family->config_keys[i], err))
            return SFT_EDATA;
    if (config->n_inner == 0)
        config->n_inner = 4 * config->n_embd;
    if (read_activation(config, root, err) || read_dropout(config, root, err) ||
        read_token_ids(config, root, err))
        return SFT_EDATA;
    return check_sizes(config, err);
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
