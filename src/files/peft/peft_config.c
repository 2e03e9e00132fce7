#include "files/peft/peft_config.h"

#include "base/io.h"
#include "base/mem.h"
#include "base/nearest.h"
#include "files/peft/peft_refuse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char file_name[] = "adapter_config.json";
static const double rank_max = 1 << 16; /* far more than any matrix is narrow */

/* ---- what it owns ---- */

static void add_name(struct string_list *list, const char *name)
{
    list->items = mem_realloc(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] = mem_strdup(name);
}

static void free_list(struct string_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct string_list){0};
}

static void free_names(struct peft_names *names)
{
    free_list(&names->names);
    free(names->pattern);
    *names = (struct peft_names){0};
}

static void free_patterns(struct peft_patterns *patterns)
{
    for (size_t i = 0; i < patterns->n; i++)
        free(patterns->items[i].pattern);
    free(patterns->items);
}

void peft_config_init(struct peft_config *config)
{
    *config = (struct peft_config){.r = 8, .lora_alpha = 8};
}

void peft_config_free(struct peft_config *config)
{
    json_free(config->root);
    free(config->base_model);
    free_names(&config->target_modules);
    free_names(&config->exclude_modules);
    free_list(&config->modules_to_save);
    for (size_t i = 0; i < config->n_tokens; i++) {
        free(config->tokens[i].module);
        free(config->tokens[i].rows);
    }
    free_patterns(&config->rank_pattern);
    free_patterns(&config->alpha_pattern);
    free(config->layers);
    free_list(&config->layers_pattern);
    *config = (struct peft_config){0};
}

/* ---- reading: names ---- */

/* A list of strings that are not empty; a single one where `one_is_fine`; null and absent: none. */
static enum sft_status read_list(struct string_list *list, const json *root, const char *key, bool one_is_fine,
                                 struct sft_err *err)
{
    const json *node = json_get(root, key);
    if (!node || json_is_null(node))
        return SFT_OK;
    if (one_is_fine && json_is_string(node)) {
        add_name(list, json_string(node));
        return SFT_OK;
    }
    if (!json_is_array(node))
        return sft_fail_in(err, SFT_EDATA, key, "expected a list of names, found %s", json_type_name(node));
    for (const json *item = json_first(node); item; item = json_next(item)) {
        const char *name = json_string(item);
        if (!name || !*name) {
            sft_fail(err, SFT_EDATA, "expected a name, found %s", name ? "an empty string" : json_type_name(item));
            return sft_in_key(err, "%s[%zu]", key, list->count);
        }
        add_name(list, name);
    }
    return SFT_OK;
}

static enum sft_status read_names(struct peft_names *names, const json *root, const char *key, struct sft_err *err)
{
    const json *node = json_get(root, key);
    if (!json_is_string(node))
        return read_list(&names->names, root, key, false, err);
    if (!*json_string(node))
        return sft_fail_in(err, SFT_EDATA, key, "is empty");
    names->pattern = mem_strdup(json_string(node));
    return SFT_OK;
}

static bool is_all_linear(const char *word)
{
    return strcasecmp(word, "all-linear") == 0;
}

static enum sft_status read_targets(struct peft_config *config, const json *root, struct sft_err *err)
{
    struct peft_names *targets = &config->target_modules;
    const json *node = json_get(root, "target_modules");
    if (!node || json_is_null(node))
        return sft_fail_in(err, SFT_EDATA, "target_modules", "is missing (PEFT writes it with every adapter)");
    if (read_names(targets, root, "target_modules", err))
        return SFT_EDATA;
    config->all_linear = targets->pattern && is_all_linear(targets->pattern);
    if (config->all_linear)
        free_names(targets);
    return SFT_OK;
}

/* ---- reading: numbers ---- */

static enum sft_status check_rank(double r, const char *key, struct sft_err *err)
{
    if (r >= 1 && r <= rank_max && r == floor(r))
        return SFT_OK;
    return sft_fail_in(err, SFT_EDATA, key, "expected a whole number from 1 to %.0f, found %.9g", rank_max, r);
}

static enum sft_status read_numbers(struct peft_config *config, const json *root, struct sft_err *err)
{
    double r;
    if (json_get_double(root, "r", 8, &r, err) || check_rank(r, "r", err) ||
        json_get_double(root, "lora_alpha", 8, &config->lora_alpha, err) ||
        json_get_double(root, "lora_dropout", 0, &config->lora_dropout, err) ||
        json_get_bool(root, "use_rslora", false, &config->use_rslora, err) ||
        json_get_bool(root, "ensure_weight_tying", false, &config->ensure_weight_tying, err))
        return SFT_EDATA;
    config->r = (size_t)r;
    if (config->lora_dropout < 0 || config->lora_dropout > 1)
        return sft_fail_in(err, SFT_EDATA, "lora_dropout", "expected a number from 0 to 1, found %.9g",
                           config->lora_dropout);
    return SFT_OK;
}

