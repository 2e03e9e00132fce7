#include "config/settings.h"

#include "config/field_value.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static struct table_target target_of(struct settings *settings)
{
    return (struct table_target){.table = &settings_table,
                                 .values = settings,
                                 .arena = &settings->arena,
                                 .origins = &settings->origins,
                                 .file = &settings->file,
                                 .problems = &settings->problems};
}

enum sft_status settings_set_field(struct settings *settings, const struct field *field, const char *text,
                                   struct sft_err *err)
{
    return field_set(field, (char *)settings + field->offset, &settings->arena, text, NULL, err);
}

void settings_field_text(const struct settings *settings, const struct field *field, struct strbuf *out)
{
    if (settings_has_section(settings, field->section))
        field_text(field, (const char *)settings + field->offset, out);
}

bool settings_has_section(const struct settings *settings, const char *section)
{
    if (strcmp(section, "dpo") == 0)
        return settings->train.objective == OBJECTIVE_DPO;
    return settings->lora.on || strcmp(section, "lora") != 0;
}

void settings_init(struct settings *settings)
{
    memset(settings, 0, sizeof *settings);
    const struct table_target target = target_of(settings);
    table_defaults(&target);
}

void settings_free(struct settings *settings)
{
    free(settings->origins);
    arena_free(&settings->arena);
    memset(settings, 0, sizeof *settings);
}

/* ---- problems and places ---- */

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
    const struct table_target target = target_of(settings);
    table_given(&target, key);
}

enum sft_status settings_complain_of(struct settings *settings, const char *key, const struct sft_err *err)
{
    const struct table_target target = target_of(settings);
    return table_complain_of(&target, key, err);
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
    return table_outcome(&settings->problems, before, err);
}

/* ---- reading ---- */

enum sft_status settings_read_text(struct settings *settings, const char *text, size_t len, const char *name,
                                   const char *dir, struct sft_err *err)
{
    const struct table_target target = target_of(settings);
    return table_read_text(&target, text, len, name, dir, err);
}

enum sft_status settings_read_file(struct settings *settings, const char *path, struct sft_err *err)
{
    const struct table_target target = target_of(settings);
    return table_read_file(&target, path, err);
}

enum sft_status settings_override(struct settings *settings, const char *assignment, struct sft_err *err)
{
    const struct table_target target = target_of(settings);
    return table_override(&target, assignment, err);
}

void settings_help(struct strbuf *out)
{
    table_help(&settings_table, out);
}
