#include "train/objective.h"

static void run_forward(const struct objective_batch *b)
{
    transformer_forward(b->model, b->acts, b->batch, b->targets->rows, b->targets->M);
}

void objective_run(const struct objective *objective, const struct objective_batch *b, struct loss_sums *sums)
{
    run_forward(b);
    transformer_costs(b->model, b->acts, b->targets);
    objective->add_sums(b, sums);
}

void objective_run_grad(const struct objective *objective, const struct objective_batch *b, double grad_scale, bool add,
                        struct loss_sums *sums)
{
    run_forward(b);
    objective->weigh(b, grad_scale);
    transformer_backward(b->model, b->acts, b->batch, b->targets, add);
    objective->add_sums(b, sums);
}
