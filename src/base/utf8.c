#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

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

/* ---- for a terminal ---- */

/* C0, DEL and C1; Bidi_Control. */
static bool is_obeyed(uint32_t cp)
{
    return cp < 0x20 || (cp >= 0x7F && cp < 0xA0) || cp == 0x061C || cp == 0x200E || cp == 0x200F ||
           (cp >= 0x202A && cp <= 0x202E) || (cp >= 0x2066 && cp <= 0x2069);
}

size_t utf8_show(const char *s, size_t len, const char *kept, char out[UTF8_SHOWN_MAX], size_t *used)
{
    static const char letters[] = {['\t'] = 't', ['\n'] = 'n', ['\r'] = 'r'};
    uint32_t cp = 0;
    size_t bad = 0;
    const size_t n = utf8_decode(s, len, &cp, &bad);
    *used = n ? n : bad;
    if (n == 0)
        return (size_t)snprintf(out, UTF8_SHOWN_MAX, "\xEF\xBF\xBD");
    if (!is_obeyed(cp) || (n == 1 && *s && strchr(kept, *s))) {
        memcpy(out, s, n);
        return n;
    }
    if (cp < sizeof letters && letters[cp])
        return (size_t)snprintf(out, UTF8_SHOWN_MAX, "\\%c", letters[cp]);
    return (size_t)snprintf(out, UTF8_SHOWN_MAX, cp < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)cp);
}

size_t utf8_cut(const char *s, size_t len, size_t most)
{
    return len <= most ? len : most - utf8_incomplete_tail(s, most);
}

bool utf8_is_white_space(uint32_t cp)
{
    return (cp >= 0x09 && cp <= 0x0d) || cp == 0x20 || cp == 0x85 || cp == 0xa0 || cp == 0x1680 ||
           (cp >= 0x2000 && cp <= 0x200a) || cp == 0x2028 || cp == 0x2029 || cp == 0x202f || cp == 0x205f ||
           cp == 0x3000;
}

bool utf8_is_blank(const char *s, size_t len)
{
    uint32_t cp;
    for (size_t i = 0, n; i < len; i += n) {
        n = utf8_decode(s + i, len - i, &cp, NULL);
        if (n == 0 || !utf8_is_white_space(cp))
            return false;
    }
    return true;
}

void utf8_copy_printable(const char *s, size_t len, const char *kept, char *out, size_t capacity)
{
    size_t n = 0;
    for (size_t i = 0, used; i < len && n + 1 < capacity; i += used) {
        char shown[UTF8_SHOWN_MAX];
        const size_t wanted = utf8_show(s + i, len - i, kept, shown, &used), room = capacity - 1 - n;
        const size_t taken = wanted < room ? wanted : room;
        memcpy(out + n, shown, taken);
        n += taken;
    }
    n -= utf8_incomplete_tail(out, n);
    out[n] = '\0';
}
