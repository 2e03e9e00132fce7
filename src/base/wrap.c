#include "base/wrap.h"

#include <string.h>

enum { WIDTH = 80 };

static size_t new_line(struct strbuf *out, size_t margin)
{
    strbuf_printf(out, "\n%*s", (int)margin, "");
    return margin;
}

void strbuf_wrap(struct strbuf *out, const char *text, size_t column, size_t margin)
{
    bool begins_line = true;
    while (*text) {
        const size_t len = strcspn(text, " \n");
        if (!begins_line && column + 1 + len > WIDTH) {
            column = new_line(out, margin);
        } else if (!begins_line) {
            strbuf_putc(out, ' ');
            column++;
        }
        strbuf_add(out, text, len);
        column += len;
        text += len;
        begins_line = *text == '\n';
        if (begins_line)
            column = new_line(out, margin);
        text += *text != '\0';
    }
    strbuf_putc(out, '\n');
}
