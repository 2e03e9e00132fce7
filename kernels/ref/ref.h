/* The reference kernels, over `real`: see ops.def for what each computes. Sums are in double, so that the
 * reference's own error is negligible; nothing is fast. */
#ifndef SFT_KERNELS_REF_H
#define SFT_KERNELS_REF_H

#include "kernels.h"

#define REF(op) REAL_NAME(op##_ref)

#define OP(result, op, ...) op##_fn REF(op);
#include "ops.def"
#undef OP

#endif
