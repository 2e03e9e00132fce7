#include "model/block/mlp.h"

/* ---- activation functions: a row each, and one more where there is a gate ---- */

static void gelu_new_forward(const struct kernels *k, const struct mlp_acts *acts, size_t n)
{
    k->activation_fwd(acts->shared.activated, acts->up, GELU_TANH, n);
}

static void gelu_new_backward(const struct kernels *k, const struct mlp_acts *acts, size_t n)
{
    k->activation_bwd(acts->shared.dwide, acts->shared.dwide, acts->up, GELU_TANH, n);
}

static void gelu_forward(const struct kernels *k, const struct mlp_acts *acts, size_t n)
{
    k->activation_fwd(acts->shared.activated, acts->up, GELU_ERF, n);
}

static void gelu_backward(const struct kernels *k, const struct mlp_acts *acts, size_t n)
{
    k->activation_bwd(acts->shared.dwide, acts->shared.dwide, acts->up, GELU_ERF, n);
}

static void swiglu_forward(const struct kernels *k, const struct mlp_acts *acts, size_t n)
{
    k->gate_fwd(acts->shared.activated, acts->gate, acts->up, SILU, n);
}

static void swiglu_backward(const struct kernels *k, const struct mlp_acts *acts, size_t n)
{
    const struct mlp_shared *s = &acts->shared;
    k->gate_bwd(s->dgate, s->dwide, s->dwide, acts->gate, acts->up, SILU, n);
}

enum { PLAIN, GATED };
static const struct function {
    void (*forward)(const struct kernels *k, const struct mlp_acts *acts, size_t n);
    void (*backward)(const struct kernels *k, const struct mlp_acts *acts, size_t n); /* of dwide, in place */
} functions[][2] = {
    [ACTIVATION_GELU_NEW] = {[PLAIN] = {gelu_new_forward, gelu_new_backward}},
    [ACTIVATION_GELU] = {[PLAIN] = {gelu_forward, gelu_backward}},
    [ACTIVATION_SILU] = {[GATED] = {swiglu_forward, swiglu_backward}},
};

static bool has_input(const struct mlp_layer *mlp, size_t i)
{
    return i < sizeof mlp->in / sizeof *mlp->in && mlp->in[i].values.w;
}

static const struct function *function_of(const struct mlp_layer *mlp)
{
    return &functions[mlp->activation][has_input(mlp, 1) ? GATED : PLAIN];
}

/* ---- the block ---- */

static bool is_gated(const struct mlp_spec *spec)
{
    return spec->gate.weight != NULL;
}

struct mlp_layer mlp_bind(const struct param_set *params, const struct model_config *config,
                          const struct mlp_spec *spec, size_t layer)
{
    struct mlp_layer mlp = {.down = linear_bind(params, &spec->down, layer), .activation = config->activation};
    mlp.in[0] = linear_bind(params, &spec->up, layer);
    if (is_gated(spec))
        mlp.in[1] = linear_bind(params, &spec->gate, layer);
    return mlp;
}

static bool inputs_are_trained(const struct mlp_layer *mlp)
{
    for (size_t i = 0; has_input(mlp, i); i++)
        if (linear_is_trained(&mlp->in[i]))
            return true;
    return false;
}

bool mlp_is_trained(const struct mlp_layer *mlp)
{
    return inputs_are_trained(mlp) || linear_is_trained(&mlp->down);
}

void mlp_plan(struct activation_plan *plan, struct mlp_acts *acts, const struct model_config *config,
              const struct mlp_spec *spec)
{
    acts->up = plan_acts(plan, "MLP before activation", config->n_inner);
    if (is_gated(spec))
        acts->gate = plan_acts(plan, "MLP before activation", config->n_inner);
}

void mlp_plan_shared(struct activation_plan *plan, struct mlp_shared *shared, const struct model_config *config,
                     const struct mlp_spec *spec)
{
    static const char gradients[] = "gradients of activations";
    plan_width(plan, config->n_embd);
    plan_width(plan, is_gated(spec) ? 2 * config->n_inner : config->n_inner);
    *shared = (struct mlp_shared){.activated = plan_acts(plan, "MLP after activation", config->n_inner)};
    if (plan->trained)
        shared->dwide = plan_acts(plan, gradients, config->n_inner);
    if (plan->trained && is_gated(spec))
        shared->dgate = plan_acts(plan, gradients, config->n_inner);
}

void mlp_forward(const struct pass *pass, const struct mlp_layer *mlp, const struct norm_layer *norm,
                 const struct mlp_acts *acts, real *y, const real *x, size_t n)
{
    norm_forward(pass, norm, x, n);
    for (size_t i = 0; has_input(mlp, i); i++)
        linear_forward(pass, &mlp->in[i], i == 0 ? acts->up : acts->gate, pass->scratch->norm, n);
    function_of(mlp)->forward(pass->kernels, acts, n * mlp->down.values.in);
    linear_residual_forward(pass, &mlp->down, y, x, acts->shared.activated, n);
}

/* What the norm and the activation function gave is computed again, which costs less than 1% of a step; keeping it
 * would make activations half as large again. Two inputs each add their part of dx through the norm, which is linear
 * in what comes from above. */
void mlp_backward(const struct pass *pass, const struct mlp_layer *mlp, const struct norm_layer *norm,
                  const struct mlp_acts *acts, real *dx, const real *x, size_t n, bool below)
{
    const struct scratch *s = pass->scratch;
    const struct mlp_shared *shared = &acts->shared;
    const size_t n_wide = n * mlp->down.values.in;
    const bool to_norm = below || norm_is_trained(norm), to_inputs = to_norm || inputs_are_trained(mlp);

    const act *dout = pass->kernels->to_act(s->dout, dx, n * norm->C);
    if (mlp->down.dw)
        function_of(mlp)->forward(pass->kernels, acts, n_wide);
    linear_backward(pass, &mlp->down, to_inputs ? shared->dwide : NULL, dout, shared->activated, n);
    if (!to_inputs)
        return;
    function_of(mlp)->backward(pass->kernels, acts, n_wide);
    norm_forward(pass, norm, x, n);
    for (size_t i = 0; has_input(mlp, i); i++) {
        linear_backward(pass, &mlp->in[i], to_norm ? s->dnorm : NULL, i == 0 ? shared->dwide : shared->dgate, s->norm,
                        n);
        if (to_norm)
            norm_backward(pass, norm, dx, x, n);
    }
}
