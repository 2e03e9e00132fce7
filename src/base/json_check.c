#include "base/json_check.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* cJSON copies a number into a buffer of 64 bytes and stops there. */
enum { NUMBER_MAX = 63, EXACT_DIGITS = 15 };

/* What the grammar allows at the current place. */
enum expect {
    EXPECT_VALUE,
    EXPECT_FIRST_VALUE, /* or the end of an array */
    EXPECT_KEY,
    EXPECT_FIRST_KEY, /* or the end of an object */
    EXPECT_AFTER      /* a comma or a closing bracket */
};

struct cursor {
    const char *text, *p, *end;
    struct json_check *check;
    struct sft_err *err;
    enum expect expect;
    size_t depth;
    char open[JSON_MAX_DEPTH]; /* '{' or '[' of each level */
};

static size_t bom_length(const char *text, size_t len)
{
    return len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

/* ---- messages ---- */

enum sft_status json_fail_at(struct sft_err *err, const char *text, size_t len, size_t offset,
                             const char *fmt, ...)
{
    va_list ap;
    if (!err) /* a scanner asks often, and over long texts */
        return SFT_EDATA;
    va_start(ap, fmt);
    sft_vfail(err, SFT_EDATA, fmt, ap);
    va_end(ap);

    while (len > offset && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        len--;
    const bool is_one_line = !memchr(text, '\n', len);
    size_t line = 1, column = 1;
    for (size_t i = bom_length(text, len); i < offset; i++) {
        if (text[i] == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)text[i] & 0xC0) != 0x80) { /* columns count characters, not bytes */
            column++;
        }
    }
    return sft_at(err, is_one_line ? 0 : line, column);
}

#define FAIL_AT(c, at, ...)                                                                                  \
    json_fail_at((c)->err, (c)->text, (size_t)((c)->end - (c)->text), (size_t)((at) - (c)->text), __VA_ARGS__)

/* "expected WHAT, found ...", with the character at p as a person would see it. */
static enum sft_status fail_expected(struct cursor *c, const char *what)
{
    if (c->p == c->end)
        return FAIL_AT(c, c->p, "expected %s, but the text ends here", what);
    const size_t n = utf8_decode(c->p, (size_t)(c->end - c->p), NULL, NULL);
    const unsigned char byte = (unsigned char)*c->p;
    if (n == 0 || byte < 0x20 || byte == 0x7F)
        return FAIL_AT(c, c->p, "expected %s, found byte 0x%02X", what, byte);
    return FAIL_AT(c, c->p, "expected %s, found '%.*s'", what, (int)n, c->p);
}

/* ---- strings ---- */

#define HIGH_BITS UINT64_C(0x8080808080808080) /* of eight bytes */

/* Eight bytes at a time; the sign bit of a byte of the result marks the candidates, and a borrow can only
 * add a false one after a true one, so the first is right. */
static uint64_t special_bytes(uint64_t x)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t quote = x ^ (ones * '"'), backslash = x ^ (ones * '\\');
    return (((quote - ones) & ~quote) | ((backslash - ones) & ~backslash) | ((x - ones * 0x20) & ~x)) &
           HIGH_BITS;
}

const char *json_skip_plain(const char *p, const char *end)
{
    while (end - p >= 8) {
        uint64_t x;
        memcpy(&x, p, 8);
        if (special_bytes(x))
            break;
        p += 8;
    }
    while (p < end && *p != '"' && *p != '\\' && (unsigned char)*p >= 0x20)
        p++;
    return p;
}

