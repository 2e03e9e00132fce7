/* A sublayer: x' = x + multiplier * post_norm(block(norm(x)) W + b), the block of the kind that the family's table
 * says, W its projection back into the residual stream. The transformer's loop sees only these. What all sublayers have
 * alike is here; a block is a function of the norm's output. */
#ifndef SFT_MODEL_BLOCK_SUBLAYER_H
#define SFT_MODEL_BLOCK_SUBLAYER_H

#include "model/block/attention.h"
#include "model/block/mlp.h"

#define sublayer_bind        REAL_NAME(sublayer_bind)
#define sublayer_is_trained  REAL_NAME(sublayer_is_trained)
#define sublayer_zero_grads  REAL_NAME(sublayer_zero_grads)
#define sublayer_plan        REAL_NAME(sublayer_plan)
#define sublayer_plan_shared REAL_NAME(sublayer_plan_shared)
#define sublayer_plan_stream REAL_NAME(sublayer_plan_stream)
#define sublayer_again       REAL_NAME(sublayer_again)
#define sublayer_begin       REAL_NAME(sublayer_begin)
#define sublayer_forward     REAL_NAME(sublayer_forward)
#define sublayer_backward    REAL_NAME(sublayer_backward)

struct sublayer {
    enum block_kind kind;
    bool parallel;                     /* its norm sees what the sublayer's before it saw */
    bool mixes_positions;              /* a position sees others here */
    struct norm_layer norm, post_norm; /* either may be none */
    struct linear_layer out;           /* W, b */
    real multiplier;
    union {
        struct attention_layer attention;
        struct mlp_layer mlp;
    };
};

/* What it keeps for its backward pass; what is cheap to compute again it does not. */
struct sublayer_acts {
    real *x; /* (n,C): the residual stream into it */
    union {
        struct attention_acts attention;
        struct mlp_acts mlp;
    };
    struct linear_acts out; /* of the projection */
    real *projected, *rstd; /* (n,C): what the post_norm sees, and its statistics (n); NULL: there is no such norm */
};

/* What all sublayers use in their turn. */
struct sublayer_shared {
    struct attention_shared attention;
    struct mlp_shared mlp;
    act *inner_rows;           /* (n_rows, H*D): what a block gave, at the positions that the head sees */
    act *dinner, *dinner_rows; /* (n, the widest): its gradient; (n_rows, H*D) */
};

struct sublayer sublayer_bind(const struct param_set *params, const struct model_config *config,
                              const struct sublayer_spec *spec, size_t layer);
bool sublayer_is_trained(const struct sublayer *sublayer);
void sublayer_zero_grads(const struct sublayer *sublayer); /* those that are only ever added to */

/* x; and all else. */
real *sublayer_plan_stream(struct activation_plan *plan, const struct model_config *config);
void sublayer_plan(struct activation_plan *plan, struct sublayer_acts *acts, const struct model_config *config,
                   const struct sublayer_spec *spec);
/* Of all kinds that the family has, and what of `scratch` they use. */
void sublayer_plan_shared(struct activation_plan *plan, struct sublayer_shared *shared, struct scratch *scratch,
                          const struct model_config *config);

/* How much of the batch a sublayer works on. */
enum extent {
    EXTENT_ALL,    /* (N,C) in and out */
    EXTENT_NARROW, /* in (N,C), out at the positions that the head sees: the last sublayer that mixes positions */
    EXTENT_ROWS    /* (n_rows,C) in and out: those after it */
};

/* Before the first sublayer sees a batch. */
void sublayer_begin(const struct pass *pass);

/* y from acts' x. Its norm sees `seen`: x, or where it is parallel what the sublayer before it saw. y may be `seen`; it
 * may not be x but on rows. */
void sublayer_forward(const struct pass *pass, const struct sublayer *sublayer, const struct sublayer_acts *acts,
                      real *y, const real *seen, enum extent extent);

/* What it keeps, once more from x: after other layers have used the same memory, and before its backward pass. y, where
 * that must be computed, becomes what it is. */
void sublayer_again(const struct pass *pass, const struct sublayer *sublayer, const struct sublayer_acts *acts,
                    real *y, const real *seen, enum extent extent);

/* A gradient of the residual stream. */
struct stream_grad {
    real *all, *rows; /* (N,C); (n_rows,C), past the last sublayer that mixes positions */
};

/* From dy, the gradient of y: to dx, that of what the norm saw, the block's part is added, where anybody below wants
 * it. dx begins as the gradient that goes past the block: dy itself, or of parallel sublayers a copy, so that dy stays.
 * Where it is narrow both are brought from rows to all. */
void sublayer_backward(const struct pass *pass, const struct sublayer *sublayer, const struct sublayer_acts *acts,
                       const struct stream_grad *dx, const struct stream_grad *dy, const real *seen, enum extent extent,
                       bool below);

#endif
