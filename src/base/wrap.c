#include "base/wrap.h"

#include <string.h>

enum { WIDTH = 80 };

static size_t new_line(struct strbuf *out, size_t margin)
{
    strbuf_printf(out, "\n%*s", (int)margin, "");
    return margin;
}

static size_t count_characters(const char *text, size_t len)
{
    size_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += ((unsigned char)text[i] & 0xC0) != 0x80; /* not one that continues a character of UTF-8 */
    return count;
}

void strbuf_wrap_to(struct strbuf *out, const char *text, size_t column, size_t margin, size_t width)
{
    bool begins_line = true;
    while (*text) {
        const size_t len = strcspn(text, " \n"), shown = count_characters(text, len);
        if (!begins_line && column + 1 + shown > width) {
            column = new_line(out, margin);
        } else if (!begins_line) {
            strbuf_putc(out, ' ');
            column++;
        }
        strbuf_add(out, text, len);
        column += shown;
        text += len;
        begins_line = *text == '\n';
        if (begins_line)
            column = new_line(out, margin);
        text += *text != '\0';
    }
    strbuf_putc(out, '\n');
}

void strbuf_wrap(struct strbuf *out, const char *text, size_t column, size_t margin)
{
    strbuf_wrap_to(out, text, column, margin, WIDTH);
}
