#include "base/json.h"
#include "base/json_check.h"

#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_space(struct json_scanner *s)
{
    for (; s->pos < s->len && is_space(s->text[s->pos]); s->pos++)
        s->line += s->text[s->pos] == '\n';
}

static size_t count_lines(const char *p, size_t len)
{
    size_t n = 0;
    for (const char *end = p + len; (p = memchr(p, '\n', (size_t)(end - p))); p++)
        n++;
    return n;
}

void json_scanner_init(struct json_scanner *scanner, const char *text, size_t len)
{
    *scanner = (struct json_scanner){.text = text, .len = len, .line = 1};
    if (len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        scanner->pos = 3;
    skip_space(scanner);
    if (scanner->pos < len && text[scanner->pos] == '[') {
        scanner->is_array = true;
        scanner->pos++;
    }
}

/* ---- lines ---- */

static void next_line(struct json_scanner *s, struct json_element *element, bool *found)
{
    while (s->pos < s->len) {
        const char *start = s->text + s->pos;
        const char *newline = memchr(start, '\n', s->len - s->pos);
        size_t len = newline ? (size_t)(newline - start) : s->len - s->pos;
        const size_t line = s->line;
        s->pos += len + (newline ? 1 : 0);
        s->line += newline ? 1 : 0;
        while (len > 0 && is_space(start[len - 1]))
            len--;
        if (len > 0) {
            *element = (struct json_element){.text = start, .len = len, .line = line};
            *found = true;
            return;
        }
    }
    s->done = true;
}

/* ---- the elements of an array ---- */

/* Past the string whose opening quote is at p; end if it is never closed. */
static const char *skip_string(const char *p, const char *end)
{
    for (p++; (p = json_skip_plain(p, end)) < end; p++) {
        if (*p == '"')
            return p + 1;
        if (*p == '\\' && ++p == end)
            return end;
    }
    return end;
}

/* Past the object or array at p; NULL if it never ends. Only brackets of its own kind count, so that
 * {"a": [1} is one bad element and not the beginning of a longer one. */
static const char *skip_nested(const char *p, const char *end)
{
    const char open = *p, close = open == '{' ? '}' : ']';
    size_t depth = 0;
    while (p < end) {
        if (*p == '"') {
            p = skip_string(p, end);
            continue;
        }
        depth += *p == open;
        depth -= *p == close;
        p++;
        if (depth == 0)
            return p;
    }
    return NULL;
}

/* Past the element at p, well-formed or not; NULL if its end cannot be told. */
static const char *skip_element(const char *p, const char *end)
{
    if (*p == '{' || *p == '[')
        return skip_nested(p, end);
    if (*p == '"')
        return skip_string(p, end);
    while (p < end && !is_space(*p) && !memchr(",[]{\"", *p, 5))
        p++;
    return p;
}

static enum sft_status fail_at_line(const struct json_scanner *s, struct sft_err *err, const char *what)
{
    return sft_fail(err, SFT_EDATA, "line %zu: %s", s->line, what);
}

static enum sft_status next_in_array(struct json_scanner *s, struct json_element *element, bool *found,
                                     struct sft_err *err)
{
    /* An element never ends with '[', so that only the array's own can stand just before. */
    const bool needs_comma = s->text[s->pos - 1] != '[' && !s->skips_comma;
    skip_space(s);
    if (s->pos == s->len)
        return fail_at_line(s, err, "the array is never closed: ']' is missing");
    if (s->text[s->pos] == ']') {
        s->pos++;
        skip_space(s);
        s->done = true;
        return s->pos == s->len ? SFT_OK : fail_at_line(s, err, "text after the array's end");
    }
    s->skips_comma = needs_comma && s->text[s->pos] == '{'; /* that object can be read all the same */
    if (needs_comma) {
        if (s->text[s->pos] != ',')
            return fail_at_line(s, err, "expected ',' or ']' after an element of the array");
        s->pos++;
        skip_space(s);
    }
    if (s->pos == s->len || s->text[s->pos] == ',' || s->text[s->pos] == ']')
        return fail_at_line(s, err, "an element of the array is missing");

    const char *start = s->text + s->pos;
    const char *stop = skip_element(start, s->text + s->len);
    if (!stop)
        return fail_at_line(s, err, "the element that starts here never ends");
    *element = (struct json_element){.text = start, .len = (size_t)(stop - start), .line = s->line};
    s->line += count_lines(start, element->len);
    s->pos += element->len;
    *found = true;
    return SFT_OK;
}

enum sft_status json_scanner_next(struct json_scanner *scanner, struct json_element *element, bool *found,
                                  struct sft_err *err)
{
    *found = false;
    if (scanner->done)
        return SFT_OK;
    if (!scanner->is_array) {
        next_line(scanner, element, found);
        return SFT_OK;
    }
    const enum sft_status status = next_in_array(scanner, element, found, err);
    if (status)
        scanner->done = !scanner->skips_comma;
    return status;
}
