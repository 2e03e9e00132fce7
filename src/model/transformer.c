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
                              .n_kv_head = config->n_head,
                              .head_size = D,
                              .S = batch->S,
                              .q_start = batch->seq_start,
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

/* Put the new rows' keys and values behind those of their sequences, where attention then reads them instead of qkv. */
static void kv_append(const struct transformer *model, const struct kv_view *kv, const struct batch *batch,
                      size_t layer, act *qkv, act **k, act **v)
{
    const size_t C = model->config.n_embd, row_bytes = C * model->kernels->act_size;
    *k = columns(model, kv->k, layer * kv->capacity * C);
    *v = columns(model, kv->v, layer * kv->capacity * C);
    for (size_t s = 0; s < batch->S; s++) {
        const size_t first = kv->begin[s] + kv->len[s] - (batch->seq_start[s + 1] - batch->seq_start[s]);
        for (size_t n = batch->seq_start[s]; n < batch->seq_start[s + 1]; n++) {
            const size_t row = (first + n - batch->seq_start[s]) * C;
            memcpy(columns(model, *k, row), columns(model, qkv, n * 3 * C + C), row_bytes);
            memcpy(columns(model, *v, row), columns(model, qkv, n * 3 * C + 2 * C), row_bytes);
        }
    }
}

static void attend(const struct transformer *model, struct activations *acts, const struct batch *batch,
                   const struct kv_view *kv, size_t layer)
{
    const struct layer_activations *a = &acts->layers[layer];
    const size_t C = model->config.n_embd;
    struct attention attention = attention_of(&model->config, batch, layer);
    act *k = columns(model, a->qkv, C), *v = columns(model, a->qkv, 2 * C);
    if (kv) {
        kv_append(model, kv, batch, layer, a->qkv, &k, &v);
        attention.kv_begin = kv->begin;
        attention.kv_len = kv->len;
        attention.ld_kv = C;
    }
    model->kernels->attention_fwd(a->attended, a->lse, a->qkv, k, v, &attention, &acts->work);
}

/* y (n,C) = a norm of x (n,C); its statistics are left in acts, for a backward pass that comes right after.
 */
static void norm(const struct transformer *model, struct activations *acts, const real *x, enum tensor_role w,
                 enum tensor_role b, size_t layer, size_t n)
{
    model->kernels->layernorm_fwd(acts->norm, acts->mean, acts->rstd, x, transformer_tensor(model, w, layer),
                                  transformer_tensor(model, b, layer), (real)model->config.layer_norm_epsilon,
                                  n, model->config.n_embd);
}

static bool is_last(const struct transformer *model, size_t layer)
{
    return layer + 1 == model->config.n_layer;
}

/* Where layer `layer` leaves the residual stream. */
static real *x_after(const struct transformer *model, const struct activations *acts, size_t layer)
{
    return is_last(model, layer) ? acts->x_out : acts->layers[layer + 1].x;
}

/* Norm, queries, keys and values, attention: at all positions. */
static void attention_forward(const struct transformer *model, struct activations *acts,
                              const struct batch *batch, const struct kv_view *kv, size_t layer)
{
    const struct layer_activations *a = &acts->layers[layer];
    const struct linear qkv = linear_of(model, TENSOR_QKV_W, TENSOR_QKV_B, layer);
    norm(model, acts, a->x, TENSOR_NORM1_W, TENSOR_NORM1_B, layer, batch->N);
    model->kernels->linear_fwd(a->qkv, acts->norm, &qkv, batch->N, &acts->work);
    attend(model, acts, batch, kv, layer);
}

/* Projection and MLP, at n positions: x_mid = x + proj(attended), then x_mid + mlp(x_mid); x may be x_mid. */
static void mlp_forward(const struct transformer *model, struct activations *acts, const real *x,
                        const act *attended, size_t layer, size_t n)
{
    const struct kernels *k = model->kernels;
    const struct layer_activations *a = &acts->layers[layer];
    const struct linear proj = linear_of(model, TENSOR_PROJ_W, TENSOR_PROJ_B, layer);
    const struct linear up = linear_of(model, TENSOR_UP_W, TENSOR_UP_B, layer);
    const struct linear down = linear_of(model, TENSOR_DOWN_W, TENSOR_DOWN_B, layer);
    k->linear_residual_fwd(a->x_mid, x, attended, &proj, n, &acts->work);
    norm(model, acts, a->x_mid, TENSOR_NORM2_W, TENSOR_NORM2_B, layer, n);
    k->linear_fwd(a->up, acts->norm, &up, n, &acts->work);
    k->gelu_fwd(acts->activated, a->up, model->config.gelu_exact, n * up.out);
    k->linear_residual_fwd(x_after(model, acts, layer), a->x_mid, acts->activated, &down, n, &acts->work);
}

/* The model up to the head's input, acts->norm (n_rows,C), at the positions rows[0..n_rows), which ascend.
 * Past the last layer's attention nobody sees the others, so it runs on those only. (Its queries, a small
 * part, are computed at all positions, so that attention is the same in every layer.) */
