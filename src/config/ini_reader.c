#include "config/ini_reader.h"

#include "base/mem.h"
#include "base/strbuf.h"

#include <ini.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* More than any configuration; a file of weights given by mistake is refused at once. */
enum { INI_SIZE_MAX = 1 << 26, LINE_ENDING = 3, SHOWN_MAX = 60 };

struct reader {
    const char *p, *end;
    size_t line;
    bool is_binary;
    const struct ini_handler *handler;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void tell(const struct reader *r, const char *message)
{
    r->handler->error(r->handler->user, message, r->line);
}

/* Tell of a line: its beginning stands between quotes and the two texts. */
static void tell_of(const struct reader *r, const char *before, const char *line, size_t len,
                    const char *after)
{
    struct strbuf message = {0}, shown = {0};
    strbuf_add_visible(&shown, line, len < SHOWN_MAX ? len : SHOWN_MAX);
    strbuf_printf(&message, "%s'%s'%s", before, shown.data ? shown.data : "", after);
    tell(r, message.data);
    strbuf_free(&message);
    strbuf_free(&shown);
}

/* ---- one line ---- */

/* Leave "[name]" of a section's line, whatever else is wrong with it: the keys that follow belong to it. */
static void prepare_section(const struct reader *r, char *line)
{
    char *bracket = strchr(line, ']');
    if (!bracket) {
        tell(r, "']' is missing after the section's name");
        bracket = line + strcspn(line, ";#=");
        while (bracket > line + 1 && is_blank(bracket[-1]))
            bracket--;
    } else {
        const char *rest = bracket + 1;
        while (is_blank(*rest))
            rest++;
        if (*rest && *rest != ';' && *rest != '#')
            tell_of(r, "text after ", line, (size_t)(bracket + 1 - line),
                    " (a key = value has a line of its own)");
    }
    *bracket = '\0';
    r->handler->section(r->handler->user, line + 1, r->line);
    *line = '\0'; /* whose section it is stays with the handler; inih's memory of it holds 49 bytes */
}

/* Tell of the first control character of a line; false where there is none. */
static bool has_control(const struct reader *r, const char *line)
{
    while (*line && ((unsigned char)*line >= ' ' || *line == '\t'))
        line++;
    if (!*line)
        return false;
    char message[100];
    snprintf(message, sizeof message, "a control character (0x%02X) in the line%s", (unsigned char)*line,
             *line == '\r' ? " (lines end with LF or CR LF)" : "");
    tell(r, message);
    return true;
}

/* Make a line of the file into one that inih cannot misread, or tell what is wrong and leave nothing of
 * it. */
static void prepare_line(const struct reader *r, char *line, bool is_indented)
{
    static const char one_line[] =
        " (a value ends with its line: list files in one line, write \\n for a line break)";
    size_t len = strlen(line);
    while (len > 0 && is_blank(line[len - 1]))
        line[--len] = '\0';
    if (*line == ';' || *line == '#' || has_control(r, line))
        *line = '\0';
    if (*line == '[')
        prepare_section(r, line);
    if (*line && (!strpbrk(line, "=:") || *line == '=' || *line == ':')) {
        tell_of(r, "expected key = value or [section], found ", line, len, is_indented ? one_line : "");
        *line = '\0';
    }
}

/* ---- inih's callbacks ---- */

/* Like fgets, without the line break. `size` is more than the longest line. */
static char *next_line(char *out, int size, void *stream)
{
    (void)size;
    struct reader *r = stream;
    if (r->p == r->end)
        return NULL;
    const char *newline = memchr(r->p, '\n', (size_t)(r->end - r->p));
    const char *start = r->p, *stop = newline ? newline : r->end;
    r->p = newline ? newline + 1 : r->end;
    r->line++;
    const bool is_indented = start < stop && is_blank(*start);
    while (start < stop && is_blank(*start))
        start++;
    memcpy(out, start, (size_t)(stop - start));
    out[stop - start] = '\0';
    if (memchr(out, '\0', (size_t)(stop - start))) {
        tell(r, "a NUL byte: this is no text file");
        r->p = r->end;
        r->is_binary = true;
        return NULL;
    }
    prepare_line(r, out, is_indented);
    return out;
}

static int handle(void *user, const char *section, const char *key, const char *value)
{
    (void)section;
    struct reader *r = user;
    r->handler->entry(r->handler->user, key, value, r->line);
    return 1;
}

static size_t longest_line(const char *p, const char *end)
{
    size_t longest = 0;
    while (p < end) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        const char *stop = newline ? newline : end;
        if ((size_t)(stop - p) > longest)
            longest = (size_t)(stop - p);
        p = stop + 1;
    }
    return longest;
}

/* ---- files that are no INI ---- */

/* Whether the text has "key:" or "- item" lines and not one that begins with a bracket. */
static bool is_yaml(const char *p, const char *end)
{
    bool has_colon = false;
    while (p < end) {
        const char *newline = memchr(p, '\n', (size_t)(end - p));
        const char *stop = newline ? newline : end;
        while (p < stop && is_blank(*p))
            p++;
        if (p < stop && *p == '[')
            return false;
        if (p < stop && *p != '#' && *p != ';') {
            const char *colon = memchr(p, ':', (size_t)(stop - p)),
                       *equals = memchr(p, '=', (size_t)(stop - p));
            if (equals && (!colon || equals < colon))
                return false;
            has_colon |= colon && (colon + 1 == stop || is_blank(colon[1]));
        }
        p = stop + 1;
    }
    return has_colon;
}

static const char *skip_blanks(const char *p, const char *end)
{
    while (p < end && (is_blank(*p) || *p == '\n'))
        p++;
    return p;
}

/* An object, or an array of something. */
static bool is_json(const char *p, const char *end)
{
    if (p == end || *p != '[')
        return p < end && *p == '{';
    p = skip_blanks(p + 1, end);
    return p < end && (*p == '{' || *p == '[' || *p == '"');
}

/* What the file is instead of INI, with the remedy, or NULL. */
static const char *what_else(const char *text, size_t len)
{
    const char *p = text, *end = text + len;
    if (len > INI_SIZE_MAX)
        return "too large to be a configuration";
    if (len >= 2 && (memcmp(p, "\xFF\xFE", 2) == 0 || memcmp(p, "\xFE\xFF", 2) == 0 || (!p[0] && p[1]) ||
                     (p[0] && !p[1])))
        return "this is UTF-16 text (save it as UTF-8: iconv -f UTF-16 -t UTF-8)";
    p = skip_blanks(p, end);
    if (is_json(p, end))
        return "this is JSON, and a configuration is INI: [section] lines and key = value (configs/ has "
               "some)";
    if (is_yaml(p, end))
        return "this looks like YAML, and a configuration is INI: [section] lines and key = value (configs/ "
               "has some)";
    return NULL;
}

bool ini_read(const char *text, size_t len, const struct ini_handler *handler)
{
    const size_t bom = len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    struct reader r = {.p = text + bom, .end = text + len, .handler = handler};
    const char *refusal = what_else(r.p, len - bom);
    if (refusal) {
        tell(&r, refusal);
        return false;
    }
    ini_use_stack = false; /* its stack buffer holds 200 bytes whatever ini_max_line says */
    ini_max_line = ini_initial_alloc = (int)longest_line(r.p, r.end) + LINE_ENDING;
    ini_allow_multiline = false;
    ini_allow_inline_comments = false; /* what a comment is depends on the key */
    ini_stop_on_first_error = false;
    if (ini_parse_stream(next_line, &r, handle, &r) < 0)
        tell(&r, "not enough memory to read it");
    return !r.is_binary;
}
