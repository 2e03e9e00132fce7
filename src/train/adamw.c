#include "train/adamw.h"

#include <math.h>

enum sft_status adamw_init(struct adamw *adamw, const struct transformer *model, const struct adamw_options *options,
                           struct sft_err *err)
{
    *adamw = (struct adamw){.options = *options};
    const size_t bytes = model->params.table.n_trained_elements * sizeof(float);
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

/* All of a tensor; or of those of its rows that are trained one after another, whose gradients and moments are dense. */
static void step_tensor(struct adamw *adamw, const struct transformer *model, const struct tensor *tensor,
                        const struct adamw_args *args)
{
    float *values = param_values(&model->params, tensor), *g = param_grads(&model->params, tensor);
    float *m = (float *)adamw->m.data + tensor->grad_offset, *v = (float *)adamw->v.data + tensor->grad_offset;
    if (!tensor->trained_rows)
        model->kernels->adamw(values, m, v, g, args, tensor->count);
    for (size_t i = 0; i < tensor->n_trained_rows; i++) {
        const size_t at = i * tensor->cols;
        model->kernels->adamw(values + (size_t)tensor->trained_rows[i] * tensor->cols, m + at, v + at, g + at, args,
                              tensor->cols);
    }
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
    for (size_t i = 0; i < model->params.table.n_tensors; i++) {
        const struct tensor *tensor = &model->params.table.tensors[i];
        args.weight_decay = tensor->decays ? (float)o->weight_decay : 0;
        if (tensor->trained)
            step_tensor(adamw, model, tensor, &args);
    }
}
