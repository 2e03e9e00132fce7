#include "base/log.h"
#include "cmd/cmd.h"
#include "train/trainer.h"

#include <signal.h>
#include <stdio.h>

static volatile int stop_requested;

/* The first signal asks the loop to save and stop; a second one is the system's own, and ends us at once. */
static void on_signal(int signal_number)
{
    stop_requested = 1;
    signal(signal_number, SIG_DFL);
}

static void catch_signal(int signal_number)
{
    const struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigaction(signal_number, &action, NULL);
}

static void catch_signals(void)
{
    struct sigaction hangup;
    catch_signal(SIGINT);
    catch_signal(SIGTERM);
    sigaction(SIGHUP, NULL, &hangup);
    if (hangup.sa_handler != SIG_IGN) /* nohup asks for it to stay ignored */
        catch_signal(SIGHUP);
}

static int print_settings(const struct settings *settings)
{
    struct strbuf text = {0};
    settings_print(settings, &text);
    fwrite(text.data, 1, text.len, stdout);
    strbuf_free(&text);
    return finish_output();
}

static int print_keys(void)
{
    struct strbuf text = {0};
    settings_help(&text);
    fwrite(text.data, 1, text.len, stdout);
    strbuf_free(&text);
    return finish_output();
}

int cmd_train(int argc, char **argv)
{
    struct string_list words, overrides = {0};
    struct trainer_options options = {.stop = &stop_requested};
    bool print_config = false, keys = false;
    const struct option table[] = {
        {"set", OPTION_LIST, &overrides, "SECTION.KEY=VALUE", "override a setting; may be repeated"},
        {"dry-run", OPTION_FLAG, &options.dry_run, NULL,
         "print the plan (data, steps, memory, disk) and stop"},
        {"fresh", OPTION_FLAG, &options.fresh, NULL,
         "start anew in output_dir-2, -3, ... instead of continuing"},
        {"print-config", OPTION_FLAG, &print_config, NULL,
         "print the whole configuration as it would be used, and stop"},
        {"keys", OPTION_FLAG, &keys, NULL, "list every setting with its default and its meaning"},
    };
    const struct usage usage = {
        "sft train CONFIG.ini [options]",
        "Fine-tunes as the configuration says. If output_dir holds an unfinished run, it continues where "
        "that run "
        "stopped. Ctrl-C saves a checkpoint and stops; the same command continues later.",
        table, sizeof table / sizeof *table};
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
        catch_signals();
        log_to_stdout(options.dry_run); /* a plan that was asked for is a result */
        status = train(&settings, &options, &err);
    }
    code = status ? report_error(&err) : finish_output();
out:
    settings_free(&settings);
    words_free(&words);
    words_free(&overrides);
    return code;
}
