#include "config/table.h"

#include "base/io.h"
#include "base/nearest.h"
#include "config/field_value.h"
#include "config/ini_reader.h"
#include "config/value_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX = 60 }; /* of a wrong name, in a message */

const struct field *table_find(const struct field_table *table, const char *key)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->fields[i].key, key) == 0)
            return &table->fields[i];
    return NULL;
}

static enum sft_status set_field(const struct table_target *target, const struct field *field, const char *text,
                                 const char *dir, struct sft_err *err)
{
    return field_set(field, (char *)target->values + field->offset, target->arena, text, dir, err);
}

void table_defaults(const struct table_target *target)
{
    for (size_t i = 0; i < target->table->count; i++) {
        const struct field *field = &target->table->fields[i];
        if (field->default_text && set_field(target, field, field->default_text, NULL, NULL))
            SFT_BUG("a default that is no value");
    }
}

static void note_section(const struct table_target *target, const char *section)
{
    if (section && target->table->note_section)
        target->table->note_section(target->values, section);
}

/* ---- problems and places ---- */

static struct field_origin *origin_of(const struct table_target *target, const struct field *field)
{
    if (!*target->origins)
        *target->origins = mem_calloc(target->table->count, sizeof **target->origins);
    return &(*target->origins)[field - target->table->fields];
}

bool table_is_wrong(const struct table_target *target, const char *key)
{
    return *target->origins && (*target->origins)[table_find(target->table, key) - target->table->fields].is_wrong;
}

void table_given(const struct table_target *target, const char *key)
{
    origin_of(target, table_find(target->table, key))->source = FROM_COMMAND;
}

bool table_is_given(const struct table_target *target, const char *key)
{
    return *target->origins && (*target->origins)[table_find(target->table, key) - target->table->fields].place;
}

static enum sft_status add_problem(const struct table_target *target, const struct sft_err *err)
{
    struct problem_list *list = target->problems;
    if (list->count < PROBLEMS_MAX) {
        struct sft_err *copy = arena_alloc(target->arena, sizeof *copy);
        *copy = *err;
        list->errors[list->count] = copy;
    }
    list->count++;
    return err->status;
}

void table_place(const struct table_target *target, const char *key, struct sft_err *err)
{
    const struct field *field = table_find(target->table, key);
    const struct field_origin none = {0},
                              *origin = *target->origins ? &(*target->origins)[field - target->table->fields] : &none;
    if (origin->source == FROM_FILE || origin->source == FROM_DEFAULT)
        sft_context(err, "[%s] %s", field->section, field->key);
    if (origin->source == FROM_FILE || origin->source == FROM_OVERRIDE)
        sft_in_file(err, origin->place, origin->place_line);
    else if (origin->source == FROM_DEFAULT && *target->file)
        sft_in_file(err, *target->file, 0);
}

enum sft_status table_complain_of(const struct table_target *target, const char *key, const struct sft_err *err)
{
    struct sft_err told = *err;
    table_place(target, key, &told);
    return add_problem(target, &told);
}

enum sft_status table_complain(const struct table_target *target, const char *key, enum sft_status status,
                               const char *fmt, ...)
{
    struct sft_err err;
    va_list ap;
    va_start(ap, fmt);
    sft_vfail(&err, status, fmt, ap);
    va_end(ap);
    return table_complain_of(target, key, &err);
}

enum sft_status table_outcome(const struct problem_list *problems, size_t before, struct sft_err *err)
{
    if (problems->count == before)
        return SFT_OK;
    const enum sft_status status = problems->errors[0]->status;
    if (before >= PROBLEMS_MAX)
        return sft_fail(err, status, "the configuration has too many errors");
    if (err) {
        *err = *problems->errors[before];
        err->status = status;
    }
    return status;
}

/* ---- names ---- */

/* Each section once, in the table's order: the fields of a section stand together. */
static size_t list_sections(const struct field_table *table, const char **names)
{
    size_t n = 0;
    for (size_t i = 0; i < table->count; i++)
        if (n == 0 || strcmp(names[n - 1], table->fields[i].section) != 0)
            names[n++] = table->fields[i].section;
    return n;
}

