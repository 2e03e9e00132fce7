/* Blocks of 32 or 256 numbers that share their scales (github.com/ggml-org/llama.cpp, ggml/src/ggml-common.h). The
 * order of operations is that of gguf.quants: a product, then a sum or difference, each rounded to float (the Makefile
 * keeps the compiler from fusing them). */
#include "files/gguf/gguf_types.h"

#include "base/err.h"
#include "files/half.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

enum { QK = 32, QK_K = 256 };

static float half_at(const unsigned char *p)
{
    uint16_t h;
    memcpy(&h, p, sizeof h);
    return f32_from_f16(h);
}

static float signed_byte(unsigned char byte)
{
    return (float)(int8_t)byte;
}

/* ---- 32 numbers: their low halves' four bits, then their high halves' ---- */

/* The fifth bits, a bit a number, for block[i] and block[i + 16]. */
static uint32_t bits_at(const unsigned char *p)
{
    uint32_t bits;
    memcpy(&bits, p, sizeof bits);
    return bits;
}

/* d, 16 bytes: d * (q - 8). */
static void q4_0(float *values, const unsigned char *b, size_t n)
{
    for (; n; n -= QK, values += QK, b += 18) {
        const float d = half_at(b);
        for (size_t i = 0; i < QK / 2; i++) {
            values[i] = d * (float)((b[2 + i] & 0x0F) - 8);
            values[i + QK / 2] = d * (float)((b[2 + i] >> 4) - 8);
        }
    }
}

/* d, m, 16 bytes: d * q + m. */
static void q4_1(float *values, const unsigned char *b, size_t n)
{
    for (; n; n -= QK, values += QK, b += 20) {
        const float d = half_at(b), m = half_at(b + 2);
        for (size_t i = 0; i < QK / 2; i++) {
            values[i] = d * (float)(b[4 + i] & 0x0F) + m;
            values[i + QK / 2] = d * (float)(b[4 + i] >> 4) + m;
        }
    }
}

/* d, 4 bytes of fifth bits, 16 bytes: d * (q - 16). */
static void q5_0(float *values, const unsigned char *b, size_t n)
{
    for (; n; n -= QK, values += QK, b += 22) {
        const float d = half_at(b);
        const uint32_t high = bits_at(b + 2);
        for (size_t i = 0; i < QK / 2; i++) {
            const int low = (b[6 + i] & 0x0F) | (int)(high >> i & 1) << 4;
            const int upper = b[6 + i] >> 4 | (int)(high >> (i + QK / 2) & 1) << 4;
            values[i] = d * (float)(low - 16);
            values[i + QK / 2] = d * (float)(upper - 16);
        }
    }
}

/* d, m, 4 bytes of fifth bits, 16 bytes: d * q + m. */
static void q5_1(float *values, const unsigned char *b, size_t n)
{
    for (; n; n -= QK, values += QK, b += 24) {
        const float d = half_at(b), m = half_at(b + 2);
        const uint32_t high = bits_at(b + 4);
        for (size_t i = 0; i < QK / 2; i++) {
            const int low = (b[8 + i] & 0x0F) | (int)(high >> i & 1) << 4;
            const int upper = b[8 + i] >> 4 | (int)(high >> (i + QK / 2) & 1) << 4;
            values[i] = d * (float)low + m;
            values[i + QK / 2] = d * (float)upper + m;
        }
    }
}

/* d, 32 bytes. */
static void q8_0(float *values, const unsigned char *b, size_t n)
{
    for (; n; n -= QK, values += QK, b += 34) {
        const float d = half_at(b);
        for (size_t i = 0; i < QK; i++)
            values[i] = d * signed_byte(b[2 + i]);
    }
}

/* ---- and back: gguf.quants' quantize, to the bit ---- */

static void put_half(unsigned char *p, float x)
{
    const uint16_t h = f16_from_f32(x);
    memcpy(p, &h, sizeof h);
}

/* The one that is largest without its sign, the first of several. */
static float largest(const float *values)
{
    float max = values[0];
    for (size_t i = 1; i < QK; i++)
        max = fabsf(values[i]) > fabsf(max) ? values[i] : max;
    return max;
}

