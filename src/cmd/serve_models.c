#include "cmd/serve_models.h"

#include "base/log.h"
#include "base/path.h"
#include "base/version.h"
#include "base/xxh64.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- names ---- */

/* What a model is called in requests and answers: its name on the hub, else the last of its path; a checkpoint has its
 * run's name before it. */
static char *id_of(const struct named_dir *named)
{
    if (named->snapshot)
        return mem_strndup(named->snapshot, strcspn(named->snapshot, "@"));
    char *path = realpath(named->path, NULL);
    const char *name = path_basename(path ? path : named->path);
    char *parent = path_dirname(path ? path : named->path);
    const size_t len = strlen(name) - (path_has_ending(name, ".gguf") ? strlen(".gguf") : 0);
    char *id = strncmp(name, "checkpoint-", 11) == 0 ? mem_printf("%s/%s", path_basename(parent), name)
                                                     : mem_strndup(name, len);
    free(parent);
    free(path);
    return id;
}

static enum sft_status check_ids(const struct serve_models *m, struct sft_err *err)
{
    for (size_t i = 0; i < m->n; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(m->items[i].id, m->items[k].id) == 0)
                return sft_fail(err, SFT_EUSAGE,
                                "--adapter: two models would be called '%s' (name one: --adapter "
                                "NAME=%s)",
                                m->items[i].id, m->items[i].adapter.path);
    return SFT_OK;
}

/* ---- finding ---- */

/* Where the directory begins in "NAME=DIR", or in "DIR". */
static const char *dir_in(const char *word)
{
    const char *equals = strchr(word, '=');
    return equals && equals > word && !path_exists(word) ? equals + 1 : word;
}

static enum sft_status add_adapter(struct serve_models *m, const char *word, struct sft_err *err)
{
    struct serve_model *item = &m->items[m->n++];
    const char *dir = dir_in(word);
    const enum sft_status status = model_argument_adapter(&m->argument, dir, &item->adapter, err);
    item->id = dir > word ? mem_strndup(word, (size_t)(dir - word - 1)) : status ? NULL : id_of(&item->adapter);
    return status;
}

/* Without a word for the model, it is the one that the first adapter names. */
static enum sft_status find_base(struct serve_models *m, const char *model, const struct string_list *adapters,
                                 struct string_list *words, const char *synopsis, struct sft_err *err)
{
    const bool is_named = model || words->count;
    char *first = mem_strdup(adapters->count ? dir_in(adapters->items[0]) : "");
    const struct string_list one = {.items = &first, .count = is_named ? 0 : adapters->count ? 1 : 0};
    const enum sft_status status = model_argument(&m->argument, model, &one, words, synopsis, err);
    if (!is_named)
        named_dir_free(&m->argument.adapter);
    free(first);
    if (!status && m->argument.adapter.dir && adapters->count)
        return sft_fail(err, SFT_EUSAGE,
                        "%s: is an adapter itself, and takes no other (name its model, and it with "
                        "--adapter)",
                        m->argument.adapter.path);
    return status;
}

enum sft_status serve_models_find(struct serve_models *m, const char *model, const struct string_list *adapters,
                                  const char *name, struct string_list *words, const char *synopsis,
                                  struct sft_err *err)
{
    enum sft_status status = find_base(m, model, adapters, words, synopsis, err);
    if (status)
        return status;
    m->items = mem_calloc(adapters->count + 1, sizeof *m->items);
    m->items[m->n++].id = name ? mem_strdup(name) : id_of(model_argument_main(&m->argument));
    for (size_t i = 0; i < adapters->count && !status; i++)
        status = add_adapter(m, adapters->items[i], err);
    return status ? status : check_ids(m, err);
}

/* ---- loading ---- */

static void put_since(struct strbuf *out, const char *dir)
{
    struct stat file = {0};
    (void)!stat(dir, &file);
    strbuf_printf(out, "%s %lld.%09ld", dir, (long long)file.st_mtim.tv_sec, file.st_mtim.tv_nsec);
}

/* What answers to a seed depend on, beside the request: equal fingerprints, equal answers. Weights are told by where
 * they are and since when, settings by their words. */
static void set_fingerprint(const struct serve_models *m, struct serve_model *item, const char *weights,
                            const struct string_list *overrides)
{
    struct strbuf text = {0};
    strbuf_printf(&text, "%s %s %s ", SFT_VERSION, item->bundle.kernels->isa, weights ? weights : "");
    put_since(&text, m->argument.model.dir);
    if (item->bundle.adapter.dir) {
        strbuf_putc(&text, '\n');
        put_since(&text, item->bundle.adapter.dir);
    }
    for (size_t i = 0; i < overrides->count; i++) /* the template, whatever it is called and however it is made */
        strbuf_printf(&text, "\n%s", overrides->items[i]);
    snprintf(item->fingerprint, sizeof item->fingerprint, "fp_%016llx",
             (unsigned long long)xxh64(text.data, text.len, 0));
    strbuf_free(&text);
}

/* The first is the base; what it has, the others have with it. */
static enum sft_status load(struct serve_models *m, struct serve_model *item, const struct bundle_options *options,
                            const struct string_list *overrides, struct sft_err *err)
{
    struct model_argument told = m->argument;
    if (item == m->items) {
        if (model_argument_open(&told, options, overrides, NULL, true, &item->bundle, err))
            return err->status;
        model_argument_tell_bundle(&told, &item->bundle);
    } else {
        told.adapter = item->adapter;
        if (model_argument_open(&told, options, overrides, &m->items[0].bundle, true, &item->bundle, err))
            return sft_context(err, "%s", item->id);
        log_info("adapter %s is %s", model_argument_name(&told), item->id);
        model_argument_tell_template(&told, &item->bundle);
    }
    set_fingerprint(m, item, options->weights, overrides);
    return SFT_OK;
}

enum sft_status serve_models_load(struct serve_models *m, const struct bundle_options *options,
                                  const struct string_list *overrides, struct sft_err *err)
{
    for (size_t i = 0; i < m->n; i++)
        if (load(m, &m->items[i], options, overrides, err))
            return err->status;
    return SFT_OK;
}

void serve_models_free(struct serve_models *m)
{
    for (size_t i = m->n; i-- > 0;) { /* what is the base's, last */
        bundle_close(&m->items[i].bundle);
        named_dir_free(&m->items[i].adapter);
        free(m->items[i].id);
    }
    free(m->items);
    model_argument_free(&m->argument);
    *m = (struct serve_models){0};
}
