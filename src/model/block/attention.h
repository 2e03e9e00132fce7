/* Causal self-attention: y = x + out(attend(q, k, v)), q, k and v linear in norm(x), from one tensor or from three.
 * Only here does a position see others. */
#ifndef SFT_MODEL_BLOCK_ATTENTION_H
#define SFT_MODEL_BLOCK_ATTENTION_H

#include "model/block/linear.h"
#include "model/block/norm.h"
#include "model/block/rotary.h"

#define attention_bind        REAL_NAME(attention_bind)
#define attention_is_trained  REAL_NAME(attention_is_trained)
#define attention_plan        REAL_NAME(attention_plan)
#define attention_plan_shared REAL_NAME(attention_plan_shared)
#define attention_forward     REAL_NAME(attention_forward)
#define attention_backward    REAL_NAME(attention_backward)

/* H = n_head, KV = n_kv_head, D = head_dim. */
struct attention_layer {
    struct linear_layer in[3]; /* q, k and v, one each; or in the first all, (C, (H + 2 KV) * D), and no others */
    struct linear_layer out;   /* (H*D, C) */
    size_t layer, n_head, n_kv_head, head_dim;
    real scale; /* of q . k */
};

/* Queries, keys and values, or their gradients: in one buffer of rows, or in three. */
struct qkv {
    act *q, *k, *v;     /* (N, H*D), (N, KV*D) twice */
    size_t ld_q, ld_kv; /* elements between rows of q; of k, and of v */
};

struct attention_acts {
    /* kept for the backward pass */
    struct qkv qkv;
    real *lse;     /* (N,H): log of the sum of exp of each query's scores */
    act *attended; /* (N, H*D) */
    struct attention_shared {
        act *attended_rows; /* (n_rows, H*D): at the positions that the head sees */
        act *dattended, *dattended_rows;
        struct qkv dqkv;
        const real *turns; /* (n_positions, D), of rotary positions; NULL: there are none */
    } shared; /* by all layers */
};

struct attention_layer attention_bind(const struct param_set *params, const struct model_config *config,
                                      const struct attention_spec *spec, size_t layer);
bool attention_is_trained(const struct attention_layer *attention);

void attention_plan(struct activation_plan *plan, struct attention_acts *acts, const struct model_config *config,
                    const struct attention_spec *spec);
void attention_plan_shared(struct activation_plan *plan, struct attention_shared *shared,
                           const struct model_config *config, const struct attention_spec *spec);

/* y from x (N,C), which may not be one: (N,C), or where `narrow` (n_rows,C), at the positions that the head sees: past
 * the last attention nobody sees the others. (Its queries, a small part, are computed at all positions, so that
 * attention is the same in every layer.) */
void attention_forward(const struct pass *pass, const struct attention_layer *attention,
                       const struct norm_layer *norm, const struct attention_acts *acts, real *y, const real *x,
                       bool narrow);

/* dx (N,C): from the gradient of y to that of x, where anybody below wants it. Of a narrow y it is dx_rows (n_rows,C)
 * instead, and dx is set; otherwise dx_rows is NULL. */
void attention_backward(const struct pass *pass, const struct attention_layer *attention,
                        const struct norm_layer *norm, const struct attention_acts *acts, real *dx, real *dx_rows,
                        const real *x, bool below);

#endif