static enum sft_status read_patterns(struct peft_patterns *patterns, const json *root, const char *key, bool of_ranks,
                                     struct sft_err *err)
{
    const json *node = json_get(root, key);
    if (!node || json_is_null(node))
        return SFT_OK;
    if (!json_is_object(node))
        return sft_fail_in(err, SFT_EDATA, key, "expected an object of numbers, found %s", json_type_name(node));
    for (const json *item = json_first(node); item; item = json_next(item)) {
        const double value = json_number(item);
        if (!json_is_number(item)) {
            sft_fail_in(err, SFT_EDATA, json_key(item), "expected a number, found %s", json_type_name(item));
            return sft_in_key(err, "%s", key);
        }
        if (of_ranks && check_rank(value, json_key(item), err))
            return sft_in_key(err, "%s", key);
        patterns->items = mem_grow(patterns->items, &patterns->capacity, patterns->n + 1, sizeof *patterns->items);
        patterns->items[patterns->n++] = (struct peft_pattern){mem_strdup(json_key(item)), value};
    }
    return SFT_OK;
}

/* A whole number from 0 to `most`, of a list or alone. */
static bool is_index(const json *node, double most)
{
    const double x = json_number(node);
    return json_is_number(node) && x >= 0 && x <= most && x == floor(x);
}

static enum sft_status read_layers(struct peft_config *config, const json *root, struct sft_err *err)
{
    static const char key[] = "layers_to_transform";
    const json *node = json_get(root, key);
    if (read_list(&config->layers_pattern, root, "layers_pattern", true, err))
        return SFT_EDATA;
    if (!node || json_is_null(node) || (json_is_array(node) && json_size(node) == 0))
        return SFT_OK;
    if (config->target_modules.pattern || config->all_linear)
        return sft_fail_in(err, SFT_EDATA, key, "goes with a list of target_modules only, and that is a string");
    const bool is_list = json_is_array(node);
    config->layers = mem_calloc(is_list ? json_size(node) : 1, sizeof *config->layers);
    for (const json *item = is_list ? json_first(node) : node; item; item = is_list ? json_next(item) : NULL) {
        if (!is_index(item, 1e6))
            return sft_fail_in(err, SFT_EDATA, key, "expected a layer's number or a list of them");
        config->layers[config->n_layers++] = (size_t)json_number(item);
    }
    return SFT_OK;
}

/* ---- reading: tokens ---- */

static enum sft_status read_rows(struct peft_tokens *tokens, const json *list, struct sft_err *err)
{
    if (!json_is_array(list))
        return sft_fail(err, SFT_EDATA, "expected a list of token ids, found %s", json_type_name(list));
    tokens->rows = mem_calloc(json_size(list) + 1, sizeof *tokens->rows);
    for (const json *item = json_first(list); item; item = json_next(item)) {
        if (!is_index(item, INT32_MAX - 1)) {
            sft_fail(err, SFT_EDATA, "expected a token's id, found %s", json_type_name(item));
            return sft_in_key(err, "[%zu]", tokens->n);
        }
        tokens->rows[tokens->n++] = (int32_t)json_number(item);
    }
    return SFT_OK;
}

static enum sft_status read_tokens(struct peft_config *config, const json *root, struct sft_err *err)
{
    static const char key[] = "trainable_token_indices";
    const json *node = json_get(root, key);
    if (!node || json_is_null(node))
        return SFT_OK;
    if (!json_is_object(node))
        return read_rows(&config->tokens[config->n_tokens++], node, err) ? sft_in_key(err, key) : SFT_OK;
    if (json_size(node) > sizeof config->tokens / sizeof *config->tokens)
        return sft_fail_in(err, SFT_EDATA, key, "names %zu modules (a model has an embedding and a head)",
                           json_size(node));
    for (const json *item = json_first(node); item; item = json_next(item)) {
        struct peft_tokens *tokens = &config->tokens[config->n_tokens++];
        tokens->module = mem_strdup(json_key(item));
        if (read_rows(tokens, item, err)) {
            sft_in_key(err, "%s", json_key(item));
            return sft_in_key(err, key);
        }
    }
    return SFT_OK;
}

/* ---- the whole ---- */

