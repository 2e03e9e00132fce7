/* The MLP: f(up(h)), f an activation function; with a gate f(gate(h)) * up(h). The projection back into the residual
 * stream is the sublayer's. */
#ifndef SFT_MODEL_BLOCK_MLP_H
#define SFT_MODEL_BLOCK_MLP_H

#include "model/activation_plan.h"
#include "model/block/linear.h"

#define mlp_bind        REAL_NAME(mlp_bind)
#define mlp_is_trained  REAL_NAME(mlp_is_trained)
#define mlp_plan        REAL_NAME(mlp_plan)
#define mlp_plan_shared REAL_NAME(mlp_plan_shared)
#define mlp_forward     REAL_NAME(mlp_forward)
#define mlp_activate    REAL_NAME(mlp_activate)
#define mlp_backward    REAL_NAME(mlp_backward)

struct mlp_layer {
    struct linear_layer in[2]; /* (C,F): up, and where there is one the gate */
    enum activation function;
};

/* Kept for the backward pass. */
struct mlp_acts {
    act *up, *gate; /* (n,F): before the activation function */
    struct linear_acts in;
};

/* Of all layers in their turn. */
struct mlp_shared {
    act *activated; /* (n,F): after it */
    act *dgate;     /* (n,F) */
};

struct mlp_layer mlp_bind(const struct param_set *params, const struct model_config *config,
                          const struct mlp_spec *spec, size_t layer);
bool mlp_is_trained(const struct mlp_layer *mlp);

void mlp_plan(struct activation_plan *plan, struct mlp_acts *acts, const struct model_config *config,
              const struct mlp_spec *spec);
void mlp_plan_shared(struct activation_plan *plan, struct mlp_shared *shared, const struct model_config *config,
                     const struct mlp_spec *spec);

/* shared's activated, from h (n,C). */
const act *mlp_forward(const struct pass *pass, const struct mlp_layer *mlp, const struct mlp_acts *acts,
                       const struct mlp_shared *shared, const act *h, size_t n);
/* The same from what was kept. */
const act *mlp_activate(const struct pass *pass, const struct mlp_layer *mlp, const struct mlp_acts *acts,
                        const struct mlp_shared *shared, size_t n);

/* Gradients of what is trained, and dh (n,C), which is set; NULL: nobody wants it.  d (n,F): of what it gave, which is
 * written over. */
void mlp_backward(const struct pass *pass, const struct mlp_layer *mlp, const struct mlp_acts *acts,
                  const struct mlp_shared *shared, act *d, const act *h, act *dh, size_t n);

#endif
