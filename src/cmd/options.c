#include "base/log.h"
#include "base/nearest.h"
#include "base/path.h"
#include "base/wrap.h"
#include "cmd/cmd.h"
#include "config/foreign.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HELP_COLUMN = 29 };

static void add_option(struct strbuf *out, const char *name, const char *arg, const char *help)
{
    const size_t start = out->len;
    strbuf_printf(out, "  --%s%s%s", name, arg ? " " : "", arg ? arg : "");
    const size_t width = out->len - start;
    if (width > HELP_COLUMN - 2)
        strbuf_printf(out, "\n%*s", HELP_COLUMN, "");
    else
        strbuf_printf(out, "%*s", (int)(HELP_COLUMN - width), "");
    strbuf_wrap(out, help, HELP_COLUMN, HELP_COLUMN);
}

static void print_usage(const struct usage *usage)
{
    struct strbuf out = {0};
    strbuf_puts(&out, "usage: ");
    strbuf_wrap(&out, usage->synopsis, strlen("usage: "), strlen("usage: "));
    strbuf_putc(&out, '\n');
    strbuf_wrap(&out, usage->about, 0, 0);
    strbuf_puts(&out, "\noptions:\n");
    for (size_t i = 0; i < usage->n_options; i++)
        add_option(&out, usage->options[i].name, usage->options[i].arg, usage->options[i].help);
    add_option(&out, "help", NULL, "print this text");
    fwrite(out.data, 1, out.len, stdout);
    strbuf_free(&out);
}

static int usage_error(const struct usage *usage, const char *what, const char *word, const char *hint)
{
    fprintf(stderr, "error: %s '%s' (", what, word);
    if (hint)
        fprintf(stderr, "did you mean %s?", hint);
    else
        fprintf(stderr, "usage: %s", usage->synopsis);
    fputs(")\n", stderr);
    return 2;
}

static const struct option *find_option(const struct usage *usage, const char *name, size_t len)
{
    for (size_t i = 0; i < usage->n_options; i++)
        if (strlen(usage->options[i].name) == len && strncmp(usage->options[i].name, name, len) == 0)
            return &usage->options[i];
    return NULL;
}

/* Whether `word` is among the words of `list`, which blanks separate; NULL has all. */
static bool has_word(const char *list, const char *word)
{
    const size_t len = strlen(word);
    for (const char *p = list; p && *p; p += strcspn(p, " ")) {
        p += strspn(p, " ");
        if (strncmp(p, word, len) == 0 && (p[len] == ' ' || !p[len]))
            return true;
    }
    return !list;
}

/* A configuration's key, or another trainer's name of one, that was given as an option: "--set
 * train.seed=..." */
static char *suggest_key(const char *keys, const char *name, const char *value)
{
    struct strbuf words = {0};
    char *key = mem_strdup(name), *hint = NULL;
    for (char *c = key; *c; c++)
        *c = *c == '-' ? '_' : *c;
    const struct field *field = settings_find(key);
    if ((field || (foreign_key("", key, value, &words, &field) && field)) && has_word(keys, field->key))
        hint = mem_printf("--set %s.%s=%s", field->section, field->key,
                          words.data || !*value ? "..." : value);
    free(key);
    strbuf_free(&words);
    return hint;
}

/* An option that others call otherwise, or NULL. */
static const char *find_foreign_option(const struct usage *usage, const char *name)
{
    static const struct {
        const char *theirs, *ours;
    } names[] = {{"max-tokens", "max-new-tokens"},
                 {"max-length", "max-new-tokens"},
                 {"max-completion-tokens", "max-new-tokens"},
                 {"n-predict", "max-new-tokens"},
                 {"system-prompt", "system"},
                 {"num-return-sequences", "num-samples"},
                 {"repeat-penalty", "repetition-penalty"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i].theirs) == 0 && find_option(usage, names[i].ours, strlen(names[i].ours)))
            return names[i].ours;
    return NULL;
}

