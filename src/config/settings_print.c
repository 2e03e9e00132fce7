/* What is written from the table of fields: a configuration, and the help. */
#include "base/wrap.h"
#include "config/settings.h"

#include <string.h>

static bool is_first_of_section(size_t i)
{
    return i == 0 || strcmp(settings_fields[i].section, settings_fields[i - 1].section) != 0;
}

/* "\n[section]\n" where field i begins one. */
static void add_section(struct strbuf *out, size_t i)
{
    if (is_first_of_section(i))
        strbuf_printf(out, "%s[%s]\n", i == 0 ? "" : "\n", settings_fields[i].section);
}

void settings_print(const struct settings *settings, struct strbuf *out)
{
    struct strbuf text = {0};
    for (size_t i = 0; i < settings_fields_count; i++) {
        const struct field *field = &settings_fields[i];
        if (!settings_has_section(settings, field->section))
            continue;
        add_section(out, i);
        strbuf_clear(&text);
        settings_field_text(settings, field, &text);
        if (text.len > 0)
            strbuf_printf(out, "%s = %s\n", field->key, text.data);
        else if (field->default_text)
            strbuf_printf(out, "%s =\n", field->key);
        else
            strbuf_printf(out, "; %s is not set\n", field->key);
    }
    strbuf_free(&text);
}

/* "truncate|drop|error", "files": the kind of a value in a word, bounds left to the messages. */
static void add_short_kind(struct strbuf *out, const struct field *field)
{
    static const char *const names[] = {
        [FIELD_STRING] = "text",     [FIELD_TEXT] = "text",         [FIELD_PATH] = "path",
        [FIELD_FILES] = "files",     [FIELD_SIZE] = "whole number", [FIELD_DOUBLE] = "number",
        [FIELD_BOOL] = "true|false", [FIELD_NAMES] = "names",
        [FIELD_WORDS] = "words",
    };
    if (!field->values) {
        strbuf_puts(out, names[field->type]);
        return;
    }
    enum { LONG = 40 };
    size_t len = 0;
    for (size_t i = 0; i < field->n_values; i++)
        len += strlen(field->values[i]);
    const char *or = len > LONG ? " | " : "|"; /* a long list breaks at blanks */
    for (size_t i = 0; i < field->n_values; i++)
        strbuf_printf(out, "%s%s", i == 0 ? "" : or, field->values[i]);
}

void settings_help(struct strbuf *out)
{
    enum { DOC_COLUMN = 35 };
    struct strbuf doc = {0};
    for (size_t i = 0; i < settings_fields_count; i++) {
        const struct field *field = &settings_fields[i];
        add_section(out, i);
        const size_t start = out->len;
        strbuf_printf(out, "  %s = %s", field->key, field->default_text ? field->default_text : "(required)");
        const size_t width = out->len - start, gap = width + 2 < DOC_COLUMN ? DOC_COLUMN - width : 2;
        strbuf_printf(out, "%*s", (int)gap, "");
        strbuf_clear(&doc);
        strbuf_printf(&doc, "%s [", field->doc);
        add_short_kind(&doc, field);
        strbuf_putc(&doc, ']');
        strbuf_wrap(out, doc.data, width + gap, DOC_COLUMN);
    }
    strbuf_free(&doc);
}
