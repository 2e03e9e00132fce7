/* The MLP: y = x + down(f(up(norm(x)))), f an activation function; with a gate y = x + down(f(gate(norm(x))) *
 * up(norm(x))). */
#ifndef SFT_MODEL_BLOCK_MLP_H
#define SFT_MODEL_BLOCK_MLP_H

#include "model/block/linear.h"
#include "model/block/norm.h"

#define mlp_bind        REAL_NAME(mlp_bind)
#define mlp_is_trained  REAL_NAME(mlp_is_trained)
#define mlp_plan        REAL_NAME(mlp_plan)
#define mlp_plan_shared REAL_NAME(mlp_plan_shared)
#define mlp_forward     REAL_NAME(mlp_forward)
#define mlp_backward    REAL_NAME(mlp_backward)

struct mlp_layer {
    struct linear_layer in[2]; /* (C,F): up, and where there is one the gate */
    struct linear_layer down;  /* (F,C) */
    enum activation_function activation;
};

struct mlp_acts {
    act *up, *gate; /* (n,F): before the activation function; kept for the backward pass */
    struct mlp_shared {
        act *activated; /* (n,F): after it */
        act *dwide;     /* (n,F): the gradient of it, and of up */
        act *dgate;     /* (n,F) */
    } shared;           /* by all layers */
};

struct mlp_layer mlp_bind(const struct param_set *params, const struct model_config *config,
                          const struct mlp_spec *spec, size_t layer);
bool mlp_is_trained(const struct mlp_layer *mlp);

void mlp_plan(struct activation_plan *plan, struct mlp_acts *acts, const struct model_config *config,
              const struct mlp_spec *spec);
void mlp_plan_shared(struct activation_plan *plan, struct mlp_shared *shared, const struct model_config *config,
                     const struct mlp_spec *spec);

/* y (n,C) from x (n,C); y may be x. */
void mlp_forward(const struct pass *pass, const struct mlp_layer *mlp, const struct norm_layer *norm,
                 const struct mlp_acts *acts, real *y, const real *x, size_t n);

/* dx (n,C): from the gradient of y to that of x, where anybody below wants it. */
void mlp_backward(const struct pass *pass, const struct mlp_layer *mlp, const struct norm_layer *norm,
                  const struct mlp_acts *acts, real *dx, const real *x, size_t n, bool below);

#endif
