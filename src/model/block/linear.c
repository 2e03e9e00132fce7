#include "model/block/linear.h"

#include "model/adapter.h"

/* ---- tensors, resolved ---- */

static struct linear values_of(const struct param_set *params, const struct tensor *w, const struct tensor *b)
{
    const bool is_out_in = w->layout == LAYOUT_OUT_IN;
    return (struct linear){.matrix = param_matrix(params, w),
                           .b = param_values(params, b),
                           .in = is_out_in ? w->cols : w->rows,
                           .out = is_out_in ? w->rows : w->cols,
                           .transposed = is_out_in || w->transposed};
}

static struct low_rank bind_low_rank(const struct param_set *params, const struct tensor *w)
{
    const struct tensor *a = tensor_lora_a(&params->table, w), *b = tensor_lora_b(&params->table, w);
    if (!a)
        return (struct low_rank){0};
    return (struct low_rank){.a = values_of(params, a, NULL),
                             .b = values_of(params, b, NULL),
                             .da = param_grads(params, a),
                             .db = param_grads(params, b),
                             .scaling = (real)a->scaling};
}

struct linear_layer linear_bind(const struct param_set *params, const struct linear_spec *spec, size_t layer)
{
    const struct tensor *w = tensor_find(&params->table, spec->weight, layer);
    const struct tensor *b = tensor_find(&params->table, spec->bias, layer);
    return (struct linear_layer){.values = values_of(params, w, b),
                                 .dw = param_grads(params, w),
                                 .db = param_grads(params, b),
                                 .lora = bind_low_rank(params, w)};
}

bool linear_is_there(const struct linear_layer *l)
{
    return l->values.out > 0;
}

bool linear_is_trained(const struct linear_layer *l)
{
    return l->dw || l->db || l->lora.da;
}

static bool has_adapter(const struct linear_layer *l)
{
    return l->lora.a.out > 0;
}

/* ---- plan ---- */

void linear_plan(struct activation_plan *plan, struct linear_acts *acts, size_t count)
{
    for (size_t i = 0; i < count && plan->rank; i++)
        acts->u[i] = plan_acts(plan, "adapters", plan->rank);
}

void linear_plan_scratch(struct activation_plan *plan, struct scratch *scratch)
{
    plan->sizes.rank = LINEAR_SHARED * plan->rank;
    for (size_t i = 0; i < LINEAR_SHARED && plan->rank && plan->trained; i++)
        scratch->du[i] = plan_acts(plan, "gradients of activations", plan->rank);
}

/* ---- forward ---- */

/* Prompts that are generated from are multiplied as many rows are, however few of them there are: so they may be cut
 * anywhere. */
static struct linear for_pass(const struct pass *pass, const struct linear *values)
{
    struct linear l = *values;
    l.always_packed = pass->kv != NULL;
    return l;
}

/* u of each of the layers that have an adapter, from x (n,in). */
static void narrow(const struct pass *pass, const struct linear_layer *l, const struct linear_acts *acts, size_t count,
                   const act *x, size_t n)
{
    struct narrow_output outs[LINEAR_SHARED];
    struct linear a[LINEAR_SHARED];
    size_t n_outs = 0;
    for (size_t i = 0; i < count; i++)
        if (has_adapter(&l[i])) {
            a[n_outs] = for_pass(pass, &l[i].lora.a);
            a[n_outs].always_packed = a[n_outs].always_packed && !is_decoding(pass);
            outs[n_outs] = (struct narrow_output){&a[n_outs], acts->u[i], l[i].lora.scaling};
            n_outs++;
        }
    if (n_outs)
        pass->kernels->linear_narrow(outs, n_outs, x, n, &pass->scratch->work);
}

/* The terms of a layer's sum: x W + b, and where it has an adapter u B^T. Returns how many. */
static size_t terms_of(const struct linear_layer *l, const struct linear *values, const act *x, const act *u,
                       struct linear_part terms[2])
{
    terms[0] = (struct linear_part){x, values};
    terms[1] = (struct linear_part){u, &l->lora.b};
    return has_adapter(l) ? 2 : 1;
}

