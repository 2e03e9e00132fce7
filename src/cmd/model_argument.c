#include "cmd/model_argument.h"

#include "base/log.h"
#include "base/path.h"
#include "files/hub_cache.h"
#include "files/model_dir.h"
#include "files/peft/peft_base.h"
#include "train/options.h"

#include <stdlib.h>
#include <string.h>

/* ---- the model ---- */

/* Where the configuration `path` has its model written; malloc'd, NULL where it is none that says so. */
static char *output_of(const char *path)
{
    struct settings settings;
    settings_init(&settings);
    const bool is_read = str_has_ending(path, ".ini") && settings_read_file(&settings, path, NULL) == SFT_OK;
    char *output = is_read && settings.train.output_dir ? path_tidy(mem_strdup(settings.train.output_dir)) : NULL;
    settings_free(&settings);
    return output;
}

static enum sft_status find_model(struct named_dir *model, struct sft_err *err)
{
    char *output = output_of(model->path);
    if (output)
        sft_fail(err, SFT_EIO, "%s: is a configuration; name what it trains, its output_dir: %s", model->path, output);
    const enum sft_status status = output ? SFT_EIO : model_dir_find(model->path, &model->dir, &model->link, err);
    if (!status)
        model->snapshot = hub_snapshot_name(model->dir);
    free(output);
    return status;
}

/* ---- its adapter ---- */

static enum sft_status find_adapter(struct named_dir *adapter, const char *path, struct sft_err *err)
{
    *adapter = (struct named_dir){.path = path};
    if (peft_dir_find(path, &adapter->dir, &adapter->link, err))
        return err->status;
    adapter->snapshot = hub_snapshot_name(adapter->dir);
    return SFT_OK;
}

/* Whether a name, or a path, is that of the model which was found. */
static bool is_model(const char *name, const char *path, const struct named_dir *model)
{
    char *named = path ? realpath(path, NULL) : NULL, *found = realpath(model->dir, NULL);
    const size_t len = strlen(name);
    const bool same_snapshot = model->snapshot && strncmp(model->snapshot, name, len) == 0 &&
                               model->snapshot[len] == '@';
    const bool is = same_snapshot || (named && found && strcmp(named, found) == 0);
    free(named);
    free(found);
    return is;
}

void named_dir_free(struct named_dir *named)
{
    free(named->dir);
    free(named->snapshot);
    *named = (struct named_dir){0};
}

/* A directory that is not here may be this one, copied: that is told by its name. */
static bool may_be_model(const char *name, const struct named_dir *model)
{
    return strcmp(path_basename(name), path_basename(model->dir)) == 0;
}

static enum sft_status check_base(const struct named_dir *adapter, const struct named_dir *model, struct sft_err *err)
{
    struct peft_config config;
    struct sft_err unread;
    char *path = NULL;
    peft_config_init(&config);
    const enum sft_status status = peft_config_read(&config, adapter->dir, err);
    const char *name = status ? NULL : config.base_model;
    if (name)
        (void)peft_find_base(&config, adapter->dir, "", &path, &unread);
    if (name && !is_model(name, path, model) && (path || !may_be_model(name, model)))
        log_warning("%s was trained on %s, and is put on %s", adapter->dir, name, model->dir);
    free(path);
    peft_config_free(&config);
    return status;
}

enum sft_status model_argument_adapter(const struct model_argument *a, const char *path, struct named_dir *adapter,
                                       struct sft_err *err)
{
    if (find_adapter(adapter, path, err))
        return sft_context(err, "--adapter");
    return check_base(adapter, &a->model, err);
}

/* The model that an adapter says it is for. */
static enum sft_status find_base(struct model_argument *a, struct sft_err *err)
{
    struct peft_config config;
    peft_config_init(&config);
    enum sft_status status = peft_config_read(&config, a->adapter.dir, err);
    if (!status)
        status = peft_find_base(&config, a->adapter.dir, "--model DIR --adapter ADAPTER", &a->base, err);
    peft_config_free(&config);
    a->model = (struct named_dir){.path = a->base};
    return status ? status : find_model(&a->model, err);
}

/* ---- both ---- */

/* A word that is no model may be an adapter, or was meant as another word. */
static enum sft_status find_either(struct model_argument *a, const char *path, const char *given_adapter,
                                   struct sft_err *err)
{
    struct sft_err unread;
    a->model.path = path;
    if (!find_model(&a->model, err)) {
        return SFT_OK;
    }
    if (find_adapter(&a->adapter, path, &unread)) {
        if (given_adapter && err->status == SFT_EIO)
            sft_remark(err,
                       " (--adapter is put on a model, which is named before: BASE --adapter %s; or name the "
                       "adapter in the model's place, without --adapter)",
                       given_adapter);
        return err->status;
    }
    if (given_adapter)
        return sft_fail(err, SFT_EUSAGE,
                        "%s: is an adapter itself, and takes no other (name the model that --adapter is "
                        "put on)",
                        path);
    return find_base(a, err);
}

static enum sft_status check_one(const struct string_list *adapters, struct sft_err *err)
{
    return !adapters || adapters->count <= 1
               ? SFT_OK
               : sft_fail(err, SFT_EUSAGE, "--adapter: a model takes one adapter here, found %s and %s",
                          adapters->items[0], adapters->items[1]);
}

