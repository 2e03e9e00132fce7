#include "model/block/linear.h"

struct linear_layer linear_bind(const struct param_set *params, const struct linear_spec *spec, size_t layer)
{
    const struct tensor *w = tensor_find(&params->table, spec->weight, layer);
    const struct tensor *b = tensor_find(&params->table, spec->bias, layer);
    const bool is_out_in = w->layout == LAYOUT_OUT_IN;
    return (struct linear_layer){.values = {.matrix = param_matrix(params, w),
                                            .b = param_values(params, b),
                                            .in = is_out_in ? w->cols : w->rows,
                                            .out = is_out_in ? w->rows : w->cols,
                                            .transposed = is_out_in || w->transposed},
                                 .dw = param_grads(params, w),
                                 .db = param_grads(params, b)};
}

bool linear_is_there(const struct linear_layer *l)
{
    return l->values.out > 0;
}

bool linear_is_trained(const struct linear_layer *l)
{
    return l->dw || l->db;
}

/* Prompts that are generated from are multiplied as many rows are, however few of them there are: so they may be cut
 * anywhere. */
static struct linear values_in(const struct pass *pass, const struct linear_layer *l)
{
    struct linear values = l->values;
    values.always_packed = pass->kv != NULL;
    return values;
}

void linear_forward_shared(const struct pass *pass, const struct linear_layer *l, size_t count, act *const *y,
                           const act *x, size_t n)
{
    const struct workspace *work = &pass->scratch->work;
    struct few_output outs[LINEAR_PARTS];
    for (size_t i = 0; i < count; i++) {
        const struct linear values = values_in(pass, &l[i]);
        outs[i] = (struct few_output){.linear = &l[i].values, .y = y[i]};
        if (!is_decoding(pass))
            pass->kernels->linear_fwd(y[i], &(struct linear_part){x, &values}, 1, n, work);
    }
    if (is_decoding(pass))
        pass->kernels->linear_few(outs, count, x, n, work);
}

void linear_residual_forward(const struct pass *pass, const struct linear_layer *l, real *y, const real *residual,
                             const act *x, real scale, size_t n)
{
    const struct workspace *work = &pass->scratch->work;
    const struct linear values = values_in(pass, l);
    if (is_decoding(pass))
        pass->kernels->linear_few_residual(y, residual, x, &values, NULL, scale, n, work);
    else
        pass->kernels->linear_residual_fwd(y, residual, &(struct linear_part){x, &values}, 1, scale, n, work);
}

void linear_backward(const struct pass *pass, const struct linear_layer *l, act *dx, const act *dy, const act *x,
                     size_t n)
{
    act *const dys[] = {(act *)dy}; /* read only */
    linear_backward_shared(pass, l, 1, dx, dys, x, n);
}

void linear_backward_shared(const struct pass *pass, const struct linear_layer *l, size_t count, act *dx,
                            act *const *dy, const act *x, size_t n)
{
    const struct workspace *work = &pass->scratch->work;
    struct linear_part parts[LINEAR_PARTS];
    for (size_t i = 0; i < count; i++) {
        parts[i] = (struct linear_part){dy[i], &l[i].values};
        if (linear_is_trained(&l[i]))
            pass->kernels->linear_bwd_dw(l[i].dw, l[i].db, pass->add, dy[i], x, &l[i].values, n, work);
    }
    if (dx)
        pass->kernels->linear_bwd_dx(dx, parts, count, n, work);
}
