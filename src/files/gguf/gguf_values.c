#include "files/gguf/gguf.h"

#include "base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- messages ---- */

static const char *type_name(enum gguf_type type)
{
    static const char *const names[] = {
        [GGUF_U8] = "u8", [GGUF_I8] = "i8", [GGUF_U16] = "u16", [GGUF_I16] = "i16", [GGUF_U32] = "u32",
        [GGUF_I32] = "i32", [GGUF_F32] = "f32", [GGUF_BOOL] = "bool", [GGUF_U64] = "u64", [GGUF_I64] = "i64",
        [GGUF_F64] = "f64", [GGUF_ARRAY] = "array", [GGUF_STRING] = "string",
    };
    return names[type];
}

static enum sft_status fail_type(const struct gguf_value *v, const char *expected, struct sft_err *err)
{
    return sft_fail_in(err, SFT_EDATA, v->key, "expected %s, found %s%s", expected, v->is_array ? "an array of " : "",
                       type_name(v->type));
}

enum sft_status gguf_require(const struct gguf *g, const char *key, struct sft_err *err)
{
    return gguf_find(g, key) ? SFT_OK : sft_fail_in(err, SFT_EDATA, key, "is missing");
}

/* ---- numbers ---- */

#define AT(type, p) (*(type *)memcpy(&(type){0}, p, sizeof(type)))

/* A whole number; negative: *below. False where it is no whole number's type. */
static bool read_whole(const struct gguf_value *v, size_t i, uint64_t *out, bool *below)
{
    int64_t x = 0;
    switch (v->type) {
    case GGUF_U64:
        *below = false;
        *out = AT(uint64_t, v->data + 8 * i);
        return true;
    case GGUF_U8:
        x = v->data[i];
        break;
    case GGUF_I8:
        x = (v->data[i] ^ 0x80) - 0x80; /* two's complement */
        break;
    case GGUF_U16:
        x = AT(uint16_t, v->data + 2 * i);
        break;
    case GGUF_I16:
        x = AT(int16_t, v->data + 2 * i);
        break;
    case GGUF_U32:
        x = AT(uint32_t, v->data + 4 * i);
        break;
    case GGUF_I32:
        x = AT(int32_t, v->data + 4 * i);
        break;
    case GGUF_I64:
        x = AT(int64_t, v->data + 8 * i);
        break;
    default:
        return false;
    }
    *below = x < 0;
    *out = (uint64_t)x;
    return true;
}

enum sft_status gguf_get_size(const struct gguf *g, const char *key, size_t fallback, size_t *out, struct sft_err *err)
{
    const struct gguf_value *v = gguf_find(g, key);
    uint64_t x = fallback;
    bool below = false;
    if (v && (v->is_array || !read_whole(v, 0, &x, &below)))
        return fail_type(v, "a whole number", err);
    if (below)
        return sft_fail_in(err, SFT_EDATA, key, "%lld is not a size", (long long)x);
    if (x > SIZE_MAX / 2)
        return sft_fail_in(err, SFT_EDATA, key, "%llu is not a size", (unsigned long long)x);
    *out = (size_t)x;
    return SFT_OK;
}

/* The double of the fewest digits that is x as a float. */
static double shortest(float x)
{
    enum { DIGITS_MAX = 9 };
    char digits[32];
    for (int precision = 1; precision <= DIGITS_MAX; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, (double)x);
        if (strtof(digits, NULL) == x)
            return strtod(digits, NULL);
    }
    return (double)x;
}

enum sft_status gguf_get_real(const struct gguf *g, const char *key, double fallback, double *out,
                              struct sft_err *err)
{
    const struct gguf_value *v = gguf_find(g, key);
    uint64_t whole;
    bool below;
    *out = fallback;
    if (!v)
        return SFT_OK;
    if (!v->is_array && v->type == GGUF_F32)
        *out = shortest(AT(float, v->data));
    else if (!v->is_array && v->type == GGUF_F64)
        *out = AT(double, v->data);
    else if (!v->is_array && read_whole(v, 0, &whole, &below))
        *out = below ? (double)(int64_t)whole : (double)whole;
    else
        return fail_type(v, "a number", err);
    return isfinite(*out) ? SFT_OK : sft_fail_in(err, SFT_EDATA, key, "is not finite");
}

enum sft_status gguf_get_flag(const struct gguf *g, const char *key, bool fallback, bool *out, struct sft_err *err)
{
    const struct gguf_value *v = gguf_find(g, key);
    *out = fallback;
    if (!v)
        return SFT_OK;
    if (v->is_array || v->type != GGUF_BOOL)
        return fail_type(v, "true or false", err);
    if (v->data[0] > 1)
        return sft_fail_in(err, SFT_EDATA, key, "expected 0 or 1 as a bool, found %u", v->data[0]);
    *out = v->data[0];
    return SFT_OK;
}

/* ---- texts ---- */

struct gguf_text gguf_next_string(const unsigned char **at)
{
    const struct gguf_text text = {(const char *)*at + 8, (size_t)AT(uint64_t, *at)};
    *at += 8 + text.len;
    return text;
}

bool gguf_text_is(struct gguf_text text, const char *word)
{
    return text.text && text.len == strlen(word) && memcmp(text.text, word, text.len) == 0;
}

static bool is_clean(const struct gguf_text *text)
{
    for (size_t i = 0; i < text->len;) {
        uint32_t cp;
        const size_t n = utf8_decode(text->text + i, text->len - i, &cp, NULL);
        if (n == 0 || cp == 0)
            return false;
        i += n;
    }
    return true;
}

enum sft_status gguf_get_string(const struct gguf *g, const char *key, struct gguf_text *out, struct sft_err *err)
{
    const struct gguf_value *v = gguf_find(g, key);
    *out = (struct gguf_text){0};
    if (!v)
        return SFT_OK;
    if (v->is_array || v->type != GGUF_STRING)
        return fail_type(v, "a string", err);
    const unsigned char *at = v->data;
    *out = gguf_next_string(&at);
    return is_clean(out) ? SFT_OK : sft_fail_in(err, SFT_EDATA, key, "is not UTF-8 without a NUL in it");
}

/* ---- arrays ---- */

enum sft_status gguf_get_array(const struct gguf *g, const char *key, enum gguf_type type,
                               const struct gguf_value **out, struct sft_err *err)
{
    const struct gguf_value *v = gguf_find(g, key);
    *out = v;
    if (!v || (v->is_array && (v->type == type || (type == GGUF_I32 && v->type == GGUF_U32))))
        return SFT_OK;
    char expected[32];
    snprintf(expected, sizeof expected, "an array of %s", type_name(type));
    return fail_type(v, expected, err);
}

float gguf_f32_at(const struct gguf_value *array, size_t i)
{
    return AT(float, array->data + 4 * i);
}

int32_t gguf_i32_at(const struct gguf_value *array, size_t i)
{
    return AT(int32_t, array->data + 4 * i);
}