/* 1 / d is infinite of a d that is next to nothing, and then so is what it multiplies, or no number: its scale as an
 * F16 is 0 in any case. */
static int whole(float x)
{
    return isfinite(x) ? (int)x : 0;
}

static void to_q8_0(unsigned char *b, const float *values, size_t n)
{
    for (; n; n -= QK, values += QK, b += 34) {
        const float d = fabsf(largest(values)) / 127, inverse = d == 0 ? 0 : 1 / d;
        put_half(b, d);
        for (size_t i = 0; i < QK; i++)
            b[2 + i] = (unsigned char)whole(roundf(values[i] * inverse));
    }
}

static unsigned char nibble(float x)
{
    const int q = whole(x + 8.5F);
    return (unsigned char)(q < 0 ? 0 : q > 15 ? 15 : q);
}

/* The largest becomes -8, so that d has the other sign; of nothing but zeros it is -0. */
static void to_q4_0(unsigned char *b, const float *values, size_t n)
{
    for (; n; n -= QK, values += QK, b += 18) {
        const float d = largest(values) / -8, inverse = d == 0 ? 0 : 1 / d;
        put_half(b, d);
        for (size_t i = 0; i < QK / 2; i++)
            b[2 + i] = (unsigned char)(nibble(values[i] * inverse) | nibble(values[i + QK / 2] * inverse) << 4);
    }
}

/* ---- 256 numbers, in eight groups of 32 with a scale and a minimum of six bits each ---- */

/* Of group g, from 12 bytes: groups 0 to 3 have theirs in the low six bits of a byte, groups 4 to 7 in four bits of the
 * last bytes and in the two that the first have left. */
static void scale_and_min(const unsigned char *p, size_t g, float *scale, float *min)
{
    if (g < 4) {
        *scale = (float)(p[g] & 0x3F);
        *min = (float)(p[g + 4] & 0x3F);
    } else {
        *scale = (float)((p[g + 4] & 0x0F) | (p[g - 4] >> 2 & 0x30));
        *min = (float)(p[g + 4] >> 4 | (p[g] >> 2 & 0x30));
    }
}

/* d, dmin, 12 bytes of scales, 128 bytes of four bits: d * scale * q - dmin * min. */
static void q4_k(float *values, const unsigned char *b, size_t n)
{
    for (; n; n -= QK_K, values += QK_K, b += 144)
        for (size_t g = 0; g < QK_K / 32; g++) {
            const unsigned char *q = b + 16 + g / 2 * 32;
            const size_t shift = g % 2 * 4;
            float scale, min;
            scale_and_min(b + 4, g, &scale, &min);
            const float d = half_at(b) * scale, m = half_at(b + 2) * min;
            for (size_t i = 0; i < 32; i++)
                values[g * 32 + i] = d * (float)(q[i] >> shift & 0x0F) - m;
        }
}

/* The same with 32 bytes of fifth bits, a bit a group, before the four. */
static void q5_k(float *values, const unsigned char *b, size_t n)
{
    for (; n; n -= QK_K, values += QK_K, b += 176)
        for (size_t g = 0; g < QK_K / 32; g++) {
            const unsigned char *high = b + 16, *q = b + 48 + g / 2 * 32;
            const size_t shift = g % 2 * 4;
            float scale, min;
            scale_and_min(b + 4, g, &scale, &min);
            const float d = half_at(b) * scale, m = half_at(b + 2) * min;
            for (size_t i = 0; i < 32; i++)
                values[g * 32 + i] = d * (float)((q[i] >> shift & 0x0F) | (high[i] >> g & 1) << 4) - m;
        }
}

/* 128 bytes of low four bits, 64 of high two, 16 scales, of 16 numbers each, d: d * scale * (q - 32). Four groups of 32
 * share 64 bytes of the former and 32 of the latter. */
static void q6_k(float *values, const unsigned char *b, size_t n)
{
    for (; n; n -= QK_K, values += QK_K, b += 210)
        for (size_t g = 0; g < QK_K / 32; g++) {
            const unsigned char *low = b + g / 4 * 64 + g % 2 * 32, *high = b + 128 + g / 4 * 32, *scales = b + 192;
            const size_t low_shift = g % 4 / 2 * 4, high_shift = g % 4 * 2;
            for (size_t i = 0; i < 32; i++) {
                const float d = half_at(b + 208) * signed_byte(scales[g * 2 + i / 16]);
                const int q = (low[i] >> low_shift & 0x0F) | (high[i] >> high_shift & 3) << 4;
                values[g * 32 + i] = d * (float)(q - 32);
            }
        }
}

