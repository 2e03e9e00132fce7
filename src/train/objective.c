#include "train/objective.h"

static void run_forward(const struct objective_batch *b)
{
    const struct targets *targets = &b->buffer->targets;
    transformer_forward(b->model, b->acts, &b->buffer->batch, targets->rows, targets->M);
}

void objective_run(const struct objective *objective, const struct objective_batch *b, struct loss_sums *sums)
{
    run_forward(b);
    transformer_costs(b->model, b->acts, &b->buffer->targets);
    objective->add_sums(objective, b, sums);
}

void objective_run_grad(const struct objective *objective, const struct objective_batch *b,
                        const struct batch_sums *step, bool add, struct loss_sums *sums)
{
    run_forward(b);
    if (objective->needs_costs)
        transformer_costs(b->model, b->acts, &b->buffer->targets);
    objective->weigh(objective, b, step);
    transformer_backward(b->model, b->acts, &b->buffer->batch, &b->buffer->targets, add);
    objective->add_sums(objective, b, sums);
}
