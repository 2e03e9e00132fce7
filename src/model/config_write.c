#include "model/config_write.h"

#include "base/mem.h"
#include "model/config_keys.h"
#include "model/family.h"

#include <math.h>

/* ---- values that JSON has to be written for ---- */

static void set_json(json *root, const char *key, struct strbuf *text)
{
    json *value;
    if (json_parse(text->data, text->len, &value, NULL))
        SFT_BUG("a value that is no JSON");
    strbuf_free(text);
    json_set_node(root, key, value);
}

/* A number that transformers wants to be a float: 30.0, not 30. */
static void set_real(json *object, const char *key, double x)
{
    struct strbuf text = {0};
    if (x != floor(x) || fabs(x) >= 1e15) {
        json_set_number(object, key, x);
        return;
    }
    strbuf_printf(&text, "%.1f", x);
    set_json(object, key, &text);
}

/* A list with an entry a layer. */
static void set_layers(json *root, const char *key, const struct layer_set *set, size_t n_layer, const char *in,
                       const char *out)
{
    struct strbuf text = {0};
    for (size_t layer = 0; layer < n_layer; layer++)
        strbuf_printf(&text, "%c%s", layer ? ',' : '[', layer_set_has(set, layer) ? in : out);
    strbuf_putc(&text, ']');
    set_json(root, key, &text);
}

/* ---- keys of the table ---- */

static bool is_said(const json *root, const char *key)
{
    return key && json_get(root, key);
}

static void set_size(json *root, const struct config_key *k, size_t n)
{
    const char *const names[] = {k->key, k->alias, k->old_key};
    bool is_there = false;
    for (size_t i = 0; i < 3; i++) {
        is_there |= is_said(root, names[i]);
        if (is_said(root, names[i]) && config_find(root, names[i]) &&
            json_number(json_get(root, names[i])) != (double)n)
            json_set_number(root, names[i], (double)n);
    }
    if (!is_there)
        json_set_number(root, k->key, (double)n);
}

/* 1 / m^2, which is mostly a whole number that transformers wants to be one. */
static double inverse_square(double m)
{
    const double x = 1 / (m * m), whole = round(x);
    return fabs(x - whole) < 1e-9 * x ? whole : x;
}

static void set_key(json *root, const struct config_key *k, const struct model_config *config)
{
    const void *field = (const char *)config + k->offset;
    if (k->type == CONFIG_SIZE) { /* one of two that may have changed: a vocabulary grows, */
        set_size(root, k, *(const size_t *)field);
        return;
    }
    if (k->offset == offsetof(struct model_config, tied) && config->head_from_embedding) { /* a head is parted */
        json_set_bool(root, is_said(root, k->alias) ? k->alias : k->key, false);
        return;
    }
    if (is_said(root, k->key) || is_said(root, k->alias))
        return;
    switch (k->type) {
    case CONFIG_SIZE:
        break;
    case CONFIG_REAL:
        if (k->nullable && *(const double *)field == 0)
            json_set_null(root, k->key);
        else
            set_real(root, k->key, *(const double *)field);
        break;
    case CONFIG_FLAG:
        json_set_bool(root, k->key, *(const bool *)field);
        break;
    case CONFIG_OPPOSITE:
        json_set_bool(root, k->key, !*(const bool *)field);
        break;
    case CONFIG_INVERSE_ROOT:
        json_set_number(root, k->key, inverse_square(*(const double *)field));
        break;
    case CONFIG_ONE_IF_FALSE:
        json_set_bool(root, k->key, *(const double *)field == 0);
        break;
    }
}

/* ---- layers and rotary positions ---- */

static void set_windows(json *root, const struct model_config *config)
{
    const struct window_spec *spec = &config->family->window;
    const bool has_switch = spec->rule == WINDOW_UPPER || spec->rule == WINDOW_UNROTATED;
    if (has_switch && !is_said(root, "use_sliding_window"))
        json_set_bool(root, "use_sliding_window", config->sliding_window > 0);
    if (spec->rule == WINDOW_NEVER || (has_switch && !config->sliding_window))
        return;
    if (!is_said(root, "sliding_window") && config->sliding_window)
        json_set_number(root, "sliding_window", (double)config->sliding_window);
    else if (!is_said(root, "sliding_window"))
        json_set_null(root, "sliding_window");
    if (spec->rule != WINDOW_ALL && !config_find(root, "layer_types"))
        set_layers(root, "layer_types", &config->sliding, config->n_layer, "\"sliding_attention\"",
                   "\"full_attention\"");
}

static void set_rope_scaling(json *root, const struct rope_config *rope)
{
    if (rope->type == ROPE_DEFAULT || config_find(root, "rope_scaling"))
        return;
    json *object = json_new_object();
    json_set_string(object, "rope_type", rope->type == ROPE_LINEAR ? "linear" : "llama3");
    set_real(object, "factor", rope->factor);
    if (rope->type == ROPE_LLAMA3) {
        set_real(object, "low_freq_factor", rope->low_freq_factor);
        set_real(object, "high_freq_factor", rope->high_freq_factor);
        json_set_number(object, "original_max_position_embeddings", (double)rope->original_positions);
    }
    json_set_node(root, "rope_scaling", object);
}

/* rope_parameters, which transformers 4 does not read, stays beside these. */
static void set_rope(json *root, const struct model_config *config)
{
    const struct rope_spec *spec = &config->family->rope;
    if (!spec->theta_key)
        return;
    if (!config_find(root, spec->theta_key))
        set_real(root, spec->theta_key, config->rope.theta);
    if (spec->local_theta_key && !config_find(root, spec->local_theta_key))
        set_real(root, spec->local_theta_key, config->rope_local.theta);
    if (spec->partial_key && !config_find(root, spec->partial_key))
        set_real(root, spec->partial_key, (double)config->rotary_dim / (double)config->head_dim);
    if (spec->unrotated_interval && !config_find(root, "no_rope_layers"))
        set_layers(root, "no_rope_layers", &config->unrotated, config->n_layer, "0", "1");
    set_rope_scaling(root, &config->rope);
}

/* ---- the whole ---- */

static void set_family(json *root, const struct family *family)
{
    struct strbuf text = {0};
    strbuf_printf(&text, "[\"%s\"]", family->architecture);
    set_json(root, "architectures", &text);
    json_set_string(root, "model_type", family->model_type);
}

/* As the family's own files call it, where it is the family's own. */
static const char *activation_word(const struct model_config *config)
{
    const struct family *family = config->family;
    const bool is_own = family->activation && config->activation == family->defaults.activation;
    return is_own ? family->activation : activation_name(config->activation);
}

void model_config_write(json *root, const struct model_config *config)
{
    const struct config_key *k;
    set_family(root, config->family);
    for (size_t i = 0; (k = family_key_at(config->family, i)); i++)
        set_key(root, k, config);
    if (!config_find(root, config->family->activation_key))
        json_set_string(root, config->family->activation_key, activation_word(config));
    set_windows(root, config);
    set_rope(root, config);
}