static enum sft_status read_root(struct peft_config *config, const json *root, struct sft_err *err)
{
    const char *base;
    if (!json_is_object(root))
        return sft_fail(err, SFT_EDATA, "expected an object, found %s", json_type_name(root));
    if (peft_refuse(root, err) || read_targets(config, root, err) ||
        read_names(&config->exclude_modules, root, "exclude_modules", err) ||
        read_list(&config->modules_to_save, root, "modules_to_save", false, err) || read_numbers(config, root, err) ||
        read_patterns(&config->rank_pattern, root, "rank_pattern", true, err) ||
        read_patterns(&config->alpha_pattern, root, "alpha_pattern", false, err) || read_layers(config, root, err) ||
        read_tokens(config, root, err) || json_get_string(root, "base_model_name_or_path", NULL, &base, err))
        return SFT_EDATA;
    config->base_model = base && *base ? mem_strdup(base) : NULL;
    return SFT_OK;
}

enum sft_status peft_config_parse(struct peft_config *config, const char *text, size_t len, struct sft_err *err)
{
    peft_config_init(config);
    const enum sft_status status = json_parse(text, len, &config->root, err);
    return status ? status : read_root(config, config->root, err);
}

enum sft_status peft_config_read(struct peft_config *config, const char *dir, struct sft_err *err)
{
    struct strbuf text = {0};
    char *path = path_join(dir, file_name);
    peft_config_init(config);
    enum sft_status status = io_read_file(path, &text, err);
    if (!status) {
        status = peft_config_parse(config, text.data ? text.data : "", text.len, err);
        if (status)
            sft_in_file(err, path, 0);
    }
    strbuf_free(&text);
    free(path);
    return status;
}

void peft_config_copy(struct peft_config *config, const struct peft_config *read)
{
    peft_config_init(config);
    config->root = json_copy(read->root);
    if (!read->root || read_root(config, config->root, NULL))
        SFT_BUG("a config that was not read");
    config->has_frozen_rows = read->has_frozen_rows;
}

/* ---- what somebody asks for ---- */

static enum sft_status take_words(struct string_list *list, const struct string_list *words, const char *key,
                                  struct sft_err *err)
{
    free_list(list);
    for (size_t i = 0; i < words->count; i++) {
        if (strchr(words->items[i], ','))
            return sft_fail_in(err, SFT_EUSAGE, key, "'%s' has a comma in it (names are separated by blanks)",
                               words->items[i]);
        add_name(list, words->items[i]);
    }
    return SFT_OK;
}

/* No path has these. */
static bool is_pattern(const char *word)
{
    return strpbrk(word, "*+?^$|\\()[]{}") != NULL;
}

enum sft_status peft_config_set_targets(struct peft_config *config, const struct string_list *words,
                                        struct sft_err *err)
{
    static const char key[] = "target_modules";
    free_names(&config->target_modules);
    config->all_linear = words->count == 1 && is_all_linear(words->items[0]);
    if (config->all_linear)
        return SFT_OK;
    if (words->count == 1 && is_pattern(words->items[0])) {
        config->target_modules.pattern = mem_strdup(words->items[0]);
        return SFT_OK;
    }
    for (size_t i = 0; i < words->count; i++) {
        if (is_all_linear(words->items[i]))
            return sft_fail_in(err, SFT_EUSAGE, key, "'%s' stands alone, without names beside it", words->items[i]);
        if (is_pattern(words->items[i]))
            return sft_fail_in(err, SFT_EUSAGE, key,
                               "'%s' is a regular expression, which stands alone, without names beside it (in "
                               "parentheses, (...|...) is one of several)",
                               words->items[i]);
        if (word_is_slip(words->items[i], "all-linear"))
            return sft_fail_in(err, SFT_EUSAGE, key, "unknown '%s' (did you mean 'all-linear'?)", words->items[i]);
    }
    return take_words(&config->target_modules.names, words, key, err);
}

enum sft_status peft_config_set_saved(struct peft_config *config, const struct string_list *words, struct sft_err *err)
{
    return take_words(&config->modules_to_save, words, "modules_to_save", err);
}

void peft_config_add_tokens(struct peft_config *config, const char *module, const int32_t *rows, size_t n)
{
    if (config->n_tokens == sizeof config->tokens / sizeof *config->tokens)
        SFT_BUG("a model has an embedding and a head, and no third");
    struct peft_tokens *tokens = &config->tokens[config->n_tokens++];
    *tokens = (struct peft_tokens){.module = module ? mem_strdup(module) : NULL, .n = n};
    tokens->rows = mem_calloc(n + 1, sizeof *tokens->rows);
    memcpy(tokens->rows, rows, n * sizeof *rows);
}
