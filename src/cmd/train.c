#include "base/clock.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/train_samples.h"
#include "report/report_log.h"
#include "report/report_text.h"
#include "train/output_dir.h"
#include "train/trainer.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static volatile int stop_requested, can_save;

/* A signal that comes again within this time is the same one: `timeout` sends it to its command, then to the group. */
static const double ONE_REQUEST_SECONDS = 0.5;

/* The first signal asks the loop to save and stop, and says so; a second one of its kind ends us at once. */
static void on_signal(int signal_number)
{
    static volatile double first_at[NSIG];
    const double now = clock_seconds();
    const int saved_errno = errno;
    if (first_at[signal_number] > 0 && now - first_at[signal_number] < ONE_REQUEST_SECONDS)
        return;
    if (first_at[signal_number] > 0) {
        log_from_signal(can_save ? "stopped without saving\n" : "stopped\n");
        signal(signal_number, SIG_DFL);
        raise(signal_number);
    } else if (can_save) {
        log_from_signal(signal_number == SIGINT
                            ? "stopping after this step, then saving; Ctrl-C again stops without saving\n"
                            : "stopping after this step, then saving; a second signal stops without saving\n");
    } else {
        log_from_signal("stopping before the first step; Ctrl-C again stops at once\n");
    }
    first_at[signal_number] = now;
    stop_requested = 1;
    errno = saved_errno;
}

/* Frees it. */
static int print_text(struct strbuf *text)
{
    fwrite(text->data, 1, text->len, stdout);
    strbuf_free(text);
    return finish_output();
}

static int print_settings(const struct settings *settings)
{
    struct strbuf text = {0};
    settings_print(settings, &text);
    return print_text(&text);
}

static int print_keys(void)
{
    struct strbuf text = {0};
    settings_help(&text);
    return print_text(&text);
}

/* ---- training ---- */

static void make_report(struct report *report, const struct run *run)
{
    report_make(report, &(struct report_of){.settings = run->settings,
                                            .base = &run->base,
                                            .data = &run->data,
                                            .plan = &run->plan,
                                            .output_dir = run->output.path,
                                            .continues = run->output.found.dir});
}

/* What a run says before its first step. */
static void tell(const struct run *run)
{
    struct report report;
    make_report(&report, run);
    report_log(&report);
    report_free(&report);
}

/* Stopped by a signal: how to go on. */
static enum sft_status fail_stopped(const struct run *run, bool fresh, struct sft_err *err)
{
    const unsigned long long step = run->learner.state.step, total = run->plan.intervals.total_steps;
    if (step == 0)
        return sft_fail(err, SFT_EINTERRUPTED, "stopped before the first step; nothing is saved");
    if (strcmp(run->output.path, run->settings->train.output_dir) != 0)
        return sft_fail(err, SFT_EINTERRUPTED,
                        "stopped at step %llu of %llu; to continue, run the same command with "
                        "--set train.output_dir=%s instead of --fresh",
                        step, total, run->output.path);
    return sft_fail(err, SFT_EINTERRUPTED, "stopped at step %llu of %llu; to continue, run the same command%s", step,
                    total, fresh ? " without --fresh" : " again");
}

static enum sft_status train_prepared(struct run *run, struct train_samples *samples, bool fresh, struct sft_err *err)
{
    const struct trainer_signals signals = {.stop = &stop_requested, .can_save = &can_save};
    const struct train_watch watch = train_samples_watch(samples);
    tell(run);
    const enum sft_status status = trainer_run(run, &signals, &watch, err);
    return status == SFT_EINTERRUPTED ? fail_stopped(run, fresh, err) : status;
}

/* Into *text, and the warnings to stderr. */
static void describe_plan(const struct run *run, struct strbuf *text)
{
    struct report report;
    make_report(&report, run);
    report_text_plan(&report, text);
    report_log_warnings(&report);
    report_free(&report);
}

/* The prompts first: they are few, and a slip in them should not be found after an hour of reading data. They are a
 * part of what the run is where they decide which model is the best. */
static enum sft_status prepare(struct run *run, struct settings *settings, struct run_options *options,
                               struct train_samples **samples, bool *is_finished, struct sft_err *err)
{
    const bool decides = metric_of(settings->train.metric_for_best_model)->is_rate;
    if (train_samples_read(samples, settings, options->stop, err))
        return err->status;
    options->prompts_hash = decides ? train_samples_hash(*samples) : 0;
    if (run_prepare(run, settings, options, err))
        return err->status;
    *is_finished = !options->dry && trainer_is_finished(run);
    return *is_finished ? SFT_OK : train_samples_prepare(*samples, run, err);
}

/* plan: with dry set, what would be done. */
static enum sft_status train(struct settings *settings, struct run_options *options, struct strbuf *plan,
                             struct sft_err *err)
{
    struct run run = {0};
    struct train_samples *samples = NULL;
    bool is_finished = false;
    enum sft_status status = options->fresh ? SFT_OK : output_dir_adopt(settings, err);
    if (!status)
        status = prepare(&run, settings, options, &samples, &is_finished, err);
    if (!status && options->dry)
        describe_plan(&run, plan);
    else if (!status)
        status = is_finished ? trainer_finish(&run, err) : train_prepared(&run, samples, options->fresh, err);
    log_progress("%s", "");
    train_samples_free(samples);
    run_free(&run);
    return status;
}

/* ---- the command ---- */

int cmd_train(int argc, char **argv)
{
    struct string_list words, overrides = {0};
    struct strbuf plan = {0};
    struct run_options options = {.stop = &stop_requested};
    bool print_config = false, keys = false;
    const struct option table[] = {
        {"set", OPTION_LIST, &overrides, "SECTION.KEY=VALUE",
         "override a setting; may be repeated; paths are relative to the current directory"},
        {"dry-run", OPTION_FLAG, &options.dry, NULL, "print the plan (data, steps, memory, disk) and stop"},
        {"fresh", OPTION_FLAG, &options.fresh, NULL,
         "start anew in output_dir-2, -3, ... instead of continuing"},
        {"print-config", OPTION_FLAG, &print_config, NULL,
         "print the whole configuration as it would be used, and stop"},
        {"keys", OPTION_FLAG, &keys, NULL, "list every setting with its default and its meaning"},
    };
    const struct usage usage = {
        "sft train CONFIG.ini [options]",
        "Fine-tunes as the configuration says. If output_dir holds an unfinished run, it continues where that "
        "run stopped. Ctrl-C saves a checkpoint and stops; the same command continues later.",
        table, sizeof table / sizeof *table, NULL};
    int code = options_parse(argc, argv, &usage, &words);
    if (code >= 0)
        return code;
    struct settings settings = {0};
    struct sft_err err = {0};
    enum sft_status status = SFT_OK;
    if (keys) {
        code = print_keys();
        goto out;
    }
    if (words.count != 1)
        status = sft_fail(&err, SFT_EUSAGE, "expected one configuration file, found %zu words (usage: %s)",
                          words.count, usage.synopsis);
    settings_init(&settings);
    if (!status)
        status = read_settings(&settings, words.items[0], &overrides, true, !print_config, &err);
    if (!status && print_config) {
        code = print_settings(&settings);
        goto out;
    }
    if (!status) {
        log_has_live_line(); /* so that the handler knows */
        catch_signals(on_signal);
        status = train(&settings, &options, &plan, &err);
    }
    code = status ? report_error(&err) : options.dry ? print_text(&plan) : 0;
out:
    settings_free(&settings);
    words_free(&words);
    words_free(&overrides);
    return code;
}
