/* What is written from the table of fields: a configuration. */
#include "config/settings.h"

void settings_print(const struct settings *settings, struct strbuf *out)
{
    struct strbuf text = {0};
    for (size_t i = 0; i < settings_fields_count; i++) {
        const struct field *field = &settings_fields[i];
        if (!settings_has_section(settings, field->section))
            continue;
        table_print_section(&settings_table, i, out);
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
