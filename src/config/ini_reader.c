#include "config/ini_reader.h"

#include "base/mem.h"

#include <ini.h>
#include <stdbool.h>
#include <string.h>

/* More than any configuration; a file of weights given by mistake is refused at once. */
enum { INI_SIZE_MAX = 1 << 26, LINE_ENDING = 3 };

struct reader {
    const char *p, *end;
    const char *name;
    size_t line;
    ini_entry_fn *on_entry;
    void *user;
    enum sft_status status;
    struct sft_err *err;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

const char *ini_quoted_end(const char *p)
{
    for (p++; *p && *p != '"'; p++)
        if (*p == '\\' && p[1])
            p++;
    return *p ? p + 1 : NULL;
}

/* ---- one line ---- */

/* Cut a comment and the blanks before it off. SFT_EUSAGE where a quote is never closed. */
static enum sft_status cut_comment(char *line, struct sft_err *err)
{
    const char *separator = strpbrk(line, "=:");
    char *p = line;
    while (*p) {
        const bool after_blank = p == line || is_blank(p[-1]);
        if (after_blank && (*p == ';' || *p == '#'))
            break;
        if (*p == '"' && (after_blank || p - 1 == separator)) {
            const char *end = ini_quoted_end(p);
            if (!end)
                return sft_fail(err, SFT_EUSAGE, "a double quote is never closed");
            p = line + (end - line);
        } else {
            p++;
        }
    }
    while (p > line && is_blank(p[-1]))
        p--;
    *p = '\0';
    return SFT_OK;
}

static enum sft_status check_section(struct reader *r, char *line)
{
    char *bracket = strchr(line, ']');
    if (!bracket)
        return sft_fail(r->err, SFT_EUSAGE, "']' is missing after the section's name");
    if (bracket[1])
        return sft_fail(r->err, SFT_EUSAGE, "text after '%.*s' (a key = value has a line of its own)",
                        (int)(bracket + 1 - line < 60 ? bracket + 1 - line : 60), line);
    *bracket = '\0';
    const enum sft_status status = r->on_entry(r->user, line + 1, NULL, NULL, r->line, r->err);
    *bracket = ']';
    return status;
}

/* Make a line of the file into one that inih cannot misread. */
static enum sft_status prepare_line(struct reader *r, char *line)
{
    if (cut_comment(line, r->err))
        return SFT_EUSAGE;
    if (*line == '[')
        return check_section(r, line);
    if (*line && (!strpbrk(line, "=:") || *line == '=' || *line == ':'))
        return sft_fail(r->err, SFT_EUSAGE, "expected key = value or [section], found '%.60s'", line);
    return SFT_OK;
}

/* ---- inih's callbacks ---- */

/* Like fgets, without the line break. `size` is more than the longest line. */
static char *next_line(char *out, int size, void *stream)
{
    (void)size;
    struct reader *r = stream;
    if (r->status || r->p == r->end)
        return NULL;
    const char *newline = memchr(r->p, '\n', (size_t)(r->end - r->p));
    const char *start = r->p, *stop = newline ? newline : r->end;
    r->p = newline ? newline + 1 : r->end;
    r->line++;
    while (start < stop && is_blank(*start))
        start++;
    memcpy(out, start, (size_t)(stop - start));
    out[stop - start] = '\0';
    r->status = memchr(out, '\0', (size_t)(stop - start))
                    ? sft_fail(r->err, SFT_EUSAGE, "a NUL byte: this is no text file")
                    : prepare_line(r, out);
    return r->status ? NULL : out;
}

static int handle(void *user, const char *section, const char *key, const char *value)
{
    struct reader *r = user;
    r->status = r->on_entry(r->user, section, key, value, r->line, r->err);
    return r->status == SFT_OK;
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

enum sft_status ini_read(const char *text, size_t len, const char *name, ini_entry_fn *on_entry, void *user,
                         struct sft_err *err)
{
    if (len > INI_SIZE_MAX)
        return sft_fail(err, SFT_EUSAGE, "%s: too large to be a configuration (%zu bytes)", name, len);
    const size_t bom = len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    struct reader r = {
        .p = text + bom, .end = text + len, .name = name, .on_entry = on_entry, .user = user, .err = err};

    ini_use_stack = false; /* its stack buffer holds 200 bytes whatever ini_max_line says */
    ini_max_line = ini_initial_alloc = (int)longest_line(r.p, r.end) + LINE_ENDING;
    ini_allow_multiline = false;
    ini_allow_inline_comments = false; /* cut_comment has been there, and it knows of quotes */
    ini_stop_on_first_error = true;
    const int failed_line = ini_parse_stream(next_line, &r, handle, &r);
    if (r.status)
        sft_context(err, "%s:%zu", name, r.line);
    else if (failed_line != 0)
        r.status = sft_fail(err, SFT_EUSAGE, "%s:%zu: not understood", name, r.line);
    return r.status;
}
