/* Rotary positions in config.json. Of old: rope_theta, beside it rope_scaling, an object; since transformers 5 both are
 * one object, rope_parameters, or where layers that slide turn at a rate of their own one for each layer type in it. */
#include "model/config_keys.h"
#include "model/config_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N_OBJECTS = 2, PATH_MAX_CHARS = 96 };

/* Where one set of values stands: in objects, and one of them beside these. */
struct place {
    const char *objects[N_OBJECTS];
    const char *theta_key;
};

static const char *const types[] = {[ROPE_DEFAULT] = "default", [ROPE_LINEAR] = "linear", [ROPE_LLAMA3] = "llama3"};
enum { N_TYPES = sizeof types / sizeof *types };

/* Of all types; a type leaves alone what it has no use for, as transformers does. */
static const char *const keys[] = {"rope_type",
                                   "type",
                                   "rope_theta",
                                   "factor",
                                   "low_freq_factor",
                                   "high_freq_factor",
                                   "attention_factor", /* of yarn and longrope alone */
                                   "original_max_position_embeddings",
                                   "partial_rotary_factor"};

/* The first of the place's objects that is there, and where none is the first. */
static const char *object_of(const json *root, const struct place *place)
{
    for (size_t i = 0; i < N_OBJECTS && place->objects[i]; i++)
        if (config_find(root, place->objects[i]))
            return place->objects[i];
    return place->objects[0];
}

/* The path of a value that may stand outside, under `flat`, and in any of the place's objects, under one name or
 * two. */
static enum sft_status find_path(char path[PATH_MAX_CHARS], const json *root, const struct place *place,
                                 const char *flat, const char *key, const char *other, struct sft_err *err)
{
    char nested[2 * N_OBJECTS][PATH_MAX_CHARS];
    const char *names[1 + 2 * N_OBJECTS] = {flat}, *chosen;
    for (size_t i = 0; i < 2 * N_OBJECTS; i++) {
        const char *object = place->objects[i / 2], *name = i % 2 ? other : key;
        if (!object || !name || !config_find(root, object))
            continue;
        snprintf(nested[i], PATH_MAX_CHARS, "%s.%s", object, name);
        names[1 + i] = nested[i];
    }
    if (config_choose(&chosen, root, names, 1 + 2 * N_OBJECTS, err))
        return SFT_EDATA;
    if (chosen)
        snprintf(path, PATH_MAX_CHARS, "%s", chosen);
    else
        snprintf(path, PATH_MAX_CHARS, "%s.%s", object_of(root, place), key);
    return SFT_OK;
}

static enum sft_status check_object(const json *root, const char *path, struct sft_err *err)
{
    const json *object = config_find(root, path);
    if (object && !json_is_object(object))
        return sft_fail_in(err, SFT_EDATA, path, "expected an object, found %s", json_type_name(object));
    for (const json *child = json_first(object); child; child = json_next(child)) {
        const char *key = json_key(child);
        if (!str_is_one_of(key, strlen(key), keys, sizeof keys / sizeof *keys) && !config_asks_nothing(child))
            return sft_fail(err, SFT_EDATA, "%s.%s is not understood", path, key);
    }
    return SFT_OK;
}

static enum sft_status read_type(enum rope_type *type, const json *root, const struct place *place, struct sft_err *err)
{
    char path[PATH_MAX_CHARS];
    if (find_path(path, root, place, NULL, "rope_type", "type", err))
        return SFT_EDATA;
    const json *node = config_find(root, path);
    const char *name = node ? json_string(node) : types[ROPE_DEFAULT];
    if (!name)
        return sft_fail_in(err, SFT_EDATA, path, "expected a string, found %s", json_type_name(node));
    for (size_t i = 0; i < N_TYPES; i++)
        if (strcmp(types[i], name) == 0) {
            *type = (enum rope_type)i;
            return SFT_OK;
        }
    return sft_fail(err, SFT_EDATA,
                    "%s '%s' is not supported (default, linear and llama3 are; where it was added for long texts "
                    "alone, take it out)",
                    path, name);
}

/* A number that a type cannot do without. */
static enum sft_status read_factor(double *out, const json *root, const struct place *place, const char *key,
                                   struct sft_err *err)
{
    char path[PATH_MAX_CHARS];
    if (find_path(path, root, place, NULL, key, NULL, err))
        return SFT_EDATA;
    if (!config_find(root, path))
        return sft_fail(err, SFT_EDATA, "%s is missing", path);
    return config_get_real(out, root, path, 1e-6, 1e6, err);
}

