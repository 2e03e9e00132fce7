#include "model/transformer.h"

#include <math.h>
#include <string.h>

enum sft_status transformer_init(struct transformer *model, const struct model_config *config,
                                 const struct kernels *kernels, bool trained, struct sft_err *err)
{
    *model = (struct transformer){.config = *config, .kernels = kernels};
    tensor_table_init(&model->table, config);
    const size_t bytes = model->table.n_elements * sizeof(real);
    if (block_alloc(&model->params, bytes, "the parameters", err) ||
        (trained && block_alloc(&model->grads, bytes, "the gradients", err))) {
        transformer_free(model);
        return err->status;
    }
    return SFT_OK;
}

void transformer_free(struct transformer *model)
{
    block_free(&model->params);
    block_free(&model->grads);
    tensor_table_free(&model->table);
    *model = (struct transformer){0};
}

static real *at(const struct transformer *model, const struct block *block, enum tensor_role role,
                size_t layer)
{
    const struct tensor *tensor = tensor_find(&model->table, role, layer);
    return tensor ? (real *)block->data + tensor->offset : NULL;
}

real *transformer_tensor(const struct transformer *model, enum tensor_role role, size_t layer)
{
    return at(model, &model->params, role, layer);
}

real *transformer_grad(const struct transformer *model, enum tensor_role role, size_t layer)
{
    return at(model, &model->grads, role, layer);
}

void transformer_zero_grad(struct transformer *model)
{
    memset(model->grads.data, 0, model->grads.bytes);
}

static struct linear linear_of(const struct transformer *model, enum tensor_role w, enum tensor_role b,
                               size_t layer)
{
    const struct tensor *tensor = tensor_find(&model->table, w, layer);
    return (struct linear){.w = transformer_tensor(model, w, layer),
                           .b = transformer_tensor(model, b, layer),
                           .in = tensor->rows,
                           .out = tensor->cols};
}

/* The head's matrix is the token embedding where the two are tied. */
static enum tensor_role head_role(const struct transformer *model)
{
    return model->config.tied ? TENSOR_TOKEN_EMBEDDING : TENSOR_HEAD;
}

static struct head head_of(const struct transformer *model)
{
    return (struct head){.w = transformer_tensor(model, head_role(model), 0),
                         .V = model->config.vocab_size,
                         .C = model->config.n_embd};
}

static struct attention attention_of(const struct model_config *config, const struct batch *batch,
                                     size_t layer)
{
    const size_t D = config->n_embd / config->n_head;
    double scale = config->scale_attn_weights ? 1 / sqrt((double)D) : 1;
    if (config->scale_attn_by_inverse_layer_idx)
        scale /= (double)(layer + 1);
    return (struct attention){.n_head = config->n_head,
                              .head_size = D,
                              .S = batch->S,
                              .q_start = batch->seq_start,
                              .kv_start = batch->seq_start,
                              .ld_q = 3 * config->n_embd,
                              .ld_kv = 3 * config->n_embd,
                              .scale = (real)scale};
}

/* Column `column` of a matrix whose elements only kernels know the size of. */
static act *columns(const struct transformer *model, act *matrix, size_t column)
{
    return (unsigned char *)matrix + column * model->kernels->act_size;
}

/* ---- forward ---- */

/* Append the new rows' keys and values to the cache, which attention then reads instead of qkv. */
static void cache_append(const struct transformer *model, const struct kv_cache *cache, size_t layer,
                         act *qkv, size_t N, act **k, act **v)
{
    const size_t C = model->config.n_embd, row_bytes = C * model->kernels->act_size;
    *k = columns(model, cache->k, layer * cache->capacity * C);
    *v = columns(model, cache->v, layer * cache->capacity * C);
    for (size_t n = 0; n < N; n++) {
        const size_t row = (cache->length + n) * C;
        memcpy(columns(model, *k, row), columns(model, qkv, n * 3 * C + C), row_bytes);
        memcpy(columns(model, *v, row), columns(model, qkv, n * 3 * C + 2 * C), row_bytes);
    }
}

static void attend(const struct transformer *model, struct activations *acts, const struct batch *batch,
                   const struct kv_cache *cache, size_t layer)
{
    const struct layer_activations *a = &acts->layers[layer];
    const size_t C = model->config.n_embd;
    struct attention attention = attention_of(&model->config, batch, layer);
    act *k = columns(model, a->qkv, C), *v = columns(model, a->qkv, 2 * C);
    const size_t cached[2] = {0, cache ? cache->length + batch->N : 0};
    if (cache) {
        cache_append(model, cache, layer, a->qkv, batch->N, &k, &v);
        attention.kv_start = cached;
        attention.ld_kv = C;
    }
    model->kernels->attention_fwd(a->attended, a->lse, a->qkv, k, v, &attention, &acts->work);
}

