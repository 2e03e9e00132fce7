#include "files/peft/peft_choose.h"

#include "base/log.h"
#include "base/mem.h"
#include "files/peft/peft_complain.h"
#include "files/peft/peft_match.h"
#include "files/peft/peft_paths.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct choice {
    struct adapter_spec *spec;
    const struct peft_config *config;
    const struct tensor_table *table;
    const struct model_config *model;
    struct peft_matcher matcher;
    bool is_strict;
};

/* What is wrong with a file, or with a user's words. */
static enum sft_status status_of(const struct choice *c)
{
    return c->is_strict ? SFT_EUSAGE : SFT_EDATA;
}

static bool is_embedding(const struct choice *c, size_t i)
{
    return c->table->tensors + i == c->table->token_embedding;
}

/* ---- modules that are trained whole ---- */

/* A tied head is no tensor of the table: it stands for the embedding. */
static bool is_saved(const struct choice *c, size_t i)
{
    char path[PEFT_PATH_MAX], own[PEFT_PATH_MAX];
    if (is_embedding(c, i) && c->model->tied && peft_saves(&c->matcher, PEFT_HEAD))
        return true;
    peft_module_path(&c->table->tensors[i], path);
    peft_own_path(&c->table->tensors[i], own);
    return peft_saves(&c->matcher, path) || peft_saves(&c->matcher, own);
}

static void choose_whole(const struct choice *c)
{
    for (size_t i = 0; i < c->table->n_model; i++)
        if (is_saved(c, i))
            adapter_spec_add_whole(c->spec, i);
}

/* PEFT heeds the key where one of the modules has a name that it knows (EMBEDDING_LAYER_NAMES in
 * utils/constants.py), which is not GPT-2's "wte". */
bool peft_ties_head(const struct peft_config *config)
{
    for (size_t i = 0; i < config->modules_to_save.count; i++) {
        const char *name = peft_last_part(config->modules_to_save.items[i]);
        if (strcmp(name, "embed_tokens") == 0 || strcmp(name, PEFT_HEAD) == 0)
            return config->ensure_weight_tying;
    }
    return false;
}

/* ---- linear layers ---- */

static double scaling_of(const struct choice *c, double alpha, size_t r)
{
    return alpha / (c->config->use_rslora ? sqrt((double)r) : (double)r);
}

static enum sft_status add_target(struct choice *c, size_t i, const char *path, struct sft_err *err)
{
    const size_t r = peft_rank(&c->matcher, path);
    if (peft_saves(&c->matcher, path))
        return sft_fail_in(err, status_of(c), "modules_to_save",
                           "has the end of '%s', which is in target_modules (name it whole)", path);
    const struct lora_target target = {i, r, scaling_of(c, peft_alpha(&c->matcher, path), r)};
    adapter_spec_add_target(c->spec, &target);
    return SFT_OK;
}

static enum sft_status choose_targets(struct choice *c, struct sft_err *err)
{
    char path[PEFT_PATH_MAX];
    for (size_t i = 0; i < c->table->n_model; i++) {
        if (!peft_is_linear(&c->table->tensors[i]))
            continue;
        peft_module_path(&c->table->tensors[i], path);
        if (peft_targets(&c->matcher, path) && add_target(c, i, path, err))
            return err ? err->status : status_of(c);
    }
    return SFT_OK;
}

/* A file's names may find nothing, as long as one of them does: where there are any. Who trains one names some. */
static enum sft_status check_some(const struct choice *c, struct sft_err *err)
{
    const struct peft_names *targets = &c->config->target_modules;
    const bool asks = c->config->all_linear || targets->pattern || targets->names.count;
    if (c->spec->n_targets || (!asks && !c->is_strict && (c->spec->n_whole || c->spec->n_rows)))
        return SFT_OK;
    return peft_fail_no_target(status_of(c), c->table, targets->pattern, err);
}

/* Ranks that are larger than a matrix is narrow say the same in more numbers. */
static void warn_of_ranks(const struct choice *c)
{
    size_t n_wide = 0;
    const struct lora_target *first = NULL;
    for (const struct lora_target *t = c->spec->targets; t < c->spec->targets + c->spec->n_targets; t++) {
        const struct tensor *of = &c->table->tensors[t->tensor];
        if (t->r <= of->rows && t->r <= of->cols)
            continue;
        first = first ? first : t;
        n_wide++;
    }
    if (!first)
        return;
    const struct tensor *of = &c->table->tensors[first->tensor];
    log_warning(
        "r = %zu is larger than the smaller side of %zu of the %zu matrices, such as %s (%zu, %zu): it trains more "
        "numbers than these have",
        first->r, n_wide, c->spec->n_targets, of->name, of->rows, of->cols);
}

