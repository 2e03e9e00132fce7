#include "text/template_unmark.h"

#include <string.h>

static const char white[] = " \t\r\n";

/* Where the tag at `s` ends, "{%- generation -%}"; NULL: it is another, or none. */
static const char *end_of_marker(const char *s, bool *trims_before, bool *trims_after)
{
    static const char *const words[] = {"generation", "endgeneration"};
    if (strncmp(s, "{%", 2) != 0)
        return NULL;
    s += 2;
    *trims_before = *s == '-';
    s += *s == '-' || *s == '+';
    s += strspn(s, white);
    for (size_t i = 0; i < 2; i++) {
        const size_t len = strlen(words[i]);
        if (strncmp(s, words[i], len) != 0 || !strchr(" \t\r\n-+%", s[len]))
            continue;
        const char *end = s + len + strspn(s + len, white);
        *trims_after = *end == '-';
        end += *end == '-' || *end == '+';
        return strncmp(end, "%}", 2) == 0 ? end + 2 : NULL;
    }
    return NULL;
}

/* Whether what was put, or what follows, is a tag that trims the white space up to here. */
static bool ends_trimmed(const struct strbuf *out)
{
    size_t len = out->len;
    while (len > 0 && strchr(white, out->data[len - 1]))
        len--;
    const char *tail = len >= 3 ? out->data + len - 3 : "   ";
    return len == 0 || memcmp(tail, "-%}", 3) == 0 || memcmp(tail, "-}}", 3) == 0;
}

static bool begins_trimmed(const char *s)
{
    s += strspn(s, white);
    return strncmp(s, "{%-", 3) == 0 || strncmp(s, "{{-", 3) == 0;
}

void template_unmark(const char *jinja, struct strbuf *out)
{
    while (*jinja) {
        bool before, after;
        const char *end = end_of_marker(jinja, &before, &after);
        if (!end) {
            strbuf_putc(out, *jinja++);
            continue;
        }
        if (before && after && ends_trimmed(out) && begins_trimmed(end))
            end += strspn(end, white);
        else
            strbuf_printf(out, "{#%s %s#}", before ? "-" : "", after ? "-" : "");
        jinja = end;
    }
}
