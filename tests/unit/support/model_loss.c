#include "model_loss.h"

#include "train/objective.h"

#include <math.h>

static void fill_with_nan(real *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (real)NAN;
}

double REAL_NAME(model_loss_of)(const struct model_config *config, const struct tensor_table *tensors,
                                const void *table, const double *params, const struct batch *batch,
                                const struct targets *targets, double *grads)
{
    const struct kernels *kernels = table ? table : &REAL_NAME(kernels_plain);
    struct transformer model;
    struct activations acts;
    struct loss_sums sums = {0};
    const struct batch_buffer buffer = {.batch = *batch, .targets = *targets};
    const struct objective_batch run = {&model, &acts, &buffer};
    const struct batch_sums step = {.target_weight = 1}; /* the sum, not the mean */
    struct tensor_table copy = tensor_table_copy(tensors);
    if (transformer_init_of(&model, config, kernels, &copy, NULL) ||
        transformer_init_activations(&model, &acts, batch->N, KEEP_ALL, NULL))
        SFT_BUG("no memory for a tiny model");
    for (size_t i = 0; i < tensors->n_elements; i++)
        ((real *)model.params.values.data)[i] = (real)params[i];
    for (size_t i = 0; i < tensors->n_tensors; i++) /* what gradients hold before must not matter */
        fill_with_nan(param_grads(&model.params, &model.params.table.tensors[i]), tensors->tensors[i].n_trained);
    if (grads)
        objective_run_grad(&objective_sft, &run, &step, false, &sums);
    else
        objective_run(&objective_sft, &run, &sums);
    for (size_t i = 0; grads && i < tensors->n_trained_elements; i++)
        grads[i] = (double)((real *)model.params.grads.data)[i];
    activations_free(&acts);
    transformer_free(&model);
    return sums.loss;
}

double REAL_NAME(model_loss)(const struct model_config *config, const void *table, const double *params,
                             const struct batch *batch, const struct targets *targets, double *grads)
{
    struct tensor_table tensors;
    tensor_table_init(&tensors, config);
    const double loss = REAL_NAME(model_loss_of)(config, &tensors, table, params, batch, targets, grads);
    tensor_table_free(&tensors);
    return loss;
}
