#include "data/csv.h"

#include <string.h>

bool csv_at_line_end(const char *p)
{
    return *p == '\n' || *p == '\r';
}

const char *csv_after_line_end(const char *p, const char *end)
{
    return *p == '\r' && p + 1 < end && p[1] == '\n' ? p + 2 : p + 1;
}

size_t csv_count_lines(const char *p, const char *end)
{
    size_t n = 0;
    for (const char *lf = p; (lf = memchr(lf, '\n', (size_t)(end - lf))); lf++)
        n++;
    for (const char *cr = p; (cr = memchr(cr, '\r', (size_t)(end - cr))); cr++)
        n += cr + 1 == end || cr[1] != '\n';
    return n;
}

/* Past the quote that closes the one at p; NULL where there is none. */
static const char *skip_quoted(const char *p, const char *end)
{
    while ((p = memchr(p + 1, '"', (size_t)(end - p - 1)))) {
        p++;
        if (p == end || *p != '"')
            break;
    }
    return p;
}

const char *csv_field_end(const char *p, const char *end, char delimiter)
{
    if (p < end && *p == '"' && !(p = skip_quoted(p, end)))
        return NULL;
    while (p < end && *p != delimiter && !csv_at_line_end(p))
        p++;
    return p;
}

const char *csv_record_end(const char *p, const char *end, char delimiter)
{
    while ((p = csv_field_end(p, end, delimiter)) && p < end && *p == delimiter)
        p++;
    return p;
}

void csv_add_value(struct strbuf *sb, const char *field, size_t len)
{
    const char *p = field, *end = field + len, *quote;
    if (p < end && *p == '"') {
        for (p++; (quote = memchr(p, '"', (size_t)(end - p))); p = quote + 2) {
            const bool is_doubled = quote + 1 < end && quote[1] == '"';
            strbuf_add(sb, p, (size_t)(quote - p) + is_doubled);
            if (!is_doubled) {
                p = quote + 1;
                break;
            }
        }
    }
    strbuf_add(sb, p, (size_t)(end - p));
}
