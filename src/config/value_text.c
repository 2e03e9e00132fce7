#include "config/value_text.h"

#include "base/mem.h"
#include "base/path.h"

#include <stdlib.h>
#include <string.h>

enum { SHOWN_MAX = 60 }; /* of a wrong value, in a message */

static const char escaped[] = "\n\t\\\"", escape_letters[] = "nt\\\"";

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool begins_comment(char c)
{
    return c == ';' || c == '#';
}

/* Past the quoted part whose opening quote is at p (a backslash hides a quote); NULL if it is never closed. */
static const char *quoted_end(const char *p)
{
    for (p++; *p && *p != '"'; p++)
        if (*p == '\\' && p[1])
            p++;
    return *p ? p + 1 : NULL;
}

static enum sft_status fail_unclosed(struct sft_err *err)
{
    return sft_fail(err, SFT_EUSAGE, "a double quote is never closed (in a quoted text, \\\" is a quote)");
}

/* ---- comments ---- */

/* Whether the field may hold any character: all kinds but numbers, truths, choices and paths. */
static bool is_text(const struct field *field)
{
    switch (field->type) {
    case FIELD_SIZE:
    case FIELD_DOUBLE:
    case FIELD_BOOL:
    case FIELD_ENUM:
    case FIELD_PATH:
    case FIELD_FILES:
    case FIELD_NAMES:
    case FIELD_WORDS:
        return false;
    default:
        return !field->values;
    }
}

/* A path, or words between blanks, any of which may be in quotes. */
static bool is_words(const struct field *field)
{
    return field->type == FIELD_PATH || field->type == FIELD_FILES || field->type == FIELD_NAMES ||
           field->type == FIELD_WORDS;
}

static bool exists(const char *dir, const char *name, size_t len)
{
    char *plain = mem_strndup(name, len);
    char *path = dir ? path_join(dir, plain) : mem_strdup(plain);
    const bool found = path_exists(path);
    free(path);
    free(plain);
    return found;
}

/* Whether what stands behind a ; or # is a file rather than a remark: somebody separates files by
 * semicolons. */
static bool looks_like_file(const char *dir, const char *word)
{
    static const char *const endings[] = {".jsonl", ".json", ".csv", ".tsv", ".txt", ".gz", ".parquet"};
    const size_t len = strcspn(word, " \t");
    char *plain = mem_strndup(word, len);
    bool yes = (strchr(plain, '/') || strchr(plain, '.')) && exists(dir, plain, len);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        yes |= str_has_ending(plain, endings[i]);
    free(plain);
    return yes;
}

/* Whether the ; or # at p may begin a comment behind a path. */
static enum sft_status check_path_comment(const struct field *field, const char *raw, const char *p,
                                          const char *dir, struct sft_err *err)
{
    const char *word = p + 1 + strspn(p + 1, " \t");
    const bool is_whole_name = field->type == FIELD_PATH && exists(dir, raw, strlen(raw));
    if (p[1] && !is_blank(p[1]))
        return sft_fail(
            err, SFT_EUSAGE,
            "'%.*s': is it a comment? (put the path in double quotes to keep it whole; a comment has a "
            "blank after the %c)",
            SHOWN_MAX, p, *p);
    if (is_whole_name || looks_like_file(dir, word))
        return sft_fail(
            err, SFT_EUSAGE,
            "'%.*s' would be a comment (put a path that holds a %c in double quotes; files are separated "
            "by blanks; a comment with a file's name has a line of its own)",
            SHOWN_MAX, p, *p);
    return SFT_OK;
}

/* Where the comment behind a path or a list of files begins, or the end. */
static enum sft_status find_path_comment(const struct field *field, const char *raw, const char *dir,
                                         const char **comment, struct sft_err *err)
{
    const char *p = raw;
    while (*p) {
        const bool is_start = p == raw || is_blank(p[-1]);
        if (is_start && *p == '"') {
            p = quoted_end(p);
            if (!p)
                return fail_unclosed(err);
        } else if (is_start && begins_comment(*p)) {
            *comment = p;
            return check_path_comment(field, raw, p, dir, err);
        } else {
            p++;
        }
    }
    *comment = p;
    return SFT_OK;
}

/* A text without quotes is all of the line, and may hold nothing that looks like a comment. */
static enum sft_status check_plain_text(const char *raw, struct sft_err *err)
{
    for (const char *p = raw; *p; p++)
        if (begins_comment(*p) && (p == raw || is_blank(p[-1])))
            return sft_fail(
                err, SFT_EUSAGE,
                "'%.*s': text or comment? (put the text in double quotes to keep all of it; a comment "
                "goes behind the closing quote, or has a line of its own)",
                SHOWN_MAX, p);
    return SFT_OK;
}

