#include "cmd/eval_prompts.h"

#include "base/io.h"
#include "base/log.h"
#include "base/path.h"
#include "cmd/judged.h"
#include "train/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_NEW_TOKENS_MAX = 1000000 };

/* ---- what is asked for ---- */

static enum sft_status check_words(const struct string_list *words, struct sft_err *err)
{
    if (words->count == 0)
        return SFT_OK;
    return sft_fail(err, SFT_EUSAGE,
                    "%s: with --prompts no conversations are scored (a further file of prompts: --prompts %s; a loss: "
                    "another call, without --prompts)",
                    words->items[0], words->items[0]);
}

static enum sft_status check_judge(const char *judge, struct sft_err *err)
{
    return !judge || strcmp(judge, "refusal") == 0
               ? SFT_OK
               : sft_fail(err, SFT_EUSAGE, "--judge: there is no judge '%s' (refusal)", judge);
}

/* Before anything is answered, which may take an hour. */
static enum sft_status check_answers(const char *path, struct sft_err *err)
{
    if (!path)
        return SFT_OK;
    char *dir = path_dirname(path);
    enum sft_status status = SFT_OK;
    if (path_has_name(path))
        status = sft_fail(err, SFT_EUSAGE, "--answers: %s is there already (name another file, or remove it)", path);
    else if (access(dir, W_OK) != 0)
        status = sft_fail_errno(err, "--answers: %s", dir);
    free(dir);
    return status;
}

static enum sft_status check(const struct eval_prompts *what, const struct string_list *words, struct sft_err *err)
{
    if (check_words(words, err) || check_judge(what->judge, err) || check_answers(what->answers, err))
        return err->status;
    if (what->max_new_tokens < 1 || what->max_new_tokens > MAX_NEW_TOKENS_MAX)
        return sft_fail(err, SFT_EUSAGE, "--max-new-tokens: expected a whole number from 1 to %d", MAX_NEW_TOKENS_MAX);
    return SFT_OK;
}

/* ---- a model ---- */

/* Where no live line will say how far it is, which may take an hour. */
static void tell_begin(const struct prompts *prompts, const char *model)
{
    if (!log_has_live_line())
        log_info("answering %zu prompt%s: %s", prompts->count, prompts->count == 1 ? "" : "s", model);
}

static enum sft_status answer(const struct bundle *bundle, const struct prompts *prompts, size_t max_new_tokens,
                              const char *model_name, struct answers *answers, struct sft_err *err)
{
    const struct answer_form form = {bundle->files.tokenizer, &bundle->template};
    const struct decode_options options = {.max_streams = 32, .stop = stop_on_signals(), .adapts_threads = true};
    const struct decode_model model = bundle_decode_model(bundle);
    struct answerer answerer;
    enum sft_status status = answerer_init(&answerer, prompts, &form, &bundle->model.config, bundle->kernels,
                                           max_new_tokens, &options, err);
    if (!status)
        status = answerer_open(&answerer, &model, err);
    if (!status)
        tell_begin(prompts, model_name);
    if (!status)
        status = answerer_run(&answerer, answers, err);
    answerer_close(&answerer);
    return status;
}

/* From its loading to its end: two are never in memory at once. */
static enum sft_status ask(const struct eval_prompts *what, const struct model_argument *argument,
                           const struct bundle_options *options, const struct string_list *overrides, bool as_json,
                           const struct prompts *prompts, struct judged_model *m, struct sft_err *err)
{
    struct bundle bundle = {0};
    struct model_argument told = *argument; /* but which model it is: the outcome says that */
    const struct named_dir *named = model_argument_main(argument);
    told.model.link = told.model.snapshot = told.adapter.dir = NULL;
    log_progress("loading %s", named->dir);
    enum sft_status status = model_argument_open(argument, options, overrides, NULL, true, &bundle, err);
    log_progress("%s", "");
    m->name = mem_strdup(model_argument_name(argument));
    m->run = named->link ? named->path : NULL;
    m->link = named->link;
    m->template = bundle.template.name;
    if (!status && bundle.unused.len)
        strbuf_add(&m->unused, bundle.unused.data, bundle.unused.len);
    if (!status && !as_json)
        model_argument_tell_bundle(&told, &bundle);
    if (!status)
        status = answer(&bundle, prompts, (size_t)what->max_new_tokens, m->name, &m->answers, err);
    if (!status)
        rates_make(&m->rates, prompts, m->answers.labels);
    bundle_close(&bundle);
    return status;
}

/* ---- the outcome ---- */

static enum sft_status write_answers(const char *path, const struct judged *j, struct sft_err *err)
{
    struct strbuf text = {0};
    judged_answers(j, &text);
    const enum sft_status status = io_write_file(path, text.data, text.len, err);
    strbuf_free(&text);
    return status;
}

/* What had been answered is not to be lost, where it is wanted. */
static enum sft_status save_some(const char *path, const struct judged *j, struct sft_err *err)
{
    const size_t n = j->model.answers.n_answered, all = j->prompts->count;
    if (!path || n == 0)
        return err->status;
    if (write_answers(path, j, err))
        return err->status;
    return sft_fail(err, SFT_EINTERRUPTED, "stopped while prompts were answered; %s has the answers to %zu of %zu",
                    path, n, all);
}

static void print(const struct judged *j, bool as_json)
{
    struct strbuf text = {0};
    if (as_json)
        judged_json(j, &text);
    else
        judged_text(j, log_columns(STDOUT_FILENO), &text);
    fwrite(text.data, 1, text.len, stdout);
    strbuf_free(&text);
}

static enum sft_status tell(const struct eval_prompts *what, const struct judged *j, bool as_json, struct sft_err *err)
{
    print(j, as_json);
    return what->answers ? write_answers(what->answers, j, err) : SFT_OK;
}

enum sft_status eval_prompts(const struct eval_prompts *what, const struct model_argument *argument,
                             const struct bundle_options *options, const struct string_list *overrides,
                             const struct string_list *words, bool as_json, struct sft_err *err)
{
    struct bundle_options loading = *options;
    struct prompts prompts = {0};
    struct model_argument baseline = {0};
    static const struct string_list no_adapters; /* but one in place of the model */
    struct judged judged = {
        .prompts = &prompts, .has_baseline = what->baseline != NULL, .n_examples = (size_t)what->n_examples};
    loading.for_generation = true;
    loading.known_template_only = true;
    enum sft_status status = check(what, words, err);
    if (!status && what->baseline)
        status = model_argument(&baseline, what->baseline, &no_adapters, NULL, "", err);
    if (!status)
        status = prompts_read(&prompts, what->files.items, what->files.count, true, stop_on_signals(), err);
    if (!status)
        status = ask(what, argument, &loading, overrides, as_json, &prompts, &judged.model, err);
    if (!status && what->baseline)
        status = ask(what, &baseline, &loading, overrides, as_json, &prompts, &judged.baseline, err);
    if (!status)
        status = tell(what, &judged, as_json, err);
    else if (status == SFT_EINTERRUPTED)
        status = save_some(what->answers, &judged, err);
    judged_model_free(&judged.model);
    judged_model_free(&judged.baseline);
    model_argument_free(&baseline);
    prompts_free(&prompts);
    return status;
}
