#include "data/rows/csv.h"

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

/* ---- the separator ---- */

static const char separators[] = ",;\t|";

/* How many fields the record at p has; 0 where a quote in it is never closed. */
static size_t count_fields(const char *p, const char *end, char delimiter)
{
    size_t n = 0;
    do {
        p = csv_field_end(p, end, delimiter);
        n++;
    } while (p && p < end && *p == delimiter && p++);
    return p ? n : 0;
}

/* Of the first records after the header at p, how many have as many fields, and then how many have several; -1 where
 * the header has one field. */
static int regularity(const char *p, const char *end, char delimiter)
{
    enum { LOOKED_AT = 10 };
    const size_t n = count_fields(p, end, delimiter);
    int score = 0;
    if (n < 2)
        return -1;
    for (int i = 0; i < LOOKED_AT && (p = csv_record_end(p, end, delimiter)); i++) {
        while (p < end && csv_at_line_end(p))
            p++;
        if (p == end)
            break;
        const size_t found = count_fields(p, end, delimiter);
        score += (found == n ? LOOKED_AT : 0) + (found > 1);
    }
    return score;
}

char csv_find_delimiter(const char *p, const char *end, char own)
{
    char best = own;
    int most = regularity(p, end, own);
    for (const char *s = separators; *s; s++) {
        const int n = regularity(p, end, *s);
        if (n > most && n > 0) {
            best = *s;
            most = n;
        }
    }
    return best;
}

const char *csv_name(char delimiter)
{
    static _Thread_local char other[] = "'?'";
    static const char *const names[] = {"commas", "semicolons", "tabs", "bars"};
    const char *known = memchr(separators, delimiter, sizeof names / sizeof *names);
    other[1] = delimiter;
    return known ? names[known - separators] : other;
}

/* ---- values ---- */

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