/* What an unknown option may be, malloc'd, or NULL: `word` may have one dash or two, _ for - and =value. */
static char *suggest_option(const struct usage *usage, const char *word)
{
    const char *names[32], *start = word + strspn(word, "-"), *equals = strchr(start, '=');
    char *name = mem_strndup(start, equals ? (size_t)(equals - start) : strlen(start));
    size_t n = 0;
    for (; n < usage->n_options && n < 32; n++)
        names[n] = usage->options[n].name;
    char *dashed = mem_strdup(name);
    for (char *c = dashed; *c; c++)
        *c = *c == '_' ? '-' : *c;
    const char *nearest =
        find_option(usage, dashed, strlen(dashed)) ? dashed : find_foreign_option(usage, dashed);
    char *hint = NULL;
    if (!nearest && find_option(usage, "set", 3))
        hint = suggest_key(usage->settings, name, equals ? equals + 1 : "");
    if (!nearest && !hint)
        nearest = nearest_word(dashed, names, n);
    if (nearest)
        hint = mem_printf("--%s", nearest);
    free(name);
    free(dashed);
    return hint;
}

static int unknown_option(const struct usage *usage, const char *word)
{
    char *hint = suggest_option(usage, word);
    const int code = usage_error(usage, "unknown option", word, hint);
    free(hint);
    return code;
}

static void list_add(struct string_list *list, char *item)
{
    list->items = mem_realloc(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] = item;
}

/* An option's argument as a path: a shell expands no ~ behind --out=. Kept for the process's life. */
static char *expand(char *argument, struct sft_err *err)
{
    static struct arena paths;
    char *full;
    if (*argument != '~')
        return argument;
    if (path_expand_home(argument, &full, err))
        return NULL;
    char *kept = arena_strndup(&paths, full, strlen(full));
    free(full);
    return kept;
}

static bool is_path(const struct option *o)
{
    return o->arg &&
           (strcmp(o->arg, "DIR") == 0 || strcmp(o->arg, "PATH") == 0 || strcmp(o->arg, "FILE") == 0);
}

/* Store an option's argument; false if it is not of the option's type. */
static bool store(const struct option *o, char *argument)
{
    char *end = argument;
    errno = 0;
    switch (o->type) {
    case OPTION_FLAG:
        *(bool *)o->value = true;
        return true;
    case OPTION_STRING:
        *(const char **)o->value = argument;
        return true;
    case OPTION_LIST:
        list_add(o->value, argument);
        return true;
    case OPTION_SIZE:
        *(uint64_t *)o->value = strtoull(argument, &end, 10);
        return argument[0] >= '0' && argument[0] <= '9' && !*end && !errno;
    case OPTION_DOUBLE:
        *(double *)o->value = strtod(argument, &end);
        return end != argument && !*end && isfinite(*(double *)o->value);
    }
    return false;
}

/* One option at argv[*i]; its argument may be the next word. Returns -1 to go on. */
static int parse_option(int argc, char **argv, int *i, const struct usage *usage)
{
    const char *name = argv[*i] + 2, *equals = strchr(name, '=');
    const size_t len = equals ? (size_t)(equals - name) : strlen(name);
    const struct option *o = find_option(usage, name, len);
    char *argument = equals ? argv[*i] + 2 + len + 1 : NULL;
    if (!o)
        return unknown_option(usage, argv[*i]);
    if (o->type == OPTION_FLAG && argument)
        return usage_error(usage, "this option takes no value:", argv[*i], NULL);
    if (o->type != OPTION_FLAG && !argument) {
        if (*i + 1 >= argc)
            return usage_error(usage, "a value is missing after", argv[*i], NULL);
        argument = argv[++*i];
    }
    if (argument && is_path(o)) {
        struct sft_err err;
        argument = expand(argument, &err);
        if (!argument) {
            fprintf(stderr, "error: --%s: %s\n", o->name, SFT_ERR_TEXT(&err));
            return 2;
        }
    }
    if (store(o, argument))
        return -1;
    fprintf(stderr, "error: --%s: expected a %snumber, found '%s'\n", o->name,
            o->type == OPTION_SIZE ? "whole " : "", argument);
    return 2;
}

