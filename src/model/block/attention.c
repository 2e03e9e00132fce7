#include "model/block/attention.h"

#include "base/err.h"

#include <math.h>
#include <string.h>

enum { FEW_ROWS = 32 }; /* not worth a second thread to copy */

/* ---- tensors, resolved ---- */

static bool is_fused(const struct attention_spec *spec)
{
    return spec->qkv.weight != NULL;
}

static real scale_of(const struct model_config *config, size_t layer)
{
    double scale = config->attention_multiplier > 0 ? config->attention_multiplier : 1 / sqrt((double)config->head_dim);
    if (config->scale_attn_by_inverse_layer_idx)
        scale /= (double)(layer + 1);
    return (real)scale;
}

static bool has_local_turns(const struct model_config *config)
{
    return config->rope_local.theta != 0;
}

static enum turned turned_of(const struct model_config *config, const struct attention_spec *spec, size_t layer)
{
    if (!spec->rotary || layer_set_has(&config->unrotated, layer))
        return UNTURNED;
    return has_local_turns(config) && layer_set_has(&config->sliding, layer) ? TURNED_LOCALLY : TURNED;
}

struct attention_layer attention_bind(const struct param_set *params, const struct model_config *config,
                                      const struct attention_spec *spec, size_t layer)
{
    const struct linear_spec *const three[] = {&spec->q, &spec->k, &spec->v};
    struct attention_layer a = {.q_norm = norm_bind(params, config, &spec->q_norm, layer, 0),
                                .k_norm = norm_bind(params, config, &spec->k_norm, layer, 0),
                                .layer = layer,
                                .n_head = config->n_head,
                                .n_kv_head = config->n_kv_head,
                                .head_dim = config->head_dim,
                                .window = layer_set_has(&config->sliding, layer) ? config->sliding_window : 0,
                                .turned = turned_of(config, spec, layer),
                                .scale = scale_of(config, layer),
                                .softcap = (real)config->attention_softcap};
    for (size_t i = 0; i < (is_fused(spec) ? 1 : 3); i++)
        a.in[i] = linear_bind(params, is_fused(spec) ? &spec->qkv : three[i], layer);
    if (!a.q_norm.w != !a.k_norm.w)
        SFT_BUG("queries and keys are both normed, or neither");
    if (spec->by_head && (a.n_kv_head != a.n_head || spec->norm_all_heads))
        SFT_BUG("queries, keys and values head by head are as many, and no row of heads");
    return a;
}

static size_t n_inputs(const struct attention_layer *a)
{
    return linear_is_there(&a->in[1]) ? 3 : 1;
}

bool attention_is_trained(const struct attention_layer *a)
{
    bool trained = norm_is_trained(&a->q_norm) || norm_is_trained(&a->k_norm);
    for (size_t i = 0; i < n_inputs(a); i++)
        trained = trained || linear_is_trained(&a->in[i]);
    return trained;
}

void attention_zero_grads(const struct attention_layer *a)
{
    norm_zero_grads(&a->q_norm);
    norm_zero_grads(&a->k_norm);
}

/* ---- plan ---- */

size_t attention_width(const struct model_config *config)
{
    return config->n_head * config->head_dim;
}

static size_t kv_width(const struct model_config *config)
{
    return config->n_kv_head * config->head_dim;
}

/* Of values, only where they are wanted. */
static struct qkv plan_qkv(struct activation_plan *plan, const char *name, const struct model_config *config,
                           const struct attention_spec *spec, bool values)
{
    const size_t queries = attention_width(config), keys = kv_width(config), D = config->head_dim;
    struct qkv x = {.ld_q = queries, .ld_kv = keys, .stride_q = D, .stride_kv = D};
    if (!is_fused(spec)) {
        x.q = plan_acts(plan, name, queries);
        x.k = plan_acts(plan, name, keys);
        x.v = values ? plan_acts(plan, name, keys) : NULL;
        return x;
    }
    x.ld_q = x.ld_kv = queries + 2 * keys;
    x.stride_q = x.stride_kv = spec->by_head ? 3 * D : D;
    x.q = plan_acts(plan, name, x.ld_q);
    x.k = plan_columns(plan, x.q, spec->by_head ? D : queries);
    x.v = plan_columns(plan, x.q, spec->by_head ? 2 * D : queries + keys);
    return x;
}

void attention_plan(struct activation_plan *plan, struct attention_acts *acts, const struct model_config *config,
                    const struct attention_spec *spec)
{
    acts->qkv = plan_qkv(plan, "queries, keys, values", config, spec, true);
    acts->lse = plan_take(plan, "attention log-sums", plan->N * config->n_head, sizeof(real));
    acts->attended = plan_acts(plan, "attention output", attention_width(config));
    linear_plan(plan, &acts->in, is_fused(spec) ? 1 : 3);
}