/* ---- rows of tokens ---- */

static int by_number(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

static bool equal_rows(const struct peft_tokens *a, const struct peft_tokens *b)
{
    return a->n == b->n && memcmp(a->rows, b->rows, a->n * sizeof *a->rows) == 0;
}

static bool is_whole(const struct choice *c, size_t tensor)
{
    for (size_t i = 0; i < c->spec->n_whole; i++)
        if (c->spec->whole[i] == tensor)
            return true;
    return false;
}

/* The rows, ascending; NULL after an error. */
static int32_t *sorted_rows(const struct choice *c, const struct peft_tokens *tokens, size_t vocab, struct sft_err *err)
{
    int32_t *rows = mem_calloc(tokens->n + 1, sizeof *rows);
    memcpy(rows, tokens->rows, tokens->n * sizeof *rows);
    qsort(rows, tokens->n, sizeof *rows, by_number);
    for (size_t i = 0; i < tokens->n; i++) {
        const bool is_twice = i && rows[i] == rows[i - 1];
        if (!is_twice && rows[i] >= 0 && (size_t)rows[i] < vocab)
            continue;
        if (is_twice)
            sft_fail_in(err, status_of(c), "trainable_token_indices", "token %" PRId32 " is there twice", rows[i]);
        else
            sft_fail_in(err, status_of(c), "trainable_token_indices",
                        "token %" PRId32 " is not in the vocabulary of %zu", rows[i], vocab);
        free(rows);
        return NULL;
    }
    return rows;
}

static enum sft_status add_rows(const struct choice *c, const struct peft_tokens *tokens, size_t tensor,
                                struct sft_err *err)
{
    if (is_whole(c, tensor))
        return sft_fail_in(err, status_of(c), "trainable_token_indices",
                           "names rows of '%s', which is in modules_to_save (all of them are trained there)",
                           c->table->tensors[tensor].name);
    if (tokens->n == 0)
        return SFT_OK;
    int32_t *rows = sorted_rows(c, tokens, c->table->tensors[tensor].rows, err);
    if (!rows)
        return status_of(c);
    adapter_spec_add_rows(c->spec, tensor, rows, tokens->n);
    return SFT_OK;
}

/* Whether the path of its module, of old or of now, ends so. */
static bool is_called(const struct tensor *tensor, const char *module)
{
    char path[PEFT_PATH_MAX], own[PEFT_PATH_MAX];
    peft_module_path(tensor, path);
    peft_own_path(tensor, own);
    return str_has_ending(path, module) || str_has_ending(own, module);
}

/* The tensor that the rows are of: the embedding, or the head; a tied head: SIZE_MAX. */
static enum sft_status find_rows(const struct choice *c, const char *module, size_t *tensor, struct sft_err *err)
{
    const struct tensor *const ends[] = {c->table->token_embedding, c->table->head};
    *tensor = (size_t)(ends[0] - c->table->tensors);
    if (!module)
        return SFT_OK;
    for (size_t i = 0; i < 2; i++) {
        *tensor = (size_t)(ends[i] - c->table->tensors);
        if (is_called(ends[i], module))
            return SFT_OK;
    }
    *tensor = SIZE_MAX;
    if (c->model->tied && str_has_ending(PEFT_HEAD, module))
        return SFT_OK;
    sft_fail(err, status_of(c), "is neither the embedding nor the head");
    return sft_in_key(err, "trainable_token_indices.%s", module);
}

static enum sft_status choose_rows(const struct choice *c, struct sft_err *err)
{
    const struct peft_config *config = c->config;
    size_t tensor[2] = {SIZE_MAX, SIZE_MAX};
    for (size_t i = 0; i < config->n_tokens; i++)
        if (find_rows(c, config->tokens[i].module, &tensor[i], err))
            return status_of(c);
    if (config->n_tokens == 2 && tensor[0] == tensor[1])
        return sft_fail_in(err, status_of(c), "trainable_token_indices", "names one module twice");
    for (size_t i = 0; i < config->n_tokens; i++) {
        const bool is_head_alone = tensor[i] == SIZE_MAX && config->n_tokens == 1;
        if (is_head_alone || (tensor[i] == SIZE_MAX && !equal_rows(&config->tokens[0], &config->tokens[1])))
            return sft_fail_in(err, status_of(c), "trainable_token_indices",
                               "parts the head from the embedding that it is tied to (name the same rows of both)");
    }
    const size_t first = config->n_tokens == 2 && tensor[1] < tensor[0];
    for (size_t i = 0; i < config->n_tokens; i++) {
        const size_t k = i ^ first;
        if (tensor[k] != SIZE_MAX && add_rows(c, &config->tokens[k], tensor[k], err))
            return status_of(c);
    }
    return SFT_OK;
}

/* ---- the whole ---- */

static enum sft_status choose_all(struct choice *c, struct sft_err *err)
{
    if (peft_matcher_init(&c->matcher, c->config, err))
        return SFT_EDATA;
    if (c->is_strict && peft_complain(c->config, &c->matcher, c->table, err))
        return SFT_EUSAGE;
    choose_whole(c);
    if (choose_targets(c, err) || choose_rows(c, err) || check_some(c, err))
        return status_of(c);
    if (peft_matcher_check(&c->matcher, err))
        return SFT_EDATA;
    if (c->is_strict)
        warn_of_ranks(c);
    return SFT_OK;
}

static enum sft_status choose(struct adapter_spec *spec, const struct peft_config *config,
                              const struct tensor_table *table, const struct model_config *model, bool is_strict,
                              struct sft_err *err)
{
    struct choice c = {.spec = spec, .config = config, .table = table, .model = model, .is_strict = is_strict};
    *spec = (struct adapter_spec){0};
    const enum sft_status status = choose_all(&c, err);
    peft_matcher_free(&c.matcher);
    return status;
}

enum sft_status peft_choose(struct adapter_spec *spec, const struct peft_config *config,
                            const struct tensor_table *table, const struct model_config *model, struct sft_err *err)
{
    return choose(spec, config, table, model, true, err);
}

enum sft_status peft_choose_as_peft(struct adapter_spec *spec, const struct peft_config *config,
                                    const struct tensor_table *table, const struct model_config *model,
                                    struct sft_err *err)
{
    return choose(spec, config, table, model, false, err);
}

/* Whether both say the same of all tensors. */
static bool is_same(const struct peft_config *a, const struct peft_config *b, const struct tensor_table *table,
                    bool (*says)(struct choice *choice, size_t tensor), const struct model_config *model)
{
    struct choice one = {.config = a, .table = table, .model = model};
    struct choice other = {.config = b, .table = table, .model = model};
    bool same = !peft_matcher_init(&one.matcher, a, NULL) && !peft_matcher_init(&other.matcher, b, NULL);
    for (size_t i = 0; i < table->n_model && same; i++)
        same = says(&one, i) == says(&other, i);
    peft_matcher_free(&one.matcher);
    peft_matcher_free(&other.matcher);
    return same;
}

static bool says_target(struct choice *c, size_t i)
{
    char path[PEFT_PATH_MAX];
    peft_module_path(&c->table->tensors[i], path);
    return peft_is_linear(&c->table->tensors[i]) && peft_targets(&c->matcher, path);
}

static bool says_saved(struct choice *c, size_t i)
{
    return is_saved(c, i);
}

bool peft_same_targets(const struct peft_config *a, const struct peft_config *b, const struct tensor_table *table)
{
    return is_same(a, b, table, says_target, NULL);
}

bool peft_same_saved(const struct peft_config *a, const struct peft_config *b, const struct tensor_table *table,
                     const struct model_config *model)
{
    return is_same(a, b, table, says_saved, model);
}

/* Those of a tensor, unless all of it is trained. */
static void train_rows_of(const struct choice *c, struct peft_config *config, const struct tensor *tensor,
                          const int32_t *rows, size_t n)
{
    char path[PEFT_PATH_MAX];
    peft_module_path(tensor, path);
    if (!is_saved(c, (size_t)(tensor - c->table->tensors)))
        peft_config_add_tokens(config, c->model->tied ? NULL : peft_last_part(path), rows, n);
}

enum sft_status peft_train_rows(struct peft_config *config, const struct tensor_table *table,
                                const struct model_config *model, const int32_t *rows, size_t n, struct sft_err *err)
{
    struct choice c = {.config = config, .table = table, .model = model};
    const enum sft_status status = peft_matcher_init(&c.matcher, config, err);
    if (!status)
        train_rows_of(&c, config, table->token_embedding, rows, n);
    if (!status && table->head != table->token_embedding)
        train_rows_of(&c, config, table->head, rows, n);
    peft_matcher_free(&c.matcher);
    return status;
}

const struct peft_tokens *peft_tokens_of(const struct peft_config *config, const struct tensor_table *table,
                                         const struct tensor *tensor)
{
    for (size_t i = 0; i < config->n_tokens; i++) {
        const char *module = config->tokens[i].module;
        if (module ? is_called(tensor, module) : tensor == table->token_embedding)
            return &config->tokens[i];
    }
    return NULL;
}
