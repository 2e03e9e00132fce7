/* The help that a table of fields makes. */
#include "base/wrap.h"
#include "config/table.h"

#include <string.h>

void table_print_section(const struct field_table *table, size_t field, struct strbuf *out)
{
    const struct field *fields = table->fields;
    if (field == 0 || strcmp(fields[field].section, fields[field - 1].section) != 0)
        strbuf_printf(out, "%s[%s]\n", field == 0 ? "" : "\n", fields[field].section);
}

/* "truncate|drop|error", "files": the kind of a value in a word, bounds left to the messages. */
static void add_short_kind(struct strbuf *out, const struct field *field)
{
    static const char *const names[] = {
        [FIELD_STRING] = "text",     [FIELD_TEXT] = "text",         [FIELD_PATH] = "path",
        [FIELD_FILES] = "files",     [FIELD_SIZE] = "whole number", [FIELD_DOUBLE] = "number",
        [FIELD_BOOL] = "true|false", [FIELD_NAMES] = "names",
        [FIELD_WORDS] = "words",     [FIELD_ITEMS] = "file | items",
    };
    if (!field->values || field->type == FIELD_FILES) {
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

void table_help(const struct field_table *table, struct strbuf *out)
{
    enum { DOC_COLUMN = 35 };
    struct strbuf doc = {0};
    for (size_t i = 0; i < table->count; i++) {
        const struct field *field = &table->fields[i];
        table_print_section(table, i, out);
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