/* The four hexadecimal digits at p, or -1. */
static int hex4(const char *p, const char *end)
{
    if (end - p < 4)
        return -1;
    int value = 0;
    for (int i = 0; i < 4; i++) {
        const char h = p[i];
        const int digit = h >= '0' && h <= '9'   ? h - '0'
                          : h >= 'a' && h <= 'f' ? h - 'a' + 10
                          : h >= 'A' && h <= 'F' ? h - 'A' + 10
                                                 : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* A backslash at p and what belongs to it. */
static enum sft_status check_escape(struct cursor *c)
{
    if (c->end - c->p < 2)
        return FAIL_AT(c, c->p, "the text ends inside a string");
    if (c->p[1] != 'u') {
        if (!memchr("\"\\/bfnrt", c->p[1], 8))
            return FAIL_AT(c, c->p, "unknown escape in a string (a backslash itself is written \\\\)");
        c->p += 2;
        return SFT_OK;
    }
    const int unit = hex4(c->p + 2, c->end);
    if (unit < 0)
        return FAIL_AT(c, c->p, "\\u must be followed by four hexadecimal digits");
    if (unit == 0)
        return FAIL_AT(c, c->p, "\\u0000 in a string");
    if (unit >= 0xDC00 && unit <= 0xDFFF)
        return FAIL_AT(c, c->p, "lone low surrogate \\u%04x in a string", (unsigned)unit);
    if (unit >= 0xD800 && unit <= 0xDBFF) {
        const bool has_next = c->end - c->p >= 12 && c->p[6] == '\\' && c->p[7] == 'u';
        const int next = has_next ? hex4(c->p + 8, c->end) : -1;
        if (next < 0xDC00 || next > 0xDFFF)
            return FAIL_AT(c, c->p, "lone high surrogate \\u%04x in a string", (unsigned)unit);
        c->p += 6;
    }
    c->p += 6;
    return SFT_OK;
}

/* [p, end) as UTF-8; ASCII eight bytes at a time. */
static enum sft_status check_utf8(struct cursor *c, const char *p, const char *end)
{
    while (p < end) {
        uint64_t x;
        while (end - p >= 8 && (memcpy(&x, p, 8), (x & HIGH_BITS) == 0))
            p += 8;
        while (p < end && (unsigned char)*p < 0x80)
            p++;
        while (p < end && (unsigned char)*p >= 0x80) {
            const size_t n = utf8_decode(p, (size_t)(end - p), NULL, NULL);
            if (n == 0)
                return FAIL_AT(c, p, "not UTF-8 (byte 0x%02X)", (unsigned char)*p);
            p += n;
        }
    }
    return SFT_OK;
}

static enum sft_status check_string(struct cursor *c)
{
    const char *opening = c->p++;
    for (;;) {
        const char *plain = c->p;
        c->p = json_skip_plain(plain, c->end);
        if (check_utf8(c, plain, c->p))
            return SFT_EDATA;
        if (c->p == c->end)
            return FAIL_AT(c, opening, "this string is never closed");
        if (*c->p == '"') {
            c->p++;
            return SFT_OK;
        }
        if (*c->p == '\n')
            return FAIL_AT(c, c->p, "a line break in a string (write \\n)");
        if (*c->p == '\0')
            return FAIL_AT(c, c->p, "a NUL in a string");
        if (*c->p != '\\')
            return FAIL_AT(c, c->p, "control character 0x%02X in a string (write \\u%04x)",
                           (unsigned char)*c->p, (unsigned char)*c->p);
        if (check_escape(c))
            return SFT_EDATA;
    }
}

/* ---- numbers and words ---- */

static size_t count_digits(const struct cursor *c)
{
    const char *p = c->p;
    while (p < c->end && *p >= '0' && *p <= '9')
        p++;
    return (size_t)(p - c->p);
}

static enum sft_status check_digits(struct cursor *c, const char *what)
{
    const size_t n = count_digits(c);
    if (n == 0)
        return fail_expected(c, what);
    c->p += n;
    return SFT_OK;
}

static void keep_spelling(struct cursor *c, const char *start)
{
    struct json_check *k = c->check;
    k->spellings = mem_grow(k->spellings, &k->spellings_cap, k->n_spellings + 1, sizeof *k->spellings);
    k->spellings[k->n_spellings++] = (struct json_spelling){
        .ordinal = k->n_numbers, .offset = (size_t)(start - c->text), .len = (size_t)(c->p - start)};
}

/* NaN, Infinity and -Infinity as Python's json reads and writes them, at p: their length, else 0. */
static size_t special_length(const char *p, const char *end)
{
    static const char *const specials[] = {"NaN", "Infinity", "-Infinity"};
    for (size_t i = 0; i < sizeof specials / sizeof *specials; i++) {
        const size_t n = strlen(specials[i]);
        if ((size_t)(end - p) >= n && memcmp(p, specials[i], n) == 0)
            return n;
    }
    return 0;
}

/* A special one is a number whose spelling is kept. */
static bool take_special(struct cursor *c)
{
    const char *start = c->p;
    const size_t n = special_length(start, c->end);
    if (n == 0)
        return false;
    c->p += n;
    keep_spelling(c, start);
    c->check->n_numbers++;
    c->check->n_specials++;
    return true;
}

static enum sft_status check_number(struct cursor *c)
{
    const char *start = c->p;
    if (*c->p == '-')
        c->p++;
    const size_t n_digits = count_digits(c);
    if (n_digits > 1 && *c->p == '0')
        return FAIL_AT(c, c->p, "a number may not start with 0");
    if (check_digits(c, "a digit"))
        return SFT_EDATA;
    bool is_plain = n_digits <= EXACT_DIGITS && !(*start == '-' && start[1] == '0');
    if (c->p < c->end && *c->p == '.') {
        is_plain = false;
        c->p++;
        if (check_digits(c, "a digit after the point"))
            return SFT_EDATA;
    }
    if (c->p < c->end && (*c->p == 'e' || *c->p == 'E')) {
        is_plain = false;
        c->p++;
        if (c->p < c->end && (*c->p == '+' || *c->p == '-'))
            c->p++;
        if (check_digits(c, "a digit in the exponent"))
            return SFT_EDATA;
    }
    if (c->p - start > NUMBER_MAX)
        return FAIL_AT(c, start, "a number of more than %d characters", NUMBER_MAX);
    if (!is_plain)
        keep_spelling(c, start);
    c->check->n_numbers++;
    return SFT_OK;
}

/* true, false, null; and of words of other languages, that they are not JSON. */
static enum sft_status check_word(struct cursor *c)
{
    static const char *const words[] = {"true", "false", "null"};
    size_t n = 0;
    while (c->p + n < c->end && ((c->p[n] | 0x20) >= 'a') && ((c->p[n] | 0x20) <= 'z'))
        n++;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (n == strlen(words[i]) && memcmp(c->p, words[i], n) == 0) {
            c->p += n;
            return SFT_OK;
        }
    if (n == 0)
        return fail_expected(c, "a value");
    char word[41]; /* which one it is is the cause: None, undefined */
    snprintf(word, sizeof word, "%.*s", (int)(n < sizeof word ? n : sizeof word - 1), c->p);
    return FAIL_AT(c, c->p, "'%s' is no JSON value", word);
}

/* ---- structure ---- */

static void skip_space(struct cursor *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\n' || *c->p == '\r' || *c->p == '\t'))
        c->p++;
}

static enum sft_status open_level(struct cursor *c)
{
    if (c->depth == JSON_MAX_DEPTH)
        return FAIL_AT(c, c->p, "nested deeper than %d levels", JSON_MAX_DEPTH);
    c->expect = *c->p == '{' ? EXPECT_FIRST_KEY : EXPECT_FIRST_VALUE;
    c->open[c->depth++] = *c->p++;
    return SFT_OK;
}

static void close_level(struct cursor *c)
{
    c->p++;
    c->depth--;
    c->expect = EXPECT_AFTER;
}

static enum sft_status check_value(struct cursor *c)
{
    const char first = c->p < c->end ? *c->p : '\0';
    if (first == ']' && c->expect == EXPECT_FIRST_VALUE) {
        close_level(c);
        return SFT_OK;
    }
    if (first == '{' || first == '[')
        return open_level(c);
    c->expect = EXPECT_AFTER;
    if (first == '"')
        return check_string(c);
    if ((first == 'N' || first == 'I' || first == '-') && take_special(c))
        return SFT_OK;
    if (first == '-' || (first >= '0' && first <= '9'))
        return check_number(c);
    return check_word(c);
}

static enum sft_status check_key(struct cursor *c)
{
    const char first = c->p < c->end ? *c->p : '\0';
    if (first == '}' && c->expect == EXPECT_FIRST_KEY) {
        close_level(c);
        return SFT_OK;
    }
    if (first != '"')
        return fail_expected(c, c->expect == EXPECT_FIRST_KEY ? "a key in double quotes or '}'"
                                                              : "a key in double quotes");
    if (c->check->n_keys++ == c->check->wanted_key)
        c->check->key_offset = (size_t)(c->p - c->text);
    if (check_string(c))
        return SFT_EDATA;
    skip_space(c);
    if (c->p == c->end || *c->p != ':')
        return fail_expected(c, "':' after the key");
    c->p++;
    c->expect = EXPECT_VALUE;
    return SFT_OK;
}

static enum sft_status check_after(struct cursor *c)
{
    const bool in_object = c->open[c->depth - 1] == '{';
    const char found = c->p < c->end ? *c->p : '\0';
    if (found == ',') {
        c->p++;
        c->expect = in_object ? EXPECT_KEY : EXPECT_VALUE;
        return SFT_OK;
    }
    if (found == (in_object ? '}' : ']')) {
        close_level(c);
        return SFT_OK;
    }
    return fail_expected(c, in_object ? "',' or '}'" : "',' or ']'");
}

static enum sft_status check_step(struct cursor *c)
{
    switch (c->expect) {
    case EXPECT_VALUE:
    case EXPECT_FIRST_VALUE:
        return check_value(c);
    case EXPECT_KEY:
    case EXPECT_FIRST_KEY:
        return check_key(c);
    case EXPECT_AFTER:
        return check_after(c);
    }
    SFT_BUG("unknown state");
}

enum sft_status json_check(struct json_check *check, const char *text, size_t len, struct sft_err *err)
{
    struct cursor c = {
        .text = text, .p = text, .end = text + len, .check = check, .err = err, .expect = EXPECT_VALUE};
    enum sft_status status;
    c.p += bom_length(text, len);
    skip_space(&c);
    check->start = (size_t)(c.p - text);
    do {
        skip_space(&c);
        status = check_step(&c);
    } while (!status && (c.depth > 0 || c.expect != EXPECT_AFTER));
    check->end = (size_t)(c.p - text);
    skip_space(&c);
    check->rest = (size_t)(c.p - text);
    return status;
}
