#include "config/settings.h"

#include "base/io.h"
#include "base/nearest.h"
#include "config/field_value.h"
#include "config/foreign.h"
#include "config/ini_reader.h"
#include "config/value_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX = 60 }; /* of a wrong name, in a message */

static enum sft_status set_field(struct settings *settings, const struct field *field, const char *text,
                                 const char *dir, struct sft_err *err)
{
    return field_set(field, (char *)settings + field->offset, &settings->arena, text, dir, err);
}

enum sft_status settings_set_field(struct settings *settings, const struct field *field, const char *text,
                                   struct sft_err *err)
{
    return set_field(settings, field, text, NULL, err);
}

void settings_field_text(const struct settings *settings, const struct field *field, struct strbuf *out)
{
    if (settings_has_section(settings, field->section))
        field_text(field, (const char *)settings + field->offset, out);
}

static const char lora[] = "lora";

bool settings_has_section(const struct settings *settings, const char *section)
{
    return settings->lora.on || strcmp(section, lora) != 0;
}

static void note_section(struct settings *settings, const char *section)
{
    settings->lora.on = settings->lora.on || (section && strcmp(section, lora) == 0);
}

void settings_init(struct settings *settings)
{
    memset(settings, 0, sizeof *settings);
    for (size_t i = 0; i < settings_fields_count; i++) {
        const struct field *field = &settings_fields[i];
        if (field->default_text && set_field(settings, field, field->default_text, NULL, NULL))
            SFT_BUG("a default that is no value");
    }
}

void settings_free(struct settings *settings)
{
    free(settings->origins);
    arena_free(&settings->arena);
    memset(settings, 0, sizeof *settings);
}

/* ---- problems and places ---- */

static struct field_origin *origin_of(struct settings *settings, const struct field *field)
{
    if (!settings->origins)
        settings->origins = mem_calloc(settings_fields_count, sizeof *settings->origins);
    return &settings->origins[field - settings_fields];
}

bool settings_is_wrong(const struct settings *settings, const char *key)
{
    return settings->origins && settings->origins[settings_find(key) - settings_fields].is_wrong;
}

bool settings_is_given(const struct settings *settings, const struct field *field)
{
    return settings->origins && settings->origins[field - settings_fields].place;
}

void settings_given(struct settings *settings, const char *key)
{
    origin_of(settings, settings_find(key))->source = FROM_COMMAND;
}

static enum sft_status add_problem(struct settings *settings, const struct sft_err *err)
{
    struct problem_list *list = &settings->problems;
    if (list->count < PROBLEMS_MAX) {
        struct sft_err *copy = arena_alloc(&settings->arena, sizeof *copy);
        *copy = *err;
        list->errors[list->count] = copy;
    }
    list->count++;
    return err->status;
}

enum sft_status settings_complain_of(struct settings *settings, const char *key, const struct sft_err *err)
{
    const struct field *field = settings_find(key);
    const struct field_origin none = {0},
                                 *origin = settings->origins ? &settings->origins[field - settings_fields] : &none;
    struct sft_err told = *err;
    if (origin->source == FROM_FILE || origin->source == FROM_DEFAULT)
        sft_context(&told, "[%s] %s", field->section, field->key);
    if (origin->source == FROM_FILE || origin->source == FROM_OVERRIDE)
        sft_in_file(&told, origin->place, origin->place_line);
    else if (origin->source == FROM_DEFAULT && settings->file)
        sft_in_file(&told, settings->file, 0);
    return add_problem(settings, &told);
}

enum sft_status settings_complain(struct settings *settings, const char *key, enum sft_status status,
                                  const char *fmt, ...)
{
    struct sft_err err;
    va_list ap;
    va_start(ap, fmt);
    sft_vfail(&err, status, fmt, ap);
    va_end(ap);
    return settings_complain_of(settings, key, &err);
}

enum sft_status settings_outcome(const struct settings *settings, size_t before, struct sft_err *err)
{
    const struct problem_list *list = &settings->problems;
    if (list->count == before)
        return SFT_OK;
    const enum sft_status status = list->errors[0]->status;
    if (before >= PROBLEMS_MAX)
        return sft_fail(err, status, "the configuration has too many errors");
    if (err) {
        *err = *list->errors[before];
        err->status = status;
    }
    return status;
}

/* ---- names ---- */