/* A first word that can only be meant for a model: a prompt of several words, or a file that is none. Then an adapter
 * names its own base. */
static bool is_for_model(const char *word)
{
    struct named_dir model = {.path = word};
    struct sft_err unread;
    const bool is_file = path_exists(word) && !path_is_dir(word);
    const bool answer = strpbrk(word, " \t\n") ? !path_exists(word) : is_file && find_model(&model, &unread);
    named_dir_free(&model);
    return answer;
}

enum sft_status model_argument(struct model_argument *a, const char *option, const struct string_list *adapters,
                               struct string_list *words, const char *synopsis, struct sft_err *err)
{
    const char *adapter = adapters && adapters->count ? adapters->items[0] : NULL, *path = option;
    *a = (struct model_argument){0};
    if (check_one(adapters, err))
        return err->status;
    if (!option && words->count == 0 && !adapter)
        return sft_fail(err, SFT_EUSAGE, "expected a model (usage: %s)", synopsis);
    if (!option && (words->count == 0 || (adapter && is_for_model(words->items[0]))))
        return find_adapter(&a->adapter, adapter, err) ? sft_context(err, "--adapter") : find_base(a, err);
    if (!option) {
        path = words->items[0];
        words->count--;
        memmove(words->items, words->items + 1, words->count * sizeof *words->items);
    }
    if (!adapters) {
        a->model.path = path;
        return find_model(&a->model, err);
    }
    if (find_either(a, path, adapter, err))
        return err->status;
    return adapter ? model_argument_adapter(a, adapter, &a->adapter, err) : SFT_OK;
}

void model_argument_free(struct model_argument *a)
{
    named_dir_free(&a->model);
    named_dir_free(&a->adapter);
    free(a->base);
    *a = (struct model_argument){0};
}

const struct named_dir *model_argument_main(const struct model_argument *a)
{
    return a->adapter.dir ? &a->adapter : &a->model;
}

const char *model_argument_name(const struct model_argument *a)
{
    const struct named_dir *named = model_argument_main(a);
    return named->snapshot ? named->snapshot : named->dir;
}

/* ---- loading, and what is told ---- */

enum sft_status model_argument_open(const struct model_argument *a, const struct bundle_options *options,
                                    const struct string_list *overrides, const struct bundle *base, bool has_template,
                                    struct bundle *bundle, struct sft_err *err)
{
    struct bundle_options loading = *options;
    struct settings settings;
    settings_init(&settings);
    loading.adapter = a->adapter.dir;
    enum sft_status status = apply_overrides(&settings, overrides, err);
    if (!status)
        status = check_settings_read(&settings, TEMPLATE_SETTINGS, err);
    const struct template_options template = template_options_of(&settings);
    const struct template_options *chosen = has_template ? &template : NULL;
    if (!status)
        status = base ? bundle_open_beside(bundle, base, &loading, chosen, err)
                      : bundle_open(bundle, a->model.dir, &loading, chosen, err);
    settings_free(&settings);
    return status;
}

/* "model  DIR (best of RUN)"; `always`: also where it is what was given. */
static void tell_dir(const char *what, const struct named_dir *named, bool always)
{
    if (named->link)
        log_info("%-6s %s (%s of %s)", what, named->dir, named->link, named->path);
    if (named->snapshot)
        log_info("%-6s %s", what, named->snapshot);
    else if (always && !named->link)
        log_info("%-6s %s", what, named->dir);
}

void model_argument_tell(const struct model_argument *a, const struct strbuf *unused)
{
    tell_dir("model", &a->model, a->adapter.dir);
    if (a->adapter.dir)
        tell_dir("adapter", &a->adapter, true);
    if (unused && unused->len)
        log_warning("%s: tensors that are not used: %s", a->model.dir, unused->data);
}

void model_argument_tell_bundle(const struct model_argument *a, const struct bundle *bundle)
{
    model_argument_tell(a, &bundle->unused);
    model_argument_tell_template(a, bundle);
}

void model_argument_tell_template(const struct model_argument *a, const struct bundle *bundle)
{
    const char *hint = bundle->template.hint;
    if (bundle->n_new_tokens > 0)
        log_warning("%s has not been trained with template = %s: %zu of its control tokens are new to the model (train "
                    "it first; or continue text, with generate --raw; or name a template that it knows, with --set "
                    "data.template=%s%s)",
                    model_argument_main(a)->dir, bundle->template.name, bundle->n_new_tokens, hint ? hint : "NAME",
                    hint ? ", whose control tokens it has" : "");
}

static void put_member(struct strbuf *out, const char *key, const char *text)
{
    strbuf_printf(out, ",\"%s\":", key);
    strbuf_json_string(out, text, strlen(text));
}

void model_argument_json(const struct model_argument *a, const struct strbuf *unused, struct strbuf *out)
{
    const struct named_dir *model = &a->model;
    if (model->snapshot || model->link || a->adapter.dir)
        put_member(out, "model", model->snapshot ? model->snapshot : model->dir);
    if (a->adapter.dir)
        put_member(out, "adapter", model_argument_name(a));
    if (unused && unused->len)
        put_member(out, "unused_tensors", unused->data);
}
