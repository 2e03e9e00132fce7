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

/* ---- UTF-8 ---- */

static bool is_continuation(unsigned char c)
{
    return (c & 0xC0) == 0x80;
}

/* The lead byte's length, and the range of the second byte that Unicode's table 3-7 allows. */
static size_t lead_byte(unsigned char c, unsigned char *low, unsigned char *high)
{
    *low = 0x80;
    *high = 0xBF;
    if (c < 0x80)
        return 1;
    if (c < 0xC2 || c > 0xF4)
        return 0;
    if (c < 0xE0)
        return 2;
    if (c < 0xF0) {
        if (c == 0xE0)
            *low = 0xA0; /* no overlong forms */
        if (c == 0xED)
            *high = 0x9F; /* no surrogates */
        return 3;
    }
    if (c == 0xF0)
        *low = 0x90;
    if (c == 0xF4)
        *high = 0x8F; /* nothing past U+10FFFF */
    return 4;
}

/* How many bytes of s belong to its first character, up to the first byte that cannot; *need is how many a
 * whole one has (0: the first byte begins none). */
static size_t utf8_prefix(const char *s, size_t len, size_t *need)
{
    const unsigned char *u = (const unsigned char *)s;
    unsigned char low, high;
    *need = lead_byte(u[0], &low, &high);
    size_t have = 1;
    while (have < *need && have < len) {
        const bool ok = have == 1 ? u[1] >= low && u[1] <= high : is_continuation(u[have]);
        if (!ok)
            break;
        have++;
    }
    return have;
}

size_t utf8_decode(const char *s, size_t len, uint32_t *cp, size_t *bad)
{
    static const unsigned char lead_mask[5] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    size_t need;
    const size_t have = utf8_prefix(s, len, &need);
    if (have != need) {
        if (bad)
            *bad = have;
        return 0;
    }
    if (cp) {
        *cp = (unsigned char)s[0] & lead_mask[need];
        for (size_t i = 1; i < need; i++)
            *cp = *cp << 6 | ((unsigned char)s[i] & 0x3F);
    }
    return need;
}

size_t utf8_incomplete_tail(const char *s, size_t len)
{
    for (size_t back = 1; back <= 3 && back <= len; back++) {
        const char *start = s + len - back;
        if (is_continuation((unsigned char)*start))
            continue;
        size_t need;
        const size_t have = utf8_prefix(start, back, &need);
        return have == back && need > back ? back : 0;
    }
    return 0;
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

/* C0, DEL and C1; Bidi_Control. */
static bool is_obeyed(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7F && cp < 0xA0) || cp == 0x061C || cp == 0x200E || cp == 0x200F ||
           (cp >= 0x202A && cp <= 0x202E) || (cp >= 0x2066 && cp <= 0x2069);
}

/* What is obeyed becomes an escape, but for the characters in `kept`. */
static void add_escaped(struct strbuf *sb, const char *s, size_t len, const char *kept)
{
    static const char letters[] = {['\t'] = 't', ['\n'] = 'n', ['\r'] = 'r'};
    size_t i = 0;
    while (i < len) {
        uint32_t cp = 0;
        size_t bad = 0;
        const size_t n = utf8_decode(s + i, len - i, &cp, &bad);
        if (n == 0)
            strbuf_puts(sb, "\xEF\xBF\xBD");
        else if (!is_obeyed(cp) || (n == 1 && s[i] && strchr(kept, s[i])))
            strbuf_add(sb, s + i, n);
        else if (cp < sizeof letters && letters[cp])
            strbuf_printf(sb, "\\%c", letters[cp]);
        else
            strbuf_printf(sb, cp < 0x100 ? "\\x%02x" : "\\u%04x", cp);
        i += n ? n : bad;
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

void str_make_printable(char *s, size_t capacity)
{
    struct strbuf text = {0};
    size_t len = strlen(s);
    if (len + 1 == capacity) /* it may have been cut already, inside a character */
        len -= utf8_incomplete_tail(s, len);
    strbuf_add_printable(&text, s, len);
    if (text.len >= capacity) {
        text.len = capacity - 1;
        text.len -= utf8_incomplete_tail(text.data, text.len);
    }
    if (text.len)
        memcpy(s, text.data, text.len);
    s[text.len] = '\0';
    strbuf_free(&text);
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
