/* The objective: what the loss is made of, given what each target costs.
 *
 * The loss of a step is the mean of its targets' negative log likelihoods, each weighted: sum(w * nll) / sum(w) over
 * the whole step, however it is cut into micro-batches (as TRL's SFTTrainer does with num_items_in_batch). It stands
 * between the model's forward and backward pass, and is written over `real` as these are. */
#ifndef SFT_TRAIN_OBJECTIVE_H
#define SFT_TRAIN_OBJECTIVE_H

#include "model/transformer.h"

#define objective_run      REAL_NAME(objective_run)
#define objective_run_grad REAL_NAME(objective_run_grad)

struct loss_sums {
    double loss;    /* sum of weight * nll */
    double correct; /* sum of weight where the most likely token is the label */
    double weight;  /* sum of weight */
};

/* Add a micro-batch's sums to *sums. Its N must be at most acts->max_positions. */
void objective_run(const struct transformer *model, struct activations *acts, const struct batch *batch,
                   const struct targets *targets, struct loss_sums *sums);

/* The same, and set the gradients to those of grad_scale * sum(weight * nll) (grad_scale: 1 / the step's total
 * weight), or add them where `add`: a step's first micro-batch sets, the others add. */
void objective_run_grad(struct transformer *model, struct activations *acts, const struct batch *batch,
                        const struct targets *targets, double grad_scale, bool add, struct loss_sums *sums);

#endif
