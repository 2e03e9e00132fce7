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
    if (config->family->sublayers[0].parallel)
        SFT_BUG("a layer's first sublayer is parallel to nothing");
    for (size_t i = model->n_sublayers; i-- > 0;) {
        model->sublayers[i] = sublayer_bind(&model->params, config, &config->family->sublayers[i % per_layer],
                                            i / per_layer);
        if (sublayer_is_trained(&model->sublayers[i]))
            model->lowest_trained = i;
    }
    for (size_t i = 0; i < model->n_sublayers; i++)
        if (model->sublayers[i].mixes_positions)
            model->last_mixer = i;
}

/* Where position 0 is in a learned table, or in its gradient. */
static real *from_position_0(const struct model_config *config, real *table)
{
    return table ? table + config->family->position_offset * config->n_embd : NULL;
}

/* The gradients of a matrix with a row a token: of all of it, or in *rows of some of its rows. */
static real *bind_token_grads(const struct param_set *params, const struct tensor *tensor, struct row_grads *rows)
{
    real *grads = param_grads(params, tensor);
    if (!tensor->trained_rows)
        return grads;
    *rows = (struct row_grads){grads, tensor->trained_rows, tensor->n_trained_rows};
    return NULL;
}

static void bind_ends(struct transformer *model)
{
    const struct model_config *config = &model->config;
    const struct tensor_table *table = &model->params.table;
    const struct tensor *positions = tensor_find(table, config->family->position_embedding, 0);
    model->token_embedding = param_matrix(&model->params, table->token_embedding);
    model->dtoken_embedding = bind_token_grads(&model->params, table->token_embedding, &model->embedding_rows);
    model->position_embedding = from_position_0(config, param_values(&model->params, positions));
    model->dposition_embedding = from_position_0(config, param_grads(&model->params, positions));
    model->final_norm = norm_bind(&model->params, config, &config->family->final_norm, 0, config->n_embd);
    model->head = (struct head){.matrix = param_matrix(&model->params, table->head),
                                .V = config->vocab_size,
                                .C = config->n_embd,
                                .scale = (real)(1 / config->logits_divisor),
                                .softcap = (real)config->logit_softcap};
    model->dhead = bind_token_grads(&model->params, table->head, &model->head_rows);
}

enum sft_status transformer_init(struct transformer *model, const struct model_config *config,
                                 const struct kernels *kernels, tensor_choice *trained, struct sft_err *err)
{
    struct tensor_table table;
    tensor_table_init(&table, config);
    tensor_table_choose(&table, trained);
    return transformer_init_of(model, config, kernels, &table, err);
}

enum sft_status transformer_init_of(struct transformer *model, const struct model_config *config,
                                    const struct kernels *kernels, struct tensor_table *table, struct sft_err *err)
{
    *model = (struct transformer){.config = *config, .kernels = kernels};
    if (param_set_allocate(&model->params, table, err))
        return err->status;
    transformer_bind(model);
    return SFT_OK;
}

void transformer_bind(struct transformer *model)
{
    free(model->sublayers);
    bind_sublayers(model);
    bind_ends(model);
}

enum sft_status transformer_init_activations(const struct transformer *model, struct activations *acts, size_t N,
                                             enum keeping keeping, struct sft_err *err)
{
    const struct activation_options options = activation_options_of(&model->params.table, N, keeping);
    return activations_init(acts, &model->config, model->kernels, &options, err);
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
    return sublayer < model->last_mixer ? EXTENT_ALL : sublayer == model->last_mixer ? EXTENT_NARROW : EXTENT_ROWS;
}

/* Where a sublayer leaves the residual stream. */
static real *x_after(const struct transformer *model, const struct activations *acts, size_t sublayer)
{
    return sublayer + 1 == model->n_sublayers ? acts->x_out : acts->sublayers[sublayer + 1].x;
}

/* The sublayer whose input a sublayer's norm sees: its own, unless it is parallel. */
static size_t origin_of(const struct transformer *model, size_t sublayer)
{
    while (model->sublayers[sublayer].parallel)
        sublayer--;
    return sublayer;
}

/* What a sublayer's norm sees: of what came in before the last mixer and is seen after it, the rows alone. */
static real *seen_by(const struct transformer *model, const struct activations *acts, size_t sublayer)
{
    const size_t origin = origin_of(model, sublayer);
    return origin <= model->last_mixer && sublayer > model->last_mixer ? acts->seen_rows : acts->sublayers[origin].x;
}

