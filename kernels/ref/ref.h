/* The reference kernels, over `real`: see ops.def for what each computes. Sums are in double, so that the
 * reference's own error is negligible; nothing is fast. */
#ifndef SFT_KERNELS_REF_H
#define SFT_KERNELS_REF_H

#include "kernels.h"

#include <string.h>

#define REF(op) REAL_NAME(op##_ref)

/* Element i of a matrix whose rows have `columns`. bfloat16s are the upper halves of floats. */
static inline double weight_at(const struct matrix *m, size_t i, size_t columns)
{
    if (m->w)
        return (double)m->w[i];
    if (m->w_int8)
        return (double)m->scales[i / columns] * m->w_int8[i];
    const uint32_t bits = (uint32_t)m->w_bf16[i] << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

#define OP(result, op, ...) op##_fn REF(op);
#include "ops.def"
#undef OP

#endif