/* Each section once, in the table's order: the fields of a section stand together. */
static size_t list_sections(const char **names)
{
    size_t n = 0;
    for (size_t i = 0; i < settings_fields_count; i++)
        if (n == 0 || strcmp(names[n - 1], settings_fields[i].section) != 0)
            names[n++] = settings_fields[i].section;
    return n;
}

/* *ours: the section's name, that of the one that was meant, or NULL where there is none. */
static enum sft_status find_section(const char *name, const char **ours, struct sft_err *err)
{
    const char **names = mem_alloc(settings_fields_count * sizeof *names), *words = NULL;
    const size_t n = list_sections(names);
    struct strbuf list = {0};
    enum sft_status status = SFT_OK;
    *ours = NULL;
    for (size_t i = 0; i < n; i++) {
        *ours = strcmp(name, names[i]) == 0 ? names[i] : *ours;
        strbuf_printf(&list, "%s[%s]", i == 0 ? "" : i + 1 < n ? ", " : " or ", names[i]);
    }
    if (!*ours && foreign_section(name, ours, &words) && words) {
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

static const struct field *nearest_field(const char *key)
{
    const char **names = mem_alloc(settings_fields_count * sizeof *names);
    for (size_t i = 0; i < settings_fields_count; i++)
        names[i] = settings_fields[i].key;
    const char *near = nearest_word(key, names, settings_fields_count);
    free(names);
    return near ? settings_find(near) : NULL;
}

/* What an unknown key may be: another trainer's name, or a misspelt one. *meant: the field, or NULL. */
static enum sft_status fail_unknown_key(const char *section, const char *key, const char *value,
                                        const struct field **meant, struct sft_err *err)
{
    struct strbuf words = {0};
    const char *dot = strrchr(key, '.');
    const struct field *near = nearest_field(key);
    if (near && strcmp(near->section, section) == 0 && word_is_slip(key, near->key))
        sft_fail(err, SFT_EUSAGE, "unknown key (did you mean %s?)", (*meant = near)->key);
    else if (foreign_key(section, key, value, &words, meant))
        sft_fail(err, SFT_EUSAGE, "unknown key; %s", words.data);
    else if (dot && (*meant = settings_find(dot + 1)) != NULL)
        sft_fail(err, SFT_EUSAGE, "unknown key (did you mean %s in [%s]?)", dot + 1, (*meant)->section);
    else if (!(*meant = nearest_field(key)))
        sft_fail(err, SFT_EUSAGE, "unknown key");
    else if (strcmp((*meant)->section, section) == 0)
        sft_fail(err, SFT_EUSAGE, "unknown key (did you mean %s?)", (*meant)->key);
    else
        sft_fail(err, SFT_EUSAGE, "unknown key (did you mean %s in [%s]?)", (*meant)->key, (*meant)->section);
    strbuf_free(&words);
    return SFT_EUSAGE;
}

/* *field: the field, or after an error the one that was meant, or NULL. */
static enum sft_status find_field(const char *section, const char *key, const char *value,
                                  const struct field **field, struct sft_err *err)
{
    *field = settings_find(key);
    if (!*field)
        return fail_unknown_key(section, key, value, field, err);
    if (strcmp((*field)->section, section) == 0)
        return SFT_OK;
    return sft_fail(err, SFT_EUSAGE, "belongs in [%s]", (*field)->section);
}

/* ---- reading ---- */

struct file_reader {
    struct settings *settings;
    const char *name, *dir;
    const char *section; /* ours, NULL in one that has none here */
    bool has_section;    /* there was a [section] line */
};

static void complain_of_line(const struct file_reader *reader, struct sft_err *err, size_t line)
{
    sft_in_file(err, reader->name, line);
    add_problem(reader->settings, err);
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
    if (find_section(name, &reader->section, &err))
        complain_of_line(reader, &err, line);
    note_section(reader->settings, reader->section);
}

static enum sft_status set_entry(const struct file_reader *reader, const struct field *field, const char *raw,
                                 size_t line, struct sft_err *err)
{
    struct field_origin *origin = origin_of(reader->settings, field);
    struct strbuf value = {0};
    if (origin->line)
        return sft_fail(err, SFT_EUSAGE, "already set in line %zu", origin->line);
    origin->line = line;
    enum sft_status status = value_cut_comment(field, raw, reader->dir, &value, err);
    if (!status)
        status = set_field(reader->settings, field, value.data ? value.data : "", reader->dir, err);
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
    enum sft_status status = find_field(section, key, value, &field, &err);
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
        struct field_origin *origin = origin_of(reader->settings, field);
        origin->is_wrong |= status != SFT_OK;
        if (origin->source == FROM_DEFAULT) {
            origin->source = FROM_FILE;
            origin->place = arena_strndup(&reader->settings->arena, reader->name, strlen(reader->name));
            origin->place_line = line;
        }
    }
}

enum sft_status settings_read_text(struct settings *settings, const char *text, size_t len, const char *name,
                                   const char *dir, struct sft_err *err)
{
    struct file_reader reader = {.settings = settings, .name = name, .dir = dir};
    const struct ini_handler handler = {
        .user = &reader, .section = on_section, .entry = on_entry, .error = on_error};
    const size_t before = settings->problems.count;
    for (size_t i = 0; settings->origins && i < settings_fields_count; i++)
        settings->origins[i].line = 0;
    settings->file = arena_strndup(&settings->arena, name, strlen(name));
    if (!ini_read(text, len, &handler))
        settings->file = NULL;
    return settings_outcome(settings, before, err);
}

enum sft_status settings_read_file(struct settings *settings, const char *path, struct sft_err *err)
{
    struct io_map map = {0};
    struct sft_err why;
    if (io_map(&map, path, &why)) {
        const size_t before = settings->problems.count;
        why.status = SFT_EUSAGE; /* a wrong argument, not a disk's failure */
        add_problem(settings, &why);
        return settings_outcome(settings, before, err);
    }
    char *dir = path_dirname(path);
    const enum sft_status status = settings_read_text(settings, map.data, map.size, path, dir, err);
    free(dir);
    io_unmap(&map);
    return status;
}

/* ---- --set ---- */

/* "seed=1": the section is missing. */
static enum sft_status fail_without_section(const char *name, const char *value, struct sft_err *err)
{
    struct strbuf words = {0};
    const struct field *field = settings_find(name);
    if (!field && foreign_key("", name, value, &words, &field))
        sft_fail(err, SFT_EUSAGE, "expected section.key=value, and %s is an unknown key; %s", name,
                 words.data);
    else if (field || (field = nearest_field(name)) != NULL)
        sft_fail(err, SFT_EUSAGE, "expected section.key=value (did you mean %s.%s?)", field->section,
                 field->key);
    else
        sft_fail(err, SFT_EUSAGE, "expected section.key=value");
    strbuf_free(&words);
    return SFT_EUSAGE;
}

/* *field: the field, or the one that was meant, or NULL. */
static enum sft_status override_key(struct settings *settings, const char *name, const char *value,
                                    const struct field **field, struct sft_err *err)
{
    const char *dot = strchr(name, '.'), *ours;
    *field = NULL;
    if (!dot)
        return fail_without_section(name, value, err);
    char *section = mem_strndup(name, (size_t)(dot - name));
    enum sft_status status = find_section(section, &ours, err);
    if (!status)
        status = find_field(section, dot + 1, value, field, err);
    free(section);
    if (status)
        return status;
    note_section(settings, (*field)->section);
    return set_field(settings, *field, value, NULL, err);
}

enum sft_status settings_override(struct settings *settings, const char *assignment, struct sft_err *err)
{
    const char *equals = strchr(assignment, '=');
    const size_t before = settings->problems.count;
    char *name = mem_strndup(assignment, equals ? (size_t)(equals - assignment) : strlen(assignment));
    const struct field *field = NULL;
    struct sft_err why;
    const enum sft_status status = equals ? override_key(settings, name, equals + 1, &field, &why)
                                          : sft_fail(&why, SFT_EUSAGE, "expected section.key=value");
    if (status) {
        sft_context(&why, "--set %.*s", SHOWN_MAX, name);
        add_problem(settings, &why);
    }
    if (field) {
        struct field_origin *origin = origin_of(settings, field);
        origin->source = FROM_OVERRIDE;
        origin->is_wrong = status != SFT_OK;
        origin->place = arena_printf(&settings->arena, "--set %s", name);
        origin->place_line = 0;
    }
    free(name);
    return settings_outcome(settings, before, err);
}
