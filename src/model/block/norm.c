#include "model/block/norm.h"

#include "base/err.h"

#include <string.h>

static bool is_rms(const struct norm_layer *norm)
{
    return norm->kind == NORM_RMSNORM || norm->kind == NORM_RMSNORM_PLUS_ONE;
}

/* What is added to an RMSNorm's weights. */
static real offset_of(const struct norm_layer *norm)
{
    return norm->kind == NORM_RMSNORM_PLUS_ONE ? 1 : 0;
}

struct norm_layer norm_bind(const struct param_set *params, const struct model_config *config,
                            const struct norm_spec *spec, size_t layer, size_t width)
{
    const struct tensor *w = tensor_find(&params->table, spec->weight, layer);
    const struct tensor *b = tensor_find(&params->table, spec->bias, layer);
    return (struct norm_layer){.kind = spec->kind,
                               .width = w ? w->rows : width,
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
        memset(norm->dw, 0, norm->width * sizeof *norm->dw);
    if (norm->db)
        memset(norm->db, 0, norm->width * sizeof *norm->db);
}

/* ---- of the residual stream ---- */

void norm_plan(struct activation_plan *plan, struct scratch *scratch, const struct model_config *config)
{
    scratch->norm = plan_acts(plan, "norm", config->n_embd);
    scratch->mean = plan_take(plan, "norm", plan->N, sizeof(real));
    scratch->rstd = plan_take(plan, "norm", plan->N, sizeof(real));
    if (plan->trained)
        scratch->dnorm = plan_acts(plan, "gradients of activations", config->n_embd);
}

const act *norm_forward(const struct pass *pass, const struct norm_layer *norm, const real *x, size_t n)
{
    const struct kernels *k = pass->kernels;
    const struct scratch *s = pass->scratch;
    const size_t C = norm->width;
    if (!norm->w)
        return k->to_act(s->norm, x, 1, n * C);
    if (is_rms(norm)) /* Zhang and Sennrich 2019 */
        k->rmsnorm_fwd(s->norm, s->rstd, x, norm->w, offset_of(norm), norm->epsilon, n, C);
    else /* Ba et al. 2016 */
        k->layernorm_fwd(s->norm, s->mean, s->rstd, x, norm->w, norm->b, norm->epsilon, n, C);
    return s->norm;
}

void norm_backward(const struct pass *pass, const struct norm_layer *norm, real *dx, const real *x, size_t n)
{
    const struct kernels *k = pass->kernels;
    const struct scratch *s = pass->scratch;
    const size_t C = norm->width;
    if (!norm->w)
        k->add_act(dx, s->dnorm, n * C);
    else if (is_rms(norm))
        k->rmsnorm_bwd(dx, norm->dw, s->dnorm, x, s->rstd, norm->w, offset_of(norm), n, C, &s->work);
    else
        k->layernorm_bwd(dx, norm->dw, norm->db, s->dnorm, x, s->mean, s->rstd, norm->w, n, C, &s->work);
}

/* ---- after a block ---- */

void norm_residual_forward(const struct pass *pass, const struct norm_layer *norm, real *y, real *rstd,
                           const real *residual, const real *x, real scale, size_t n)
{
    if (!is_rms(norm))
        SFT_BUG("only an RMSNorm stands after a block");
    pass->kernels->rmsnorm_residual_fwd(y, rstd, residual, x, norm->w, offset_of(norm), norm->epsilon, scale, n,
                                        norm->width);
}

void norm_residual_backward(const struct pass *pass, const struct norm_layer *norm, act *dx, const real *dy,
                            const real *x, const real *rstd, real scale, size_t n)
{
    pass->kernels->rmsnorm_residual_bwd(dx, norm->dw, dy, x, rstd, norm->w, offset_of(norm), scale, n, norm->width,
                                        &pass->scratch->work);
}

/* ---- of heads ---- */

void norm_heads_forward(const struct pass *pass, const struct norm_layer *norm, act *y, real *rstd, const act *x,
                        const struct heads *heads, size_t n)
{
    if (!is_rms(norm))
        SFT_BUG("heads have an RMSNorm");
    pass->kernels->rmsnorm_heads_fwd(y, rstd, x, norm->w, offset_of(norm), norm->epsilon, heads, n);
}

void norm_heads_backward(const struct pass *pass, const struct norm_layer *norm, act *d, const act *x,
                         const real *rstd, const struct heads *heads, size_t n)
{
    pass->kernels->rmsnorm_heads_bwd(d, norm->dw, d, x, rstd, norm->w, offset_of(norm), heads, n,
                                     &pass->scratch->work);
}
