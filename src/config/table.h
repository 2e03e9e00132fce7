/* An INI file, and --set, read into a struct by a table of its fields (config/field.h): what settings.h and
 * collect/synth/recipe.h have in common. Reading goes on after an error, so that all that is wrong is told at once; an
 * unknown name is told with the one that was meant. */
#ifndef SFT_CONFIG_TABLE_H
#define SFT_CONFIG_TABLE_H

#include "base/err.h"
#include "base/mem.h"
#include "base/strbuf.h"
#include "config/choices.h"
#include "config/field.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a kind of file is made of. Keys are unique over all sections, the fields of a section stand together. */
struct field_table {
    const struct field *fields;
    size_t count;
    /* Names of others, for messages (config/foreign.h); NULL: none. */
    bool (*foreign_key)(const char *section, const char *key, const char *value, struct strbuf *out,
                        const struct field **field);
    bool (*foreign_section)(const char *name, const char **ours, const char **words);
    /* A section is there, or one of its keys is set; NULL: nobody asks. */
    void (*note_section)(void *values, const char *section);
};

/* What is wrong with a file and its overrides: the first errors, and how many there were. */
enum { PROBLEMS_MAX = 20 };
struct problem_list {
    const struct sft_err *errors[PROBLEMS_MAX]; /* the arena's */
    size_t count;                               /* of all, kept or not */
};

/* Where a field was set. */
enum field_source { FROM_DEFAULT, FROM_FILE, FROM_OVERRIDE, FROM_COMMAND /* table_given */ };
struct field_origin {
    enum field_source source;
    const char *place; /* "config.ini", or "--set train.seed" */
    size_t place_line; /* in the file; 0: none */
    size_t line;       /* in the file that is being read; 0: not in it */
    bool is_wrong;     /* what stood there is among the problems already */
};

/* A struct that a table describes, and where it keeps how its values came to be. All are borrowed. */
struct table_target {
    const struct field_table *table;
    void *values;                  /* what the fields' offsets are of */
    struct arena *arena;           /* for strings */
    struct field_origin **origins; /* (table->count), malloc'd when it is needed; the owner frees it */
    const char **file;             /* that was read, or NULL: none, or one that is no INI */
    struct problem_list *problems;
};

/* The field of that name, or NULL. */
const struct field *table_find(const struct field_table *table, const char *key);

void table_defaults(const struct table_target *target);

/* As settings_read_file and the others of settings.h, for any table. */
enum sft_status table_read_file(const struct table_target *target, const char *path, struct sft_err *err);
enum sft_status table_read_text(const struct table_target *target, const char *text, size_t len, const char *name,
                                const char *dir, struct sft_err *err);
enum sft_status table_override(const struct table_target *target, const char *assignment, struct sft_err *err);

/* Where the key was set, for an error about its value: placed in *err. */
void table_place(const struct table_target *target, const char *key, struct sft_err *err);
enum sft_status table_complain(const struct table_target *target, const char *key, enum sft_status status,
                               const char *fmt, ...) SFT_PRINTF(4, 5);
enum sft_status table_complain_of(const struct table_target *target, const char *key, const struct sft_err *err);
void table_given(const struct table_target *target, const char *key);
bool table_is_wrong(const struct table_target *target, const char *key);
bool table_is_given(const struct table_target *target, const char *key); /* not left at its default */

/* What a check returns that began when there were `before` problems. */
enum sft_status table_outcome(const struct problem_list *problems, size_t before, struct sft_err *err);

/* "[section]", with a blank line between two, where that field begins one. */
void table_print_section(const struct field_table *table, size_t field, struct strbuf *out);

/* Sections, keys, types, defaults: a line each. */
void table_help(const struct field_table *table, struct strbuf *out);

#endif
