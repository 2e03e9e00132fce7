#include "model/transformer.h"

#include <stdlib.h>
#include <string.h>

/* ---- tensors, resolved ---- */

static void bind_sublayers(struct transformer *model)
{
    const struct model_config *config = &model->config;
    const size_t per_layer = config->family->n_sublayers;
    model->n_sublayers = config->n_layer * per_layer;
    model->sublayers = mem_calloc(model->n_sublayers, sizeof *model->sublayers);
    model->lowest_trained = model->n_sublayers;
    for (size_t i = model->n_sublayers; i-- > 0;) {
        model->sublayers[i] =
            sublayer_bind(&model->params, config, &config->family->sublayers[i % per_layer], i / per_layer);
        if (sublayer_is_trained(&model->sublayers[i]))
            model->lowest_trained = i;
    }
    for (size_t i = 0; i < model->n_sublayers; i++)
        if (sublayer_mixes_positions(model->sublayers[i].kind))
            model->last_mixer = i;
}

static void bind_ends(struct transformer *model)
{
    const struct model_config *config = &model->config;
    const struct tensor_table *table = &model->params.table;
    const struct tensor *positions = tensor_find(table, config->family->position_embedding, 0);
    model->token_embedding = param_values(&model->params, table->token_embedding);
    model->dtoken_embedding = param_grads(&model->params, table->token_embedding);
    model->position_embedding = param_values(&model->params, positions);
    model->dposition_embedding = param_grads(&model->params, positions);
    model->final_norm = norm_bind(&model->params, config, &config->family->final_norm, 0);
    model->head = (struct head){
        .w = param_values(&model->params, table->head), .V = config->vocab_size, .C = config->n_embd, .scale = 1};
    model->dhead = param_grads(&model->params, table->head);
}

enum sft_status transformer_init(struct transformer *model, const struct model_config *config,
                                 const struct kernels *kernels, tensor_choice *trained, struct sft_err *err)
{
    *model = (struct transformer){.config = *config, .kernels = kernels};
    const enum sft_status status = param_set_init(&model->params, config, trained, err);
    if (status)
        return status;
    bind_sublayers(model);
    bind_ends(model);
    return SFT_OK;
}

void transformer_free(struct transformer *model)
{
    free(model->sublayers);
    param_set_free(&model->params);
    *model = (struct transformer){0};
}

/* ---- forward ---- */

static enum extent extent_of(const struct transformer *model, size_t sublayer)
{
    return sublayer < model->last_mixer    ? EXTENT_ALL
           : sublayer == model->last_mixer ? EXTENT_NARROW
                                           : EXTENT_ROWS;
}

/* Where a sublayer leaves the residual stream. */
static real *x_after(const struct transformer *model, const struct activations *acts, size_t sublayer)
{
    return sublayer + 1 == model->n_sublayers ? acts->x_out : acts->sublayers[sublayer + 1].x;
}

/* From the tokens to the head's input, scratch's norm (n_rows,C). */
static void forward(const struct transformer *model, const struct activations *acts, const struct pass *pass)
{
    const struct batch *batch = pass->batch;
    if (batch->N > acts->plan.N)
        SFT_BUG("a batch larger than planned");
    model->kernels->embed_fwd(acts->sublayers[0].x, model->token_embedding, model->position_embedding, batch->tokens,
                              batch->position, 1, batch->N, model->config.n_embd);
    for (size_t i = 0; i < model->n_sublayers; i++)
        sublayer_forward(pass, &model->sublayers[i], &acts->sublayers[i], x_after(model, acts, i),
                         extent_of(model, i));
    norm_forward(pass, &model->final_norm, acts->x_out, pass->n_rows);
}

void transformer_forward(const struct transformer *model, struct activations *acts, const struct batch *batch,
                         const size_t *rows, size_t n_rows)
{
    const struct pass pass = {
        .kernels = model->kernels, .batch = batch, .rows = rows, .n_rows = n_rows, .scratch = &acts->scratch};
    forward(model, acts, &pass);
}

