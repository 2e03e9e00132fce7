#include "files/peft/peft_complain.h"

#include "base/mem.h"
#include "base/nearest.h"
#include "files/peft/peft_paths.h"

#include <stdlib.h>
#include <string.h>

/* ---- the names that there are ---- */

struct words { /* each once, in the order of the table */
    char **items;
    size_t n, capacity;
};

static void add_word(struct words *words, const char *word)
{
    for (size_t i = 0; i < words->n; i++)
        if (strcmp(words->items[i], word) == 0)
            return;
    words->items = mem_grow(words->items, &words->capacity, words->n + 1, sizeof *words->items);
    words->items[words->n++] = mem_strdup(word);
}

static void free_words(struct words *words)
{
    for (size_t i = 0; i < words->n; i++)
        free(words->items[i]);
    free(words->items);
}

static void print_words(const struct words *words, struct strbuf *out)
{
    for (size_t i = 0; i < words->n; i++)
        strbuf_printf(out, "%s%s", i ? ", " : "", words->items[i]);
}

/* The last parts of the paths of linear layers, or of all modules, the head's with them. */
static struct words list_modules(const struct tensor_table *table, bool linear_only)
{
    struct words words = {0};
    char path[PEFT_PATH_MAX];
    for (size_t i = 0; i < table->n_model; i++) {
        if (linear_only && !peft_is_linear(&table->tensors[i]))
            continue;
        peft_module_path(&table->tensors[i], path);
        add_word(&words, peft_last_part(path));
    }
    if (!linear_only)
        add_word(&words, PEFT_HEAD);
    return words;
}

/* ": there is no such module (did you mean 'c_attn'?); there are c_attn, c_proj" */
static enum sft_status fail_unknown(const char *key, const char *name, const char *what, const struct words *words,
                                    struct sft_err *err)
{
    struct strbuf list = {0};
    const char *near = nearest_word(name, (const char *const *)words->items, words->n);
    print_words(words, &list);
    if (near)
        sft_fail_in(err, SFT_EUSAGE, key, "the model has no %s '%s' (did you mean '%s'?); there are %s", what, name,
                    near, list.data);
    else
        sft_fail_in(err, SFT_EUSAGE, key, "the model has no %s '%s'; there are %s", what, name, list.data);
    strbuf_free(&list);
    return SFT_EUSAGE;
}

enum sft_status peft_fail_no_target(enum sft_status status, const struct tensor_table *table, const char *pattern,
                                    struct sft_err *err)
{
    struct words words = list_modules(table, true);
    struct strbuf list = {0};
    print_words(&words, &list);
    if (pattern)
        sft_fail_in(err, status, "target_modules",
                    "the pattern '%s' matches no linear layer of the model; there are %s", pattern, list.data);
    else
        sft_fail_in(err, status, "target_modules", "names no linear layer of the model; there are %s", list.data);
    strbuf_free(&list);
    free_words(&words);
    return status;
}

/* ---- target_modules ---- */

/* What a name finds in the model. */
struct found {
    size_t n_linear, n_shadowed;    /* of the first, those that are in modules_to_save */
    bool embedding, head, position; /* matrices that are no linear layers */
    bool vector;                    /* a norm */
    bool within;                    /* it is a part of paths, not their end */
};

static bool is_part_of(const char *name, const char *path)
{
    const size_t n = strlen(name);
    for (const char *at = path; (at = strstr(at, name)); at++)
        if ((at == path || at[-1] == '.') && at[n] == '.')
            return true;
    return false;
}

static struct found find(const char *name, const struct peft_matcher *matcher, const struct tensor_table *table)
{
    struct found found = {.head = peft_names_module(name, PEFT_HEAD)};
    char path[PEFT_PATH_MAX];
    for (const struct tensor *t = table->tensors; t < table->tensors + table->n_model; t++) {
        peft_module_path(t, path);
        found.within |= is_part_of(name, path);
        if (!peft_names_module(name, path))
            continue;
        if (peft_is_linear(t)) {
            found.n_linear++;
            found.n_shadowed += peft_is_shadowed(matcher, path);
        } else if (t == table->token_embedding) {
            found.embedding = true;
        } else if (t->n_dims == 2 && t != table->head) {
            found.position = true;
        } else if (t->n_dims == 1) {
            found.vector = true;
        }
    }
    return found;
}

static enum sft_status check_target(const char *name, const struct peft_matcher *matcher,
                                    const struct tensor_table *table, struct sft_err *err)
{
    static const char key[] = "target_modules", remedy[] = "modules_to_save trains it whole";
    const struct found found = find(name, matcher, table);
    if (found.n_linear && found.n_linear > found.n_shadowed)
        return SFT_OK;
    if (found.n_linear)
        return sft_fail_in(err, SFT_EUSAGE, key, "'%s' is in modules_to_save, too (leave it out of one of them)", name);
    if (found.embedding || found.position)
        return sft_fail_in(err, SFT_EUSAGE, key, "'%s' is an embedding, which takes no adapter here (%s)", name,
                           remedy);
    if (found.head)
        return sft_fail_in(err, SFT_EUSAGE, key, "'%s' is the head, which takes no adapter here (%s)", name, remedy);
    if (found.vector)
        return sft_fail_in(err, SFT_EUSAGE, key, "'%s' is a norm, which takes no adapter (%s)", name, remedy);
    struct words words = list_modules(table, true);
    if (found.within)
        sft_fail_in(err, SFT_EUSAGE, key, "'%s' holds layers and is none (name these)", name);
    else
        fail_unknown(key, name, "linear layer", &words, err);
    free_words(&words);
    return SFT_EUSAGE;
}

/* ---- modules_to_save ---- */

static enum sft_status check_saved(const char *name, const struct tensor_table *table, struct sft_err *err)
{
    char path[PEFT_PATH_MAX], own[PEFT_PATH_MAX];
    if (peft_name_saves(name, PEFT_HEAD))
        return SFT_OK;
    for (size_t i = 0; i < table->n_model; i++) {
        peft_module_path(&table->tensors[i], path);
        peft_own_path(&table->tensors[i], own);
        if (peft_name_saves(name, path) || peft_name_saves(name, own))
            return SFT_OK;
    }
    struct words words = list_modules(table, false);
    fail_unknown("modules_to_save", name, "module", &words, err);
    free_words(&words);
    return SFT_EUSAGE;
}

enum sft_status peft_complain(const struct peft_config *config, const struct peft_matcher *matcher,
                              const struct tensor_table *table, struct sft_err *err)
{
    for (size_t i = 0; i < config->modules_to_save.count; i++)
        if (check_saved(config->modules_to_save.items[i], table, err))
            return SFT_EUSAGE;
    for (size_t i = 0; i < config->target_modules.names.count; i++)
        if (check_target(config->target_modules.names.items[i], matcher, table, err))
            return SFT_EUSAGE;
    return SFT_OK;
}
