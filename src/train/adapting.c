#include "train/adapting.h"

#include "base/log.h"
#include "base/path.h"
#include "config/settings.h"
#include "files/hub_cache.h"
#include "files/peft/peft_base.h"
#include "files/peft/peft_choose.h"
#include "files/peft/peft_merge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is asked for ---- */

/* As adapter_config.json names it: a model of the hub's by its name, a path from anywhere. */
static char *name_of_base(const struct settings *settings, const struct base_model *base)
{
    char *absolute = path_exists(settings->model.base) ? realpath(base->files.path, NULL) : NULL;
    return absolute ? absolute : mem_strdup(settings->model.base);
}

/* Of the base's vocabulary those that nobody has trained: tokens of the template, and any beyond the base's rows. */
static void find_new_tokens(struct adapting *a, const struct base_model *base)
{
    const size_t n_tokens = tokenizer_vocab_size(base->tokenizer), n_rows = base->files.config.vocab_size;
    const size_t first = base->n_own_tokens < n_rows ? base->n_own_tokens : n_rows;
    a->new_tokens = mem_calloc(n_tokens + 1, sizeof *a->new_tokens);
    for (size_t id = first; id < n_tokens; id++)
        a->new_tokens[a->n_new_tokens++] = (int32_t)id;
}

/* A key of the section, whose words are the user's. */
static enum sft_status in_section(struct sft_err *err)
{
    const struct sft_err inner = *err;
    snprintf(err->key, sizeof err->key, "[lora] %.*s", (int)sizeof err->key - 8, inner.key);
    return err->status = SFT_EUSAGE;
}

static enum sft_status ask_for_new(struct adapting *a, const struct settings *settings, const struct base_model *base,
                                   struct sft_err *err)
{
    peft_config_init(&a->config);
    a->config.base_model = name_of_base(settings, base);
    a->config.r = (size_t)settings->lora.r;
    a->config.lora_alpha = settings->lora.lora_alpha;
    a->config.use_rslora = settings->lora.use_rslora;
    if (peft_config_set_targets(&a->config, &settings->lora.target_modules, err) ||
        peft_config_set_saved(&a->config, &settings->lora.modules_to_save, err))
        return in_section(err);
    return SFT_OK;
}

/* ---- one that is gone on from ---- */

/* A key that is set, and is another than the adapter's: its number, or its words, in *problems. */
static void differ(struct strbuf *problems, const char *key, const char *adapters)
{
    strbuf_printf(problems, "%s%s is %s there", problems->len ? ", " : "", key, adapters);
}

static bool is_set(const struct settings *settings, const char *key)
{
    return settings_is_given(settings, settings_find(key));
}

static void differ_in_number(struct strbuf *problems, const struct settings *settings, const char *key, double ours,
                             double adapters)
{
    char text[32];
    snprintf(text, sizeof text, "%.9g", adapters);
    if (is_set(settings, key) && ours != adapters)
        differ(problems, key, text);
}

/* Whether words mean the same modules as the adapter's config says. */
static bool are_same_targets(const struct string_list *words, const struct peft_config *config,
                             const struct tensor_table *table)
{
    struct peft_config asked;
    struct sft_err unread;
    peft_config_init(&asked);
    const bool same = !peft_config_set_targets(&asked, words, &unread) && peft_same_targets(&asked, config, table);
    peft_config_free(&asked);
    return same;
}

static bool are_same_saved(const struct string_list *words, const struct peft_config *config,
                           const struct tensor_table *table, const struct model_config *model)
{
    struct peft_config asked;
    struct sft_err unread;
    peft_config_init(&asked);
    const bool same = !peft_config_set_saved(&asked, words, &unread) && peft_same_saved(&asked, config, table, model);
    peft_config_free(&asked);
    return same;
}

/* An adapter keeps its own config: all keys that are set here and say otherwise are told. */
static enum sft_status check_section(const struct adapting *a, const struct settings *settings,
                                     const struct model_config *model, struct sft_err *err)
{
    struct tensor_table table;
    const struct peft_config *own = &a->from.config;
    struct strbuf problems = {0};
    tensor_table_init(&table, model);
    differ_in_number(&problems, settings, "r", (double)settings->lora.r, (double)own->r);
    differ_in_number(&problems, settings, "lora_alpha", settings->lora.lora_alpha, own->lora_alpha);
    if (is_set(settings, "use_rslora") && settings->lora.use_rslora != own->use_rslora)
        differ(&problems, "use_rslora", own->use_rslora ? "true" : "false");
    if (is_set(settings, "target_modules") && !are_same_targets(&settings->lora.target_modules, own, &table))
        differ(&problems, "target_modules", "another choice");
    if (is_set(settings, "modules_to_save") && !are_same_saved(&settings->lora.modules_to_save, own, &table, model))
        differ(&problems, "modules_to_save", "another choice");
    const enum sft_status status =
        problems.len ? sft_fail(err, SFT_EUSAGE,
                                "[lora] differs from the config of %s, which an adapter that is gone on from keeps: %s "
                                "(leave these keys out)",
                                a->from.dir, problems.data)
                     : SFT_OK;
    strbuf_free(&problems);
    tensor_table_free(&table);
    return status;
}

