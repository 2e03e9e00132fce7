#include "ref.h"

static size_t work_bytes(const struct kernel_sizes *sizes)
{
    (void)sizes;
    return 0;
}

#ifdef SFT_REAL_F64
#define PRECISION "f64"
#else
#define PRECISION "fp32"
#endif

const struct kernels REAL_NAME(kernels_plain) = {
    .isa = "plain",
    .precision = PRECISION,
    .products = "plain loops",
    .act_size = sizeof(real),
    .reads_bf16 = true,
#define OP(result, op, ...) .op = REF(op),
#include "ops.def"
#undef OP
    .work_bytes = work_bytes,
};