/* What only some families have. */
static void plan_parts(struct activation_plan *plan, struct attention_shared *shared, const struct model_config *config,
                       const struct attention_spec *spec)
{
    static const char normed[] = "queries and keys, normed";
    if (spec->rotary)
        shared->rotary[TURNED] = rotary_plan(plan, &config->rope, config->rotary_dim);
    if (spec->rotary && has_local_turns(config))
        shared->rotary[TURNED_LOCALLY] = rotary_plan(plan, &config->rope_local, config->rotary_dim);
    if (!spec->q_norm.weight)
        return;
    shared->normed = plan_qkv(plan, normed, config, spec, false);
    shared->rstd_q = plan_take(plan, normed, plan->N * config->n_head, sizeof(real));
    shared->rstd_k = plan_take(plan, normed, plan->N * config->n_kv_head, sizeof(real));
}

void attention_plan_shared(struct activation_plan *plan, struct attention_shared *shared,
                           const struct model_config *config, const struct attention_spec *spec)
{
    plan_width(plan, config->n_embd);
    plan_width(plan, attention_width(config) + 2 * kv_width(config));
    plan->sizes.head_size = config->head_dim;
    plan->sizes.heads_per_kv = config->n_head / config->n_kv_head;
    plan_parts(plan, shared, config, spec);
    if (plan->trained)
        shared->dqkv = plan_qkv(plan, "gradients of activations", config, spec, true);
}

/* ---- queries and keys on their way ---- */

/* The heads of queries or of keys; as the norm sees them that is of all at once, one. */
static struct heads heads_of(const struct attention_layer *a, const struct norm_layer *norm, size_t n_head, size_t ld,
                             size_t stride)
{
    if (norm->width == n_head * a->head_dim)
        return (struct heads){1, norm->width, ld, norm->width};
    return (struct heads){n_head, a->head_dim, ld, stride};
}

static struct heads normed_queries(const struct attention_layer *a, const struct qkv *x)
{
    return heads_of(a, &a->q_norm, a->n_head, x->ld_q, x->stride_q);
}

static struct heads normed_keys(const struct attention_layer *a, const struct qkv *x)
{
    return heads_of(a, &a->k_norm, a->n_kv_head, x->ld_kv, x->stride_kv);
}

/* Queries and keys, or their gradients back, by their positions. */
static void turn(const struct attention_layer *a, const struct attention_shared *shared, const struct qkv *x, size_t n,
                 rope_fwd_fn *rope)
{
    if (a->turned == UNTURNED)
        return;
    const struct rotary *by = &shared->rotary[a->turned];
    const struct rope queries = {by->turns, by->dim, a->n_head, x->ld_q, x->stride_q};
    const struct rope keys = {by->turns, by->dim, a->n_kv_head, x->ld_kv, x->stride_kv};
    rope(x->q, &queries, n);
    rope(x->k, &keys, n);
}

/* What attention sees, without norms of heads in place of what the inputs gave. */
static struct qkv prepare(const struct pass *pass, const struct attention_layer *a, const struct qkv *given,
                          const struct attention_shared *shared)
{
    const size_t N = pass->batch->N;
    struct qkv seen = *given;
    if (a->q_norm.w) {
        const struct heads queries = normed_queries(a, given), keys = normed_keys(a, given);
        seen.q = shared->normed.q;
        seen.k = shared->normed.k;
        norm_heads_forward(pass, &a->q_norm, seen.q, shared->rstd_q, given->q, &queries, N);
        norm_heads_forward(pass, &a->k_norm, seen.k, shared->rstd_k, given->k, &keys, N);
    }
    turn(a, shared, &seen, N, pass->kernels->rope_fwd);
    return seen;
}

/* ---- forward ---- */

static struct attention attention_of(const struct attention_layer *a, const struct batch *batch, const struct qkv *x)
{
    return (struct attention){.n_head = a->n_head,
                              .n_kv_head = a->n_kv_head,
                              .head_size = a->head_dim,
                              .S = batch->S,
                              .q_start = batch->seq_start,
                              .kv_len = batch->reach,
                              .parent = batch->parent,
                              .ld_q = x->ld_q,
                              .ld_kv = x->ld_kv,
                              .stride_q = x->stride_q,
                              .stride_kv = x->stride_kv,
                              .window = a->window,
                              .scale = a->scale,
                              .softcap = a->softcap};
}

/* Where a layer's keys, or values, begin in the first page. */
static act *layer_of(const struct pass *pass, const struct attention_layer *a, bool values)
{
    const size_t size = a->n_kv_head * pass->kv->page_rows * a->head_dim;
    return act_at(pass->kernels, pass->kv->memory, (2 * a->layer + values) * size);
}