static void forward(const struct transformer *model, struct activations *acts, const struct batch *batch,
                    const struct kv_view *kv, const size_t *rows, size_t n_rows)
{
    const struct kernels *k = model->kernels;
    const size_t C = model->config.n_embd;
    if (batch->N > acts->max_positions)
        SFT_BUG("a batch larger than planned");
    k->embed_fwd(acts->layers[0].x, transformer_tensor(model, TENSOR_TOKEN_EMBEDDING, 0),
                 transformer_tensor(model, TENSOR_POSITION_EMBEDDING, 0), batch->tokens, batch->position,
                 batch->N, C);
    for (size_t layer = 0; layer < model->config.n_layer; layer++) {
        const struct layer_activations *a = &acts->layers[layer];
        attention_forward(model, acts, batch, kv, layer);
        if (is_last(model, layer)) {
            k->gather_rows(a->x_mid, a->x, rows, n_rows, C * sizeof(real));
            k->gather_rows(acts->attended_rows, a->attended, rows, n_rows, C * k->act_size);
            mlp_forward(model, acts, a->x_mid, acts->attended_rows, layer, n_rows);
        } else {
            mlp_forward(model, acts, a->x, a->attended, layer, batch->N);
        }
    }
    norm(model, acts, acts->x_out, TENSOR_FINAL_NORM_W, TENSOR_FINAL_NORM_B, 0, n_rows);
}

void transformer_forward(const struct transformer *model, struct activations *acts, const struct batch *batch,
                         const size_t *rows, size_t n_rows)
{
    forward(model, acts, batch, NULL, rows, n_rows);
}

/* ---- the head ---- */

/* With gradients of its input and its matrix, where these are wanted. */
static void run_head(const struct transformer *model, struct activations *acts, const struct targets *targets, act *dh,
                     real *dw, bool add)
{
    const struct head head = head_of(model);
    model->kernels->head_loss(acts->nll, acts->correct, dh, dw, add, acts->norm, targets->labels, acts->dnll, &head,
                              targets->M, &acts->work);
}

void transformer_costs(const struct transformer *model, struct activations *acts, const struct targets *targets)
{
    run_head(model, acts, targets, NULL, NULL, false);
}

void transformer_logits(const struct transformer *model, struct activations *acts, const struct batch *batch,
                        const struct kv_view *kv, const size_t *rows, size_t n_rows, real *logits)
{
    const struct head head = head_of(model);
    forward(model, acts, batch, kv, rows, n_rows);
    model->kernels->head_logits(logits, acts->norm, &head, n_rows, &acts->work);
}

/* ---- backward ---- */

/* Whether kernels only ever add to a tensor's gradient: those of linear layers and of the head they can set.
 */
static bool is_only_added_to(const struct transformer *model, enum tensor_role role)
{
    switch (role) {
    case TENSOR_TOKEN_EMBEDDING:
        return head_role(model) != role;
    case TENSOR_POSITION_EMBEDDING:
    case TENSOR_FINAL_NORM_W:
    case TENSOR_FINAL_NORM_B:
    case TENSOR_NORM1_W:
    case TENSOR_NORM1_B:
    case TENSOR_NORM2_W:
    case TENSOR_NORM2_B:
        return true;
    default:
        return false;
    }
}

static void zero_added_to(struct transformer *model)
{
    for (size_t i = 0; i < model->table.n_tensors; i++) {
        const struct tensor *t = &model->table.tensors[i];
        if (is_only_added_to(model, t->spec->role))
            memset((real *)model->grads.data + t->offset, 0, t->count * sizeof(real));
    }
}

/* A backward pass on its way down. */
struct backward {
    struct transformer *model;
    struct activations *acts;
    bool add; /* to the gradients; otherwise set them */
};

/* The backward pass of one linear layer, its tensors by role. */
static void linear_backward(const struct backward *b, act *dx, const act *dy, const act *x,
                            enum tensor_role w, enum tensor_role bias, size_t layer, size_t n)
{
    const struct linear l = linear_of(b->model, w, bias, layer);
    b->model->kernels->linear_bwd(dx, transformer_grad(b->model, w, layer),
                                  transformer_grad(b->model, bias, layer), b->add, dy, x, &l, n,
                                  &b->acts->work);
}

/* dx (residual stream) += the gradient through the norm that ran last, whose input was x. */
static void norm_backward(const struct backward *b, real *dx, const act *dy, const real *x,
                          enum tensor_role w, enum tensor_role bias, size_t layer, size_t n)
{
    b->model->kernels->layernorm_bwd(dx, transformer_grad(b->model, w, layer),
                                     transformer_grad(b->model, bias, layer), dy, x, b->acts->mean,
                                     b->acts->rstd, transformer_tensor(b->model, w, layer), n,
                                     b->model->config.n_embd, &b->acts->work);
}

