/* Every format of text/template_table.h as the Go template that an export has for ollama, for golden_go_templates.py: a
 * JSON array of {"word", "row", "system", "template"} on stdout. Its bos is <s>, which the runner puts before a text,
 * its eos </s>. */
#include "base/strbuf.h"
#include "text/template_go.h"
#include "text/template_table.h"

#include <stdio.h>
#include <string.h>

int main(void)
{
    struct strbuf out = {0};
    const struct template_row *row;
    for (size_t i = 0; (row = template_row_at(i)); i++) {
        struct arena arena = {0};
        struct chat_format format;
        struct strbuf text = {0};
        const char *word = template_choice_name(row->choice);
        if (!template_row_format(row, "<s>", "</s>", &arena, &format))
            return 1;
        template_go_write(&format, "<s>", &text);
        strbuf_printf(&out, "%s{\"word\":\"%s\",\"row\":%zu,\"system\":", i ? ",\n" : "[", word, i);
        const char *system = template_go_system(&format);
        if (system)
            strbuf_json_string(&out, system, strlen(system));
        else
            strbuf_puts(&out, "null");
        strbuf_puts(&out, ",\"template\":");
        strbuf_json_string(&out, text.data, text.len);
        strbuf_putc(&out, '}');
        strbuf_free(&text);
        arena_free(&arena);
    }
    strbuf_puts(&out, "]\n");
    fputs(out.data, stdout);
    strbuf_free(&out);
    return 0;
}