static void layer_forward(const struct transformer *model, struct activations *acts,
                          const struct batch *batch, const struct kv_cache *cache, size_t layer)
{
    const struct kernels *k = model->kernels;
    const struct layer_activations *a = &acts->layers[layer];
    const size_t N = batch->N, C = model->config.n_embd, L = model->config.n_layer;
    const real epsilon = (real)model->config.layer_norm_epsilon;
    real *x_next = layer + 1 < L ? acts->layers[layer + 1].x : acts->x_out;
    const struct linear qkv = linear_of(model, TENSOR_QKV_W, TENSOR_QKV_B, layer);
    const struct linear proj = linear_of(model, TENSOR_PROJ_W, TENSOR_PROJ_B, layer);
    const struct linear up = linear_of(model, TENSOR_UP_W, TENSOR_UP_B, layer);
    const struct linear down = linear_of(model, TENSOR_DOWN_W, TENSOR_DOWN_B, layer);

    k->layernorm_fwd(a->norm1, a->mean1, a->rstd1, a->x, transformer_tensor(model, TENSOR_NORM1_W, layer),
                     transformer_tensor(model, TENSOR_NORM1_B, layer), epsilon, N, C);
    k->linear_fwd(a->qkv, a->norm1, &qkv, N);
    attend(model, acts, batch, cache, layer);
    k->linear_residual_fwd(a->x_mid, a->x, a->attended, &proj, N);
    k->layernorm_fwd(a->norm2, a->mean2, a->rstd2, a->x_mid, transformer_tensor(model, TENSOR_NORM2_W, layer),
                     transformer_tensor(model, TENSOR_NORM2_B, layer), epsilon, N, C);
    k->linear_fwd(a->up, a->norm2, &up, N);
    k->gelu_fwd(a->activated, a->up, model->config.gelu_exact, N * up.out);
    k->linear_residual_fwd(x_next, a->x_mid, a->activated, &down, N);
}

/* Embeddings and all layers: fills acts->x_out. */
static void forward(const struct transformer *model, struct activations *acts, const struct batch *batch,
                    const struct kv_cache *cache)
{
    if (batch->N > acts->max_positions || (cache && cache->length + batch->N > cache->capacity))
        SFT_BUG("a batch larger than planned");
    real *x = acts->layers[0].x;
    model->kernels->embed_fwd(x, transformer_tensor(model, TENSOR_TOKEN_EMBEDDING, 0),
                              transformer_tensor(model, TENSOR_POSITION_EMBEDDING, 0), batch->tokens,
                              batch->position, batch->N, model->config.n_embd);
    for (size_t layer = 0; layer < model->config.n_layer; layer++)
        layer_forward(model, acts, batch, cache, layer);
}

/* The final norm at some positions only: the head sees no others. */
static void final_norm(const struct transformer *model, struct activations *acts, const size_t *rows,
                       size_t n)
{
    const size_t C = model->config.n_embd;
    model->kernels->gather_rows(acts->x_target, acts->x_out, rows, n, C);
    model->kernels->layernorm_fwd(acts->hidden, acts->mean, acts->rstd, acts->x_target,
                                  transformer_tensor(model, TENSOR_FINAL_NORM_W, 0),
                                  transformer_tensor(model, TENSOR_FINAL_NORM_B, 0),
                                  (real)model->config.layer_norm_epsilon, n, C);
}

/* ---- loss ---- */

/* The positions that have a label; returns M. */
static size_t collect_targets(struct activations *acts, const struct batch *batch)
{
    size_t M = 0;
    for (size_t n = 0; n < batch->N; n++) {
        if (batch->labels[n] == LABEL_NONE)
            continue;
        acts->target_rows[M] = n;
        acts->target_labels[M] = batch->labels[n];
        acts->target_weights[M] = (real)batch->weights[n];
        M++;
    }
    return M;
}

static void add_sums(const struct activations *acts, size_t M, struct loss_sums *sums)
{
    for (size_t m = 0; m < M; m++) {
        const double weight = (double)acts->target_weights[m];
        sums->loss += weight * (double)acts->nll[m];
        sums->correct += acts->correct[m] ? weight : 0;
        sums->weight += weight;
    }
}

void transformer_loss(const struct transformer *model, struct activations *acts, const struct batch *batch,
                      struct loss_sums *sums)
{
    const struct head head = head_of(model);
    const size_t M = collect_targets(acts, batch);
    forward(model, acts, batch, NULL);
    final_norm(model, acts, acts->target_rows, M);
    model->kernels->head_loss(acts->nll, acts->correct, NULL, NULL, acts->hidden, acts->target_labels,
                              acts->target_weights, 0, &head, M, &acts->work);
    add_sums(acts, M, sums);
}

void transformer_logits(const struct transformer *model, struct activations *acts, const struct batch *batch,
                        struct kv_cache *cache, const size_t *rows, size_t n_rows, real *logits)
{
    const struct head head = head_of(model);
    forward(model, acts, batch, cache);
    if (cache)
        cache->length += batch->N;
    final_norm(model, acts, rows, n_rows);
    model->kernels->head_logits(logits, acts->hidden, &head, n_rows);
}

/* ---- backward ---- */

