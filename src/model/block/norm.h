/* The norm before a sublayer, and before the head. Its output is not kept: a backward pass runs it again. */
#ifndef SFT_MODEL_BLOCK_NORM_H
#define SFT_MODEL_BLOCK_NORM_H

#include "model/activation_plan.h"
#include "model/block/pass.h"
#include "model/param_set.h"

#define norm_bind       REAL_NAME(norm_bind)
#define norm_is_trained REAL_NAME(norm_is_trained)
#define norm_zero_grads REAL_NAME(norm_zero_grads)
#define norm_plan       REAL_NAME(norm_plan)
#define norm_forward    REAL_NAME(norm_forward)
#define norm_backward   REAL_NAME(norm_backward)

struct norm_layer {
    enum norm_kind kind;
    size_t C;
    real epsilon;
    const real *w, *b; /* (C); b may be NULL */
    real *dw, *db;     /* (C); NULL: not trained */
};

struct norm_layer norm_bind(const struct param_set *params, const struct model_config *config,
                            const struct norm_spec *spec, size_t layer);
bool norm_is_trained(const struct norm_layer *norm);
void norm_zero_grads(const struct norm_layer *norm); /* they are only ever added to */

/* The scratch memory that all norms share. */
void norm_plan(struct activation_plan *plan, struct scratch *scratch, const struct model_config *config);

/* scratch's norm (n,C) = the norm of x (n,C); its statistics stay there for a backward pass that comes right after. */
void norm_forward(const struct pass *pass, const struct norm_layer *norm, const real *x, size_t n);

/* dx (n,C), the residual stream's gradient, += that through the norm that ran last, of x, from scratch's dnorm. */
void norm_backward(const struct pass *pass, const struct norm_layer *norm, real *dx, const real *x, size_t n);

#endif
