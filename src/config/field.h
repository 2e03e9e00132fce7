/* What a setting is: its name, type, bounds and words, a row of ONE table from which the INI reader, --help, the table
 * in the docs and, for settings, the comparison on resume are made. Settings have theirs (settings_table.c), the recipe
 * of `sft synth` has another (collect/synth/recipe_table.c); config/table.h is what reads both. */
#ifndef SFT_CONFIG_FIELD_H
#define SFT_CONFIG_FIELD_H

#include <stddef.h>

enum field_type {
    FIELD_STRING,
    FIELD_TEXT, /* a string in which escapes are understood without quotes too, and that may be empty */
    FIELD_PATH,
    FIELD_FILES, /* a struct string_list */
    FIELD_NAMES, /* the same, of "theirs:ours" */
    FIELD_WORDS, /* the same, of any words */
    FIELD_ITEMS, /* the same, a text of items between commas; or one item that is the path of a file */
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
    size_t offset;             /* in the struct that the table describes */
    const char *default_text;  /* as it would stand in a file; NULL: required by train */
    const char *text_before;   /* what was done before there was such a key, if not that; NULL: that */
    /* FIELD_ENUM: names in the enum's order; FIELD_STRING: the choices, or NULL; FIELD_FILES: names that stand for
     * themselves where there is no such file, or NULL */
    const char *const *values;
    size_t n_values;
    double min, max; /* numbers: inclusive bounds */
    enum field_resume resume;
    const char *doc; /* one line, with the unit */
};
extern const struct field settings_fields[]; /* of struct settings */
extern const size_t settings_fields_count;

/* The field of that name, whatever its section (names are unique), or NULL. */
const struct field *settings_find(const char *key);

#endif
