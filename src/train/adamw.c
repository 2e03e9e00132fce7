#include "train/adamw.h"

#include <math.h>

enum sft_status adamw_init(struct adamw *adamw, const struct transformer *model,
                           const struct settings *settings, struct sft_err *err)
{
    *adamw = (struct adamw){
        .weight_decay = settings->train.weight_decay,
        .beta1 = settings->train.adam_beta1,
        .beta2 = settings->train.adam_beta2,
        .epsilon = settings->train.adam_epsilon,
        .max_grad_norm = settings->train.max_grad_norm,
    };
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

double grad_norm(const struct transformer *model)
{
    return sqrt(model->kernels->sum_of_squares(model->params.grads.data, model->params.table.n_trained_elements));
}

void adamw_step(struct adamw *adamw, struct transformer *model, uint64_t step, double norm)
{
    const double clip = adamw->max_grad_norm > 0 ? adamw->max_grad_norm / (norm + 1e-6) : 1;
    struct adamw_args args = {
        .grad_scale = (float)fmin(clip, 1),
        .learning_rate = (float)adamw->learning_rate,
        .rest1 = (float)(1 - adamw->beta1),
        .beta2 = (float)adamw->beta2,
        .rest2 = (float)(1 - adamw->beta2),
        .epsilon = (float)adamw->epsilon,
        .correction1 = (float)(1 - pow(adamw->beta1, (double)step)),
        .correction2_sqrt = (float)sqrt(1 - pow(adamw->beta2, (double)step)),
    };
    for (size_t i = 0; i < model->params.table.n_tensors; i++) {
        const struct tensor *tensor = &model->params.table.tensors[i];
        if (!tensor->trained)
            continue;
        args.weight_decay = tensor->decays ? (float)adamw->weight_decay : 0;
        model->kernels->adamw(param_values(&model->params, tensor), (float *)adamw->m.data + tensor->grad_offset,
                              (float *)adamw->v.data + tensor->grad_offset, param_grads(&model->params, tensor), &args,
                              tensor->count);
    }
}
