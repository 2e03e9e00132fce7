/* Which layers of a model differ, in config.json: those that slide, and those that are not turned. */
#include "model/config_keys.h"
#include "model/config_parts.h"

#include <stdio.h>
#include <string.h>

/* ---- layers that are not turned ---- */

/* no_rope_layers: of each layer 1 where it IS turned. */
static enum sft_status read_no_rope_layers(struct model_config *config, const json *list, struct sft_err *err)
{
    if (!json_is_array(list) || json_size(list) < config->n_layer)
        return sft_fail_in(err, SFT_EDATA, "no_rope_layers", "expected a list of 0 and 1 for %zu layers",
                           config->n_layer);
    const json *node = json_first(list);
    for (size_t layer = 0; layer < config->n_layer; layer++, node = json_next(node)) {
        if (json_number(node) == 0)
            layer_set_add(&config->unrotated, layer);
        else if (json_number(node) != 1)
            return sft_fail(err, SFT_EDATA, "no_rope_layers[%zu]: expected 0 or 1", layer);
    }
    return SFT_OK;
}

static enum sft_status read_unrotated(struct model_config *config, const json *root, struct sft_err *err)
{
    size_t interval = config->family->rope.unrotated_interval;
    const json *list = config_find(root, "no_rope_layers");
    if (!interval)
        return SFT_OK;
    if (config_get_size(&interval, root, "no_rope_layer_interval", err))
        return SFT_EDATA;
    if (list)
        return read_no_rope_layers(config, list, err);
    for (size_t layer = interval - 1; layer < config->n_layer; layer += interval)
        layer_set_add(&config->unrotated, layer);
    return SFT_OK;
}

/* ---- layers that slide ---- */

enum { MAX_WINDOW_LAYERS = 28 }; /* transformers' default */

static bool has_switch(const struct window_spec *spec)
{
    return spec->rule == WINDOW_UPPER || spec->rule == WINDOW_UNROTATED;
}

/* How many positions a window has; 0: there is none. *key: what says so. */
static enum sft_status read_positions(size_t *positions, const char **key, const struct window_spec *spec,
                                      const json *root, struct sft_err *err)
{
    bool is_on = true;
    *key = "sliding_window";
    *positions = config_is_null(root, *key) ? 0 : spec->positions;
    if (config_get_size(positions, root, *key, err) ||
        (has_switch(spec) && json_get_bool(root, "use_sliding_window", false, &is_on, err)))
        return SFT_EDATA;
    if (!is_on) {
        *positions = 0;
        *key = "use_sliding_window";
    }
    return SFT_OK;
}

/* The pattern's name of old begins with an underscore in files of some versions. */
static enum sft_status read_pattern(size_t *pattern, const struct window_spec *spec, const json *root,
                                    struct sft_err *err)
{
    char other[64];
    *pattern = spec->pattern;
    if (!spec->pattern_key)
        return SFT_OK;
    snprintf(other, sizeof other, "_%s", spec->pattern_key);
    const char *const names[] = {spec->pattern_key, other}, *name;
    return config_choose(&name, root, names, 2, err) ? SFT_EDATA : config_get_size(pattern, root, name, err);
}

static enum sft_status slide_by_rule(struct model_config *config, const json *root, bool is_on, struct sft_err *err)
{
    const struct window_spec *spec = &config->family->window;
    size_t pattern, from = MAX_WINDOW_LAYERS;
    /* max_window_layers may be 0: all layers slide */
    if (read_pattern(&pattern, spec, root, err) ||
        json_get_size(root, "max_window_layers", MAX_WINDOW_LAYERS, &from, err))
        return SFT_EDATA;
    for (size_t layer = 0; layer < config->n_layer; layer++)
        if ((spec->rule == WINDOW_ALL && is_on) || (spec->rule == WINDOW_PATTERN && (layer + 1) % pattern != 0) ||
            (spec->rule == WINDOW_UPPER && is_on && layer >= from) ||
            (spec->rule == WINDOW_UNROTATED && is_on && layer_set_has(&config->unrotated, layer)))
            layer_set_add(&config->sliding, layer);
    return SFT_OK;
}

