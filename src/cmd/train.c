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

static enum sft_status read_settings(struct settings *settings, const char *path,
                                     const struct string_list *overrides, struct sft_err *err)
{
    settings_init(settings);
    if (settings_read_file(settings, path, err) || apply_overrides(settings, overrides, err))
        return err->status;
    return settings_check(settings, true, err) ? sft_context(err, "%s", path) : SFT_OK;
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
        {"set", OPTION_LIST, &overrides, "SECTION.KEY=VALUE",
         "override a key of the configuration; may be repeated"},
        {"dry-run", OPTION_FLAG, &options.dry_run, NULL, "print the plan and the memory it needs, and stop"},
        {"fresh", OPTION_FLAG, &options.fresh, NULL, "do not continue: write to output_dir-2, -3, ..."},
        {"print-config", OPTION_FLAG, &print_config, NULL,
         "print the whole configuration as it would be used"},
        {"keys", OPTION_FLAG, &keys, NULL, "print every configuration key, its default and its meaning"},
    };
    const struct usage usage = {
        "sft train CONFIG.ini [options]",
        "Fine-tunes as the configuration says. If output_dir holds an unfinished run, it goes on where that\n"
        "stopped. Ctrl-C saves a checkpoint and stops; the same command goes on later.",
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
    if (!status)
        status = read_settings(&settings, words.items[0], &overrides, &err);
    if (!status && print_config) {
        code = print_settings(&settings);
        goto out;
    }
    if (!status) {
        catch_signals(on_signal);
        status = train(&settings, &options, &err);
    }
    code = status ? report_error(&err) : 0;
out:
    settings_free(&settings);
    words_free(&words);
    words_free(&overrides);
    return code;
}
