/* Supervised fine-tuning: the mean of the targets' negative log likelihoods, each by its loss weight. */
#include "train/objective.h"

/* The gradient does not depend on the costs: the backward pass finds both in one go. */
static void weigh(const struct objective *o, const struct objective_batch *b, const struct batch_sums *step)
{
    const struct targets *targets = &b->buffer->targets;
    const double scale = 1 / step->target_weight;
    (void)o;
    for (size_t m = 0; m < targets->M; m++)
        b->acts->dnll[m] = (real)targets->weights[m] * (real)scale;
}

static void add_sums(const struct objective *o, const struct objective_batch *b, struct loss_sums *sums)
{
    const struct targets *targets = &b->buffer->targets;
    (void)o;
    for (size_t m = 0; m < targets->M; m++) {
        const double weight = (double)targets->weights[m];
        sums->loss += weight * (double)b->acts->nll[m];
        sums->correct += b->acts->correct[m] ? weight : 0;
        sums->weight += weight;
    }
}

const struct objective objective_sft = {.weigh = weigh, .add_sums = add_sums};
