#include "base/strbuf.h"

#include "base/mem.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void reserve(struct strbuf *sb, size_t extra)
{
    sb->data = mem_grow(sb->data, &sb->capacity, sb->len + extra + 1, 1);
}

void strbuf_add(struct strbuf *sb, const void *bytes, size_t len)
{
    reserve(sb, len);
    if (len)
        memcpy(sb->data + sb->len, bytes, len);
    sb->len += len;
    sb->data[sb->len] = '\0';
}

void strbuf_puts(struct strbuf *sb, const char *s)
{
    strbuf_add(sb, s, strlen(s));
}

void strbuf_putc(struct strbuf *sb, char c)
{
    strbuf_add(sb, &c, 1);
}

void strbuf_printf(struct strbuf *sb, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    const int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n > 0) {
        reserve(sb, (size_t)n);
        vsnprintf(sb->data + sb->len, (size_t)n + 1, fmt, again);
        sb->len += (size_t)n;
    }
    va_end(again);
}

void strbuf_clear(struct strbuf *sb)
{
    sb->len = 0;
    if (sb->data)
        sb->data[0] = '\0';
}

void strbuf_free(struct strbuf *sb)
{
    free(sb->data);
    *sb = (struct strbuf){0};
}

void strbuf_add_utf8_lossy(struct strbuf *sb, const char *s, size_t len)
{
    size_t good = 0; /* start of the well-formed run that is not yet copied */
    size_t i = 0;
    while (i < len) {
        size_t bad = 0;
        const size_t n = utf8_decode(s + i, len - i, NULL, &bad);
        if (n) {
            i += n;
            continue;
        }
        strbuf_add(sb, s + good, i - good);
        strbuf_puts(sb, "\xEF\xBF\xBD");
        i += bad;
        good = i;
    }
    strbuf_add(sb, s + good, len - good);
}

/* What is obeyed becomes an escape, but for the characters in `kept`. */
static void add_escaped(struct strbuf *sb, const char *s, size_t len, const char *kept)
{
    for (size_t i = 0, used; i < len; i += used) {
        char escape[UTF8_SHOWN_MAX];
        const size_t n = utf8_show(s + i, len - i, kept, escape, &used);
        strbuf_add(sb, escape, n);
    }
}

void strbuf_add_visible(struct strbuf *sb, const char *s, size_t len)
{
    add_escaped(sb, s, len, "");
}

void strbuf_add_printable(struct strbuf *sb, const char *s, size_t len)
{
    add_escaped(sb, s, len, "\n\t");
}

void strbuf_add_excerpt(struct strbuf *sb, const char *s, size_t len, size_t most, bool is_cut)
{
    size_t i = 0, used;
    while (i < len && strchr(" \t\r\n", s[i]) && s[i])
        i++;
    if (i == len && !is_cut)
        strbuf_puts(sb, "(nothing)");
    for (const size_t end = sb->len + most; i < len; i += used) {
        char shown[UTF8_SHOWN_MAX];
        const size_t n = utf8_show(s + i, len - i, "", shown, &used);
        if (sb->len + n > end)
            break;
        strbuf_add(sb, shown, n);
    }
    strbuf_puts(sb, i < len || is_cut ? " [...]" : "");
}

/* ---- JSON out ---- */

void strbuf_json_string(struct strbuf *sb, const char *s, size_t len)
{
    strbuf_putc(sb, '"');
    size_t i = 0;
    while (i < len) {
        const unsigned char c = (unsigned char)s[i];
        static const char escapes[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
        size_t bad = 0;
        uint32_t cp = 0;
        const size_t n = utf8_decode(s + i, len - i, &cp, &bad);
        if (n == 0) {
            strbuf_puts(sb, "\xEF\xBF\xBD");
        } else if (c == '"' || c == '\\') {
            strbuf_putc(sb, '\\');
            strbuf_putc(sb, (char)c);
        } else if (c < sizeof escapes && escapes[c]) {
            strbuf_putc(sb, '\\');
            strbuf_putc(sb, escapes[c]);
        } else if (cp < 0x20 || (cp >= 0x7F && cp < 0xA0)) { /* a terminal obeys C1 too */
            strbuf_printf(sb, "\\u%04x", cp);
        } else {
            strbuf_add(sb, s + i, n);
        }
        i += n ? n : bad;
    }
    strbuf_putc(sb, '"');
}

void strbuf_json_number(struct strbuf *sb, double x)
{
    if (isfinite(x))
        strbuf_printf(sb, "%.9g", x);
    else
        strbuf_puts(sb, "null");
}

void strbuf_double(struct strbuf *sb, double x)
{
    static const double whole_max = 1e15;
    if (x == floor(x) && fabs(x) < whole_max) {
        strbuf_printf(sb, "%.0f", x);
        return;
    }
    char digits[32];
    for (int precision = 1; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, x);
        if (strtod(digits, NULL) == x)
            break;
    }
    strbuf_puts(sb, digits);
}

bool str_has_ending(const char *s, const char *ending)
{
    const size_t len = strlen(s), n = strlen(ending);
    return len >= n && memcmp(s + len - n, ending, n) == 0;
}

bool str_is_one_of(const char *s, size_t len, const char *const *words, size_t n_words)
{
    for (size_t i = 0; i < n_words; i++)
        if (strlen(words[i]) == len && memcmp(words[i], s, len) == 0)
            return true;
    return false;
}

void strbuf_add_shell_word(struct strbuf *sb, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./+,:@%=";
    if (*word && strspn(word, plain) == strlen(word)) {
        strbuf_puts(sb, word);
        return;
    }
    strbuf_putc(sb, '\'');
    for (const char *p = word; *p; p++)
        strbuf_puts(sb, *p == '\'' ? "'\\''" : (char[]){*p, '\0'});
    strbuf_putc(sb, '\'');
}

void strbuf_add_shell_path(struct strbuf *sb, const char *path)
{
    char *plain = mem_printf("%s%s", *path == '-' ? "./" : "", path);
    strbuf_add_shell_word(sb, plain);
    free(plain);
}
