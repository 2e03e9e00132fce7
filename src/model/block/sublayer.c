#include "model/block/sublayer.h"

/* ---- what each kind of block has ---- */

static const struct linear_spec *out_spec(const struct sublayer_spec *spec)
{
    return spec->kind == BLOCK_ATTENTION ? &spec->attention.out : &spec->mlp.down;
}

static void bind_block(struct sublayer *s, const struct param_set *params, const struct model_config *config,
                       const struct sublayer_spec *spec, size_t layer)
{
    switch (spec->kind) {
    case BLOCK_ATTENTION:
        s->attention = attention_bind(params, config, &spec->attention, layer);
        break;
    case BLOCK_MLP:
        s->mlp = mlp_bind(params, config, &spec->mlp, layer);
        break;
    }
}

static bool block_is_trained(const struct sublayer *s)
{
    return s->kind == BLOCK_ATTENTION ? attention_is_trained(&s->attention) : mlp_is_trained(&s->mlp);
}

static void plan_block(struct activation_plan *plan, struct sublayer_acts *acts, const struct model_config *config,
                       const struct sublayer_spec *spec)
{
    switch (spec->kind) {
    case BLOCK_ATTENTION:
        attention_plan(plan, &acts->attention, config, &spec->attention);
        break;
    case BLOCK_MLP:
        mlp_plan(plan, &acts->mlp, config, &spec->mlp);
        break;
    }
}

/* What a block makes of h (n,C). */
static const act *block_forward(const struct pass *pass, const struct sublayer *s, const struct sublayer_acts *acts,
                                const act *h, size_t n)
{
    if (s->kind == BLOCK_ATTENTION)
        return attention_forward(pass, &s->attention, &acts->attention, &pass->shared->attention, h);
    return mlp_forward(pass, &s->mlp, &acts->mlp, &pass->shared->mlp, h, n);
}

/* The same once more, for the gradient of W; an MLP's was not kept: computing it again costs less than 1% of a step,
 * keeping it would make activations half as large again. */
static const act *block_again(const struct pass *pass, const struct sublayer *s, const struct sublayer_acts *acts,
                              size_t n)
{
    if (s->kind == BLOCK_ATTENTION)
        return acts->attention.attended;
    return linear_is_trained(&s->out) ? mlp_activate(pass, &s->mlp, &acts->mlp, &pass->shared->mlp, n)
                                      : pass->shared->mlp.activated;
}

static void block_backward(const struct pass *pass, const struct sublayer *s, const struct sublayer_acts *acts,
                           act *dinner, const act *h, act *dh, size_t n)
{
    if (s->kind == BLOCK_ATTENTION)
        attention_backward(pass, &s->attention, &acts->attention, &pass->shared->attention, dinner, h, dh);
    else
        mlp_backward(pass, &s->mlp, &acts->mlp, &pass->shared->mlp, dinner, h, dh, n);
}

/* ---- tensors, resolved ---- */

struct sublayer sublayer_bind(const struct param_set *params, const struct model_config *config,
                              const struct sublayer_spec *spec, size_t layer)
{
    struct sublayer s = {.kind = spec->kind,
                         .parallel = spec->parallel && !config->sequential_residual,
                         .mixes_positions = spec->kind == BLOCK_ATTENTION,
                         .norm = norm_bind(params, config, &spec->norm, layer, config->n_embd),
                         .post_norm = norm_bind(params, config, &spec->post_norm, layer, config->n_embd),
                         .out = linear_bind(params, out_spec(spec), layer),
                         .multiplier = (real)config->residual_multiplier};
    bind_block(&s, params, config, spec, layer);
    return s;
}

bool sublayer_is_trained(const struct sublayer *s)
{
    return norm_is_trained(&s->norm) || norm_is_trained(&s->post_norm) || linear_is_trained(&s->out) ||
           block_is_trained(s);
}

void sublayer_zero_grads(const struct sublayer *s) /* linear layers set theirs */
{
    norm_zero_grads(&s->norm);
    norm_zero_grads(&s->post_norm);
    if (s->kind == BLOCK_ATTENTION)
        attention_zero_grads(&s->attention);
}

/* ---- plan ---- */

