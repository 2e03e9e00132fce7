#include "model/block/linear.h"

struct linear_layer linear_bind(const struct param_set *params, const struct linear_spec *spec, size_t layer)
{
    const struct tensor *w = tensor_find(&params->table, spec->weight, layer);
    const struct tensor *b = tensor_find(&params->table, spec->bias, layer);
    const bool is_out_in = w->layout == LAYOUT_OUT_IN;
    return (struct linear_layer){.values = {.w = param_values(params, w),
                                            .b = param_values(params, b),
                                            .in = is_out_in ? w->cols : w->rows,
                                            .out = is_out_in ? w->rows : w->cols,
                                            .transposed = is_out_in},
                                 .dw = param_grads(params, w),
                                 .db = param_grads(params, b)};
}

bool linear_is_trained(const struct linear_layer *l)
{
    return l->dw || l->db;
}

void linear_forward(const struct pass *pass, const struct linear_layer *l, act *y, const act *x, size_t n)
{
    pass->kernels->linear_fwd(y, x, &l->values, n, &pass->scratch->work);
}

void linear_residual_forward(const struct pass *pass, const struct linear_layer *l, real *y, const real *residual,
                             const act *x, size_t n)
{
    pass->kernels->linear_residual_fwd(y, residual, x, &l->values, 1, n, &pass->scratch->work);
}

void linear_backward(const struct pass *pass, const struct linear_layer *l, act *dx, const act *dy, const act *x,
                     size_t n)
{
    const struct linear_grad part = {dy, &l->values};
    if (dx)
        pass->kernels->linear_bwd_dx(dx, &part, 1, n, &pass->scratch->work);
    if (linear_is_trained(l))
        pass->kernels->linear_bwd_dw(l->dw, l->db, pass->add, dy, x, &l->values, n, &pass->scratch->work);
}
