/* Settings: an INI file, `--set section.key=value`, and defaults, checked against ONE table of fields
 * (settings_fields) that also makes --help, the README's table and the comparison on resume.
 *
 * File syntax: [section], key = value, comments after ';' or '#' at the start of a line or after a blank,
 * UTF-8 with or without a BOM, lines of any length. Blanks at the start of a line mean nothing: no value
 * goes on in the next line. A value in double quotes keeps its blanks, and \n \t \\ \" in it stand for a
 * line break, a tab, a backslash and a quote; in a list, items are separated by blanks and quoted if they
 * hold one ("my data.jsonl"*2 is one item). Every error is SFT_EUSAGE and names file and line, or the --set
 * argument, and for a misspelt name the nearest one; after an error the settings may be half read. */
#ifndef SFT_CONFIG_SETTINGS_H
#define SFT_CONFIG_SETTINGS_H

#include "base/err.h"
#include "base/mem.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum overlong { OVERLONG_TRUNCATE, OVERLONG_DROP, OVERLONG_ERROR };
enum template_choice { TEMPLATE_AUTO, TEMPLATE_IM_SEP, TEMPLATE_CHATML, TEMPLATE_DIALOGPT, TEMPLATE_CUSTOM };
enum train_on { TRAIN_ON_ASSISTANT, TRAIN_ON_LAST_ASSISTANT, TRAIN_ON_ALL };
enum on_bad_row { ON_BAD_ROW_ERROR, ON_BAD_ROW_SKIP };
enum dedupe { DEDUPE_NONE, DEDUPE_EXACT };
enum system_policy { SYSTEM_KEEP, SYSTEM_REPLACE, SYSTEM_DROP };
enum lr_scheduler { LR_LINEAR, LR_COSINE, LR_CONSTANT };
enum precision { PRECISION_AUTO, PRECISION_FP32, PRECISION_BF16 };

/* A list of words; strings belong to the settings' arena. */
struct string_list {
    char **items;
    size_t count;
};

struct settings {
    struct { /* [model] */
        const char *base;
    } model;
    struct { /* [data] */
        struct string_list train, eval;
        double eval_fraction;
        uint64_t max_length;
        int overlong;        /* enum overlong */
        int template_choice; /* enum template_choice; key `template` */
        /* template = custom: what stands before and after a message of each role, its \n \t \\ \" already
         * replaced, quoted or not; "" where it is not given */
        const char *system_prefix, *system_suffix, *user_prefix, *user_suffix, *assistant_prefix,
            *assistant_suffix;
        int train_on; /* enum train_on */
        bool shuffle;
        int on_bad_row;                                /* enum on_bad_row */
        int dedupe;                                    /* enum dedupe */
        const char *system;                            /* "": none */
        int system_policy;                             /* enum system_policy */
        const char *prompt_column, *completion_column; /* of CSV and TSV files; "": as they are */
    } data;
    struct { /* [train] */
        const char *output_dir;
        double num_train_epochs;
        uint64_t max_steps, batch_size, micro_batch_tokens;
        double learning_rate;
        int lr_scheduler_type; /* enum lr_scheduler */
        double warmup_steps;   /* below 1: a share of all steps */
        double weight_decay, adam_beta1, adam_beta2, adam_epsilon, max_grad_norm;
        uint64_t seed;
        int precision; /* enum precision */
        uint64_t logging_steps, eval_steps, save_steps, save_interval_s, save_total_limit;
        const char *metric_for_best_model;
        uint64_t early_stopping_patience;
    } train;
    struct arena arena; /* owns every string above */
};

enum field_type {
    FIELD_STRING,
    FIELD_TEXT, /* a string in which escapes are understood without quotes too, and that may be empty */
    FIELD_PATH,
    FIELD_FILES, /* a struct string_list */
    FIELD_SIZE,  /* a uint64_t */
    FIELD_DOUBLE,
    FIELD_BOOL,
    FIELD_ENUM /* an int */
};

/* What a continued run may change. */
enum field_resume {
    RESUME_SAME,    /* must agree with the recorded run */
    RESUME_MAY,     /* may change: logging, saving, evaluating */
    RESUME_CONTENT, /* a path: may change while its content does not */
    RESUME_LONGER   /* num_train_epochs, max_steps: may be raised */
};

struct field {
    const char *section, *key;
    enum field_type type;
    size_t offset;             /* in struct settings */
    const char *default_text;  /* as it would stand in a file; NULL: required by train */
    const char *const *values; /* FIELD_ENUM: names in the enum's order; FIELD_STRING: the choices, or NULL */
    size_t n_values;
    double min, max; /* numbers: inclusive bounds */
    enum field_resume resume;
    const char *doc; /* one line, with the unit */
};
extern const struct field settings_fields[];
extern const size_t settings_fields_count;

/* Defaults only. Free with settings_free, which accepts a zeroed struct. */
void settings_init(struct settings *settings);
void settings_free(struct settings *settings);

/* Read `path` over the defaults. Relative paths in it become relative to its directory. */
enum sft_status settings_read_file(struct settings *settings, const char *path, struct sft_err *err);

/* The same for text[0..len): `name` stands for the file in messages; relative paths become relative to
 * `dir`, or stay as they are where it is NULL. */
enum sft_status settings_read_text(struct settings *settings, const char *text, size_t len, const char *name,
                                   const char *dir, struct sft_err *err);

/* Apply one "section.key=value". Relative paths stay relative to the current directory. */
enum sft_status settings_override(struct settings *settings, const char *assignment, struct sft_err *err);

/* Checks across fields: custom template's keys, eval_steps and early stopping without eval data, ...
 * need_train: that base, train and output_dir are set. */
enum sft_status settings_check(const struct settings *settings, bool need_train, struct sft_err *err);

/* One field's value as text that would read back as the same (list items quoted where needed). */
void settings_field_text(const struct settings *settings, const struct field *field, struct strbuf *out);

/* Everything as an INI file that settings_read_text (dir NULL) reads back as the same settings. */
void settings_print(const struct settings *settings, struct strbuf *out);

/* The help text: sections, keys, types, defaults, one line each. */
void settings_help(struct strbuf *out);

/* The candidate nearest to `word` (Damerau-Levenshtein), or NULL if none is near. For "did you mean". */
const char *nearest_word(const char *word, const char *const *candidates, size_t count);

#endif