real *sublayer_plan_stream(struct activation_plan *plan, const struct model_config *config)
{
    return plan_take(plan, "residual stream", plan->N * config->n_embd, sizeof(real));
}

void sublayer_plan(struct activation_plan *plan, struct sublayer_acts *acts, const struct model_config *config,
                   const struct sublayer_spec *spec)
{
    plan_block(plan, acts, config, spec);
    linear_plan(plan, &acts->out, 1);
    if (!spec->post_norm.weight)
        return;
    acts->projected = plan_take(plan, "before post norms", plan->N * config->n_embd, sizeof(real));
    acts->rstd = plan_take(plan, "before post norms", plan->N, sizeof(real));
}

/* Where the gradient of what is projected is not the stream's own. */
static bool has_own_gradient(const struct activation_plan *plan, const struct model_config *config)
{
    bool own = plan->act_size != sizeof(real) || config->residual_multiplier != 1;
    for (size_t i = 0; i < config->family->n_sublayers; i++)
        own = own || config->family->sublayers[i].post_norm.weight;
    return own;
}

/* Of each kind of block once. */
static void plan_kinds(struct activation_plan *plan, struct sublayer_shared *shared, const struct model_config *config)
{
    bool is_planned[] = {[BLOCK_ATTENTION] = false, [BLOCK_MLP] = false};
    for (size_t i = 0; i < config->family->n_sublayers; i++) {
        const struct sublayer_spec *spec = &config->family->sublayers[i];
        if (!is_planned[spec->kind] && spec->kind == BLOCK_ATTENTION)
            attention_plan_shared(plan, &shared->attention, config, &spec->attention);
        if (!is_planned[spec->kind] && spec->kind == BLOCK_MLP)
            mlp_plan_shared(plan, &shared->mlp, config, &spec->mlp);
        is_planned[spec->kind] = true;
    }
}

void sublayer_plan_shared(struct activation_plan *plan, struct sublayer_shared *shared, struct scratch *scratch,
                          const struct model_config *config)
{
    static const char gradients[] = "gradients of activations";
    const size_t width = attention_width(config), widest = width > config->n_inner ? width : config->n_inner;
    norm_plan(plan, scratch, config);
    linear_plan_scratch(plan, scratch);
    plan_kinds(plan, shared, config);
    shared->inner_rows = plan_acts(plan, "last layer's targets", width);
    if (!plan->trained)
        return;
    shared->dinner = plan_acts(plan, gradients, widest);
    shared->dinner_rows = plan_acts(plan, gradients, width);
    if (has_own_gradient(plan, config))
        scratch->dout = plan_acts(plan, gradients, config->n_embd);
}

/* ---- forward ---- */

void sublayer_begin(const struct pass *pass)
{
    for (size_t i = 0; i < N_TURNED; i++)
        rotary_set(&pass->shared->attention.rotary[i], pass->batch);
}

/* y (n,C) = residual + multiplier * post_norm(inner W + b). */
static void project(const struct pass *pass, const struct sublayer *s, const struct sublayer_acts *acts, real *y,
                    const real *residual, const act *inner, size_t n)
{
    if (!s->post_norm.w) {
        linear_residual_forward(pass, &s->out, &acts->out, y, residual, inner, s->multiplier, n);
        return;
    }
    linear_residual_forward(pass, &s->out, &acts->out, acts->projected, NULL, inner, 1, n);
    norm_residual_forward(pass, &s->post_norm, y, acts->rstd, residual, acts->projected, s->multiplier, n);
}

/* Past the last sublayer that mixes positions nobody sees but the head. (Its queries, a small part, are computed at all
 * positions, so that attention is the same in every layer.) */
static void project_block(const struct pass *pass, const struct sublayer *s, const struct sublayer_acts *acts, real *y,
                          const act *inner, enum extent extent, size_t n)
{
    const struct kernels *k = pass->kernels;
    if (extent != EXTENT_NARROW) {
        project(pass, s, acts, y, acts->x, inner, n);
        return;
    }
    k->gather_rows(y, acts->x, pass->rows, pass->n_rows, s->out.values.out * sizeof(real));
    k->gather_rows(pass->shared->inner_rows, inner, pass->rows, pass->n_rows, s->out.values.in * k->act_size);
    project(pass, s, acts, y, y, pass->shared->inner_rows, pass->n_rows);
}

