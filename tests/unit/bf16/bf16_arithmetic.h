/* The arithmetic of the bf16 instructions, in C: multiply-adds of floats with one rounding, to nearest even, whatever
 * the thread's rounding mode; denormals are zeros on the way in and on the way out. */
#ifndef SFT_TESTS_BF16_ARITHMETIC_H
#define SFT_TESTS_BF16_ARITHMETIC_H

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float float_of_bf16(uint16_t x)
{
    const uint32_t bits = (uint32_t)x << 16;
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static inline float flushed(float x)
{
    return fabsf(x) < FLT_MIN ? copysignf(0, x) : x;
}

/* sum + a b */
static inline float multiply_add(float sum, uint16_t a, uint16_t b)
{
    return flushed(fmaf(flushed(float_of_bf16(a)), flushed(float_of_bf16(b)), flushed(sum)));
}

#endif