/* Rows that nobody would train: the adapter was trained with another template, or tokenizer. */
static enum sft_status check_new_tokens(const struct adapting *a, const struct settings *settings,
                                        const struct base_model *base, struct sft_err *err)
{
    struct tensor_table table;
    struct adapter_spec spec = {0};
    tensor_table_init(&table, &base->config);
    enum sft_status status = peft_spec(&spec, &a->from, &table, &base->config, err);
    if (!status)
        tensor_table_adapt(&table, &spec);
    for (size_t i = 0; i < a->n_new_tokens && !status; i++) {
        size_t len;
        const char *token = tokenizer_token_bytes(base->tokenizer, a->new_tokens[i], &len);
        if (!tensor_trains_row(table.token_embedding, a->new_tokens[i]))
            status = sft_fail(err, SFT_EUSAGE,
                              "[model] adapter: %s has no row for the token '%.*s' that the template needs (name in "
                              "[data] template the one that it was trained with)",
                              settings->model.adapter, (int)len, token);
    }
    adapter_spec_free(&spec);
    tensor_table_free(&table);
    return status;
}

/* What others have there. */
static bool is_method(const char *adapter)
{
    const char *word = path_basename(adapter);
    return !path_exists(adapter) && (strcmp(word, "lora") == 0 || strcmp(word, "qlora") == 0);
}

static enum sft_status begin_with(struct adapting *a, const struct settings *settings, struct base_model *base,
                                  struct sft_err *err)
{
    const char *link;
    char *dir = NULL;
    if (is_method(settings->model.adapter))
        return sft_fail(err, SFT_EUSAGE,
                        "[model] adapter: there is no directory '%s' (a section [lora] trains an adapter; this names "
                        "one to go on from)",
                        path_basename(settings->model.adapter));
    enum sft_status status = peft_dir_find(settings->model.adapter, &dir, &link, err);
    if (!status)
        status = peft_open(&a->from, dir, err);
    free(dir);
    if (status)
        return sft_context(err, "[model] adapter");
    peft_fit_model(&a->from, &base->config);
    if (a->from.config.lora_dropout > 0)
        log_info("%s: trained without its lora_dropout of %g (there is no dropout here; its config keeps it)",
                 a->from.dir, a->from.config.lora_dropout);
    if (!a->on)
        return SFT_OK;
    if (check_section(a, settings, &base->config, err))
        return err->status;
    peft_config_copy(&a->config, &a->from.config);
    free(a->config.base_model);
    a->config.base_model = name_of_base(settings, base);
    return SFT_OK;
}

/* ---- both ---- */

enum sft_status adapting_open(struct adapting *a, const struct settings *settings, struct base_model *base,
                              struct sft_err *err)
{
    *a = (struct adapting){.on = settings->lora.on};
    if (a->on && !weights_are_there(base->files.path))
        return sft_fail(err, SFT_EUSAGE,
                        "[lora] %s has no weights, and an adapter is of no use without its base's (leave [lora] out to "
                        "train all of a model from random weights)",
                        base->files.path);
    if (*settings->model.adapter)
        return begin_with(a, settings, base, err);
    return a->on ? ask_for_new(a, settings, base, err) : SFT_OK;
}

static enum sft_status train_new_rows(struct adapting *a, const struct base_model *base, struct sft_err *err)
{
    struct tensor_table table;
    tensor_table_init(&table, &base->config);
    const enum sft_status status =
        peft_train_rows(&a->config, &table, &base->config, a->new_tokens, a->n_new_tokens, err);
    tensor_table_free(&table);
    return status ? in_section(err) : SFT_OK;
}

enum sft_status adapting_take_tokens(struct adapting *a, const struct settings *settings, struct base_model *base,
                                     struct sft_err *err)
{
    if (a->from.dir)
        peft_fit_model(&a->from, &base->config); /* whose rows may be the files' again */
    if (!a->on)
        return SFT_OK;
    find_new_tokens(a, base);
    if (a->n_new_tokens == 0)
        return SFT_OK;
    return a->from.dir ? check_new_tokens(a, settings, base, err) : train_new_rows(a, base, err);
}

void adapting_close(struct adapting *a)
{
    peft_config_free(&a->config);
    peft_close(&a->from);
    free(a->new_tokens);
    *a = (struct adapting){0};
}

/* ---- the tensors ---- */

