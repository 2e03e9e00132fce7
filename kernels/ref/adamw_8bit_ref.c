#include "ref.h"

#include <math.h>
#include <stdlib.h>

static double from_scale(bf16 scale)
{
    const uint32_t bits = (uint32_t)scale << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

static bf16 to_scale(double largest)
{
    const float least = 0x1p-100F, most = 0x1p63F;
    uint32_t bits;
    float value = (float)fmin(fmax(largest, (double)least), (double)most);
    if ((double)value < largest && value < most)
        value = nextafterf(value, INFINITY);
    memcpy(&bits, &value, sizeof bits);
    return (bf16)((bits + 0xFFFFU) >> 16);
}

static int8_t to_m(double m, double scale)
{
    const double code = 254 * m / (scale + fabs(m));
    return code >= -127 && code <= 127 ? (int8_t)(code + copysign(0.5, code)) : code > 127 ? 127 : -127;
}

static double even(uint32_t seed, size_t i)
{
    uint32_t h = (uint32_t)i ^ seed;
    h = (h ^ h >> 16) * 0x85EBCA6BU;
    h = (h ^ h >> 13) * 0xC2B2AE35U;
    h ^= h >> 16;
    return (h >> 8) * 0x1p-24;
}

static uint8_t to_v(double root, double scale, double u, int8_t m)
{
    const double x = root * (255 / scale), code = x < 255 ? floor(x) : 255;
    const double rounded = code < 255 && u * (2 * code + 1) < x * x - code * code ? code + 1 : code;
    return rounded == 0 && m != 0 ? 1 : (uint8_t)rounded;
}

/* A group of n from element `first` on. */
static void step(real *p, const struct moments_8bit *s, const real *g, const struct adamw_args *a, uint32_t seed,
                 size_t first, size_t n)
{
    bf16 *m_scale = &s->m_scales[first / MOMENTS_GROUP], *v_scale = &s->v_scales[first / MOMENTS_GROUP];
    double m[MOMENTS_GROUP], root[MOMENTS_GROUP], largest_m = 0, largest_root = 0;
    for (size_t i = 0; i < n; i++) {
        const size_t at = first + i;
        const double grad = (double)(g[at] * a->grad_scale), old = from_scale(*v_scale) * s->v[at] / 255;
        m[i] = from_scale(*m_scale) * s->m[at] / (254 - abs(s->m[at]));
        m[i] += (grad - m[i]) * (double)a->rest1;
        root[i] = sqrt(old * old * (double)a->beta2 + grad * grad * (double)a->rest2);
        p[at] *= 1 - a->learning_rate * a->weight_decay;
        p[at] -= a->learning_rate / a->correction1 * (real)m[i] / ((real)root[i] / a->correction2_sqrt + a->epsilon);
        largest_m = fmax(largest_m, fabs(m[i]));
        largest_root = fmax(largest_root, root[i]);
    }
    *m_scale = to_scale(largest_m);
    *v_scale = to_scale(largest_root);
    for (size_t i = 0; i < n; i++) {
        s->m[first + i] = to_m(m[i], from_scale(*m_scale));
        s->v[first + i] = to_v(root[i], from_scale(*v_scale), even(seed, first + i), s->m[first + i]);
    }
}

void REF(adamw_8bit)(real *p, const struct moments_8bit *moments, const real *g, const struct adamw_args *args,
                     uint32_t seed, size_t n)
{
    for (size_t first = 0; first < n; first += MOMENTS_GROUP)
        step(p, moments, g, args, seed, first, n - first < MOMENTS_GROUP ? n - first : MOMENTS_GROUP);
}
