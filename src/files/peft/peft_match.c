#include "files/peft/peft_match.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* ---- patterns ---- */

static enum sft_status add(struct peft_regexes *list, const char *before, const char *pattern, const char *after,
                           struct sft_err *err)
{
    list->items = mem_realloc(list->items, list->n + 1, sizeof *list->items);
    return name_regex_compile(&list->items[list->n++], before, pattern, after, err);
}

/* The whole of a path. */
static enum sft_status add_names(struct peft_regexes *list, const struct peft_names *names, const char *key,
                                 struct sft_err *err)
{
    if (!names->pattern)
        return SFT_OK;
    return add(list, "(?:", names->pattern, ")\\z", err) ? sft_in_key(err, "%s", key) : SFT_OK;
}

/* The end of a path, from its start or a dot on. */
static enum sft_status add_patterns(struct peft_regexes *list, const struct peft_patterns *patterns, const char *key,
                                    struct sft_err *err)
{
    for (size_t i = 0; i < patterns->n; i++)
        if (add(list, "(.*\\.)?(", patterns->items[i].pattern, ")\\z", err))
            return sft_in_key(err, "%s", key);
    return SFT_OK;
}

/* Up to a layer's number: the first that stands between dots, behind such a module's name. */
static enum sft_status add_layers(struct peft_matcher *m, struct sft_err *err)
{
    static const char number[] = "\\.(?=\\d+\\.)";
    const struct string_list *patterns = &m->config->layers_pattern;
    if (!m->config->layers)
        return SFT_OK;
    if (patterns->count == 0)
        return add(&m->layers, ".*?\\.", "[^.]*", number, err);
    for (size_t i = 0; i < patterns->count; i++)
        if (add(&m->layers, "(?:^|.*?\\.)(?:", patterns->items[i], ")\\.(?=\\d+\\.)", err))
            return sft_in_key(err, "layers_pattern");
    return SFT_OK;
}

enum sft_status peft_matcher_init(struct peft_matcher *m, const struct peft_config *config, struct sft_err *err)
{
    *m = (struct peft_matcher){.config = config};
    if (add_names(&m->targets, &config->target_modules, "target_modules", err) ||
        add_names(&m->excluded, &config->exclude_modules, "exclude_modules", err) ||
        add_patterns(&m->ranks, &config->rank_pattern, "rank_pattern", err) ||
        add_patterns(&m->alphas, &config->alpha_pattern, "alpha_pattern", err))
        return SFT_EDATA;
    return add_layers(m, err);
}

static void free_regexes(struct peft_regexes *list)
{
    for (size_t i = 0; i < list->n; i++)
        name_regex_free(list->items[i]);
    free(list->items);
}

void peft_matcher_free(struct peft_matcher *m)
{
    free_regexes(&m->targets);
    free_regexes(&m->excluded);
    free_regexes(&m->ranks);
    free_regexes(&m->alphas);
    free_regexes(&m->layers);
    *m = (struct peft_matcher){0};
}

static enum sft_status check(const struct peft_regexes *list, const char *key, struct sft_err *err)
{
    for (size_t i = 0; i < list->n; i++)
        if (name_regex_gave_up(list->items[i]))
            return sft_fail_in(err, SFT_EDATA, key, "a pattern needs too many steps (name the modules instead)");
    return SFT_OK;
}

enum sft_status peft_matcher_check(const struct peft_matcher *m, struct sft_err *err)
{
    if (check(&m->targets, "target_modules", err) || check(&m->excluded, "exclude_modules", err) ||
        check(&m->ranks, "rank_pattern", err) || check(&m->alphas, "alpha_pattern", err) ||
        check(&m->layers, "layers_pattern", err))
        return SFT_EDATA;
    return SFT_OK;
}

/* ---- paths ---- */

static bool ends_in(const char *path, size_t len, const char *name)
{
    const size_t n = strlen(name);
    return len >= n && memcmp(path + len - n, name, n) == 0;
}

bool peft_names_module(const char *name, const char *path)
{
    const size_t len = strlen(path), n = strlen(name);
    return ends_in(path, len, name) && (len == n || path[len - n - 1] == '.');
}

static bool list_names_module(const struct string_list *names, const char *path)
{
    for (size_t i = 0; i < names->count; i++)
        if (peft_names_module(names->items[i], path))
            return true;
    return false;
}

bool peft_name_saves(const char *name, const char *path)
{
    for (size_t len = 1; len <= strlen(path); len++)
        if ((path[len] == '.' || path[len] == '\0') && ends_in(path, len, name))
            return true;
    return false;
}

bool peft_saves(const struct peft_matcher *m, const char *path)
{
    const struct string_list *names = &m->config->modules_to_save;
    for (size_t i = 0; i < names->count; i++)
        if (peft_name_saves(names->items[i], path))
            return true;
    return false;
}

/* Whether `name` is some parts of the path, whole ones. */
static bool has_parts(const char *path, const char *name)
{
    const size_t n = strlen(name);
    for (const char *at = path; (at = strstr(at, name)); at++)
        if ((at == path || at[-1] == '.') && (at[n] == '\0' || at[n] == '.'))
            return true;
    return false;
}

bool peft_is_shadowed(const struct peft_matcher *m, const char *path)
{
    const struct string_list *names = &m->config->modules_to_save;
    for (size_t i = 0; i < names->count; i++)
        if (has_parts(path, names->items[i]))
            return true;
    return false;
}

/* ---- targets ---- */

static bool is_excluded(const struct peft_matcher *m, const char *path)
{
    if (m->excluded.n)
        return name_regex_match(m->excluded.items[0], path, NULL);
    return list_names_module(&m->config->exclude_modules.names, path);
}

static bool is_in_layers(const struct peft_matcher *m, const char *path)
{
    size_t end;
    for (size_t i = 0; i < m->layers.n; i++) {
        if (!name_regex_match(m->layers.items[i], path, &end))
            continue;
        const unsigned long long layer = strtoull(path + end, NULL, 10);
        for (size_t k = 0; k < m->config->n_layers; k++)
            if (m->config->layers[k] == layer)
                return true;
        return false;
    }
    return false;
}

bool peft_targets(struct peft_matcher *m, const char *path)
{
    const struct string_list *names = &m->config->target_modules.names;
    if (is_excluded(m, path) || peft_is_shadowed(m, path))
        return false;
    if (m->config->all_linear)
        return true;
    if (m->targets.n)
        return name_regex_match(m->targets.items[0], path, NULL);
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->items[i], path) == 0)
            return true; /* whatever its layer */
    return list_names_module(names, path) && (!m->config->layers || is_in_layers(m, path));
}

static double number_of(const struct peft_regexes *regexes, const struct peft_patterns *patterns, const char *path,
                        double otherwise)
{
    for (size_t i = 0; i < regexes->n; i++)
        if (name_regex_match(regexes->items[i], path, NULL))
            return patterns->items[i].value;
    return otherwise;
}

size_t peft_rank(struct peft_matcher *m, const char *path)
{
    return (size_t)number_of(&m->ranks, &m->config->rank_pattern, path, (double)m->config->r);
}

double peft_alpha(struct peft_matcher *m, const char *path)
{
    return number_of(&m->alphas, &m->config->alpha_pattern, path, m->config->lora_alpha);
}
