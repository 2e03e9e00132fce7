#include "data/source/encoding.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Bytes a unit, and whether its first byte is the highest. */
static const struct {
    const char *name;
    size_t unit, mark_len;
    const char *mark;
    bool is_big;
} kinds[] = {
    [ENCODING_UTF16LE] = {"UTF-16", 2, 2, "\xFF\xFE", false},
    [ENCODING_UTF16BE] = {"UTF-16", 2, 2, "\xFE\xFF", true},
    [ENCODING_UTF32LE] = {"UTF-32", 4, 4, "\xFF\xFE\0\0", false},
    [ENCODING_UTF32BE] = {"UTF-32", 4, 4, "\0\0\xFE\xFF", true},
};

/* UTF-32's little mark begins with UTF-16's. */
static const enum encoding tried[] = {ENCODING_UTF32LE, ENCODING_UTF32BE, ENCODING_UTF16LE, ENCODING_UTF16BE};

enum { N_TRIED = sizeof tried / sizeof *tried, HIGHEST = 0x10FFFF };

static uint32_t unit_at(enum encoding encoding, const char *p)
{
    const size_t n = kinds[encoding].unit;
    uint32_t value = 0;
    for (size_t i = 0; i < n; i++)
        value = value << 8 | (unsigned char)p[kinds[encoding].is_big ? i : n - 1 - i];
    return value;
}

static bool is_high(uint32_t c)
{
    return c >= 0xD800 && c <= 0xDBFF;
}

static bool is_low(uint32_t c)
{
    return c >= 0xDC00 && c <= 0xDFFF;
}

/* The character at p, with room for a unit at least, and its bytes. A lone surrogate is itself. */
static uint32_t char_at(enum encoding encoding, const char *p, const char *end, size_t *n)
{
    const uint32_t c = unit_at(encoding, p);
    *n = kinds[encoding].unit;
    if (*n == 2 && is_high(c) && end - p >= 4) {
        const uint32_t low = unit_at(encoding, p + 2);
        if (is_low(low)) {
            *n = 4;
            return 0x10000 + ((c & 0x3FF) << 10) + (low & 0x3FF);
        }
    }
    return c;
}

/* ---- which one ---- */

static bool is_text(uint32_t c)
{
    return (c >= 0x20 && c < 0x7F) || c == '\t' || c == '\n' || c == '\r' || (c >= 0xA0 && c <= HIGHEST);
}

/* Without a mark: an ASCII character first, and text behind it. */
static bool is_evident(enum encoding encoding, const char *bytes, size_t len)
{
    enum { LOOKED_AT = 4096 };
    const size_t unit = kinds[encoding].unit;
    const char *end = bytes + (len < LOOKED_AT ? len / unit * unit : LOOKED_AT);
    if (end == bytes || unit_at(encoding, bytes) >= 0x7F)
        return false;
    for (size_t n; bytes < end; bytes += n) {
        const uint32_t c = char_at(encoding, bytes, end, &n);
        const bool is_cut = is_high(c) && bytes + n == end;
        if (!is_text(c) || ((is_high(c) || is_low(c)) && !is_cut))
            return false;
    }
    return true;
}

enum encoding encoding_of(const char *bytes, size_t len)
{
    for (size_t i = 0; i < N_TRIED; i++)
        if (len >= kinds[tried[i]].mark_len && memcmp(bytes, kinds[tried[i]].mark, kinds[tried[i]].mark_len) == 0)
            return tried[i];
    for (size_t i = 0; i < N_TRIED; i++)
        if (is_evident(tried[i], bytes, len))
            return tried[i];
    return ENCODING_UTF8;
}

/* ---- conversion ---- */

static size_t put_utf8(uint32_t c, char *out)
{
    static const unsigned char firsts[] = {0, 0xC0, 0xE0, 0xF0};
    const size_t more = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    out[0] = (char)(firsts[more] | (c >> (6 * more)));
    for (size_t i = 1; i <= more; i++)
        out[i] = (char)(0x80 | (c >> (6 * (more - i)) & 0x3F));
    return more + 1;
}

static enum sft_status convert_into(struct io_writer *w, enum encoding encoding, const struct io_map *from,
                                    struct sft_err *err)
{
    enum { BUFFER = 1 << 16 };
    const size_t unit = kinds[encoding].unit;
    const char *p = from->data, *end = p + from->size / unit * unit;
    const bool has_mark = from->size >= unit && memcmp(p, kinds[encoding].mark, unit) == 0;
    char *buffer = mem_alloc(BUFFER);
    size_t len = 0, n;
    uint32_t c = 0;
    for (p += has_mark ? unit : 0; p < end && c <= HIGHEST; p += n) {
        c = char_at(encoding, p, end, &n);
        if (c <= HIGHEST)
            len += put_utf8(c, buffer + len);
        if (len > BUFFER - 4) {
            io_write(w, buffer, len);
            len = 0;
        }
    }
    io_write(w, buffer, len);
    free(buffer);
    if (c > HIGHEST)
        return sft_fail(err, SFT_EDATA, "%s with a character above U+10FFFF, before byte %zu", kinds[encoding].name,
                        (size_t)(p - from->data));
    if (from->size % unit != 0)
        return sft_fail(err, SFT_EDATA, "%s that is cut off in a character, at byte %zu", kinds[encoding].name,
                        from->size);
    return SFT_OK;
}

enum sft_status encoding_convert(enum encoding encoding, const struct io_map *from, struct io_map *to,
                                 struct sft_err *err)
{
    struct io_writer *w = io_writer_open_temporary(err);
    if (!w)
        return err->status;
    const enum sft_status status = convert_into(w, encoding, from, err);
    if (!status)
        return io_writer_commit_map(w, to, err);
    io_writer_abort(w);
    return status;
}

/* ---- single bytes ---- */

/* The first place from i on that is not ASCII; len where there is none. */
static size_t skip_ascii(const char *text, size_t len, size_t i)
{
    static const uint64_t high_bits = UINT64_C(0x8080808080808080);
    uint64_t x;
    while (len - i >= 8 && (memcpy(&x, text + i, 8), (x & high_bits) == 0))
        i += 8;
    while (i < len && (unsigned char)text[i] < 0x80)
        i++;
    return i;
}

static bool is_alone(const char *text, size_t len, size_t i)
{
    return (i == 0 || (unsigned char)text[i - 1] < 0x80) && (i + 1 == len || (unsigned char)text[i + 1] < 0x80);
}

bool encoding_is_single_byte(const char *text, size_t len, size_t *line)
{
    size_t first = len;
    for (size_t i = skip_ascii(text, len, 0), bad; i < len; i = skip_ascii(text, len, i + bad)) {
        if (utf8_decode(text + i, len - i, NULL, &bad) > 0)
            return false;
        if (first == len && is_alone(text, len, i))
            first = i;
    }
    if (line && first < len) {
        *line = 1;
        for (size_t i = 0; i < first; i++)
            *line += text[i] == '\n';
    }
    return first < len;
}
