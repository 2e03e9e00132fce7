#include "model/config_keys.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* The object that holds what a path names, and its key there. */
static const json *holder_of(const char **key, const json *root)
{
    for (const char *dot; (dot = strchr(*key, '.')) != NULL; *key = dot + 1) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)(dot - *key), *key);
        root = json_get(root, name);
    }
    return root;
}

const json *config_find(const json *root, const char *path)
{
    const json *holder = holder_of(&path, root), *node = json_get(holder, path);
    return json_is_null(node) ? NULL : node;
}

bool config_is_null(const json *root, const char *path)
{
    const json *holder = holder_of(&path, root);
    return json_is_null(json_get(holder, path));
}

static bool equal(const json *a, const json *b)
{
    if (json_is_string(a) && json_is_string(b))
        return strcmp(json_string(a), json_string(b)) == 0;
    if (json_is_bool(a) && json_is_bool(b))
        return json_is_true(a) == json_is_true(b);
    return json_number(a) == json_number(b);
}

enum sft_status config_choose(const char **name, const json *root, const char *const *names, size_t n,
                              struct sft_err *err)
{
    const json *first = NULL;
    *name = names[0];
    for (size_t i = 0; i < n; i++) {
        const json *node = names[i] ? config_find(root, names[i]) : NULL;
        if (first && node && !equal(first, node))
            return sft_fail(err, SFT_EDATA, "%s and %s, two names of one value, differ", *name, names[i]);
        if (first || !node)
            continue;
        first = node;
        *name = names[i];
    }
    return SFT_OK;
}

/* Put what holds `key`, the end of `path`, into an error about it. */
static enum sft_status in_holder(struct sft_err *err, const char *path, const char *key)
{
    return key == path ? SFT_EDATA : sft_in_key(err, "%.*s", (int)(key - path) - 1, path);
}

enum sft_status config_get_size(size_t *out, const json *root, const char *path, struct sft_err *err)
{
    const char *key = path;
    const json *holder = holder_of(&key, root);
    if (!config_find(root, path))
        return SFT_OK;
    if (json_get_size(holder, key, 0, out, err))
        return in_holder(err, path, key);
    if (*out < 1 || *out > CONFIG_SIZE_LIMIT)
        return sft_fail_in(err, SFT_EDATA, path, "expected 1 to %d, found %zu", CONFIG_SIZE_LIMIT, *out);
    return SFT_OK;
}

enum sft_status config_get_real(double *out, const json *root, const char *path, double min, double max,
                                struct sft_err *err)
{
    const char *key = path;
    const json *holder = holder_of(&key, root);
    if (!config_find(root, path))
        return SFT_OK;
    if (json_get_double(holder, key, 0, out, err))
        return in_holder(err, path, key);
    if (*out >= min && *out <= max)
        return SFT_OK;
    return sft_fail_in(err, SFT_EDATA, path, "expected a number from %g to %g, found %g", min, max, *out);
}

bool config_asks_nothing(const json *node)
{
    const char *text = json_string(node);
    return !node || json_is_null(node) || (json_is_bool(node) && !json_is_true(node)) || json_number(node) == 0 ||
           (text && !*text) || ((json_is_array(node) || json_is_object(node)) && json_size(node) == 0);
}
