/* The two 16-bit floats in portable C: F16 (IEEE 754 binary16: 5 bits of exponent, 10 of mantissa) and BF16
 * (the upper half of a float). Narrowing rounds to nearest even; NaN stays NaN, infinities and subnormals are
 * right. */
#ifndef SFT_FILES_HALF_H
#define SFT_FILES_HALF_H

#include <stdint.h>
#include <string.h>

static inline uint32_t f32_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float f32_from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline float f32_from_bf16(uint16_t h)
{
    return f32_from_bits((uint32_t)h << 16);
}

static inline uint16_t bf16_from_f32(float x)
{
    const uint32_t bits = f32_bits(x);
    if ((bits & 0x7FFFFFFF) > 0x7F800000) /* NaN: with the quiet bit it cannot be cut to an infinity */
        return (uint16_t)(bits >> 16 | 0x0040);
    return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

static inline float f32_from_f16(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 0x1F, mantissa = h & 0x3FF;
    if (exponent == 0) /* zero and subnormals count in 2^-24 */
        return f32_from_bits(sign | f32_bits((float)mantissa * 0x1p-24f));
    const uint32_t rebiased = exponent == 0x1F ? 0xFF : exponent + (127 - 15);
    return f32_from_bits(sign | rebiased << 23 | mantissa << 13);
}

static inline uint16_t f16_from_f32(float x)
{
    const uint32_t bits = f32_bits(x), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7FFFFFFF;
    if (magnitude > 0x7F800000) /* NaN */
        return (uint16_t)(sign | 0x7E00 | (magnitude >> 13 & 0x3FF));
    if (magnitude >= 0x477FF000) /* 65520 and more round to infinity */
        return (uint16_t)(sign | 0x7C00);
    if (magnitude < 0x38800000) /* below 2^-14: beside 0.5 a float's last bit is 2^-24, a subnormal's unit */
        return (uint16_t)(sign | (f32_bits(f32_from_bits(magnitude) + 0.5f) - f32_bits(0.5f)));
    const uint32_t rounded = magnitude + 0xFFF + (magnitude >> 13 & 1);
    return (uint16_t)(sign | ((rounded >> 13) - ((127 - 15) << 10)));
}

#endif
