/* The subcommands: argv in, printing and an exit code out. The only room that prints results and may exit. */
#ifndef SFT_CMD_CMD_H
#define SFT_CMD_CMD_H

#include "base/err.h"
#include "config/settings.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cmd {
    const char *name, *summary;
    int (*run)(int argc, char **argv); /* argv[0] is the subcommand's name; returns the exit code */
};
extern const struct cmd commands[];
extern const size_t commands_count;

int cmd_synth(int argc, char **argv);
int cmd_train(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_generate(int argc, char **argv);
int cmd_chat(int argc, char **argv);
int cmd_serve(int argc, char **argv);
int cmd_eval(int argc, char **argv);
int cmd_judge(int argc, char **argv);
int cmd_review(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_import(int argc, char **argv);
int cmd_info(int argc, char **argv);
int cmd_tokenizer(int argc, char **argv);
int cmd_tokenizer_train(int argc, char **argv); /* of cmd_tokenizer: argv[0] is "train" */

/* ---- options: one table parses and makes --help (after git's parse-options) ---- */

enum option_type { OPTION_FLAG, OPTION_STRING, OPTION_SIZE, OPTION_DOUBLE, OPTION_LIST };

struct option {
    const char *name; /* without "--" */
    enum option_type type;
    void *value; /* bool, const char *, uint64_t, double, struct string_list (freed by words_free) */
    const char *arg; /* what its argument is called in --help; NULL for a flag. DIR, FILE and PATH are paths, in
                        which ~ is the home directory */
    const char *help;
};

struct usage {
    const char *synopsis; /* "sft train CONFIG.ini [options]" */
    const char *about;    /* what it does; wrapped to 80 columns */
    const struct option *options;
    size_t n_options;
    const char *settings; /* the keys that it reads of those that --set knows, separated by blanks; NULL: all */
};

/* Parse argv[1..): options into their values, the other words into *words (malloc'd list, borrowed strings).
 * Returns -1 to go on, or an exit code: 0 after --help, 2 after a message about what is wrong. */
int options_parse(int argc, char **argv, const struct usage *usage, struct string_list *words);
void words_free(struct string_list *words);

/* The settings of a command: defaults (settings_init has been there), what the command has set itself, the
 * file at `path` (NULL: none), --set, checks across fields, and with need_files whether what they name is
 * there. All that is wrong is told: printed as report_error does, but for the last message, which is left in
 * *err. */
enum sft_status read_settings(struct settings *settings, const char *path,
                              const struct string_list *overrides, bool need_train, bool need_files,
                              struct sft_err *err);

/* All problems of a configuration but the last are printed, and that one is left in *err, which the caller reports. */
enum sft_status tell_problems(const struct problem_list *list, struct sft_err *err);

/* Of read_settings: a base that is a model's name on the hub becomes that of its snapshot in the cache; base and data
 * that are not there become problems, with what may have been meant. */
void check_inputs(struct settings *settings);

/* The settings of a command that only needs the model's template. */
#define TEMPLATE_SETTINGS                                                                                              \
    "template system_prefix system_suffix user_prefix user_suffix assistant_prefix assistant_suffix"

/* Apply every "section.key=value" of --set; errors as in read_settings. */
enum sft_status apply_overrides(struct settings *settings, const struct string_list *assignments,
                                struct sft_err *err);

/* That no other keys were set than `keys` (as in struct usage), which the command reads; errors as in read_settings. */
enum sft_status check_settings_read(struct settings *settings, const char *keys, struct sft_err *err);

/* Print "error: MESSAGE" on stderr and return the exit code that goes with it (none for an interruption's
 * 130: it is told without "error: "). */
int report_error(const struct sft_err *err);

/* ---- signals ---- */

/* Let SIGINT, SIGTERM and SIGHUP (unless nohup had it ignored) call `handler`. */
void catch_signals(void (*handler)(int));

/* The flag that the first of these signals sets; a second one is the system's own, and ends us at once. For commands
 * that read for long: they leave nothing half done behind, and end with 130. */
const volatile int *stop_on_signals(void);

/* Flush stdout: exit code 0, or 1 with a message where what was printed did not arrive. */
int finish_output(void);

#endif