/* ---- all of them ---- */

static const char are_read[] = "F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K and Q6_K";

/* By number; those without a name are none. F32, F16 and BF16 are dtype.h's. */
#define READ(type, elements, bytes, decode) {.name = type, .block = elements, .block_bytes = bytes, .to_f32 = decode}
#define OTHER(type, elements, bytes)        {.name = type, .block = elements, .block_bytes = bytes, .instead = are_read}
#define BOTH(type, elements, bytes, decode, encode, word)                                                     \
    {.name = type, .block = elements, .block_bytes = bytes, .to_f32 = decode, .from_f32 = encode, .option = word}
static const struct dtype types[] = {
    [2] = BOTH("Q4_0", QK, 18, q4_0, to_q4_0, "q4_0"),
    [3] = READ("Q4_1", QK, 20, q4_1),
    [6] = READ("Q5_0", QK, 22, q5_0),
    [7] = READ("Q5_1", QK, 24, q5_1),
    [8] = BOTH("Q8_0", QK, 34, q8_0, to_q8_0, "q8_0"),
    [9] = OTHER("Q8_1", QK, 40),
    [10] = OTHER("Q2_K", QK_K, 84),
    [11] = OTHER("Q3_K", QK_K, 110),
    [12] = READ("Q4_K", QK_K, 144, q4_k),
    [13] = READ("Q5_K", QK_K, 176, q5_k),
    [14] = READ("Q6_K", QK_K, 210, q6_k),
    [15] = OTHER("Q8_K", QK_K, 292),
    [16] = OTHER("IQ2_XXS", QK_K, 66),
    [17] = OTHER("IQ2_XS", QK_K, 74),
    [18] = OTHER("IQ3_XXS", QK_K, 98),
    [19] = OTHER("IQ1_S", QK_K, 50),
    [20] = OTHER("IQ4_NL", QK, 18),
    [21] = OTHER("IQ3_S", QK_K, 110),
    [22] = OTHER("IQ2_S", QK_K, 82),
    [23] = OTHER("IQ4_XS", QK_K, 136),
    [24] = OTHER("I8", 1, 1),
    [25] = OTHER("I16", 1, 2),
    [26] = OTHER("I32", 1, 4),
    [27] = OTHER("I64", 1, 8),
    [28] = OTHER("F64", 1, 8),
    [29] = OTHER("IQ1_M", QK_K, 56),
    [34] = OTHER("TQ1_0", QK_K, 54),
    [35] = OTHER("TQ2_0", QK_K, 66),
    [39] = OTHER("MXFP4", QK, 17),
    [40] = OTHER("NVFP4", 64, 36),
    [41] = OTHER("Q1_0", 128, 18),
};

static const struct {
    uint32_t type;
    const struct dtype *dtype;
} floats[] = {{0, &dtype_f32}, {1, &dtype_f16}, {30, &dtype_bf16}};
enum { N_TYPES = sizeof types / sizeof *types, N_FLOATS = sizeof floats / sizeof *floats };

const struct dtype *gguf_dtype(uint32_t type)
{
    for (size_t i = 0; i < N_FLOATS; i++)
        if (floats[i].type == type)
            return floats[i].dtype;
    return type < N_TYPES && types[type].name ? &types[type] : NULL;
}

uint32_t gguf_type_of(const struct dtype *dtype)
{
    for (size_t i = 0; i < N_FLOATS; i++)
        if (floats[i].dtype == dtype)
            return floats[i].type;
    if (dtype < types || dtype >= types + N_TYPES)
        SFT_BUG("a dtype that GGUF has not");
    return (uint32_t)(dtype - types);
}

const struct dtype *const gguf_q8_0 = &types[8];
const struct dtype *const gguf_dtypes_written[] = {&dtype_f16, &dtype_f32, &dtype_bf16, &types[8], &types[2], NULL};