/* Through the head and the final norm: sets acts->dx from the loss at the targets. */
static void head_backward(struct transformer *model, struct activations *acts, const struct batch *batch,
                          size_t M, double grad_scale)
{
    const struct kernels *k = model->kernels;
    const struct head head = head_of(model);
    const size_t C = model->config.n_embd;
    k->head_loss(acts->nll, acts->correct, acts->dhidden, transformer_grad(model, head_role(model), 0),
                 acts->hidden, acts->target_labels, acts->target_weights, (real)grad_scale, &head, M,
                 &acts->work);
    memset(acts->dx_target, 0, M * C * sizeof *acts->dx_target);
    k->layernorm_bwd(acts->dx_target, transformer_grad(model, TENSOR_FINAL_NORM_W, 0),
                     transformer_grad(model, TENSOR_FINAL_NORM_B, 0), acts->dhidden, acts->x_target,
                     acts->mean, acts->rstd, transformer_tensor(model, TENSOR_FINAL_NORM_W, 0), M, C);
    memset(acts->dx, 0, batch->N * C * sizeof *acts->dx);
    k->scatter_add_rows(acts->dx, acts->dx_target, acts->target_rows, M, C);
}

/* The backward pass of one linear layer, its tensors by role. */
static void linear_backward(struct transformer *model, act *dx, const act *dy, const act *x,
                            enum tensor_role w, enum tensor_role b, size_t layer, size_t N)
{
    const struct linear l = linear_of(model, w, b, layer);
    model->kernels->linear_bwd(dx, transformer_grad(model, w, layer), transformer_grad(model, b, layer), dy,
                               x, &l, N);
}

/* dx (residual stream) += the gradient through a norm in front of a block. */
static void norm_backward(struct transformer *model, real *dx, const act *dy, const real *x, const real *mean,
                          const real *rstd, enum tensor_role w, enum tensor_role b, size_t layer, size_t N)
{
    model->kernels->layernorm_bwd(dx, transformer_grad(model, w, layer), transformer_grad(model, b, layer),
                                  dy, x, mean, rstd, transformer_tensor(model, w, layer), N,
                                  model->config.n_embd);
}

static void attend_backward(const struct transformer *model, struct activations *acts,
                            const struct batch *batch, size_t layer)
{
    const struct layer_activations *a = &acts->layers[layer];
    const size_t C = model->config.n_embd;
    const struct attention attention = attention_of(&model->config, batch, layer);
    model->kernels->attention_bwd(acts->dqkv, columns(model, acts->dqkv, C),
                                  columns(model, acts->dqkv, 2 * C), acts->dnarrow, a->attended, a->qkv,
                                  columns(model, a->qkv, C), columns(model, a->qkv, 2 * C), a->lse,
                                  &attention, &acts->work);
}

/* acts->dx: from the gradient of the layer's output to that of its input. */
static void layer_backward(struct transformer *model, struct activations *acts, const struct batch *batch,
                           size_t layer)
{
    const struct kernels *k = model->kernels;
    const struct layer_activations *a = &acts->layers[layer];
    const size_t N = batch->N, C = model->config.n_embd, F = model->config.n_inner;

    const act *dout = k->to_act(acts->dx_act, acts->dx, N * C);
    linear_backward(model, acts->dwide, dout, a->activated, TENSOR_DOWN_W, TENSOR_DOWN_B, layer, N);
    k->gelu_bwd(acts->dwide, acts->dwide, a->up, model->config.gelu_exact, N * F);
    linear_backward(model, acts->dnarrow, acts->dwide, a->norm2, TENSOR_UP_W, TENSOR_UP_B, layer, N);
    norm_backward(model, acts->dx, acts->dnarrow, a->x_mid, a->mean2, a->rstd2, TENSOR_NORM2_W,
                  TENSOR_NORM2_B, layer, N);

    dout = k->to_act(acts->dx_act, acts->dx, N * C);
    linear_backward(model, acts->dnarrow, dout, a->attended, TENSOR_PROJ_W, TENSOR_PROJ_B, layer, N);
    attend_backward(model, acts, batch, layer);
    linear_backward(model, acts->dnarrow, acts->dqkv, a->norm1, TENSOR_QKV_W, TENSOR_QKV_B, layer, N);
    norm_backward(model, acts->dx, acts->dnarrow, a->x, a->mean1, a->rstd1, TENSOR_NORM1_W, TENSOR_NORM1_B,
                  layer, N);
}

void transformer_loss_grad(struct transformer *model, struct activations *acts, const struct batch *batch,
                           double grad_scale, struct loss_sums *sums)
{
    const size_t M = collect_targets(acts, batch);
    forward(model, acts, batch, NULL);
    final_norm(model, acts, acts->target_rows, M);
    head_backward(model, acts, batch, M, grad_scale);
    for (size_t layer = model->config.n_layer; layer-- > 0;)
        layer_backward(model, acts, batch, layer);
    model->kernels->embed_bwd(transformer_grad(model, TENSOR_TOKEN_EMBEDDING, 0),
                              transformer_grad(model, TENSOR_POSITION_EMBEDDING, 0), acts->dx, batch->tokens,
                              batch->position, batch->N, model->config.n_embd);
    add_sums(acts, M, sums);
}