static struct weights_kept kept_of(const struct settings *settings, const struct kernels *kernels)
{
    static const enum weights_kind kinds[] = {[KEEP_WEIGHTS_AUTO] = WEIGHTS_AS_STORED,
                                              [KEEP_WEIGHTS_F32] = WEIGHTS_F32,
                                              [KEEP_WEIGHTS_BF16] = WEIGHTS_BF16,
                                              [KEEP_WEIGHTS_INT8] = WEIGHTS_INT8};
    const enum weights_kind asked = kinds[settings->model.weights];
    const bool as_asked = kernels->reads_bf16 || settings->model.weights != KEEP_WEIGHTS_AUTO;
    return (struct weights_kept){
        .as = as_asked ? asked : WEIGHTS_F32, .transposed = asked == WEIGHTS_INT8, .mapped = true};
}

static enum sft_status check_kept(const struct settings *settings, const struct kernels *kernels, struct sft_err *err)
{
    if (kernels->reads_bf16 || settings->model.weights <= KEEP_WEIGHTS_F32)
        return SFT_OK;
    return sft_fail(err, SFT_EUSAGE, "[model] weights: the %s kernels read floats alone (auto or f32)", kernels->isa);
}

static enum sft_status choose(struct adapter_spec *spec, const struct adapting *a, const struct tensor_table *table,
                              const struct model_config *model, struct sft_err *err)
{
    if (a->from.dir)
        return peft_spec(spec, &a->from, table, model, err);
    return peft_choose(spec, &a->config, table, model, err) ? in_section(err) : SFT_OK;
}

enum sft_status adapting_table(const struct adapting *a, const struct settings *settings,
                               const struct base_model *base, const struct kernels *kernels, struct tensor_table *table,
                               struct strbuf *unused, struct sft_err *err)
{
    const struct weights_kept kept = kept_of(settings, kernels);
    struct adapter_spec spec = {0};
    tensor_table_init(table, &base->config);
    if (!a->on)
        return SFT_OK;
    enum sft_status status = check_kept(settings, kernels, err);
    if (!status)
        status = choose(&spec, a, table, &base->config, err);
    if (!status)
        tensor_table_adapt(table, &spec);
    adapter_spec_free(&spec);
    return status ? status
                  : weights_check_to_read(table, &kept, &base->config, base->files.config.vocab_size, base->files.path,
                                          unused, err);
}

/* ---- their values ---- */

struct filling {
    float *to;
};

static void fill(void *context, const float *values, size_t n)
{
    struct filling *f = context;
    memcpy(f->to, values, n * sizeof *values);
    f->to += n;
}

/* Every tensor of the model; `values` are of a table with the same tensors. */
static enum sft_status fill_all(struct param_set *params, struct model_values values, const struct tensor_table *table,
                                struct sft_err *err)
{
    enum sft_status status = SFT_OK;
    for (size_t i = 0; i < params->table.n_model && !status; i++) {
        struct filling filling = {(float *)params->values.data + params->table.tensors[i].offset};
        status = values.pass(values.from, &table->tensors[i], fill, &filling, err);
    }
    return status;
}

/* The weights with the adapter added, all of which are trained. */
static enum sft_status merge(const struct adapting *a, const struct base_model *base, struct param_set *params,
                             struct sft_err *err)
{
    struct tensor_table table;
    struct adapter_spec spec = {0};
    struct param_set adapter = {0};
    struct peft_merge *merged = NULL;
    tensor_table_init(&table, &base->config);
    enum sft_status status = peft_spec(&spec, &a->from, &table, &base->config, err);
    if (!status) {
        tensor_table_adapt(&table, &spec);
        tensor_table_place_trained(&table);
        status = param_set_allocate(&adapter, &table, err);
    }
    if (!status)
        status = peft_load(&adapter, &a->from, &base->config, err);
    if (!status) {
        peft_merge_begin(&merged, &adapter, a->from.config.has_frozen_rows, model_values_in(params->values.data),
                         &params->table);
        status = fill_all(params, peft_merged(merged), &adapter.table, err);
        peft_merge_end(merged);
    }
    adapter_spec_free(&spec);
    param_set_free(&adapter);
    tensor_table_free(&table);
    return status;
}

enum sft_status adapting_load_base(const struct adapting *a, const struct settings *settings,
                                   const struct base_model *base, const struct kernels *kernels,
                                   struct param_set *params, struct sft_err *err)
{
    const struct weights_kept kept = kept_of(settings, kernels);
    if (a->on)
        return weights_load_set(params, &kept, kernels->quantize_rows, &base->config, base->files.config.vocab_size,
                                base->files.path, err);
    if (base_model_load_weights(base, &params->table, params->values.data, settings->train.seed, err))
        return err->status;
    return a->from.dir ? merge(a, base, params, err) : SFT_OK;
}

enum sft_status adapting_load_adapter(const struct adapting *a, const struct settings *settings,
                                      const struct base_model *base, struct param_set *params, struct sft_err *err)
{
    if (!a->on)
        return SFT_OK;
    if (a->from.dir)
        return peft_load(params, &a->from, &base->config, err);
    adapter_init_random(params->values.data, &params->table, settings->train.seed);
    return SFT_OK;
}