static const act *run_block(const struct pass *pass, const struct sublayer *s, const struct sublayer_acts *acts,
                            const real *seen, size_t n)
{
    return block_forward(pass, s, acts, norm_forward(pass, &s->norm, seen, n), n);
}

static size_t positions_of(const struct pass *pass, enum extent extent)
{
    return extent == EXTENT_ROWS ? pass->n_rows : pass->batch->N;
}

void sublayer_forward(const struct pass *pass, const struct sublayer *s, const struct sublayer_acts *acts, real *y,
                      const real *seen, enum extent extent)
{
    const size_t n = positions_of(pass, extent);
    project_block(pass, s, acts, y, run_block(pass, s, acts, seen, n), extent, n);
}

void sublayer_again(const struct pass *pass, const struct sublayer *s, const struct sublayer_acts *acts, real *y,
                    const real *seen, enum extent extent)
{
    const size_t n = positions_of(pass, extent);
    const act *inner = run_block(pass, s, acts, seen, n);
    if (s->post_norm.w)
        project_block(pass, s, acts, y, inner, extent, n);
    else
        linear_again(pass, &s->out, &acts->out, inner, n);
}

/* ---- backward ---- */

/* The gradient of inner W + b (n,C), as matrix operand. */
static const act *project_backward(const struct pass *pass, const struct sublayer *s, const struct sublayer_acts *acts,
                                   const real *dy, size_t n)
{
    act *dout = pass->scratch->dout;
    if (!s->post_norm.w)
        return pass->kernels->to_act(dout, dy, s->multiplier, n * s->out.values.out);
    norm_residual_backward(pass, &s->post_norm, dout, dy, acts->projected, acts->rstd, s->multiplier, n);
    return dout;
}

/* From rows to all positions: what goes past the block. */
static void widen(const struct pass *pass, const struct sublayer *s, const struct stream_grad *dx,
                  const struct stream_grad *dy)
{
    const size_t row_bytes = s->out.values.out * sizeof(real);
    pass->kernels->scatter_rows(dx->all, pass->batch->N, dx->rows, pass->rows, pass->n_rows, row_bytes);
    if (s->parallel) /* the sublayer before it takes it from there */
        pass->kernels->scatter_rows(dy->all, pass->batch->N, dy->rows, pass->rows, pass->n_rows, row_bytes);
}

/* The same of the gradient of what it gave. */
static void widen_inner(const struct pass *pass, const struct sublayer *s)
{
    const size_t row_bytes = s->out.values.in * pass->kernels->act_size;
    pass->kernels->scatter_rows(pass->shared->dinner, pass->batch->N, pass->shared->dinner_rows, pass->rows,
                                pass->n_rows, row_bytes);
}

void sublayer_backward(const struct pass *pass, const struct sublayer *s, const struct sublayer_acts *acts,
                       const struct stream_grad *dx, const struct stream_grad *dy, const real *seen, enum extent extent,
                       bool below)
{
    const bool is_narrow = extent == EXTENT_NARROW, on_rows = extent == EXTENT_ROWS;
    const bool to_norm = below || norm_is_trained(&s->norm), to_block = to_norm || block_is_trained(s);
    const struct sublayer_shared *shared = pass->shared;
    const size_t n_in = positions_of(pass, extent), n_out = is_narrow ? pass->n_rows : n_in;
    act *dinner = is_narrow ? shared->dinner_rows : shared->dinner;

    const act *dout = project_backward(pass, s, acts, extent == EXTENT_ALL ? dy->all : dy->rows, n_out);
    const act *inner = is_narrow ? shared->inner_rows : block_again(pass, s, acts, n_out);
    linear_backward(pass, &s->out, &acts->out, to_block ? dinner : NULL, dout, inner, n_out);
    if (is_narrow)
        widen(pass, s, dx, dy);
    if (!to_block)
        return;
    if (is_narrow)
        widen_inner(pass, s);
    const act *h = norm_forward(pass, &s->norm, seen, n_in);
    block_backward(pass, s, acts, shared->dinner, h, to_norm ? pass->scratch->dnorm : NULL, n_in);
    if (to_norm)
        norm_backward(pass, &s->norm, on_rows ? dx->rows : dx->all, seen, n_in);
}
