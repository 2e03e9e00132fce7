#include "base/log.h"
#include "cmd/cmd.h"
#include "collect/review/export.h"
#include "collect/review/moved_rows.h"
#include "collect/review/server.h"
#include "train/base_model.h"
#include "train/options.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

/* What dataset_options_of and the mask take. */
static const char settings_read[] = TEMPLATE_SETTINGS " train_on columns roles prompt_column completion_column";

#define NO_SEED UINT64_MAX

struct review_command {
    const char *name, *base, *losses, *out;
    uint64_t port, sample, seed; /* seed NO_SEED: not given */
    bool as_json;
    struct string_list files, overrides;
    struct settings settings;
    struct base_model model; /* of --base */
    struct review_options options;
};

/* ---- what is asked for ---- */

static enum sft_status check_usage(const struct review_command *c, const char *synopsis, struct sft_err *err)
{
    if (c->files.count != 1)
        return sft_fail(err, SFT_EUSAGE, "expected one file of conversations, found %zu (usage: %s)", c->files.count,
                        synopsis);
    if (c->port > 65535)
        return sft_fail(err, SFT_EUSAGE, "--port: expected 0 to 65535, found %" PRIu64, c->port);
    if (c->seed != NO_SEED && !c->sample)
        return sft_fail(err, SFT_EUSAGE, "--seed: chooses the rows of a sample, which is not asked for (--sample N)");
    if (c->as_json && !c->out)
        return sft_fail(err, SFT_EUSAGE, "--json: says what --export has done, which is not asked for");
    if (c->out && (c->name || c->base || c->losses || c->port))
        return sft_fail(err, SFT_EUSAGE,
                        "--export: takes what all reviewers decided: without --name, --base, --losses "
                        "and --port");
    if (c->name && side_file_check_name(c->name, err))
        return sft_context(err, "--name");
    return SFT_OK;
}

/* --name is checked with the other options; $USER, which may be anything, when all else is right. */
static enum sft_status find_name(struct review_command *c, struct sft_err *err)
{
    const char *user = getenv("USER");
    if (c->name)
        return SFT_OK;
    if (!user || !*user)
        return sft_fail(err, SFT_EUSAGE, "who reviews? there is no $USER (--name NAME)");
    if (side_file_check_name(user, err))
        return sft_remark(err, "; it is from $USER: say another by --name NAME");
    c->name = user;
    return SFT_OK;
}

/* Settings, and of --base tokenizer and template. */
static enum sft_status read_options(struct review_command *c, struct sft_err *err)
{
    struct settings *settings = &c->settings;
    settings->model.base = c->base;
    if (c->base)
        settings_given(settings, "base");
    settings->data.train = c->files;
    settings_given(settings, "train");
    if (read_settings(settings, NULL, &c->overrides, false, true, err) ||
        check_settings_read(settings, settings_read, err))
        return err->status;
    if (c->base && base_model_open_for_data(&c->model, settings, err))
        return err->status;
    c->options = (struct review_options){
        .file = c->files.items[0],
        .rows = {.names = dataset_options_of(settings, 0).names, .losses = c->losses},
        .mask = {.template = c->base && c->model.template.name ? &c->model.template : NULL,
                 .train_on = (enum train_on)settings->data.train_on},
        .n_sample = (size_t)c->sample,
        .seed = c->seed};
    return SFT_OK;
}

/* ---- the page ---- */

static void tell_of_side(const struct side_file *side, const struct review_rows *rows)
{
    if (side->n_bad)
        log_warning("%s has %zu lines that are no decisions; they are passed over", side->path, side->n_bad);
    if (side->n_gone)
        log_warning("%s decides %zu rows that %s does not have", side->path, side->n_gone, rows->spec.path);
    if (side->n_moved)
        log_info("%s: %zu rows have moved since they were decided; their decisions went with them", side->path,
                 side->n_moved);
}

static void tell_of_sides(const struct side_files *sides, const struct review_rows *rows)
{
    for (size_t i = 0; i < sides->count; i++)
        tell_of_side(&sides->items[i], rows);
}

static size_t count_unreadable(const struct review_rows *rows)
{
    size_t n = 0;
    for (size_t i = 0; i < rows->count; i++)
        n += rows->items[i].error != NULL;
    return n;
}

static enum sft_status check_rows(const struct review_rows *rows, struct sft_err *err)
{
    if (rows->count == 0)
        return sft_fail(err, SFT_EDATA, "%s: there is no row in it", rows->spec.path);
    if (count_unreadable(rows) < rows->count)
        return SFT_OK;
    sft_fail(err, SFT_EDATA, "%s (rows that can be read: none of %zu)", rows->items[0].error, rows->count);
    return sft_in_file(err, rows->spec.path, rows->items[0].line);
}

static void tell(const struct review *review)
{
    tell_of_side(&review->mine, &review->rows);
    tell_of_sides(&review->others, &review->rows);
    log_info("%zu rows, of which nobody can read %zu; decisions go to %s", review->rows.count,
             count_unreadable(&review->rows), review->mine.path);
}

