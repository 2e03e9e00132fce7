#include "base/log.h"
#include "cmd/cmd.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_usage(const struct usage *usage)
{
    printf("usage: %s\n\n%s\n\noptions:\n", usage->synopsis, usage->about);
    for (size_t i = 0; i < usage->n_options; i++) {
        const struct option *o = &usage->options[i];
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
        printf("  %-26s %s\n", left, o->help);
    }
    printf("  %-26s %s\n", "--help", "this text");
}

static int usage_error(const struct usage *usage, const char *what, const char *word, const char *hint)
{
    fprintf(stderr, "error: %s '%s' (", what, word);
    if (hint)
        fprintf(stderr, "did you mean --%s?", hint);
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

static const char *nearest_option(const struct usage *usage, const char *name, size_t len)
{
    const char *names[32];
    char *word = mem_strndup(name, len);
    size_t n = 0;
    for (; n < usage->n_options && n < 32; n++)
        names[n] = usage->options[n].name;
    const char *nearest = nearest_word(word, names, n);
    free(word);
    return nearest;
}

static void list_add(struct string_list *list, char *item)
{
    list->items = mem_realloc(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] = item;
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
        return usage_error(usage, "unknown option", argv[*i], nearest_option(usage, name, len));
    if (o->type == OPTION_FLAG && argument)
        return usage_error(usage, "this option takes no value:", argv[*i], NULL);
    if (o->type != OPTION_FLAG && !argument) {
        if (*i + 1 >= argc)
            return usage_error(usage, "a value is missing after", argv[*i], NULL);
        argument = argv[++*i];
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
            return usage_error(usage, "unknown option", word, NULL);
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

enum sft_status apply_overrides(struct settings *settings, const struct string_list *assignments,
                                struct sft_err *err)
{
    for (size_t i = 0; i < assignments->count; i++)
        if (settings_override(settings, assignments->items[i], err))
            return err->status;
    return SFT_OK;
}

int report_error(const struct sft_err *err)
{
    log_progress("%s", ""); /* what failed may have been in the middle of it */
    if (err->status == SFT_EINTERRUPTED)
        fprintf(stderr, "%s\n", err->message);
    else
        fprintf(stderr, "error: %s\n", err->message);
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