/* A position's heads, of keys or of values, to a row of a page, where those of other positions lie between them. */
static void fill_row(const struct pass *pass, const struct attention_layer *a, act *page, size_t row, act *x,
                     size_t stride)
{
    const struct kernels *k = pass->kernels;
    const size_t D = a->head_dim;
    for (size_t h = 0; h < a->n_kv_head; h++)
        memcpy(act_at(k, page, (h * pass->kv->page_rows + row) * D), act_at(k, x, h * stride), D * k->act_size);
}

/* Put the keys and values of sequence s of the batch behind those that its pages have. */
static void fill_sequence(const struct pass *pass, const struct attention_layer *a, const struct qkv *x, size_t s)
{
    const struct kernels *k = pass->kernels;
    const struct kv_view *kv = pass->kv;
    const size_t *start = &pass->batch->seq_start[s];
    act *keys = layer_of(pass, a, false), *values = layer_of(pass, a, true);
#pragma omp parallel for schedule(static) if (start[1] - start[0] > FEW_ROWS)
    for (size_t n = start[0]; n < start[1]; n++) {
        const size_t place = kv->len[s] - (start[1] - n), row = place % kv->page_rows;
        const size_t page = kv->pages[kv->page_start[s] + place / kv->page_rows] * kv->page_size;
        fill_row(pass, a, act_at(k, keys, page), row, act_at(k, x->k, n * x->ld_kv), x->stride_kv);
        fill_row(pass, a, act_at(k, values, page), row, act_at(k, x->v, n * x->ld_kv), x->stride_kv);
    }
}

/* Attention to all that the sequences have, once the batch's own is there too. */
static void attend_to_pages(const struct pass *pass, const struct attention_layer *a, const struct attention_acts *acts,
                            const struct qkv *x, struct attention *attention)
{
    const struct kv_view *kv = pass->kv;
    const struct kernels *k = pass->kernels;
    act *keys = layer_of(pass, a, false), *values = layer_of(pass, a, true);
    for (size_t s = 0; s < pass->batch->S; s++)
        fill_sequence(pass, a, x, s);
    attention->kv_len = kv->len;
    attention->ld_kv = a->head_dim;
    attention->stride_kv = kv->page_rows * a->head_dim;
    attention->pages = kv->pages;
    attention->page_start = kv->page_start;
    attention->page_rows = kv->page_rows;
    attention->stride_page = kv->page_size;
    if (kv->decoding)
        k->attention_few(acts->attended, x->q, keys, values, attention, &pass->scratch->work);
    else
        k->attention_fwd(acts->attended, acts->lse, x->q, keys, values, attention, &pass->scratch->work);
}

const act *attention_forward(const struct pass *pass, const struct attention_layer *a,
                             const struct attention_acts *acts, const struct attention_shared *shared, const act *h)
{
    const struct qkv *given = &acts->qkv;
    act *const parts[] = {given->q, given->k, given->v};
    linear_forward_shared(pass, a->in, &acts->in, n_inputs(a), parts, h, pass->batch->N);
    const struct qkv x = prepare(pass, a, given, shared);
    struct attention attention = attention_of(a, pass->batch, &x);
    if (pass->kv)
        attend_to_pages(pass, a, acts, &x, &attention);
    else
        pass->kernels->attention_fwd(acts->attended, acts->lse, x.q, x.k, x.v, &attention, &pass->scratch->work);
    return acts->attended;
}

/* ---- backward ---- */

/* Gradients of what attention saw to those of what the inputs gave, in place. */
static void prepare_backward(const struct pass *pass, const struct attention_layer *a, const struct qkv *d,
                             const struct qkv *given, const struct attention_shared *shared)
{
    const size_t N = pass->batch->N;
    turn(a, shared, d, N, pass->kernels->rope_bwd);
    if (!a->q_norm.w)
        return;
    const struct heads queries = normed_queries(a, given), keys = normed_keys(a, given);
    norm_heads_backward(pass, &a->q_norm, d->q, given->q, shared->rstd_q, &queries, N);
    norm_heads_backward(pass, &a->k_norm, d->k, given->k, shared->rstd_k, &keys, N);
}

void attention_backward(const struct pass *pass, const struct attention_layer *a, const struct attention_acts *acts,
                        const struct attention_shared *shared, const act *dattended, const act *h, act *dh)
{
    const struct qkv *d = &shared->dqkv, x = a->q_norm.w ? prepare(pass, a, &acts->qkv, shared) : acts->qkv;
    const struct attention attention = attention_of(a, pass->batch, &x);
    act *const parts[] = {d->q, d->k, d->v};
    pass->kernels->attention_bwd(d->q, d->k, d->v, dattended, acts->attended, x.q, x.k, x.v, acts->lse, &attention,
                                 &pass->scratch->work);
    prepare_backward(pass, a, d, &acts->qkv, shared);
    linear_backward_shared(pass, a->in, &acts->in, n_inputs(a), dh, parts, h, pass->batch->N);
}
