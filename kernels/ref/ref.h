/* The reference kernels, over `real`: see kernels.h for what each computes. Sums are in double, so that the
 * reference's own error is negligible; nothing is fast. */
#ifndef SFT_KERNELS_REF_H
#define SFT_KERNELS_REF_H

#include "kernels.h"

#define REF(op) REAL_NAME(op##_ref)

embed_fwd_fn REF(embed_fwd);
embed_bwd_fn REF(embed_bwd);
layernorm_fwd_fn REF(layernorm_fwd);
layernorm_bwd_fn REF(layernorm_bwd);
linear_fwd_fn REF(linear_fwd);
linear_residual_fwd_fn REF(linear_residual_fwd);
linear_bwd_fn REF(linear_bwd);
gelu_fwd_fn REF(gelu_fwd);
gelu_bwd_fn REF(gelu_bwd);
attention_fwd_fn REF(attention_fwd);
attention_bwd_fn REF(attention_bwd);
head_loss_fn REF(head_loss);
head_logits_fn REF(head_logits);
gather_rows_fn REF(gather_rows);
scatter_rows_fn REF(scatter_rows);
to_act_fn REF(to_act);
sum_of_squares_fn REF(sum_of_squares);
adamw_fn REF(adamw);

#endif
