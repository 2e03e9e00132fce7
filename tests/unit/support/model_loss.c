#include "model_loss.h"

#include "model/transformer.h"

double REAL_NAME(model_loss)(const struct model_config *config, const void *table, const double *params,
                             const struct batch *batch, double *grads)
{
    const struct kernels *kernels = table ? table : &REAL_NAME(kernels_ref);
    struct transformer model;
    struct activations acts;
    struct loss_sums sums = {0};
    if (transformer_init(&model, config, kernels, true, NULL) ||
        activations_init(&acts, config, kernels, batch->N, true, NULL))
        SFT_BUG("no memory for a tiny model");
    for (size_t i = 0; i < model.table.n_elements; i++)
        ((real *)model.params.data)[i] = (real)params[i];
    if (grads)
        transformer_loss_grad(&model, &acts, batch, 1, &sums);
    else
        transformer_loss(&model, &acts, batch, &sums);
    for (size_t i = 0; grads && i < model.table.n_elements; i++)
        grads[i] = (double)((real *)model.grads.data)[i];
    activations_free(&acts);
    transformer_free(&model);
    return sums.loss;
}
