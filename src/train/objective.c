#include "train/objective.h"

static void add_sums(const struct activations *acts, const struct targets *targets, struct loss_sums *sums)
{
    for (size_t m = 0; m < targets->M; m++) {
        const double weight = (double)targets->weights[m];
        sums->loss += weight * (double)acts->nll[m];
        sums->correct += acts->correct[m] ? weight : 0;
        sums->weight += weight;
    }
}

void objective_run(const struct transformer *model, struct activations *acts, const struct batch *batch,
                   const struct targets *targets, struct loss_sums *sums)
{
    transformer_forward(model, acts, batch, targets->rows, targets->M);
    transformer_costs(model, acts, targets);
    add_sums(acts, targets, sums);
}

/* The gradient does not depend on the costs: the backward pass finds both in one go. */
void objective_run_grad(struct transformer *model, struct activations *acts, const struct batch *batch,
                        const struct targets *targets, double grad_scale, bool add, struct loss_sums *sums)
{
    transformer_forward(model, acts, batch, targets->rows, targets->M);
    for (size_t m = 0; m < targets->M; m++)
        acts->dnll[m] = (real)targets->weights[m] * (real)grad_scale;
    transformer_backward(model, acts, batch, targets, add);
    add_sums(acts, targets, sums);
}
