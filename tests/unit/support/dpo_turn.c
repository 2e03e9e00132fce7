#include "dpo_turn.h"

#include "train/objective_dpo.h"

#include <stdlib.h>

struct loss_sums REAL_NAME(dpo_turn_run)(const struct dpo_turn *turn, const double *params, double *grads)
{
    const size_t n = turn->ds->n_examples, capacity = batch_capacity(turn->ds, &turn->batching);
    uint32_t *ids = mem_alloc(n * sizeof *ids);
    struct transformer model;
    struct activations acts;
    struct batch_buffer buffer;
    struct batch_sums step;
    struct loss_sums sums = {0};
    const struct dpo dpo = {.options = turn->options, .reference = turn->reference};
    const struct objective objective = objective_dpo(&dpo);
    const struct objective_batch batch = {&model, &acts, &buffer};
    batch_epoch_order(ids, n, 0, 0, false);
    if (transformer_init(&model, turn->config, &REAL_NAME(kernels_plain), tensor_any, NULL) ||
        transformer_init_activations(&model, &acts, capacity, KEEP_ALL, NULL) ||
        batch_buffer_init(&buffer, &turn->batching, capacity, n, NULL) ||
        batch_begin(&buffer, turn->ds, ids, n, &step, NULL))
        SFT_BUG("no memory for a tiny model");
    for (size_t i = 0; i < model.params.table.n_elements; i++)
        ((real *)model.params.values.data)[i] = (real)params[i];
    while (buffer.turn.done < n) {
        const bool adds = buffer.turn.done > 0;
        if (batch_next(&buffer, NULL))
            SFT_BUG("a store in memory cannot be damaged");
        if (grads)
            objective_run_grad(&objective, &batch, &step, adds, &sums);
        else
            objective_run(&objective, &batch, &sums);
    }
    for (size_t i = 0; grads && i < model.params.table.n_elements; i++)
        grads[i] = (double)((real *)model.params.grads.data)[i];
    batch_buffer_free(&buffer);
    activations_free(&acts);
    transformer_free(&model);
    free(ids);
    return sums;
}
