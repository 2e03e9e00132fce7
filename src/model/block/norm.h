/* Norms: before a block and before the head, after a block, and of the heads of queries and keys. What one gives is not
 * kept: a backward pass runs it again. */
#ifndef SFT_MODEL_BLOCK_NORM_H
#define SFT_MODEL_BLOCK_NORM_H

#include "model/activation_plan.h"
#include "model/block/pass.h"
#include "model/param_set.h"

#define norm_bind              REAL_NAME(norm_bind)
#define norm_is_trained        REAL_NAME(norm_is_trained)
#define norm_zero_grads        REAL_NAME(norm_zero_grads)
#define norm_plan              REAL_NAME(norm_plan)
#define norm_forward           REAL_NAME(norm_forward)
#define norm_backward          REAL_NAME(norm_backward)
#define norm_residual_forward  REAL_NAME(norm_residual_forward)
#define norm_residual_backward REAL_NAME(norm_residual_backward)
#define norm_heads_forward     REAL_NAME(norm_heads_forward)
#define norm_heads_backward    REAL_NAME(norm_heads_backward)

struct norm_layer {
    enum norm_kind kind;
    size_t width; /* of what it is the norm of */
    real epsilon;
    const real *w, *b; /* (width); w NULL: there is no norm; b may be NULL */
    real *dw, *db;     /* (width); NULL: not trained */
};

/* width: of rows where there is none. */
struct norm_layer norm_bind(const struct param_set *params, const struct model_config *config,
                            const struct norm_spec *spec, size_t layer, size_t width);
bool norm_is_trained(const struct norm_layer *norm);
void norm_zero_grads(const struct norm_layer *norm); /* they are only ever added to */

/* The scratch memory that norms of the stream share. */
void norm_plan(struct activation_plan *plan, struct scratch *scratch, const struct model_config *config);

/* The norm of x (n,C), in scratch's norm, or where there is none x itself as matrix operand; its statistics stay there
 * for a backward pass that comes right after. */
const act *norm_forward(const struct pass *pass, const struct norm_layer *norm, const real *x, size_t n);

/* dx (n,C), the residual stream's gradient, += that through the norm that ran last, of x, from scratch's dnorm. */
void norm_backward(const struct pass *pass, const struct norm_layer *norm, real *dx, const real *x, size_t n);

/* y (n,C) = residual + scale * norm(x), and rstd (n), its statistics; y may be residual. Of an RMSNorm. */
void norm_residual_forward(const struct pass *pass, const struct norm_layer *norm, real *y, real *rstd,
                           const real *residual, const real *x, real scale, size_t n);
/* dx (n,C), as matrix operand, is set: the gradient of x, from that of y. */
void norm_residual_backward(const struct pass *pass, const struct norm_layer *norm, act *dx, const real *dy,
                            const real *x, const real *rstd, real scale, size_t n);

/* y = the norm of each head of x, rows of heads alike, and rstd (n,n_head). Of an RMSNorm. */
void norm_heads_forward(const struct pass *pass, const struct norm_layer *norm, act *y, real *rstd, const act *x,
                        const struct heads *heads, size_t n);
/* In place: d, the gradient of y, becomes that of x. */
void norm_heads_backward(const struct pass *pass, const struct norm_layer *norm, act *d, const act *x,
                         const real *rstd, const struct heads *heads, size_t n);

#endif