/* From the tokens to the head's input, which it returns: (n_rows,C). */
static const act *forward(const struct transformer *model, const struct activations *acts, const struct pass *pass)
{
    const struct batch *batch = pass->batch;
    const size_t C = model->config.n_embd;
    if (batch->N > acts->plan.N)
        SFT_BUG("a batch larger than planned");
    model->kernels->embed_fwd(acts->sublayers[0].x, &model->token_embedding, model->position_embedding, batch->tokens,
                              batch->position, (real)model->config.embedding_multiplier, batch->N, C);
    sublayer_begin(pass);
    for (size_t i = 0; i < model->n_sublayers; i++) {
        if (i == model->last_mixer && acts->seen_rows)
            model->kernels->gather_rows(acts->seen_rows, seen_by(model, acts, i), pass->rows, pass->n_rows,
                                        C * sizeof(real));
        sublayer_forward(pass, &model->sublayers[i], &acts->sublayers[i], x_after(model, acts, i),
                         seen_by(model, acts, i), extent_of(model, i));
    }
    return norm_forward(pass, &model->final_norm, acts->x_out, pass->n_rows);
}

/* What both ways begin with. */
static struct pass begin_pass(const struct transformer *model, const struct activations *acts,
                              const struct batch *batch, const size_t *rows, size_t n_rows)
{
    return (struct pass){.kernels = model->kernels,
                         .batch = batch,
                         .rows = rows,
                         .n_rows = n_rows,
                         .scratch = &acts->scratch,
                         .shared = &acts->shared};
}

void transformer_forward(const struct transformer *model, struct activations *acts, const struct batch *batch,
                         const size_t *rows, size_t n_rows)
{
    const struct pass pass = begin_pass(model, acts, batch, rows, n_rows);
    acts->h = forward(model, acts, &pass);
}

/* ---- the head ---- */

/* With gradients of its input and its matrix, where these are wanted. */
static void run_head(const struct transformer *model, struct activations *acts, const struct targets *targets, act *dh,
                     real *dw, bool add)
{
    model->kernels->head_loss(acts->nll, acts->correct, dh, dw, add, acts->h, targets->labels, acts->dnll, &model->head,
                              targets->M, &acts->scratch.work);
}

void transformer_costs(const struct transformer *model, struct activations *acts, const struct targets *targets)
{
    run_head(model, acts, targets, NULL, NULL, false);
}

/* Count each sequence's positions of the batch among those in its pages, which attention then fills. */
static void extend_view(const struct kv_view *view, const struct batch *batch)
{
    for (size_t s = 0; s < batch->S; s++)
        view->len[s] += batch->seq_start[s + 1] - batch->seq_start[s];
    if (view->decoding && batch->N != batch->S)
        SFT_BUG("more than a position of a sequence that is decoded");
}

void transformer_logits(const struct transformer *model, struct activations *acts, const struct batch *batch,
                        const struct kv_view *view, const size_t *rows, size_t n_rows, real *logits)
{
    struct pass pass = begin_pass(model, acts, batch, rows, n_rows);
    pass.kv = view;
    if (view)
        extend_view(view, batch);
    acts->h = forward(model, acts, &pass);
    model->kernels->head_logits(logits, acts->h, &model->head, n_rows, &acts->scratch.work);
}

/* ---- backward ---- */

static void zero_grads(const struct param_set *params, const struct tensor *tensor)
{
    real *gradient = param_grads(params, tensor);
    if (gradient)
        memset(gradient, 0, tensor->n_trained * sizeof *gradient);
}

/* Gradients that kernels only ever add to; those of linear layers and of the head they can set. */
static void zero_added_to(const struct transformer *model)
{
    const struct tensor_table *table = &model->params.table;
    if (!model->config.tied)
        zero_grads(&model->params, table->token_embedding);
    zero_grads(&model->params, tensor_find(table, model->config.family->position_embedding, 0));
    norm_zero_grads(&model->final_norm);
    for (size_t i = 0; i < model->n_sublayers; i++)
        sublayer_zero_grads(&model->sublayers[i]);
}

