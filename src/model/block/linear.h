/* A linear layer: y = x W + b, and what an adapter adds to it, its tensors resolved. What stands beside a matrix or
 * behind every projection into the residual stream belongs here. */
#ifndef SFT_MODEL_BLOCK_LINEAR_H
#define SFT_MODEL_BLOCK_LINEAR_H

#include "model/activation_plan.h"
#include "model/block/pass.h"
#include "model/param_set.h"

#define linear_bind             REAL_NAME(linear_bind)
#define linear_is_there         REAL_NAME(linear_is_there)
#define linear_is_trained       REAL_NAME(linear_is_trained)
#define linear_plan             REAL_NAME(linear_plan)
#define linear_plan_scratch     REAL_NAME(linear_plan_scratch)
#define linear_forward_shared   REAL_NAME(linear_forward_shared)
#define linear_residual_forward REAL_NAME(linear_residual_forward)
#define linear_again            REAL_NAME(linear_again)
#define linear_backward         REAL_NAME(linear_backward)
#define linear_backward_shared  REAL_NAME(linear_backward_shared)

/* What an adapter adds to it: scaling (x A^T) B^T (model/adapter.h). */
struct low_rank {
    struct linear a, b; /* (C,r), (r,out), both (out,in) in memory; a.out 0: nothing is added */
    real *da, *db;      /* as A and B; NULL: not trained */
    real scaling;
};

struct linear_layer {
    struct linear values;
    real *dw, *db; /* as w and b; NULL: not trained */
    struct low_rank lora;
};

/* So many layers share an input at most. What an adapter's first matrix makes of it, scaling x A^T (n,r), each; kept
 * for the backward pass. NULL where no layer of the model has an adapter. */
enum { LINEAR_SHARED = 3 };
struct linear_acts {
    act *u[LINEAR_SHARED];
};

/* The tensors of layer `layer`. */
struct linear_layer linear_bind(const struct param_set *params, const struct linear_spec *spec, size_t layer);
bool linear_is_there(const struct linear_layer *l); /* and not zeroed */
bool linear_is_trained(const struct linear_layer *l);

/* What `count` layers that share an input keep; and of `scratch`, what any use on their way back. */
void linear_plan(struct activation_plan *plan, struct linear_acts *acts, size_t count);
void linear_plan_scratch(struct activation_plan *plan, struct scratch *scratch);

/* y (n,out) of each of `count` layers, at most LINEAR_SHARED, that share x (n,in). */
void linear_forward_shared(const struct pass *pass, const struct linear_layer *l, const struct linear_acts *acts,
                           size_t count, act *const *y, const act *x, size_t n);
/* y (n,out) = residual (n,out) + scale * (x W + b); y may be residual, and residual NULL: zeros. */
void linear_residual_forward(const struct pass *pass, const struct linear_layer *l, const struct linear_acts *acts,
                             real *y, const real *residual, const act *x, real scale, size_t n);
/* What it keeps alone, once more. */
void linear_again(const struct pass *pass, const struct linear_layer *l, const struct linear_acts *acts, const act *x,
                  size_t n);
/* Gradients of what is trained, and dx (n,in), which is set; NULL: nobody below wants it.  dy (n,out). */
void linear_backward(const struct pass *pass, const struct linear_layer *l, const struct linear_acts *acts, act *dx,
                     const act *dy, const act *x, size_t n);
/* The same of `count` layers that share their input x, each with its dy: dx is the sum of what they give. */
void linear_backward_shared(const struct pass *pass, const struct linear_layer *l, const struct linear_acts *acts,
                            size_t count, act *dx, act *const *dy, const act *x, size_t n);

#endif
