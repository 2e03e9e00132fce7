#include "model/block/attention.h"

#include <math.h>
#include <string.h>

static bool is_fused(const struct attention_spec *spec)
{
    return spec->qkv.weight != NULL;
}

static real scale_of(const struct model_config *config, size_t layer)
{
    double scale =
        config->attention_multiplier > 0 ? config->attention_multiplier : 1 / sqrt((double)config->head_dim);
    if (config->scale_attn_by_inverse_layer_idx)
        scale /= (double)(layer + 1);
    return (real)scale;
}

struct attention_layer attention_bind(const struct param_set *params, const struct model_config *config,
                                      const struct attention_spec *spec, size_t layer)
{
    const struct linear_spec *const three[] = {&spec->q, &spec->k, &spec->v};
    struct attention_layer a = {.out = linear_bind(params, &spec->out, layer),
                                .layer = layer,
                                .n_head = config->n_head,
                                .n_kv_head = config->n_kv_head,
                                .head_dim = config->head_dim,
                                .scale = scale_of(config, layer)};
    for (size_t i = 0; i < (is_fused(spec) ? 1 : 3); i++)
        a.in[i] = linear_bind(params, is_fused(spec) ? &spec->qkv : three[i], layer);
    return a;
}

static bool has_input(const struct attention_layer *a, size_t i)
{
    return i < sizeof a->in / sizeof *a->in && a->in[i].values.w;
}

/* What input i gives, or its gradient. */
static act *part_of(const struct qkv *x, size_t i)
{
    return i == 0 ? x->q : i == 1 ? x->k : x->v;
}

static bool inputs_are_trained(const struct attention_layer *a)
{
    for (size_t i = 0; has_input(a, i); i++)
        if (linear_is_trained(&a->in[i]))
            return true;
    return false;
}

bool attention_is_trained(const struct attention_layer *a)
{
    return inputs_are_trained(a) || linear_is_trained(&a->out);
}

/* ---- plan ---- */

static size_t query_width(const struct model_config *config)
{
    return config->n_head * config->head_dim;
}

static size_t kv_width(const struct model_config *config)
{
    return config->n_kv_head * config->head_dim;
}

static struct qkv plan_qkv(struct activation_plan *plan, const char *name, const struct model_config *config,
                           const struct attention_spec *spec)
{
    const size_t queries = query_width(config), keys = kv_width(config), all = queries + 2 * keys;
    if (is_fused(spec)) {
        act *qkv = plan_acts(plan, name, all);
        return (struct qkv){qkv, plan_columns(plan, qkv, queries), plan_columns(plan, qkv, queries + keys), all, all};
    }
    struct qkv three = {.ld_q = queries, .ld_kv = keys};
    three.q = plan_acts(plan, name, queries);
    three.k = plan_acts(plan, name, keys);
    three.v = plan_acts(plan, name, keys);
    return three;
}

void attention_plan(struct activation_plan *plan, struct attention_acts *acts, const struct model_config *config,
                    const struct attention_spec *spec)
{
    acts->qkv = plan_qkv(plan, "queries, keys, values", config, spec);
    acts->lse = plan_take(plan, "attention log-sums", plan->N * config->n_head, sizeof(real));
    acts->attended = plan_acts(plan, "attention output", query_width(config));
}

void attention_plan_shared(struct activation_plan *plan, struct attention_shared *shared,
                           const struct model_config *config, const struct attention_spec *spec)
{
    static const char gradients[] = "gradients of activations";
    const size_t queries = query_width(config), heads_per_kv = config->n_head / config->n_kv_head;
    plan_width(plan, config->n_embd);
    plan_width(plan, queries + 2 * kv_width(config));
    plan->sizes.head_size = config->head_dim;
    plan->sizes.heads_per_kv = heads_per_kv;
    *shared = (struct attention_shared){.attended_rows = plan_acts(plan, "last layer's targets", queries),
                                        .turns = spec->rotary ? rotary_plan(plan, config) : NULL};
    if (!plan->trained)
        return;
    shared->dattended = plan_acts(plan, gradients, queries);
    shared->dattended_rows = plan_acts(plan, gradients, queries);
    shared->dqkv = plan_qkv(plan, gradients, config, spec);
}

/* ---- forward ---- */

static struct attention attention_of(const struct attention_layer *a, const struct batch *batch, const struct qkv *x)
{
    return (struct attention){.n_head = a->n_head,
                              .n_kv_head = a->n_kv_head,
                              .head_size = a->head_dim,
                              .S = batch->S,
                              .q_start = batch->seq_start,
                              .ld_q = x->ld_q,
                              .ld_kv = x->ld_kv,
                              .stride_q = a->head_dim,
                              .stride_kv = a->head_dim,
                              .scale = a->scale};
}

/* Queries and keys, or their gradients back, by their positions. */
static void turn(const struct pass *pass, const struct attention_layer *a, const real *turns, const struct qkv *x,
                 rope_fwd_fn *rope)
{
    const size_t D = a->head_dim;
    const struct rope queries = {.turns = turns, .rotary_dim = D, .n_head = a->n_head, .ld = x->ld_q, .stride = D};
    const struct rope keys = {.turns = turns, .rotary_dim = D, .n_head = a->n_kv_head, .ld = x->ld_kv, .stride = D};
    rope(x->q, pass->batch->position, &queries, pass->batch->N);
    rope(x->k, pass->batch->position, &keys, pass->batch->N);
}

/* Where row `row` of a layer of the slots begins, of keys or of values. */
static act *slot_row(const struct pass *pass, const struct attention_layer *a, act *rows, size_t row)
{
    return act_at(pass->kernels, rows, (a->layer * pass->kv->capacity + row) * a->n_kv_head * a->head_dim);
}

