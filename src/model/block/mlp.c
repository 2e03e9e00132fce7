#include "model/block/mlp.h"

static const enum activation functions[] = {
    [ACTIVATION_GELU_NEW] = GELU_TANH,
    [ACTIVATION_GELU] = GELU_ERF,
    [ACTIVATION_RELU] = RELU,
    [ACTIVATION_SILU] = SILU,
};

static bool is_gated(const struct mlp_spec *spec)
{
    return spec->gate.weight != NULL;
}

struct mlp_layer mlp_bind(const struct param_set *params, const struct model_config *config,
                          const struct mlp_spec *spec, size_t layer)
{
    struct mlp_layer mlp = {.in = {linear_bind(params, &spec->up, layer)}, .function = functions[config->activation]};
    if (is_gated(spec))
        mlp.in[1] = linear_bind(params, &spec->gate, layer);
    return mlp;
}

static bool has_gate(const struct mlp_layer *mlp)
{
    return linear_is_there(&mlp->in[1]);
}

bool mlp_is_trained(const struct mlp_layer *mlp)
{
    return linear_is_trained(&mlp->in[0]) || linear_is_trained(&mlp->in[1]);
}

void mlp_plan(struct activation_plan *plan, struct mlp_acts *acts, const struct model_config *config,
              const struct mlp_spec *spec)
{
    acts->up = plan_acts(plan, "MLP before activation", config->n_inner);
    if (is_gated(spec))
        acts->gate = plan_acts(plan, "MLP before activation", config->n_inner);
    linear_plan(plan, &acts->in, is_gated(spec) ? 2 : 1);
}

void mlp_plan_shared(struct activation_plan *plan, struct mlp_shared *shared, const struct model_config *config,
                     const struct mlp_spec *spec)
{
    plan_width(plan, config->n_embd);
    plan_width(plan, is_gated(spec) ? 2 * config->n_inner : config->n_inner);
    *shared = (struct mlp_shared){.activated = plan_acts(plan, "MLP after activation", config->n_inner)};
    if (plan->trained && is_gated(spec))
        shared->dgate = plan_acts(plan, "gradients of activations", config->n_inner);
}

const act *mlp_activate(const struct pass *pass, const struct mlp_layer *mlp, const struct mlp_acts *acts,
                        const struct mlp_shared *shared, size_t n)
{
    const size_t n_wide = n * mlp->in[0].values.out;
    if (has_gate(mlp))
        pass->kernels->gate_fwd(shared->activated, acts->gate, acts->up, mlp->function, n_wide);
    else
        pass->kernels->activation_fwd(shared->activated, acts->up, mlp->function, n_wide);
    return shared->activated;
}

const act *mlp_forward(const struct pass *pass, const struct mlp_layer *mlp, const struct mlp_acts *acts,
                       const struct mlp_shared *shared, const act *h, size_t n)
{
    act *const parts[] = {acts->up, acts->gate};
    linear_forward_shared(pass, mlp->in, &acts->in, has_gate(mlp) ? 2 : 1, parts, h, n);
    return mlp_activate(pass, mlp, acts, shared, n);
}

void mlp_backward(const struct pass *pass, const struct mlp_layer *mlp, const struct mlp_acts *acts,
                  const struct mlp_shared *shared, act *d, const act *h, act *dh, size_t n)
{
    const size_t n_wide = n * mlp->in[0].values.out;
    act *const parts[] = {d, shared->dgate};
    if (has_gate(mlp))
        pass->kernels->gate_bwd(shared->dgate, d, d, acts->gate, acts->up, mlp->function, n_wide);
    else
        pass->kernels->activation_bwd(d, d, acts->up, mlp->function, n_wide);
    linear_backward_shared(pass, mlp->in, &acts->in, has_gate(mlp) ? 2 : 1, dh, parts, h, n);
}
