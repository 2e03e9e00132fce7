/* A table of kernels that does what another one does and keeps count: calls, seconds, and the floating-point
 * operations of the products that are really needed (what the backward pass computes again is not counted;
 * attention counts the keys that each query sees). For `sft bench`. One profile at a time. */
#ifndef SFT_KERNELS_PROFILE_H
#define SFT_KERNELS_PROFILE_H

#include "kernels.h"

struct profile_op {
    const char *name;
    size_t calls;
    double seconds;
    double flops; /* of products; 0 for ops that have none */
    double bytes; /* read and written at the least, for ops that have no products */
};

/* The table to call instead of `kernels`, with all counts at zero. */
const struct kernels *profile_start(const struct kernels *kernels);
void profile_reset(void);
const struct profile_op *profile_ops(size_t *n); /* n of them, in the order of ops.def */

#endif