enum sft_status value_cut_comment(const struct field *field, const char *raw, const char *dir,
                                  struct strbuf *out, struct sft_err *err)
{
    const char *end = raw + strlen(raw);
    enum sft_status status = SFT_OK;
    if (is_words(field)) {
        status = find_path_comment(field, raw, dir, &end, err);
    } else if (*raw == '"') {
        const char *closed = quoted_end(raw);
        const char *next = closed ? closed + strspn(closed, " \t") : NULL;
        if (!closed)
            status = fail_unclosed(err);
        else if (begins_comment(*next))
            end = next;
    } else if (is_text(field)) {
        status = check_plain_text(raw, err);
    } else {
        end = raw + strcspn(raw, ";#");
    }
    while (end > raw && is_blank(end[-1]))
        end--;
    strbuf_clear(out);
    strbuf_add(out, raw, (size_t)(end - raw));
    return status;
}

/* ---- quotes and escapes ---- */

/* Append s[0..len) with its escapes replaced. */
static enum sft_status add_unescaped(struct strbuf *out, const char *s, size_t len, struct sft_err *err)
{
    for (size_t i = 0; i < len; i++) {
        if (s[i] != '\\') {
            strbuf_putc(out, s[i]);
            continue;
        }
        i++;
        const char *letter = i < len ? strchr(escape_letters, s[i]) : NULL;
        if (!letter || !*letter)
            return sft_fail(err, SFT_EUSAGE, "unknown escape '%.*s' (\\n, \\t, \\\\ and \\\" are known)",
                            i < len ? 2 : 1, s + i - 1);
        strbuf_putc(out, escaped[letter - escape_letters]);
    }
    return SFT_OK;
}

/* Quotes of other languages, and quotes whose partner was lost. */
static enum sft_status check_plain(const char *text, struct sft_err *err)
{
    const size_t len = strlen(text);
    size_t quotes = 0;
    for (const char *p = text; *p; p++) {
        if (*p == '\\' && p[1])
            p++;
        else
            quotes += *p == '"';
    }
    if (len >= 2 && text[0] == '\'' && text[len - 1] == '\'')
        return sft_fail(
            err, SFT_EUSAGE,
            "single quotes would be part of the value (use double quotes; within those they stay)");
    if (quotes % 2)
        return fail_unclosed(err);
    return SFT_OK;
}

static enum sft_status check_utf8(const char *text, size_t len, struct sft_err *err)
{
    for (size_t i = 0, n; i < len; i += n) {
        n = utf8_decode(text + i, len - i, NULL, NULL);
        if (n == 0)
            return sft_fail(err, SFT_EUSAGE, "not UTF-8 (byte 0x%02X; save the file as UTF-8)",
                            (unsigned char)text[i]);
    }
    return SFT_OK;
}

enum sft_status value_unquote(const struct field *field, const char *text, struct strbuf *out,
                              struct sft_err *err)
{
    enum sft_status status = SFT_OK;
    strbuf_clear(out);
    strbuf_puts(out, "");
    if (*text == '"') {
        const char *end = quoted_end(text);
        if (!end)
            return fail_unclosed(err);
        if (*end)
            return sft_fail(err, SFT_EUSAGE,
                            "text after the closing quote: '%.*s' (within quotes, \\\" is a quote)",
                            SHOWN_MAX, end);
        status = add_unescaped(out, text + 1, (size_t)(end - text) - 2, err);
    } else if (is_text(field) || is_words(field)) {
        status = check_plain(text, err);
        if (!status && field->type == FIELD_TEXT)
            status = add_unescaped(out, text, strlen(text), err);
        else
            strbuf_puts(out, text);
    } else {
        strbuf_puts(out, text);
    }
    return status || !is_text(field) ? status : check_utf8(out->data, out->len, err);
}

/* Lists as other languages write them: [a, b] and a, b. */
static enum sft_status check_item(const struct strbuf *word, bool is_quoted, bool is_last,
                                  struct sft_err *err)
{
    const char *s = word->data;
    if (is_quoted || path_exists(s))
        return SFT_OK;
    if (*s == '\'' && s[1])
        return sft_fail(err, SFT_EUSAGE, "single quotes would be part of the name (use double quotes)");
    if (*s == '[' || (!is_last && s[word->len - 1] == ','))
        return sft_fail(err, SFT_EUSAGE, "'%.*s': items are separated by blanks, without commas or brackets",
                        SHOWN_MAX, s);
    return SFT_OK;
}

enum sft_status value_next_item(const char **text, struct strbuf *word, struct sft_err *err)
{
    const char *p = *text;
    const bool is_quoted = *p == '"';
    strbuf_clear(word);
    if (is_quoted) {
        const char *end = quoted_end(p);
        if (!end)
            return fail_unclosed(err);
        if (add_unescaped(word, p + 1, (size_t)(end - p) - 2, err))
            return SFT_EUSAGE;
        p = end;
    }
    while (*p && !is_blank(*p))
        strbuf_putc(word, *p++);
    *text = p;
    if (word->len == 0)
        return sft_fail(err, SFT_EUSAGE, "an empty name");
    return check_item(word, is_quoted, p[strspn(p, " \t")] == '\0', err);
}

void value_add_quoted(struct strbuf *out, const char *s)
{
    strbuf_putc(out, '"');
    for (; *s; s++) {
        const char *special = strchr(escaped, *s);
        if (special)
            strbuf_putc(out, '\\');
        strbuf_putc(out, special ? escape_letters[special - escaped] : *s);
    }
    strbuf_putc(out, '"');
}
