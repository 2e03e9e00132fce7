#include "cmd/model_argument.h"

#include "base/log.h"
#include "base/path.h"
#include "files/hub_cache.h"
#include "files/model_dir.h"
#include "train/options.h"

#include <stdlib.h>
#include <string.h>

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

static enum sft_status find(struct model_argument *a, struct sft_err *err)
{
    char *output = output_of(a->path);
    if (output)
        sft_fail(err, SFT_EIO, "%s: is a configuration; name what it trains, its output_dir: %s", a->path, output);
    const enum sft_status status = output ? SFT_EIO : model_dir_find(a->path, &a->dir, &a->link, err);
    free(output);
    return status;
}

enum sft_status model_argument(struct model_argument *a, const char *option, struct string_list *words,
                               const char *synopsis, struct sft_err *err)
{
    *a = (struct model_argument){.path = option};
    if (!option && words->count == 0)
        return sft_fail(err, SFT_EUSAGE, "expected a model (usage: %s)", synopsis);
    if (!option) {
        a->path = words->items[0];
        words->count--;
        memmove(words->items, words->items + 1, words->count * sizeof *words->items);
    }
    if (find(a, err))
        return err->status;
    a->snapshot = hub_snapshot_name(a->dir);
    return SFT_OK;
}

void model_argument_free(struct model_argument *a)
{
    free(a->dir);
    free(a->snapshot);
    *a = (struct model_argument){0};
}

enum sft_status model_argument_open(const struct model_argument *a, const struct bundle_options *options,
                                    const struct string_list *overrides, bool has_template, struct bundle *bundle,
                                    struct sft_err *err)
{
    struct settings settings;
    settings_init(&settings);
    enum sft_status status = apply_overrides(&settings, overrides, err);
    if (!status)
        status = check_settings_read(&settings, TEMPLATE_SETTINGS, err);
    const struct template_options template = template_options_of(&settings);
    if (!status)
        status = bundle_open(bundle, a->dir, options, has_template ? &template : NULL, err);
    settings_free(&settings);
    return status;
}

void model_argument_tell(const struct model_argument *a, const struct strbuf *unused)
{
    if (a->link)
        log_info("model  %s (%s of %s)", a->dir, a->link, a->path);
    if (a->snapshot)
        log_info("model  %s", a->snapshot);
    if (unused && unused->len)
        log_warning("%s: tensors that are not used: %s", a->dir, unused->data);
}

void model_argument_tell_bundle(const struct model_argument *a, const struct bundle *bundle)
{
    model_argument_tell(a, &bundle->unused);
    const char *hint = bundle->template.hint;
    if (bundle->n_new_tokens > 0)
        log_warning("%s has not been trained with template = %s: %zu of its control tokens are new to the model (train "
                    "it first; or continue text, with generate --raw; or name a template that it knows, with --set "
                    "data.template=%s%s)",
                    a->dir, bundle->template.name, bundle->n_new_tokens, hint ? hint : "NAME",
                    hint ? ", whose control tokens it has" : "");
}

void model_argument_json(const struct model_argument *a, const struct strbuf *unused, struct strbuf *out)
{
    const char *model = a->snapshot ? a->snapshot : a->link ? a->dir : NULL;
    if (model) {
        strbuf_puts(out, ",\"model\":");
        strbuf_json_string(out, model, strlen(model));
    }
    if (unused && unused->len) {
        strbuf_puts(out, ",\"unused_tensors\":");
        strbuf_json_string(out, unused->data, unused->len);
    }
}