/* Through the head and the final norm: sets dx (M,C) from acts->dnll. */
static void head_backward(const struct backward *b, real *dx, const struct targets *targets)
{
    const size_t M = targets->M;
    struct activations *acts = b->acts;
    run_head(b->model, acts, targets, acts->dnarrow, transformer_grad(b->model, head_role(b->model), 0), b->add);
    memset(dx, 0, M * b->model->config.n_embd * sizeof *dx);
    norm_backward(b, dx, acts->dnarrow, acts->x_out, TENSOR_FINAL_NORM_W, TENSOR_FINAL_NORM_B, 0, M);
}

/* Through MLP and projection, at n positions: dx (n,C) from the gradient of the layer's output to that of
 * x_mid, which is also x's own; dattended (n,C) is set. Norms and activations are computed again, which costs
 * less than 1% of a step; keeping them would make activations half as large again. */
static void mlp_backward(const struct backward *b, real *dx, act *dattended, const act *attended,
                         size_t layer, size_t n)
{
    const struct kernels *k = b->model->kernels;
    struct activations *acts = b->acts;
    const struct layer_activations *a = &acts->layers[layer];
    const size_t C = b->model->config.n_embd, F = b->model->config.n_inner;
    const bool exact = b->model->config.gelu_exact;

    const act *dout = k->to_act(acts->dx_act, dx, n * C);
    k->gelu_fwd(acts->activated, a->up, exact, n * F);
    linear_backward(b, acts->dwide, dout, acts->activated, TENSOR_DOWN_W, TENSOR_DOWN_B, layer, n);
    k->gelu_bwd(acts->dwide, acts->dwide, a->up, exact, n * F);
    norm(b->model, acts, a->x_mid, TENSOR_NORM2_W, TENSOR_NORM2_B, layer, n);
    linear_backward(b, acts->dnarrow, acts->dwide, acts->norm, TENSOR_UP_W, TENSOR_UP_B, layer, n);
    norm_backward(b, dx, acts->dnarrow, a->x_mid, TENSOR_NORM2_W, TENSOR_NORM2_B, layer, n);

    dout = k->to_act(acts->dx_act, dx, n * C);
    linear_backward(b, dattended, dout, attended, TENSOR_PROJ_W, TENSOR_PROJ_B, layer, n);
}

/* Through attention and what is before it, at all positions: from acts->dattended; adds to acts->dx. */
static void attention_backward(const struct backward *b, const struct batch *batch, size_t layer)
{
    struct activations *acts = b->acts;
    const struct layer_activations *a = &acts->layers[layer];
    const size_t C = b->model->config.n_embd;
    const struct attention attention = attention_of(&b->model->config, batch, layer);
    b->model->kernels->attention_bwd(acts->dqkv, columns(b->model, acts->dqkv, C),
                                     columns(b->model, acts->dqkv, 2 * C), acts->dattended, a->attended,
                                     a->qkv, columns(b->model, a->qkv, C), columns(b->model, a->qkv, 2 * C),
                                     a->lse, &attention, &acts->work);
    norm(b->model, acts, a->x, TENSOR_NORM1_W, TENSOR_NORM1_B, layer, batch->N);
    linear_backward(b, acts->dnarrow, acts->dqkv, acts->norm, TENSOR_QKV_W, TENSOR_QKV_B, layer, batch->N);
    norm_backward(b, acts->dx, acts->dnarrow, a->x, TENSOR_NORM1_W, TENSOR_NORM1_B, layer, batch->N);
}

/* From acts->dnll to the gradient of the embeddings' sum, acts->dx. */
static void backward(const struct backward *b, const struct batch *batch, const struct targets *targets)
{
    const struct kernels *k = b->model->kernels;
    struct activations *acts = b->acts;
    const size_t C = b->model->config.n_embd, M = targets->M;
    head_backward(b, acts->dx_rows, targets);
    for (size_t layer = b->model->config.n_layer; layer-- > 0;) {
        if (is_last(b->model, layer)) {
            mlp_backward(b, acts->dx_rows, acts->dattended_rows, acts->attended_rows, layer, M);
            k->scatter_rows(acts->dx, batch->N, acts->dx_rows, targets->rows, M, C * sizeof(real));
            k->scatter_rows(acts->dattended, batch->N, acts->dattended_rows, targets->rows, M, C * k->act_size);
        } else {
            mlp_backward(b, acts->dx, acts->dattended, acts->layers[layer].attended, layer, batch->N);
        }
        attention_backward(b, batch, layer);
    }
}

void transformer_backward(struct transformer *model, struct activations *acts, const struct batch *batch,
                          const struct targets *targets, bool add)
{
    const struct backward b = {.model = model, .acts = acts, .add = add};
    if (!add)
        zero_added_to(model);
    backward(&b, batch, targets);
    /* after the head, which sets every row of an embedding tied to it */
    model->kernels->embed_bwd(transformer_grad(model, TENSOR_TOKEN_EMBEDDING, 0),
                              transformer_grad(model, TENSOR_POSITION_EMBEDDING, 0), acts->dx, batch->tokens,
                              batch->position, batch->N, model->config.n_embd);
}