/* *ours: the section's name, that of the one that was meant, or NULL where there is none. */
static enum sft_status find_section(const struct field_table *table, const char *name, const char **ours,
                                    struct sft_err *err)
{
    const char **names = mem_alloc(table->count * sizeof *names), *words = NULL;
    const size_t n = list_sections(table, names);
    struct strbuf list = {0};
    enum sft_status status = SFT_OK;
    *ours = NULL;
    for (size_t i = 0; i < n; i++) {
        *ours = strcmp(name, names[i]) == 0 ? names[i] : *ours;
        strbuf_printf(&list, "%s[%s]", i == 0 ? "" : i + 1 < n ? ", " : " or ", names[i]);
    }
    if (!*ours && table->foreign_section && table->foreign_section(name, ours, &words) && words) {
        status = sft_fail(err, SFT_EUSAGE, "[%.*s]: %s", SHOWN_MAX, name, words);
    } else if (!*ours || words || strcmp(*ours, name) != 0) {
        *ours = *ours ? *ours : nearest_word(name, names, n);
        status = *ours
                     ? sft_fail(err, SFT_EUSAGE, "[%.*s]: unknown section (did you mean [%s]?)", SHOWN_MAX,
                                name, *ours)
                     : sft_fail(err, SFT_EUSAGE, "[%.*s]: unknown section (%s)", SHOWN_MAX, name, list.data);
    }
    strbuf_free(&list);
    free(names);
    return status;
}

static const struct field *nearest_field(const struct field_table *table, const char *key)
{
    const char **names = mem_alloc(table->count * sizeof *names);
    for (size_t i = 0; i < table->count; i++)
        names[i] = table->fields[i].key;
    const char *near = nearest_word(key, names, table->count);
    free(names);
    return near ? table_find(table, near) : NULL;
}

/* What an unknown key may be: another trainer's name, or a misspelt one. *meant: the field, or NULL. */
static enum sft_status fail_unknown_key(const struct field_table *table, const char *section, const char *key,
                                        const char *value, const struct field **meant, struct sft_err *err)
{
    struct strbuf words = {0};
    const char *dot = strrchr(key, '.');
    const struct field *near = nearest_field(table, key);
    if (near && strcmp(near->section, section) == 0 && word_is_slip(key, near->key))
        sft_fail(err, SFT_EUSAGE, "unknown key (did you mean %s?)", (*meant = near)->key);
    else if (table->foreign_key && table->foreign_key(section, key, value, &words, meant))
        sft_fail(err, SFT_EUSAGE, "unknown key; %s", words.data);
    else if (dot && (*meant = table_find(table, dot + 1)) != NULL)
        sft_fail(err, SFT_EUSAGE, "unknown key (did you mean %s in [%s]?)", dot + 1, (*meant)->section);
    else if (!(*meant = nearest_field(table, key)))
        sft_fail(err, SFT_EUSAGE, "unknown key");
    else if (strcmp((*meant)->section, section) == 0)
        sft_fail(err, SFT_EUSAGE, "unknown key (did you mean %s?)", (*meant)->key);
    else
        sft_fail(err, SFT_EUSAGE, "unknown key (did you mean %s in [%s]?)", (*meant)->key, (*meant)->section);
    strbuf_free(&words);
    return SFT_EUSAGE;
}

/* *field: the field, or after an error the one that was meant, or NULL. */
static enum sft_status find_field(const struct field_table *table, const char *section, const char *key,
                                  const char *value, const struct field **field, struct sft_err *err)
{
    *field = table_find(table, key);
    if (!*field)
        return fail_unknown_key(table, section, key, value, field, err);
    if (strcmp((*field)->section, section) == 0)
        return SFT_OK;
    return sft_fail(err, SFT_EUSAGE, "belongs in [%s]", (*field)->section);
}

/* ---- reading ---- */

struct file_reader {
    const struct table_target *target;
    const char *name, *dir;
    const char *section; /* ours, NULL in one that has none here */
    bool has_section;    /* there was a [section] line */
};

static void complain_of_line(const struct file_reader *reader, struct sft_err *err, size_t line)
{
    sft_in_file(err, reader->name, line);
    add_problem(reader->target, err);
}

static void on_error(void *user, const char *message, size_t line)
{
    struct sft_err err;
    sft_fail(&err, SFT_EUSAGE, "%s", message);
    complain_of_line(user, &err, line);
}

static void on_section(void *user, const char *name, size_t line)
{
    struct file_reader *reader = user;
    struct sft_err err;
    reader->has_section = true;
    if (find_section(reader->target->table, name, &reader->section, &err))
        complain_of_line(reader, &err, line);
    note_section(reader->target, reader->section);
}

static enum sft_status set_entry(const struct file_reader *reader, const struct field *field, const char *raw,
                                 size_t line, struct sft_err *err)
{
    struct field_origin *origin = origin_of(reader->target, field);
    struct strbuf value = {0};
    if (origin->line)
        return sft_fail(err, SFT_EUSAGE, "already set in line %zu", origin->line);
    origin->line = line;
    enum sft_status status = value_cut_comment(field, raw, reader->dir, &value, err);
    if (!status)
        status = set_field(reader->target, field, value.data ? value.data : "", reader->dir, err);
    strbuf_free(&value);
    return status;
}

