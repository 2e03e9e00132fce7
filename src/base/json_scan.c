#include "base/json.h"
#include "base/json_check.h"

#include <stdlib.h>
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

/* ---- where an element ends ---- */

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

const char *json_skip_element(const char *p, const char *end)
{
    if (*p == '{' || *p == '[')
        return skip_nested(p, end);
    if (*p == '"')
        return skip_string(p, end);
    while (p < end && !is_space(*p) && !memchr(",[]{\"", *p, 5))
        p++;
    return p;
}

/* ---- lines ---- */

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\t' || *p == '\r'))
        p++;
    return p;
}

static const char *line_end(const char *p, const char *end)
{
    const char *newline = memchr(p, '\n', (size_t)(end - p));
    return newline ? newline : end;
}

/* The first character of a line that means something: files joined with cat have marks in the middle. */
static const char *first_of(const char *p, const char *end)
{
    if (end - p >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0)
        p += 3;
    return skip_blanks(p, end);
}

/* Whether a line, which is not blank, is a row, by its first and last character alone: nearly every one is. The
 * others hold a part of an object, or a comma that joins objects. */
static bool looks_whole(const char *line, size_t len)
{
    const char *end = line + len, *p = first_of(line, end);
    if (p == end || (*p != '{' && *p != '[' && *p != ','))
        return true;
    return end[-1] == (*p == '{' ? '}' : ']') && *p != ',';
}

/* How many blanks stand before p in its line; 0 where anything else does. */
static size_t indent_of(const struct json_scanner *s, const char *p)
{
    const char *q = p;
    while (q > s->text && (q[-1] == ' ' || q[-1] == '\t'))
        q--;
    return q == s->text || q[-1] == '\n' ? (size_t)(p - q) : 0;
}

/* Whether q is where an object begins just as the one at p does: in a line of its own, as far to the right. */
static bool begins_alike(const struct json_scanner *s, const char *p, const char *q)
{
    const char *end = s->text + s->len;
    return q < end && *q == *p && q > s->text && (q[-1] == '\n' || indent_of(s, q) > 0) &&
           indent_of(s, q) == indent_of(s, p);
}

/* The next such place after p's line; the text's end where there is none. */
static const char *next_alike(const struct json_scanner *s, const char *p)
{
    const char *end = s->text + s->len;
    for (const char *q = line_end(p, end); q < end; q = line_end(q, end)) {
        q = skip_blanks(q + 1, end);
        if (begins_alike(s, p, q))
            return q;
    }
    return end;
}

/* Past an object over several lines, begun at p, with a mistake at `at`. Where the next row begins there, it is a row
 * of JSON Lines that was cut short, and costs itself only. Else its closing bracket counts, if that is near, and then
 * the next row's beginning. */
static const char *broken_end(const struct json_scanner *s, const char *p, const char *at)
{
    enum { NEAR = 1 << 16 };
    const char *end = s->text + s->len, *near_end = end - p > NEAR ? p + NEAR : end;
    const char *closed = begins_alike(s, p, at) ? NULL : skip_nested(p, near_end);
    if (closed) {
        const char *q = skip_blanks(closed, end);
        q = q < end && *q == ',' ? skip_blanks(q + 1, end) : q;
        if (q == end || *q == '\n')
            return closed;
    }
    return next_alike(s, p);
}

/* Past the value at p, well-formed or not, which is in a line that it does not fill; *next: where the next is looked
 * for. */
static const char *skip_value(const struct json_scanner *s, const char *p, const char **next)
{
    struct json_check check = {.wanted_key = SIZE_MAX};
    const char *end = s->text + s->len, *first_end = line_end(p, end);
    const bool is_good = json_check(&check, p, (size_t)(end - p), NULL) == SFT_OK;
    const char *stop = p + check.end;
    free(check.spellings);
    if (!is_good)
        stop = stop <= first_end ? first_end : broken_end(s, p, stop);
    const char *q = skip_blanks(stop, end);
    q = q < end && *q == ',' ? skip_blanks(q + 1, end) : q;
    if (q < end && *q != '\n' && *q != '{' && *q != '[')
        stop = q = line_end(q, end); /* text behind a value spoils it */
    *next = q < end && *q == '\n' ? q + 1 : q;
    return stop;
}

