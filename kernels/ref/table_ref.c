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

const struct kernels REAL_NAME(kernels_ref) = {
    .isa = "ref",
    .precision = PRECISION,
    .products = "plain C",
    .act_size = sizeof(real),
    .embed_fwd = REF(embed_fwd),
    .embed_bwd = REF(embed_bwd),
    .layernorm_fwd = REF(layernorm_fwd),
    .layernorm_bwd = REF(layernorm_bwd),
    .linear_fwd = REF(linear_fwd),
    .linear_residual_fwd = REF(linear_residual_fwd),
    .linear_bwd = REF(linear_bwd),
    .gelu_fwd = REF(gelu_fwd),
    .gelu_bwd = REF(gelu_bwd),
    .attention_fwd = REF(attention_fwd),
    .attention_bwd = REF(attention_bwd),
    .head_loss = REF(head_loss),
    .head_logits = REF(head_logits),
    .gather_rows = REF(gather_rows),
    .scatter_rows = REF(scatter_rows),
    .to_act = REF(to_act),
    .sum_of_squares = REF(sum_of_squares),
    .adamw = REF(adamw),
    .work_bytes = work_bytes,
};