int options_parse(int argc, char **argv, const struct usage *usage, struct string_list *words)
{
    *words = (struct string_list){0};
    bool only_words = false;
    if (argc == 2 && strcmp(argv[1], "help") == 0 && !path_exists("help")) {
        print_usage(usage);
        return finish_output();
    }
    for (int i = 1; i < argc; i++) {
        char *word = argv[i];
        if (!only_words && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
            print_usage(usage);
            words_free(words);
            return finish_output();
        }
        if (!only_words && strcmp(word, "--") == 0) {
            only_words = true;
        } else if (!only_words && strncmp(word, "--", 2) == 0) {
            const int code = parse_option(argc, argv, &i, usage);
            if (code >= 0) {
                words_free(words);
                return code;
            }
        } else if (!only_words && word[0] == '-' && word[1] && word[1] != ':' && word[1] != '*') {
            words_free(words);
            return unknown_option(usage, word);
        } else {
            list_add(words, word);
        }
    }
    return -1;
}

void words_free(struct string_list *words)
{
    free(words->items);
    *words = (struct string_list){0};
}

/* ---- settings ---- */

enum sft_status tell_problems(const struct problem_list *list, struct sft_err *err)
{
    if (list->count == 0)
        return SFT_OK;
    const size_t kept = list->count < PROBLEMS_MAX ? list->count : PROBLEMS_MAX;
    for (size_t i = 0; i + 1 < kept; i++)
        fprintf(stderr, "error: %s\n", SFT_ERR_TEXT(list->errors[i]));
    const enum sft_status status = list->errors[0]->status;
    if (kept == list->count) {
        *err = *list->errors[kept - 1];
        return err->status = status;
    }
    fprintf(stderr, "error: %s\n", SFT_ERR_TEXT(list->errors[kept - 1]));
    return sft_fail(err, status, "and %zu more in the configuration", list->count - kept);
}

enum sft_status read_settings(struct settings *settings, const char *path,
                              const struct string_list *overrides, bool need_train, bool need_files,
                              struct sft_err *err)
{
    if (path && settings_read_file(settings, path, err) && !settings->file) /* not there, or no INI */
        return tell_problems(&settings->problems, err);
    for (size_t i = 0; i < overrides->count; i++)
        settings_override(settings, overrides->items[i], NULL);
    settings_check(settings, need_train, NULL);
    if (need_files)
        check_inputs(settings);
    return tell_problems(&settings->problems, err);
}

/* "data.template, data.system_prefix" */
static void list_keys(struct strbuf *out, const char *keys)
{
    for (size_t i = 0; i < settings_fields_count; i++)
        if (has_word(keys, settings_fields[i].key))
            strbuf_printf(out, "%s%s.%s", out->len ? ", " : "", settings_fields[i].section, settings_fields[i].key);
}

/* What a command is told and does not read would be passed over in silence. */
enum sft_status check_settings_read(struct settings *settings, const char *keys, struct sft_err *err)
{
    struct strbuf list = {0};
    list_keys(&list, keys);
    for (size_t i = 0; i < settings_fields_count; i++) {
        const struct field *field = &settings_fields[i];
        if (!has_word(keys, field->key) && settings_is_given(settings, field))
            settings_complain(settings, field->key, SFT_EUSAGE, "is not read by this command (but %s)", list.data);
    }
    strbuf_free(&list);
    return tell_problems(&settings->problems, err);
}

enum sft_status apply_overrides(struct settings *settings, const struct string_list *assignments,
                                struct sft_err *err)
{
    for (size_t i = 0; i < assignments->count; i++)
        settings_override(settings, assignments->items[i], NULL);
    return tell_problems(&settings->problems, err);
}

int report_error(const struct sft_err *err)
{
    log_progress("%s", ""); /* what failed may have been in the middle of it */
    if (err->status == SFT_EINTERRUPTED)
        fprintf(stderr, "%s\n", SFT_ERR_TEXT(err));
    else
        fprintf(stderr, "error: %s\n", SFT_ERR_TEXT(err));
    return sft_exit_code(err->status);
}

int finish_output(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    if (errno != EPIPE) /* a reader who has left needs no message */
        fprintf(stderr, "error: standard output: %s\n", strerror(errno));
    return 1;
}