/* What is in a line that does not look whole: false where it is nothing but a comma. */
static bool take_value(struct json_scanner *s, struct json_element *element)
{
    const char *start = s->text + s->pos, *end = s->text + s->len, *p = first_of(start, end), *stop, *next;
    p = *p == ',' ? skip_blanks(p + 1, end) : p;
    const bool found = p < end && *p != '\n';
    if (found) {
        stop = skip_value(s, p, &next);
        while (is_space(stop[-1]))
            stop--;
        *element = (struct json_element){.text = p, .len = (size_t)(stop - p), .line = s->line};
    } else {
        next = p < end ? p + 1 : p;
    }
    s->line += count_lines(start, (size_t)(next - start));
    s->pos = (size_t)(next - s->text);
    return found;
}

static void next_line(struct json_scanner *s, struct json_element *element, bool *found)
{
    while (s->pos < s->len && !*found) {
        const char *start = s->text + s->pos;
        const char *newline = memchr(start, '\n', s->len - s->pos);
        const size_t whole = newline ? (size_t)(newline - start) : s->len - s->pos;
        size_t len = whole;
        while (len > 0 && is_space(start[len - 1]))
            len--;
        if (len > 0 && !looks_whole(start, len)) {
            *found = take_value(s, element);
            continue;
        }
        *element = (struct json_element){.text = start, .len = len, .line = s->line};
        *found = len > 0;
        s->pos += whole + (newline ? 1 : 0);
        s->line += newline ? 1 : 0;
    }
    s->done = !*found;
}

/* ---- the elements of an array ---- */

static enum sft_status fail_at_line(const struct json_scanner *s, struct sft_err *err, const char *what)
{
    sft_fail(err, SFT_EDATA, "%s", what);
    return sft_at(err, s->line, 0);
}

/* At the end of an array: where another follows, as in files joined, into that one. *is_end: none does. */
static enum sft_status leave_array(struct json_scanner *s, bool *is_end, struct sft_err *err)
{
    s->pos++;
    skip_space(s);
    *is_end = s->pos == s->len || s->text[s->pos] != '[';
    if (!*is_end)
        s->pos++;
    s->done = *is_end;
    return *is_end && s->pos < s->len ? fail_at_line(s, err, "text after the array's end") : SFT_OK;
}

static enum sft_status next_in_array(struct json_scanner *s, struct json_element *element, bool *found,
                                     struct sft_err *err)
{
    /* An element never ends with '[', so that only an array's own can stand just before. */
    bool needs_comma = s->text[s->pos - 1] != '[' && !s->skips_comma;
    skip_space(s);
    while (s->pos < s->len && s->text[s->pos] == ']') {
        bool is_end;
        if (leave_array(s, &is_end, err))
            return SFT_EDATA;
        if (is_end)
            return SFT_OK;
        needs_comma = false;
        skip_space(s);
    }
    if (s->pos == s->len)
        return fail_at_line(s, err, "the array is never closed: ']' is missing");
    s->skips_comma = needs_comma && s->text[s->pos] == '{'; /* that object can be read all the same */
    if (needs_comma) {
        if (s->text[s->pos] != ',')
            return fail_at_line(s, err, "expected ',' or ']' after an element of the array");
        s->pos++;
        skip_space(s);
    }
    if (s->pos < s->len && s->text[s->pos] == ']')
        return fail_at_line(s, err, "a comma before ']', and no element behind it (take the comma out)");
    if (s->pos == s->len || s->text[s->pos] == ',')
        return fail_at_line(s, err, "an element of the array is missing");

    const char *start = s->text + s->pos;
    const char *stop = json_skip_element(start, s->text + s->len);
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
