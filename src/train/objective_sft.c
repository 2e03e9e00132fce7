/* Supervised fine-tuning: the mean of the targets' negative log likelihoods, each by its loss weight. */
#include "train/objective.h"

static double total_weight(const struct batch_sums *step)
{
    return step->target_weight;
}

/* The gradient does not depend on the costs: the backward pass finds both in one go. */
static void weigh(const struct objective_batch *b, double grad_scale)
{
    for (size_t m = 0; m < b->targets->M; m++)
        b->acts->dnll[m] = (real)b->targets->weights[m] * (real)grad_scale;
}

static void add_sums(const struct objective_batch *b, struct loss_sums *sums)
{
    for (size_t m = 0; m < b->targets->M; m++) {
        const double weight = (double)b->targets->weights[m];
        sums->loss += weight * (double)b->acts->nll[m];
        sums->correct += b->acts->correct[m] ? weight : 0;
        sums->weight += weight;
    }
}

const struct objective objective_sft = {total_weight, weigh, add_sums};