static void on_entry(void *user, const char *key, const char *value, size_t line)
{
    const struct file_reader *reader = user;
    const struct field *field;
    struct sft_err err;
    if (reader->has_section && !reader->section) /* told once, at its head */
        return;
    const char *section = reader->section ? reader->section : "";
    enum sft_status status = find_field(reader->target->table, section, key, value, &field, &err);
    if (!status)
        status = set_entry(reader, field, value, line, &err);
    if (status) {
        if (reader->has_section)
            sft_context(&err, "[%s] %.*s", section, SHOWN_MAX, key);
        else
            sft_context(&err, "%.*s (before the first [section])", SHOWN_MAX, key);
        complain_of_line(reader, &err, line);
    }
    if (field) {
        struct field_origin *origin = origin_of(reader->target, field);
        origin->is_wrong |= status != SFT_OK;
        if (origin->source == FROM_DEFAULT) {
            origin->source = FROM_FILE;
            origin->place = arena_strndup(reader->target->arena, reader->name, strlen(reader->name));
            origin->place_line = line;
        }
    }
}

enum sft_status table_read_text(const struct table_target *target, const char *text, size_t len, const char *name,
                                const char *dir, struct sft_err *err)
{
    struct file_reader reader = {.target = target, .name = name, .dir = dir};
    const struct ini_handler handler = {
        .user = &reader, .section = on_section, .entry = on_entry, .error = on_error};
    const size_t before = target->problems->count;
    for (size_t i = 0; *target->origins && i < target->table->count; i++)
        (*target->origins)[i].line = 0;
    *target->file = arena_strndup(target->arena, name, strlen(name));
    if (!ini_read(text, len, &handler))
        *target->file = NULL;
    return table_outcome(target->problems, before, err);
}

enum sft_status table_read_file(const struct table_target *target, const char *path, struct sft_err *err)
{
    struct io_map map = {0};
    struct sft_err why;
    if (io_map(&map, path, &why)) {
        const size_t before = target->problems->count;
        why.status = SFT_EUSAGE; /* a wrong argument, not a disk's failure */
        add_problem(target, &why);
        return table_outcome(target->problems, before, err);
    }
    char *dir = path_dirname(path);
    const enum sft_status status = table_read_text(target, map.data, map.size, path, dir, err);
    free(dir);
    io_unmap(&map);
    return status;
}

/* ---- --set ---- */

/* "seed=1": the section is missing. */
static enum sft_status fail_without_section(const struct field_table *table, const char *name, const char *value,
                                            struct sft_err *err)
{
    struct strbuf words = {0};
    const struct field *field = table_find(table, name);
    if (!field && table->foreign_key && table->foreign_key("", name, value, &words, &field))
        sft_fail(err, SFT_EUSAGE, "expected section.key=value, and %s is an unknown key; %s", name,
                 words.data);
    else if (field || (field = nearest_field(table, name)) != NULL)
        sft_fail(err, SFT_EUSAGE, "expected section.key=value (did you mean %s.%s?)", field->section,
                 field->key);
    else
        sft_fail(err, SFT_EUSAGE, "expected section.key=value");
    strbuf_free(&words);
    return SFT_EUSAGE;
}

/* *field: the field, or the one that was meant, or NULL. */
static enum sft_status override_key(const struct table_target *target, const char *name, const char *value,
                                    const struct field **field, struct sft_err *err)
{
    const char *dot = strchr(name, '.'), *ours;
    *field = NULL;
    if (!dot)
        return fail_without_section(target->table, name, value, err);
    char *section = mem_strndup(name, (size_t)(dot - name));
    enum sft_status status = find_section(target->table, section, &ours, err);
    if (!status)
        status = find_field(target->table, section, dot + 1, value, field, err);
    free(section);
    if (status)
        return status;
    note_section(target, (*field)->section);
    return set_field(target, *field, value, NULL, err);
}

enum sft_status table_override(const struct table_target *target, const char *assignment, struct sft_err *err)
{
    const char *equals = strchr(assignment, '=');
    const size_t before = target->problems->count;
    char *name = mem_strndup(assignment, equals ? (size_t)(equals - assignment) : strlen(assignment));
    const struct field *field = NULL;
    struct sft_err why;
    const enum sft_status status = equals ? override_key(target, name, equals + 1, &field, &why)
                                          : sft_fail(&why, SFT_EUSAGE, "expected section.key=value");
    if (status) {
        sft_context(&why, "--set %.*s", SHOWN_MAX, name);
        add_problem(target, &why);
    }
    if (field) {
        struct field_origin *origin = origin_of(target, field);
        origin->source = FROM_OVERRIDE;
        origin->is_wrong = status != SFT_OK;
        origin->place = arena_printf(target->arena, "--set %s", name);
        origin->place_line = 0;
    }
    free(name);
    return table_outcome(target->problems, before, err);
}