/* ---- the head ---- */

/* With gradients of its input and its matrix, where these are wanted. */
static void run_head(const struct transformer *model, struct activations *acts, const struct targets *targets, act *dh,
                     real *dw, bool add)
{
    model->kernels->head_loss(acts->nll, acts->correct, dh, dw, add, acts->scratch.norm, targets->labels, acts->dnll,
                              &model->head, targets->M, &acts->scratch.work);
}

void transformer_costs(const struct transformer *model, struct activations *acts, const struct targets *targets)
{
    run_head(model, acts, targets, NULL, NULL, false);
}

/* Count each sequence's positions of the batch as rows of its slot, which attention then fills. */
static void extend_slots(const struct kv_slots *slots, const struct batch *batch)
{
    for (size_t s = 0; s < batch->S; s++) {
        slots->len[s] += batch->seq_start[s + 1] - batch->seq_start[s];
        if (slots->begin[s] + slots->len[s] > slots->capacity)
            SFT_BUG("a slot beyond the cache");
    }
}

void transformer_logits(const struct transformer *model, struct activations *acts, const struct batch *batch,
                        const struct kv_slots *slots, const size_t *rows, size_t n_rows, real *logits)
{
    const struct pass pass = {.kernels = model->kernels,
                              .batch = batch,
                              .kv = slots,
                              .rows = rows,
                              .n_rows = n_rows,
                              .scratch = &acts->scratch};
    if (slots)
        extend_slots(slots, batch);
    forward(model, acts, &pass);
    model->kernels->head_logits(logits, acts->scratch.norm, &model->head, n_rows, &acts->scratch.work);
}

/* ---- backward ---- */

static void zero(real *gradient, size_t count)
{
    if (gradient)
        memset(gradient, 0, count * sizeof *gradient);
}

/* Gradients that kernels only ever add to; those of linear layers and of the head they can set. */
static void zero_added_to(const struct transformer *model)
{
    const size_t C = model->config.n_embd;
    if (!model->config.tied)
        zero(model->dtoken_embedding, model->config.vocab_size * C);
    zero(model->dposition_embedding, model->config.n_positions * C);
    norm_zero_grads(&model->final_norm);
    for (size_t i = 0; i < model->n_sublayers; i++)
        sublayer_zero_grads(&model->sublayers[i]);
}

/* From acts->dnll through the head and the final norm: sets acts->dx_rows (M,C). */
static void head_backward(const struct transformer *model, struct activations *acts, const struct pass *pass,
                          const struct targets *targets)
{
    run_head(model, acts, targets, acts->scratch.dnorm, model->dhead, pass->add);
    memset(acts->dx_rows, 0, targets->M * model->config.n_embd * sizeof *acts->dx_rows);
    norm_backward(pass, &model->final_norm, acts->dx_rows, acts->x_out, targets->M);
}

void transformer_backward(const struct transformer *model, struct activations *acts, const struct batch *batch,
                          const struct targets *targets, bool add)
{
    const struct pass pass = {.kernels = model->kernels,
                              .batch = batch,
                              .rows = targets->rows,
                              .n_rows = targets->M,
                              .scratch = &acts->scratch,
                              .add = add};
    const bool to_embeddings = model->dtoken_embedding || model->dposition_embedding;
    const size_t lowest = to_embeddings ? 0 : model->lowest_trained;
    if (!add)
        zero_added_to(model);
    head_backward(model, acts, &pass, targets);
    for (size_t i = model->n_sublayers; i-- > lowest;)
        sublayer_backward(&pass, &model->sublayers[i], &acts->sublayers[i], acts->dx, acts->dx_rows,
                          extent_of(model, i), to_embeddings || i > lowest);
    if (to_embeddings) /* after the head, which sets every row of an embedding tied to it */
        model->kernels->embed_bwd(model->dtoken_embedding, model->dposition_embedding, acts->dx, batch->tokens,
                                  batch->position, 1, batch->N, model->config.n_embd);
}
