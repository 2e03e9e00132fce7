#include "model/block/norm.h"

#include <string.h>

/* ---- the kinds of norm: a row each ---- */

static void layernorm_forward(const struct pass *pass, const struct norm_layer *norm, const real *x, size_t n)
{
    const struct scratch *s = pass->scratch;
    pass->kernels->layernorm_fwd(s->norm, s->mean, s->rstd, x, norm->w, norm->b, norm->epsilon, n, norm->C);
}

static void layernorm_backward(const struct pass *pass, const struct norm_layer *norm, real *dx, const real *x,
                               size_t n)
{
    const struct scratch *s = pass->scratch;
    pass->kernels->layernorm_bwd(dx, norm->dw, norm->db, s->dnorm, x, s->mean, s->rstd, norm->w, n, norm->C, &s->work);
}

static void rmsnorm_forward(const struct pass *pass, const struct norm_layer *norm, const real *x, size_t n)
{
    const struct scratch *s = pass->scratch;
    pass->kernels->rmsnorm_fwd(s->norm, s->rstd, x, norm->w, 0, norm->epsilon, n, norm->C);
}

static void rmsnorm_backward(const struct pass *pass, const struct norm_layer *norm, real *dx, const real *x,
                             size_t n)
{
    const struct scratch *s = pass->scratch;
    pass->kernels->rmsnorm_bwd(dx, norm->dw, s->dnorm, x, s->rstd, norm->w, 0, n, norm->C, &s->work);
}

static const struct {
    void (*forward)(const struct pass *pass, const struct norm_layer *norm, const real *x, size_t n);
    void (*backward)(const struct pass *pass, const struct norm_layer *norm, real *dx, const real *x, size_t n);
} kinds[] = {
    [NORM_LAYERNORM] = {layernorm_forward, layernorm_backward}, /* Ba et al. 2016 */
    [NORM_RMSNORM] = {rmsnorm_forward, rmsnorm_backward},       /* Zhang and Sennrich 2019 */
};

/* ---- what they share ---- */

struct norm_layer norm_bind(const struct param_set *params, const struct model_config *config,
                            const struct norm_spec *spec, size_t layer)
{
    const struct tensor *w = tensor_find(&params->table, spec->weight, layer);
    const struct tensor *b = tensor_find(&params->table, spec->bias, layer);
    return (struct norm_layer){.kind = spec->kind,
                               .C = w->rows,
                               .epsilon = (real)config->layer_norm_epsilon,
                               .w = param_values(params, w),
                               .b = param_values(params, b),
                               .dw = param_grads(params, w),
                               .db = param_grads(params, b)};
}

bool norm_is_trained(const struct norm_layer *norm)
{
    return norm->dw || norm->db;
}

void norm_zero_grads(const struct norm_layer *norm)
{
    if (norm->dw)
        memset(norm->dw, 0, norm->C * sizeof *norm->dw);
    if (norm->db)
        memset(norm->db, 0, norm->C * sizeof *norm->db);
}

void norm_plan(struct activation_plan *plan, struct scratch *scratch, const struct model_config *config)
{
    scratch->norm = plan_acts(plan, "norm", config->n_embd);
    scratch->mean = plan_take(plan, "norm", plan->N, sizeof(real));
    scratch->rstd = plan_take(plan, "norm", plan->N, sizeof(real));
    if (plan->trained)
        scratch->dnorm = plan_acts(plan, "gradients of activations", config->n_embd);
}

void norm_forward(const struct pass *pass, const struct norm_layer *norm, const real *x, size_t n)
{
    kinds[norm->kind].forward(pass, norm, x, n);
}

void norm_backward(const struct pass *pass, const struct norm_layer *norm, real *dx, const real *x, size_t n)
{
    kinds[norm->kind].backward(pass, norm, dx, x, n);
}
