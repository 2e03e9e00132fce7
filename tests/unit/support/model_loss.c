#include "model_loss.h"

#include "train/objective.h"

#include <math.h>

static void fill_with_nan(real *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (real)NAN;
}

double REAL_NAME(model_loss)(const struct model_config *config, const void *table, const double *params,
                             const struct batch *batch, const struct targets *targets, double *grads)
{
    const struct kernels *kernels = table ? table : &REAL_NAME(kernels_plain);
    struct transformer model;
    struct activations acts;
    struct loss_sums sums = {0};
    const struct objective_batch run = {&model, &acts, batch, targets};
    if (transformer_init(&model, config, kernels, true, NULL) ||
        activations_init(&acts, config, kernels, batch->N, true, NULL))
        SFT_BUG("no memory for a tiny model");
    for (size_t i = 0; i < model.table.n_elements; i++)
        ((real *)model.params.data)[i] = (real)params[i];
    for (size_t i = 0; i < model.table.n_tensors; i++) /* what gradients hold before must not matter */
        fill_with_nan((real *)model.grads.data + model.table.tensors[i].offset, model.table.tensors[i].count);
    if (grads)
        objective_run_grad(&objective_sft, &run, 1, false, &sums);
    else
        objective_run(&objective_sft, &run, &sums);
    for (size_t i = 0; grads && i < model.table.n_elements; i++)
        grads[i] = (double)((real *)model.grads.data)[i];
    activations_free(&acts);
    transformer_free(&model);
    return sums.loss;
}