static enum sft_status read_llama3(struct rope_config *rope, const json *root, const struct place *place,
                                   size_t n_positions, struct sft_err *err)
{
    static const char key[] = "original_max_position_embeddings";
    char path[PATH_MAX_CHARS];
    rope->original_positions = n_positions;
    if (read_factor(&rope->low_freq_factor, root, place, "low_freq_factor", err) ||
        read_factor(&rope->high_freq_factor, root, place, "high_freq_factor", err) ||
        find_path(path, root, place, key, key, NULL, err) ||
        config_get_size(&rope->original_positions, root, path, err))
        return SFT_EDATA;
    if (rope->low_freq_factor < rope->high_freq_factor)
        return SFT_OK;
    return sft_fail_in(err, SFT_EDATA, object_of(root, place), "low_freq_factor %g is not below high_freq_factor %g",
                       rope->low_freq_factor, rope->high_freq_factor);
}

static enum sft_status read_place(struct rope_config *rope, const json *root, const struct place *place,
                                  size_t n_positions, struct sft_err *err)
{
    char path[PATH_MAX_CHARS];
    for (size_t i = 0; i < N_OBJECTS && place->objects[i]; i++)
        if (check_object(root, place->objects[i], err))
            return SFT_EDATA;
    if (read_type(&rope->type, root, place, err) ||
        find_path(path, root, place, place->theta_key, "rope_theta", NULL, err) ||
        config_get_real(&rope->theta, root, path, 1, 1e12, err))
        return SFT_EDATA;
    if (rope->type != ROPE_DEFAULT && read_factor(&rope->factor, root, place, "factor", err))
        return SFT_EDATA;
    return rope->type == ROPE_LLAMA3 ? read_llama3(rope, root, place, n_positions, err) : SFT_OK;
}

/* Of all layers, where `place` says it. */
static enum sft_status read_rotary_dim(struct model_config *config, const json *root, const struct place *place,
                                       struct sft_err *err)
{
    static const char key[] = "partial_rotary_factor";
    const struct rope_spec *spec = &config->family->rope;
    const char *flat = spec->partial_key ? spec->partial_key : key;
    double partial = spec->partial > 0 ? spec->partial : 1;
    char path[PATH_MAX_CHARS];
    if (find_path(path, root, place, flat, key, NULL, err) || config_get_real(&partial, root, path, 1e-6, 1, err))
        return SFT_EDATA;
    if (!spec->partial_key && partial != 1)
        return sft_fail(err, SFT_EDATA, "%s %g is not supported: this family turns whole heads", path, partial);
    config->rotary_dim = (size_t)((double)config->head_dim * partial);
    if (config->rotary_dim > 0 && config->rotary_dim % 2 == 0)
        return SFT_OK;
    if (partial == 1)
        return sft_fail(err, SFT_EDATA, "head_dim %zu: rotary positions need an even one", config->head_dim);
    return sft_fail(err, SFT_EDATA, "%s %g of a head_dim of %zu is %zu: rotary positions need an even part", path,
                    partial, config->head_dim, config->rotary_dim);
}

/* rope_parameters has an object for each of these, and nothing else. */
static const char *const layer_types[] = {"full_attention", "sliding_attention"};

static enum sft_status check_nested(const json *root, struct sft_err *err)
{
    for (const json *child = json_first(config_find(root, "rope_parameters")); child; child = json_next(child))
        if (!str_is_one_of(json_key(child), strlen(json_key(child)), layer_types, 2) && !config_asks_nothing(child))
            return sft_fail(err, SFT_EDATA,
                            "rope_parameters.%s: expected an object for full_attention and one for sliding_attention",
                            json_key(child));
    return SFT_OK;
}

enum sft_status config_read_rope(struct model_config *config, const json *root, struct sft_err *err)
{
    const struct rope_spec *spec = &config->family->rope;
    const bool nested = spec->local_theta_key != NULL;
    const struct place all = {{"rope_scaling", nested ? "rope_parameters.full_attention" : "rope_parameters"},
                              spec->theta_key};
    const struct place local = {{"rope_parameters.sliding_attention"}, spec->local_theta_key};
    if (!spec->theta_key)
        return SFT_OK;
    if (nested && (check_nested(root, err) || read_place(&config->rope_local, root, &local, config->n_positions, err)))
        return SFT_EDATA;
    return read_place(&config->rope, root, &all, config->n_positions, err) || read_rotary_dim(config, root, &all, err)
               ? SFT_EDATA
               : SFT_OK;
}

bool config_knows_rope_key(const struct family *family, const char *key)
{
    const struct rope_spec *spec = &family->rope;
    const char *const known[] = {
        "rope_scaling",  "rope_parameters",     "partial_rotary_factor", "original_max_position_embeddings",
        spec->theta_key, spec->local_theta_key, spec->partial_key};
    for (size_t i = 0; spec->theta_key && i < sizeof known / sizeof *known; i++)
        if (known[i] && strcmp(known[i], key) == 0)
            return true;
    return false;
}
