#include "train/adamw.h"

#include "base/rng.h"

#include <math.h>

/* ---- where moments lie ---- */

enum { ALIGN = 64 };

/* How many of a trained tensor's elements have moments. */
static size_t trained_count(const struct tensor *tensor)
{
    return tensor->n_trained;
}

static size_t aligned(size_t bytes)
{
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

struct moments adamw_moments_at(const struct adamw *adamw, const struct tensor *tensor, size_t *at)
{
    const size_t count = trained_count(tensor);
    const bool is_small = adamw->options.kept == MOMENTS_8BIT && count >= MOMENTS_8BIT_LEAST &&
                          !tensor->trained_rows;
    const size_t n_scales = is_small ? (count + MOMENTS_GROUP - 1) / MOMENTS_GROUP : 0;
    const size_t values = aligned(is_small ? count : count * sizeof(float));
    unsigned char *const blocks[] = {adamw->m.data, adamw->v.data};
    struct moments x = {.count = count, .kept = is_small ? MOMENTS_8BIT : MOMENTS_FLOAT, .n_scales = n_scales};
    void **const parts[] = {&x.m, &x.v};
    bf16 **const scales[] = {&x.m_scales, &x.v_scales};
    for (size_t b = 0; b < 2 && blocks[b]; b++) {
        *parts[b] = blocks[b] + *at;
        *scales[b] = is_small ? (bf16 *)(void *)(blocks[b] + *at + values) : NULL;
    }
    *at += values + aligned(n_scales * sizeof(bf16));
    return x;
}

size_t adamw_moments_bytes(const struct tensor_table *table, const struct adamw_options *options)
{
    const struct adamw none = {.options = *options};
    size_t bytes = 0;
    for (size_t i = 0; i < table->n_tensors; i++)
        if (table->tensors[i].trained)
            adamw_moments_at(&none, &table->tensors[i], &bytes);
    return bytes;
}

enum sft_status adamw_init(struct adamw *adamw, const struct transformer *model, const struct adamw_options *options,
                           struct sft_err *err)
{
    *adamw = (struct adamw){.options = *options};
    const size_t bytes = adamw_moments_bytes(&model->params.table, options);
    if (block_alloc(&adamw->m, bytes, "the first moments", err) ||
        block_alloc(&adamw->v, bytes, "the second moments", err)) {
        adamw_free(adamw);
        return err->status;
    }
    return SFT_OK;
}

void adamw_free(struct adamw *adamw)
{
    block_free(&adamw->m);
    block_free(&adamw->v);
}

/* Of the rounding of a tensor's second moments: another one each step. */
static uint32_t rounding_seed(uint64_t step, size_t tensor)
{
    struct rng rng;
    rng_seed(&rng, step, tensor);
    return (uint32_t)rng_u64(&rng);
}

/* Those of its rows that are trained, one after another; their gradients and moments are dense. */
static void step_rows(const struct transformer *model, const struct tensor *tensor, const struct moments *x,
                      const struct adamw_args *args)
{
    const real *g = param_grads(&model->params, tensor);
    real *values = param_values(&model->params, tensor), *m = x->m, *v = x->v;
    for (size_t i = 0; i < tensor->n_trained_rows; i++) {
        const size_t at = i * tensor->cols;
        model->kernels->adamw(values + (size_t)tensor->trained_rows[i] * tensor->cols, m + at, v + at, g + at, args,
                              tensor->cols);
    }
}

static void step_tensor(const struct transformer *model, const struct tensor *tensor, const struct moments *x,
                        const struct adamw_args *args, uint32_t seed)
{
    real *p = param_values(&model->params, tensor), *g = param_grads(&model->params, tensor);
    if (tensor->trained_rows)
        step_rows(model, tensor, x, args);
    else if (x->kept == MOMENTS_8BIT)
        model->kernels->adamw_8bit(p, &(struct moments_8bit){x->m, x->v, x->m_scales, x->v_scales}, g, args, seed,
                                   x->count);
    else
        model->kernels->adamw(p, x->m, x->v, g, args, x->count);
}

void adamw_step(struct adamw *adamw, struct transformer *model, uint64_t step, double learning_rate, double grad_scale)
{
    const struct adamw_options *o = &adamw->options;
    struct adamw_args args = {
        .grad_scale = (float)grad_scale,
        .learning_rate = (float)learning_rate,
        .rest1 = (float)(1 - o->beta1),
        .beta2 = (float)o->beta2,
        .rest2 = (float)(1 - o->beta2),
        .epsilon = (float)o->epsilon,
        .correction1 = (float)(1 - pow(o->beta1, (double)step)),
        .correction2_sqrt = (float)sqrt(1 - pow(o->beta2, (double)step)),
    };
    size_t at = 0;
    for (size_t i = 0; i < model->params.table.n_tensors; i++) {
        const struct tensor *tensor = &model->params.table.tensors[i];
        args.weight_decay = tensor->decays ? (float)o->weight_decay : 0;
        if (!tensor->trained)
            continue;
        const struct moments x = adamw_moments_at(adamw, tensor, &at);
        step_tensor(model, tensor, &x, &args, rounding_seed(step, i));
    }
}
