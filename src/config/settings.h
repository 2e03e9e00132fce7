/* Settings: an INI file, `--set section.key=value`, and defaults, checked against ONE table of fields
 * (settings_fields) that also makes --help, the table in docs/configuration.md and the comparison on resume.
 *
 * File syntax: UTF-8 with or without a BOM, lines of any length, each a [section], a key = value, or a
 * comment that begins with ; or #. Blanks at the start of a line mean nothing: no value goes on in the next
 * line. A value in double quotes keeps all that is between them; \n \t \\ \" in it stand for a line break, a
 * tab, a backslash and a quote. In a list, items are separated by blanks and quoted if they hold one ("my
 * data.jsonl"*2 is one item). A comment may follow a value: behind a number, a truth or a choice from the
 * first ; or # on, behind a path or files from one with a blank on both sides on, behind a text only after
 * its closing quote. Whatever could be meant otherwise is an error that asks for quotes: no value is ever cut
 * silently. In --set there are no comments. ~ and ~/ at the beginning of a path are the home directory;
 * nothing else ($HOME, *) is expanded.
 *
 * Every error is SFT_EUSAGE and names file and line, or the --set argument, and for a misspelt name, or
 * another trainer's, ours. Reading goes on after an error: `problems` lists what was wrong, in the order
 * found, until then and in what is called next; err has the first of a call. After an error the settings may
 * be half read. */
#ifndef SFT_CONFIG_SETTINGS_H
#define SFT_CONFIG_SETTINGS_H

#include "base/err.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "config/choices.h"
#include "config/field.h"
#include "config/table.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct settings {
    struct { /* [model] */
        const char *base, *adapter; /* adapter NULL: none */
        int weights;                /* enum weights_choice */
    } model;
    struct { /* [data] */
        struct string_list train, eval; /* the arena's, as all of them */
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
        int shared_prefix;                             /* enum shared_prefix */
        const char *system;                            /* "": none */
        int system_policy;                             /* enum system_policy */
        struct string_list columns, roles;             /* "theirs:ours"; see data/readers/names.h */
        const char *prompt_column, *completion_column; /* NAME:prompt and NAME:completion; "": none */
    } data;
    struct { /* [train] */
        int objective; /* enum objective_choice */
        const char *output_dir;
        double num_train_epochs;
        uint64_t max_steps, batch_size, micro_batch_tokens;
        double learning_rate;  /* settings_check sets it to DPO's default where it is not given and objective is dpo */
        int lr_scheduler_type; /* enum lr_scheduler */
        double warmup_steps;   /* below 1: a share of all steps */
        int optim;             /* enum optim */
        double weight_decay, adam_beta1, adam_beta2, adam_epsilon, max_grad_norm;
        uint64_t seed;
        int precision; /* enum precision */
        bool gradient_checkpointing;
        uint64_t logging_steps, eval_steps, save_steps, save_interval_s, save_total_limit;
        const char *save_dtype; /* of a checkpoint's weights: "f32" or "bf16" */
        enum metric_choice metric_for_best_model;
        uint64_t early_stopping_patience;
    } train;
    struct { /* [lora] */
        bool on; /* no key: there is such a section, or --set of one of its keys */
        uint64_t r;
        double lora_alpha;
        struct string_list target_modules, modules_to_save;
        bool use_rslora;
        double lora_dropout;
    } lora;
    struct { /* [dpo]: only where objective is dpo */
        bool on; /* no key: there is such a section, or --set of one of its keys */
        double beta;
        int loss_type; /* enum dpo_loss */
        double label_smoothing;
        bool reference_free;
        double sft_weight; /* of the chosen answers' own loss; 0: none */
    } dpo;
    struct { /* [eval] */
        struct string_list prompts;
    } eval;
    struct arena arena; /* owns every string above */

    /* ---- not settings: how they came to be ---- */
    struct field_origin *origins; /* (settings_fields_count), or NULL where there are only defaults */
    const char *file;                /* that was read, or NULL: none, or one that is no INI */
    struct problem_list problems;
};

extern const struct field_table settings_table;

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
 * need_train: that base, train and output_dir are set. Of fields that are among the problems already nothing
 * is said. */
enum sft_status settings_check(struct settings *settings, bool need_train, struct sft_err *err);

/* Add a problem of a field, told by its place: "config.ini:7: [train] seed: MESSAGE" where the file sets it,
 * "--set train.seed: MESSAGE", or MESSAGE behind the file's name. Returns status. For those who check
 * more. */
enum sft_status settings_complain(struct settings *settings, const char *key, enum sft_status status,
                                  const char *fmt, ...) SFT_PRINTF(4, 5);
/* The same of an error that somebody else found; its place goes on with the field's. Returns its status. */
enum sft_status settings_complain_of(struct settings *settings, const char *key, const struct sft_err *err);
void settings_given(struct settings *settings,
                    const char *key); /* a command set it itself: told without a place */
bool settings_is_wrong(const struct settings *settings, const char *key); /* among the problems already */
bool settings_is_given(const struct settings *settings, const struct field *field); /* not left at its default */

/* Whether the section's keys mean anything: [lora]'s where it is there, for that asks for an adapter, [dpo]'s where
 * objective is dpo, all others' always. */
bool settings_has_section(const struct settings *settings, const char *section);

/* Set a field from the text that settings_field_text gave of it; its place stays what it was. */
enum sft_status settings_set_field(struct settings *settings, const struct field *field, const char *text,
                                   struct sft_err *err);

/* What a check returns that began when there were `before` problems: OK where there are no more, else the
 * status of the first of all, and its own first message in *err (which may be NULL). */
enum sft_status settings_outcome(const struct settings *settings, size_t before, struct sft_err *err);

/* One field's value as text that would read back as the same (list items quoted where needed); nothing where its
 * section is not there. */
void settings_field_text(const struct settings *settings, const struct field *field, struct strbuf *out);

/* Everything as an INI file that settings_read_text (dir NULL) reads back as the same settings. */
void settings_print(const struct settings *settings, struct strbuf *out);

/* The help text: sections, keys, types, defaults, one line each. */
void settings_help(struct strbuf *out);

#endif
