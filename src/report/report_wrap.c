#include "report/report_wrap.h"


#include <string.h>

enum { COLUMNS = 80, INDENT = 7 }; /* what a line is about stands in the columns before */

/* Columns of text[0..len): characters, not bytes. */
static size_t columns_of(const char *text, size_t len)
{
    size_t columns = 0;
    for (size_t i = 0; i < len; i++)
        columns += (text[i] & 0xC0) != 0x80;
    return columns;
}

/* Rows of a table, and what they quote, stay as they are: they begin further right. */
static bool is_table(const char *line, size_t len)
{
    return len > INDENT && strspn(line, " ") > INDENT;
}

/* The index of the blank to fold text[0..len) at, len where there is none: the last that fits after a comma or the
 * like, else the last that fits, else the first (after a long file name, say). */
static size_t find_fold(const char *text, size_t len)
{
    size_t last_blank = len, last_pause = len;
    for (size_t i = INDENT; i < len; i++) {
        if (text[i] != ' ' || text[i - 1] == ' ')
            continue;
        const bool fits = columns_of(text, i) <= COLUMNS;
        if (!fits && last_blank != len)
            break;
        last_blank = i;
        if (strchr(",;:", text[i - 1]))
            last_pause = i;
        if (!fits)
            break;
    }
    return last_pause != len ? last_pause : last_blank;
}

static void fold_line(struct strbuf *out, const char *line, size_t len)
{
    struct strbuf rest = {0};
    strbuf_add(&rest, line, len);
    while (!is_table(line, len) && columns_of(rest.data, rest.len) > COLUMNS) {
        const size_t at = find_fold(rest.data, rest.len);
        if (at == rest.len)
            break;
        strbuf_add(out, rest.data, at);
        strbuf_putc(out, '\n');
        struct strbuf next = {0};
        strbuf_printf(&next, "%*s%.*s", INDENT, "", (int)(rest.len - at - 1), rest.data + at + 1);
        strbuf_free(&rest);
        rest = next;
    }
    strbuf_add(out, rest.data, rest.len);
    strbuf_putc(out, '\n');
    strbuf_free(&rest);
}

void report_wrap(struct strbuf *out, size_t start)
{
    struct strbuf folded = {0};
    for (size_t pos = start; pos < out->len;) {
        const char *line = out->data + pos, *end = memchr(line, '\n', out->len - pos);
        const size_t len = end ? (size_t)(end - line) : out->len - pos;
        fold_line(&folded, line, len);
        pos += len + 1;
    }
    out->len = start;
    strbuf_add(out, folded.data, folded.len);
    strbuf_free(&folded);
}