/* Signals wait for us, whichever thread they might have come to. */
static void block_signals(sigset_t *set)
{
    struct sigaction hangup;
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaction(SIGHUP, NULL, &hangup);
    if (hangup.sa_handler != SIG_IGN)
        sigaddset(set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, set, NULL);
}

/* The reviewer's file is made last: not for a file that cannot be reviewed. */
static enum sft_status open_review(struct review *review, struct review_command *c, struct sft_err *err)
{
    enum sft_status status = review_open_rows(review, &c->options, err);
    if (!status)
        status = check_rows(&review->rows, err);
    if (!status)
        status = find_name(c, err);
    return status ? status : review_join(review, c->name, err);
}

static enum sft_status serve_page(struct review_command *c, struct sft_err *err)
{
    struct review review;
    struct review_server server;
    sigset_t signals;
    const struct timespec second = {.tv_sec = 1};
    enum sft_status status = open_review(&review, c, err);
    if (!status) {
        tell(&review);
        block_signals(&signals);
        status = review_server_start(&server, &review, (unsigned)c->port, err);
    }
    if (!status) {
        log_info("reviewing %s at %s", review.rows.spec.path, server.address);
        log_info("Ctrl-C ends it");
        while (sigtimedwait(&signals, NULL, &second) < 0)
            review_server_look(&server);
        review_server_stop(&server);
    }
    review_close(&review);
    return status;
}

/* ---- the export ---- */

static enum sft_status print_export(const struct review_command *c, struct sft_err *err)
{
    struct review_rows rows;
    struct side_files sides = {0};
    struct export_result result = {0};
    struct strbuf text = {0};
    size_t *sample = NULL, n_sample = 0;
    enum sft_status status = review_rows_open(&rows, c->options.file, &c->options.rows, err);
    if (!status) {
        side_files_init(&sides, rows.spec.path, NULL);
        status = side_files_refresh(&sides, err);
    }
    if (!status) {
        moved_rows_find_all(&sides, &rows);
        tell_of_sides(&sides, &rows);
    }
    if (!status && c->sample)
        sample = review_sample(rows.count, (size_t)c->sample, c->seed, &n_sample);
    if (!status)
        status = review_export(&rows, &sides, sample, n_sample, c->out, &result, err);
    if (!status) {
        c->as_json ? export_result_json(&result, &text) : export_result_text(&result, &text);
        fwrite(text.data, 1, text.len, stdout);
    }
    strbuf_free(&text);
    export_result_free(&result);
    side_files_free(&sides);
    review_rows_free(&rows);
    free(sample);
    return status;
}

static enum sft_status review(struct review_command *c, const char *synopsis, struct sft_err *err)
{
    if (check_usage(c, synopsis, err))
        return err->status;
    c->seed = c->seed == NO_SEED ? 0 : c->seed;
    if (read_options(c, err))
        return err->status;
    return c->out ? print_export(c, err) : serve_page(c, err);
}

int cmd_review(int argc, char **argv)
{
    struct review_command c = {.seed = NO_SEED};
    const struct option table[] = {
        {"name", OPTION_STRING, &c.name, "NAME",
         "who reviews ($USER): decisions are in FILE.review.NAME.jsonl, beside those of others"},
        {"port", OPTION_SIZE, &c.port, "N", "listen there, for this machine alone (default: a free one)"},
        {"base", OPTION_STRING, &c.base, "DIR", "show what is trained on as this base's template has it"},
        {"losses", OPTION_STRING, &c.losses, "FILE",
         "what sft eval --per-row wrote of the file: the worst can be shown first"},
        {"sample", OPTION_SIZE, &c.sample, "N", "N rows, chosen at random: says which share of them is good"},
        {"seed", OPTION_SIZE, &c.seed, "S", "which N rows (0)"},
        {"export", OPTION_STRING, &c.out, "OUT",
         "no page: write the rows that were accepted and edited, and say how far reviewers agree"},
        {"json", OPTION_FLAG, &c.as_json, NULL, "of --export: print one JSON object"},
        {"set", OPTION_LIST, &c.overrides, "SECTION.KEY=VALUE",
         "override a setting, such as data.columns; may be repeated"},
    };
    const struct usage usage = {
        "sft review FILE [options]",
        "Opens a page, on this machine, to read the conversations of a file one by one and accept, edit or reject "
        "each. Every decision is on the disk before the page says so; FILE stays as it is. With --export: writes what "
        "was kept.",
        table, sizeof table / sizeof *table, settings_read};
    int code = options_parse(argc, argv, &usage, &c.files);
    if (code < 0) {
        struct sft_err err = {0};
        settings_init(&c.settings);
        code = review(&c, usage.synopsis, &err) ? report_error(&err) : finish_output();
        base_model_close(&c.model);
        settings_free(&c.settings);
        words_free(&c.files);
    }
    words_free(&c.overrides);
    return code;
}
