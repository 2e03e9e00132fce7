/* bfloat16 and back, for tests: by arithmetic, where kernels shift bits. */
#ifndef SFT_TESTS_BF16_H
#define SFT_TESTS_BF16_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline double bf16_to_double(uint16_t x)
{
    const uint32_t bits = (uint32_t)x << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return (double)f;
}

/* x to 8 significant bits, to nearest, ties to even (the rounding mode); normal numbers, infinities and NaN. */
static inline double round_to_bf16(double x)
{
    int exponent;
    if (!isfinite(x) || x == 0)
        return x;
    const double mantissa = frexp(x, &exponent);
    return ldexp(nearbyint(ldexp(mantissa, 8)), exponent - 8);
}

static inline uint16_t bf16_of(double x)
{
    const float f = (float)round_to_bf16(x);
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return (uint16_t)(bits >> 16);
}

#endif
