#include "model/transformer.h"

#include <stdlib.h>

/* Lays buffers out one behind another. Run once without memory to learn the size, then again with it. */
struct layout {
    struct activations *acts;
    unsigned char *memory; /* NULL: only measure */
};

static void *take(struct layout *layout, const char *name, size_t count, size_t size)
{
    struct activations *acts = layout->acts;
    size_t bytes;
    if (!mem_mul(count, size, &bytes))
        SFT_BUG("an activation's size overflows: sizes are checked when the model is loaded");
    bytes = (bytes + 63) / 64 * 64;
    void *p = layout->memory ? layout->memory + acts->bytes : NULL;
    acts->bytes += bytes;
    for (size_t i = 0; i < acts->plan_count; i++)
        if (acts->plan[i].name == name) { /* another layer's: one entry for all; names are one literal each */
            acts->plan[i].bytes += bytes;
            return p;
        }
    if (acts->plan_count == PLAN_MAX)
        SFT_BUG("PLAN_MAX is too small");
    acts->plan[acts->plan_count++] = (struct plan_entry){name, bytes};
    return p;
}

static void lay_out_layer(struct layout *layout, struct layer_activations *layer,
                          const struct model_config *config, size_t N, size_t act_size)
{
    const size_t C = config->n_embd;
    layer->x = take(layout, "residual stream", N * C, sizeof(real));
    layer->qkv = take(layout, "queries, keys, values", N * 3 * C, act_size);
    layer->lse = take(layout, "attention log-sums", N * config->n_head, sizeof(real));
    layer->attended = take(layout, "attention output", N * C, act_size);
    layer->x_mid = take(layout, "residual stream after attention", N * C, sizeof(real));
    layer->up = take(layout, "MLP before activation", N * config->n_inner, act_size);
}

/* What every layer uses in its turn, and what the head sees. */
static void lay_out_shared(struct layout *layout, const struct model_config *config, size_t N,
                           size_t act_size)
{
    struct activations *acts = layout->acts;
    const size_t C = config->n_embd;
    acts->attended_rows = take(layout, "last layer's targets", N * C, act_size);
    acts->x_out = take(layout, "last layer's targets", N * C, sizeof(real));
    acts->norm = take(layout, "norm", N * C, act_size);
    acts->mean = take(layout, "norm", N, sizeof(real));
    acts->rstd = take(layout, "norm", N, sizeof(real));
    acts->activated = take(layout, "MLP after activation", N * config->n_inner, act_size);
    acts->nll = take(layout, "targets", N, sizeof *acts->nll);
    acts->correct = take(layout, "targets", N, sizeof *acts->correct);
    acts->dnll = take(layout, "targets", N, sizeof *acts->dnll);
}

static void lay_out_backward(struct layout *layout, const struct model_config *config, size_t N,
                             size_t act_size)
{
    struct activations *acts = layout->acts;
    const size_t C = config->n_embd;
    acts->dx = take(layout, "gradients of activations", N * C, sizeof(real));
    acts->dx_rows = take(layout, "gradients of activations", N * C, sizeof(real));
    acts->dattended = take(layout, "gradients of activations", N * C, act_size);
    acts->dattended_rows = take(layout, "gradients of activations", N * C, act_size);
    acts->dnarrow = take(layout, "gradients of activations", N * C, act_size);
    acts->dqkv = take(layout, "gradients of activations", N * 3 * C, act_size);
    acts->dwide = take(layout, "gradients of activations", N * config->n_inner, act_size);
    acts->dx_act = act_size == sizeof(real) ? NULL
                                            : take(layout, "gradients of activations", N * C, act_size);
}

static void lay_out(struct activations *acts, unsigned char *memory, const struct model_config *config,
                    const struct kernels *kernels)
{
    struct layout layout = {acts, memory};
    const size_t N = acts->max_positions, act_size = kernels->act_size;
    acts->bytes = acts->plan_count = 0;
    struct layer_activations shared;
    if (!acts->trained)
        lay_out_layer(&layout, &shared, config, N, act_size);
    for (size_t l = 0; l < config->n_layer; l++) {
        struct layer_activations layer;
        if (acts->trained)
            lay_out_layer(&layout, &layer, config, N, act_size);
        if (acts->layers)
            acts->layers[l] = acts->trained ? layer : shared;
    }
    lay_out_shared(&layout, config, N, act_size);
    if (acts->trained)
        lay_out_backward(&layout, config, N, act_size);
    const size_t qkv = 3 * config->n_embd;
    const struct kernel_sizes sizes = {.N = N,
                                       .width = qkv > config->n_inner ? qkv : config->n_inner,
                                       .C = config->n_embd,
                                       .V = config->vocab_size,
                                       .head_size = config->n_embd / config->n_head,
                                       .heads_per_kv = 1};
    acts->work.bytes = kernels->work_bytes(&sizes);
    acts->work.data = take(&layout, "kernels' workspace", acts->work.bytes, 1);
}

void activations_plan(struct activations *acts, const struct model_config *config,
                      const struct kernels *kernels, size_t max_positions, bool trained)
{
    *acts = (struct activations){.max_positions = max_positions, .trained = trained};
    lay_out(acts, NULL, config, kernels);
}

enum sft_status activations_init(struct activations *acts, const struct model_config *config,
                                 const struct kernels *kernels, size_t max_positions, bool trained,
                                 struct sft_err *err)
{
    activations_plan(acts, config, kernels, max_positions, trained);
    if (block_alloc(&acts->memory, acts->bytes, "activations", err))
        return err->status;
    acts->layers = mem_calloc(config->n_layer, sizeof *acts->layers);
    lay_out(acts, acts->memory.data, config, kernels);
    return SFT_OK;
}

void activations_free(struct activations *acts)
{
    free(acts->layers);
    block_free(&acts->memory);
    *acts = (struct activations){0};
}