static enum sft_status read_layer_types(struct layer_set *sliding, const json *list, size_t n_layer,
                                        struct sft_err *err)
{
    static const char key[] = "layer_types";
    if (!json_is_array(list))
        return sft_fail_in(err, SFT_EDATA, key, "expected a list, found %s", json_type_name(list));
    if (json_size(list) != n_layer)
        return sft_fail_in(err, SFT_EDATA, key, "%zu types for %zu layers", json_size(list), n_layer);
    const json *node = json_first(list);
    for (size_t layer = 0; layer < n_layer; layer++, node = json_next(node)) {
        const char *type = json_string(node);
        if (type && strcmp(type, "sliding_attention") == 0)
            layer_set_add(sliding, layer);
        else if (!type || (strcmp(type, "full_attention") != 0 && strcmp(type, "attention") != 0))
            return sft_fail(err, SFT_EDATA,
                            "layer_types[%zu] '%s' is not supported (full_attention and sliding_attention are)", layer,
                            type ? type : json_type_name(node));
    }
    return SFT_OK;
}

/* The first layer that is in one set alone; n_layer: none. */
static size_t first_difference(const struct layer_set *a, const struct layer_set *b, size_t n_layer)
{
    size_t layer = 0;
    while (layer < n_layer && layer_set_has(a, layer) == layer_set_has(b, layer))
        layer++;
    return layer;
}

static enum sft_status read_sliding(struct model_config *config, const json *root, struct sft_err *err)
{
    const struct window_spec *spec = &config->family->window;
    const json *list = config_find(root, "layer_types");
    struct layer_set types = {{0}};
    const char *key;
    size_t positions;
    if (read_positions(&positions, &key, spec, root, err))
        return SFT_EDATA;
    const bool by_list = list && spec->rule != WINDOW_NEVER && spec->rule != WINDOW_ALL;
    if ((list && read_layer_types(&types, list, config->n_layer, err)) ||
        (!by_list && slide_by_rule(config, root, positions > 0, err)))
        return SFT_EDATA;
    if (by_list)
        config->sliding = types;
    const size_t differs = first_difference(&config->sliding, &types, config->n_layer);
    if (list && differs < config->n_layer)
        return sft_fail(err, SFT_EDATA, "layer_types[%zu] contradicts what else is said of sliding layers", differs);
    const size_t first = first_difference(&config->sliding, &(struct layer_set){{0}}, config->n_layer);
    if (first < config->n_layer && !positions)
        return sft_fail(err, SFT_EDATA, "layer %zu has sliding attention, but %s says that there is none", first, key);
    config->sliding_window = first < config->n_layer ? positions : 0;
    return SFT_OK;
}

/* ---- the whole ---- */

enum sft_status config_read_layers(struct model_config *config, const json *root, struct sft_err *err)
{
    return read_unrotated(config, root, err) || read_sliding(config, root, err) ? SFT_EDATA : SFT_OK;
}

static bool is_pattern_key(const struct window_spec *spec, const char *key)
{
    return spec->pattern_key && strcmp(key + (*key == '_'), spec->pattern_key) == 0;
}

bool config_knows_layer_key(const struct family *family, const char *key)
{
    static const char *const switched[] = {"use_sliding_window", "max_window_layers"};
    static const char *const unrotated[] = {"no_rope_layers", "no_rope_layer_interval"};
    const size_t len = strlen(key);
    return strcmp(key, "layer_types") == 0 || is_pattern_key(&family->window, key) ||
           (family->window.rule != WINDOW_NEVER && strcmp(key, "sliding_window") == 0) ||
           (has_switch(&family->window) && str_is_one_of(key, len, switched, 2)) ||
           (family->rope.unrotated_interval && str_is_one_of(key, len, unrotated, 2));
}
