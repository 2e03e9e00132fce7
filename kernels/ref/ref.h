/* The reference kernels, over `real`: see ops.def for what each computes. Sums are in double, so that the
 * reference's own error is negligible; nothing is fast. */
#ifndef SFT_KERNELS_REF_H
#define SFT_KERNELS_REF_H

#include "kernels.h"

#include <string.h>

#define REF(op) REAL_NAME(op##_ref)

/* Element i of weights that are reals, or bfloat16s in their place: the upper halves of floats. */
static inline double weight_at(const real *w, const bf16 *w_bf16, size_t i)
{
    if (w)
        return (double)w[i];
    const uint32_t bits = (uint32_t)w_bf16[i] << 16;
    float value;
    memcpy(&value, &bits, sizeof value);
    return (double)value;
}

#define OP(result, op, ...) op##_fn REF(op);
#include "ops.def"
#undef OP

#endif