void linear_forward_shared(const struct pass *pass, const struct linear_layer *l, const struct linear_acts *acts,
                           size_t count, act *const *y, const act *x, size_t n)
{
    const struct workspace *work = &pass->scratch->work;
    struct few_output outs[LINEAR_SHARED];
    struct linear_part terms[LINEAR_SHARED][2];
    narrow(pass, l, acts, count, x, n);
    for (size_t i = 0; i < count; i++) {
        const struct linear values = for_pass(pass, &l[i].values);
        const size_t n_terms = terms_of(&l[i], &values, x, acts->u[i], terms[i]);
        outs[i] = (struct few_output){&l[i].values, y[i], n_terms > 1 ? &terms[i][1] : NULL};
        if (!is_decoding(pass))
            pass->kernels->linear_fwd(y[i], terms[i], n_terms, n, work);
    }
    if (is_decoding(pass))
        pass->kernels->linear_few(outs, count, x, n, work);
}

void linear_residual_forward(const struct pass *pass, const struct linear_layer *l, const struct linear_acts *acts,
                             real *y, const real *residual, const act *x, real scale, size_t n)
{
    const struct workspace *work = &pass->scratch->work;
    const struct linear values = for_pass(pass, &l->values);
    struct linear_part terms[2];
    narrow(pass, l, acts, 1, x, n);
    const size_t n_terms = terms_of(l, &values, x, acts->u[0], terms);
    if (is_decoding(pass))
        pass->kernels->linear_few_residual(y, residual, x, &values, n_terms > 1 ? &terms[1] : NULL, scale, n, work);
    else
        pass->kernels->linear_residual_fwd(y, residual, terms, n_terms, scale, n, work);
}

void linear_again(const struct pass *pass, const struct linear_layer *l, const struct linear_acts *acts, const act *x,
                  size_t n)
{
    narrow(pass, l, acts, 1, x, n);
}

/* ---- backward ---- */

void linear_backward(const struct pass *pass, const struct linear_layer *l, const struct linear_acts *acts, act *dx,
                     const act *dy, const act *x, size_t n)
{
    act *const dys[] = {(act *)dy}; /* read only */
    linear_backward_shared(pass, l, acts, 1, dx, dys, x, n);
}

/* du (n,r) = scaling * dy B, and B's gradient. */
static void backward_to_u(const struct pass *pass, const struct low_rank *lora, act *du, const act *dy, const act *u,
                          size_t n)
{
    struct linear b_back = lora->b; /* as a layer from out to r, whose matrix lies (in,out) */
    b_back.in = lora->b.out;
    b_back.out = lora->b.in;
    b_back.transposed = false;
    const struct narrow_output out = {&b_back, du, lora->scaling};
    pass->kernels->linear_narrow(&out, 1, dy, n, &pass->scratch->work);
    pass->kernels->linear_bwd_dw(lora->db, NULL, pass->add, dy, u, &lora->b, n, &pass->scratch->work);
}

/* Gradients of the narrow matrices; adds the terms of dx that go through them. */
static void adapters_backward(const struct pass *pass, const struct linear_layer *l, const struct linear_acts *acts,
                              size_t count, struct linear_part *terms, size_t *n_terms, act *const *dy, const act *x,
                              size_t n)
{
    struct narrow_grad grads[LINEAR_SHARED];
    size_t n_grads = 0;
    for (size_t i = 0; i < count; i++) {
        const struct low_rank *lora = &l[i].lora;
        act *du = pass->scratch->du[i];
        if (!has_adapter(&l[i]))
            continue;
        backward_to_u(pass, lora, du, dy[i], acts->u[i], n);
        grads[n_grads++] = (struct narrow_grad){du, lora->da, lora->a.out};
        terms[(*n_terms)++] = (struct linear_part){du, &lora->a};
    }
    if (n_grads)
        pass->kernels->linear_narrow_dw(grads, n_grads, pass->add, x, l->values.in, n, &pass->scratch->work);
}

void linear_backward_shared(const struct pass *pass, const struct linear_layer *l, const struct linear_acts *acts,
                            size_t count, act *dx, act *const *dy, const act *x, size_t n)
{
    const struct workspace *work = &pass->scratch->work;
    struct linear_part terms[2 * LINEAR_SHARED];
    size_t n_terms = 0;
    for (size_t i = 0; i < count; i++) {
        terms[n_terms++] = (struct linear_part){dy[i], &l[i].values};
        if (l[i].dw || l[i].db)
            pass->kernels->linear_bwd_dw(l[i].dw, l[i].db, pass->add, dy[i], x, &l[i].values, n, work);
    }
    adapters_backward(pass, l, acts, count, terms, &n_terms, dy, x, n);
    if (dx)
        pass->kernels->linear_bwd_dx(dx, terms, n_terms, n, work);
}
