#include "model/block/mlp.h"

/* ---- activation functions: a row each ---- */

static void gelu_new_forward(const struct kernels *k, act *y, const act *x, size_t n)
{
    k->gelu_fwd(y, x, false, n);
}

static void gelu_new_backward(const struct kernels *k, act *dx, const act *dy, const act *x, size_t n)
{
    k->gelu_bwd(dx, dy, x, false, n);
}

static void gelu_forward(const struct kernels *k, act *y, const act *x, size_t n)
{
    k->gelu_fwd(y, x, true, n);
}

static void gelu_backward(const struct kernels *k, act *dx, const act *dy, const act *x, size_t n)
{
    k->gelu_bwd(dx, dy, x, true, n);
}

static const struct {
    void (*forward)(const struct kernels *k, act *y, const act *x, size_t n);
    void (*backward)(const struct kernels *k, act *dx, const act *dy, const act *x, size_t n); /* dx may be dy */
} functions[] = {
    [ACTIVATION_GELU_NEW] = {gelu_new_forward, gelu_new_backward},
    [ACTIVATION_GELU] = {gelu_forward, gelu_backward},
};

/* ---- the block ---- */

struct mlp_layer mlp_bind(const struct param_set *params, const struct model_config *config,
                          const struct mlp_spec *spec, size_t layer)
{
    return (struct mlp_layer){.up = linear_bind(params, &spec->up, layer),
                              .down = linear_bind(params, &spec->down, layer),
                              .activation = config->activation};
}

bool mlp_is_trained(const struct mlp_layer *mlp)
{
    return linear_is_trained(&mlp->up) || linear_is_trained(&mlp->down);
}

void mlp_plan(struct activation_plan *plan, struct mlp_acts *acts, const struct model_config *config)
{
    acts->up = plan_acts(plan, "MLP before activation", config->n_inner);
}

void mlp_plan_shared(struct activation_plan *plan, struct mlp_shared *shared, const struct model_config *config)
{
    plan_width(plan, config->n_embd);
    plan_width(plan, config->n_inner);
    *shared = (struct mlp_shared){.activated = plan_acts(plan, "MLP after activation", config->n_inner)};
    if (plan->trained)
        shared->dwide = plan_acts(plan, "gradients of activations", config->n_inner);
}

void mlp_forward(const struct pass *pass, const struct mlp_layer *mlp, const struct norm_layer *norm,
                 const struct mlp_acts *acts, real *y, const real *x, size_t n)
{
    norm_forward(pass, norm, x, n);
    linear_forward(pass, &mlp->up, acts->up, pass->scratch->norm, n);
    functions[mlp->activation].forward(pass->kernels, acts->shared.activated, acts->up, n * mlp->up.values.out);
    linear_residual_forward(pass, &mlp->down, y, x, acts->shared.activated, n);
}

/* What the norm and the activation function gave is computed again, which costs less than 1% of a step; keeping it
 * would make activations half as large again. */
void mlp_backward(const struct pass *pass, const struct mlp_layer *mlp, const struct norm_layer *norm,
                  const struct mlp_acts *acts, real *dx, const real *x, size_t n, bool below)
{
    const struct scratch *s = pass->scratch;
    const struct mlp_shared *shared = &acts->shared;
    const size_t n_wide = n * mlp->up.values.out;
    const bool to_norm = below || norm_is_trained(norm), to_up = to_norm || linear_is_trained(&mlp->up);

    const act *dout = pass->kernels->to_act(s->dout, dx, n * norm->C);
    if (mlp->down.dw)
        functions[mlp->activation].forward(pass->kernels, shared->activated, acts->up, n_wide);
    linear_backward(pass, &mlp->down, to_up ? shared->dwide : NULL, dout, shared->activated, n);
    if (!to_up)
        return;
    functions[mlp->activation].backward(pass->kernels, shared->dwide, shared->dwide, acts->up, n_wide);
    norm_forward(pass, norm, x, n);
    linear_backward(pass, &mlp->up, to_norm ? s->dnorm : NULL, shared->dwide, s->norm, n);
    if (to_norm)
        norm_backward(pass, norm, dx, x, n);
}