/* Put the batch's keys and values into the last rows of each sequence's slot. */
static void fill_slots(const struct pass *pass, const struct attention_layer *a, const struct qkv *x)
{
    const struct batch *batch = pass->batch;
    const size_t row_bytes = a->n_kv_head * a->head_dim * pass->kernels->act_size;
    for (size_t s = 0; s < batch->S; s++) {
        const size_t end = pass->kv->begin[s] + pass->kv->len[s];
        for (size_t n = batch->seq_start[s]; n < batch->seq_start[s + 1]; n++) {
            const size_t row = end - (batch->seq_start[s + 1] - n);
            memcpy(slot_row(pass, a, pass->kv->k, row), act_at(pass->kernels, x->k, n * x->ld_kv), row_bytes);
            memcpy(slot_row(pass, a, pass->kv->v, row), act_at(pass->kernels, x->v, n * x->ld_kv), row_bytes);
        }
    }
}

static void attend(const struct pass *pass, const struct attention_layer *a, const struct attention_acts *acts)
{
    const struct qkv *x = &acts->qkv;
    struct attention attention = attention_of(a, pass->batch, x);
    const act *k = x->k, *v = x->v;
    if (pass->kv) {
        fill_slots(pass, a, x);
        k = slot_row(pass, a, pass->kv->k, 0);
        v = slot_row(pass, a, pass->kv->v, 0);
        attention.kv_begin = pass->kv->begin;
        attention.kv_len = pass->kv->len;
        attention.ld_kv = a->n_kv_head * a->head_dim;
    }
    pass->kernels->attention_fwd(acts->attended, acts->lse, x->q, k, v, &attention, &pass->scratch->work);
}

void attention_forward(const struct pass *pass, const struct attention_layer *a, const struct norm_layer *norm,
                       const struct attention_acts *acts, real *y, const real *x, bool narrow)
{
    const struct kernels *k = pass->kernels;
    const size_t N = pass->batch->N, n_rows = pass->n_rows;
    act *rows = acts->shared.attended_rows;
    norm_forward(pass, norm, x, N);
    for (size_t i = 0; has_input(a, i); i++)
        linear_forward(pass, &a->in[i], part_of(&acts->qkv, i), pass->scratch->norm, N);
    if (acts->shared.turns)
        turn(pass, a, acts->shared.turns, &acts->qkv, k->rope_fwd);
    attend(pass, a, acts);
    if (!narrow) {
        linear_residual_forward(pass, &a->out, y, x, acts->attended, N);
        return;
    }
    k->gather_rows(y, x, pass->rows, n_rows, norm->C * sizeof(real));
    k->gather_rows(rows, acts->attended, pass->rows, n_rows, a->out.values.in * k->act_size);
    linear_residual_forward(pass, &a->out, y, y, rows, n_rows);
}

/* ---- backward ---- */

/* Through the output's projection, at the positions that y has; dattended, at all positions, where it is wanted. */
static void output_backward(const struct pass *pass, const struct attention_layer *a,
                            const struct attention_acts *acts, real *dx, real *dx_rows, bool wanted)
{
    const struct kernels *k = pass->kernels;
    const struct attention_shared *shared = &acts->shared;
    const size_t N = pass->batch->N, n = dx_rows ? pass->n_rows : N, C = a->out.values.out, width = a->out.values.in;
    act *dattended = dx_rows ? shared->dattended_rows : shared->dattended;
    const act *dout = k->to_act(pass->scratch->dout, dx_rows ? dx_rows : dx, n * C);
    linear_backward(pass, &a->out, wanted ? dattended : NULL, dout, dx_rows ? shared->attended_rows : acts->attended,
                    n);
    if (!dx_rows || !wanted)
        return;
    k->scatter_rows(dx, N, dx_rows, pass->rows, n, C * sizeof(real));
    k->scatter_rows(shared->dattended, N, dattended, pass->rows, n, width * k->act_size);
}

/* Three inputs each add their part of dx through the norm, which is linear in what comes from above. */
static void inputs_backward(const struct pass *pass, const struct attention_layer *a, const struct norm_layer *norm,
                            const struct qkv *d, real *dx, const real *x, bool to_norm)
{
    const size_t N = pass->batch->N;
    norm_forward(pass, norm, x, N);
    for (size_t i = 0; has_input(a, i); i++) {
        linear_backward(pass, &a->in[i], to_norm ? pass->scratch->dnorm : NULL, part_of(d, i), pass->scratch->norm, N);
        if (to_norm)
            norm_backward(pass, norm, dx, x, N);
    }
}

void attention_backward(const struct pass *pass, const struct attention_layer *a, const struct norm_layer *norm,
                        const struct attention_acts *acts, real *dx, real *dx_rows, const real *x, bool below)
{
    const struct qkv *qkv = &acts->qkv, *d = &acts->shared.dqkv;
    const struct attention attention = attention_of(a, pass->batch, qkv);
    const bool to_norm = below || norm_is_trained(norm), to_inputs = to_norm || inputs_are_trained(a);
    output_backward(pass, a, acts, dx, dx_rows, to_inputs);
    if (!to_inputs)
        return;
    pass->kernels->attention_bwd(d->q, d->k, d->v, acts->shared.dattended, acts->attended, qkv->q, qkv->k, qkv->v,
                                 acts->lse, &attention, &pass->scratch->work);
    if (acts->shared.turns)
        turn(pass, a, acts->shared.turns, d, pass->kernels->rope_bwd);
    inputs_backward(pass, a, norm, d, dx, x, to_norm);
}
