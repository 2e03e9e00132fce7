/* A linear layer: y = x W + b, its tensors resolved. What stands beside a matrix or behind every projection into the
 * residual stream belongs here. */
#ifndef SFT_MODEL_BLOCK_LINEAR_H
#define SFT_MODEL_BLOCK_LINEAR_H

#include "model/block/pass.h"
#include "model/param_set.h"

#define linear_bind             REAL_NAME(linear_bind)
#define linear_is_there         REAL_NAME(linear_is_there)
#define linear_is_trained       REAL_NAME(linear_is_trained)
#define linear_forward_shared   REAL_NAME(linear_forward_shared)
#define linear_residual_forward REAL_NAME(linear_residual_forward)
#define linear_backward         REAL_NAME(linear_backward)
#define linear_backward_shared  REAL_NAME(linear_backward_shared)

struct linear_layer {
    struct linear values;
    real *dw, *db; /* as w and b; NULL: not trained */
};

/* The tensors of layer `layer`. */
struct linear_layer linear_bind(const struct param_set *params, const struct linear_spec *spec, size_t layer);
bool linear_is_there(const struct linear_layer *l); /* and not zeroed */
bool linear_is_trained(const struct linear_layer *l);

/* y (n,out) of each of `count` layers, at most LINEAR_PARTS, that share x (n,in). */
void linear_forward_shared(const struct pass *pass, const struct linear_layer *l, size_t count, act *const *y,
                           const act *x, size_t n);
/* y (n,out) = residual (n,out) + scale * (x W + b); y may be residual, and residual NULL: zeros. */
void linear_residual_forward(const struct pass *pass, const struct linear_layer *l, real *y, const real *residual,
                             const act *x, real scale, size_t n);
/* Gradients of what is trained, and dx (n,in), which is set; NULL: nobody below wants it.  dy (n,out). */
void linear_backward(const struct pass *pass, const struct linear_layer *l, act *dx, const act *dy, const act *x,
                     size_t n);
/* The same of `count` layers that share their input x, each with its dy: dx is the sum of what they give. */
void linear_backward_shared(const struct pass *pass, const struct linear_layer *l, size_t count, act *dx,
                            act *const *dy, const act *x, size_t n);

#endif
