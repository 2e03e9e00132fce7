/* A sublayer: a norm and a block, of the kind that the family's table says. The transformer's loop sees only these. */
#ifndef SFT_MODEL_BLOCK_SUBLAYER_H
#define SFT_MODEL_BLOCK_SUBLAYER_H

#include "model/block/attention.h"
#include "model/block/mlp.h"

#define sublayer_bind            REAL_NAME(sublayer_bind)
#define sublayer_is_trained      REAL_NAME(sublayer_is_trained)
#define sublayer_mixes_positions REAL_NAME(sublayer_mixes_positions)
#define sublayer_zero_grads      REAL_NAME(sublayer_zero_grads)
#define sublayer_plan            REAL_NAME(sublayer_plan)
#define sublayer_plan_shared     REAL_NAME(sublayer_plan_shared)
#define sublayer_share           REAL_NAME(sublayer_share)
#define sublayer_forward         REAL_NAME(sublayer_forward)
#define sublayer_backward        REAL_NAME(sublayer_backward)

struct sublayer {
    enum block_kind kind;
    struct norm_layer norm;
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
};

/* What all sublayers use in their turn. */
struct sublayer_shared {
    struct attention_shared attention;
    struct mlp_shared mlp;
};

struct sublayer sublayer_bind(const struct param_set *params, const struct model_config *config,
                              const struct sublayer_spec *spec, size_t layer);
bool sublayer_is_trained(const struct sublayer *sublayer);
bool sublayer_mixes_positions(enum block_kind kind); /* a position sees others here */
void sublayer_zero_grads(const struct sublayer *sublayer); /* those that are only ever added to */

void sublayer_plan(struct activation_plan *plan, struct sublayer_acts *acts, const struct model_config *config,
                   const struct sublayer_spec *spec);
/* Of all kinds that the family has. */
void sublayer_plan_shared(struct activation_plan *plan, struct sublayer_shared *shared,
                          const struct model_config *config);
void sublayer_share(struct sublayer_acts *acts, enum block_kind kind, const struct sublayer_shared *shared);

/* How much of the batch a sublayer works on. */
enum extent {
    EXTENT_ALL,    /* (N,C) in and out */
    EXTENT_NARROW, /* in (N,C), out at the positions that the head sees: the last sublayer that mixes positions */
    EXTENT_ROWS    /* (n_rows,C) in and out: those after it */
};

/* y from acts' x. */
void sublayer_forward(const struct pass *pass, const struct sublayer *sublayer, const struct sublayer_acts *acts,
                      real *y, enum extent extent);

/* The gradient of y to that of x, where anybody below wants it: dx (N,C), but dx_rows (n_rows,C) on rows, and where it
 * is narrow from dx_rows to dx. */
void sublayer_backward(const struct pass *pass, const struct sublayer *sublayer, const struct sublayer_acts *acts,
                       real *dx, real *dx_rows, enum extent extent, bool below);

#endif