/* From acts->dnll through the head and the final norm: sets acts->dx.rows (M,C). */
static void head_backward(const struct transformer *model, struct activations *acts, const struct pass *pass,
                          const struct targets *targets)
{
    const struct row_grads *rows = &model->head_rows;
    run_head(model, acts, targets, acts->scratch.dnorm, model->dhead, pass->add);
    if (rows->d)
        model->kernels->head_rows_bwd(rows->d, pass->add, rows->rows, rows->n, acts->h, targets->labels, acts->nll,
                                      acts->dnll, &model->head, targets->M, &acts->scratch.work);
    memset(acts->dx.rows, 0, targets->M * model->config.n_embd * sizeof *acts->dx.rows);
    norm_backward(pass, &model->final_norm, acts->dx.rows, acts->x_out, targets->M);
}

/* What flows past sublayer i and those that it is parallel to, before any of them adds to it: a copy, since each of
 * them begins with the gradient as it comes from above. */
static void copy_stream(const struct transformer *model, const struct stream_grad *to, const struct stream_grad *from,
                        const struct pass *pass, size_t i)
{
    const size_t row_bytes = model->config.n_embd * sizeof(real);
    if (extent_of(model, i) == EXTENT_ALL)
        memcpy(to->all, from->all, pass->batch->N * row_bytes);
    else
        memcpy(to->rows, from->rows, pass->n_rows * row_bytes);
}

/* What sublayer i keeps, where those above it have used the same memory: those of the last layer find theirs. */
static void compute_again(const struct transformer *model, const struct activations *acts, const struct pass *pass,
                          size_t i)
{
    if (acts->plan.keeping != KEEP_STREAM || i + model->config.family->n_sublayers >= model->n_sublayers)
        return;
    if (pass->kernels->repeats)
        pass->kernels->repeats(true);
    sublayer_again(pass, &model->sublayers[i], &acts->sublayers[i], x_after(model, acts, i), seen_by(model, acts, i),
                   extent_of(model, i));
    if (pass->kernels->repeats)
        pass->kernels->repeats(false);
}

/* Down to sublayer `lowest`; returns the gradient of what came into it. `below`: that is wanted. */
static const real *sublayers_backward(const struct transformer *model, struct activations *acts,
                                      const struct pass *pass, size_t lowest, bool below)
{
    struct stream_grad dx = acts->dx, dy = acts->dx, spare = acts->dx_parallel;
    for (size_t i = model->n_sublayers; i-- > lowest;) {
        const struct sublayer *s = &model->sublayers[i];
        if (s->parallel && dx.all == dy.all) {
            dx = spare;
            copy_stream(model, &dx, &dy, pass, i);
        }
        compute_again(model, acts, pass, i);
        sublayer_backward(pass, s, &acts->sublayers[i], &dx, &dy, seen_by(model, acts, i), extent_of(model, i),
                          below || origin_of(model, i) > lowest);
        if (!s->parallel && dx.all != dy.all) {
            spare = dy;
            dy = dx;
        }
    }
    return dx.all;
}

static void embeddings_backward(const struct transformer *model, const real *dx, const struct batch *batch)
{
    const struct model_config *config = &model->config;
    const int32_t padding = config->has_padding_idx ? config->pad_token_id : -1;
    const struct row_grads *rows = &model->embedding_rows;
    model->kernels->embed_bwd(model->dtoken_embedding, model->dposition_embedding, dx, batch->tokens, batch->position,
                              padding, (real)config->embedding_multiplier, batch->N, config->n_embd);
    if (rows->d)
        model->kernels->embed_rows_bwd(rows->d, rows->rows, rows->n, dx, batch->tokens, padding,
                                       (real)config->embedding_multiplier, batch->N, config->n_embd);
}

void transformer_backward(const struct transformer *model, struct activations *acts, const struct batch *batch,
                          const struct targets *targets, bool add)
{
    struct pass pass = begin_pass(model, acts, batch, targets->rows, targets->M);
    const bool to_embeddings = model->dtoken_embedding || model->dposition_embedding || model->embedding_rows.d;
    const size_t lowest = to_embeddings ? 0 : model->lowest_trained;
    pass.add = add;
    if (!add)
        zero_added_to(model);
    head_backward(model, acts, &pass, targets);
    const real *dx = sublayers_backward(model, acts, &pass, lowest, to_embeddings);
    if (to_embeddings) /* after the head, which sets every row of an embedding tied to it */
        embeddings_backward(model, dx, batch);
}
