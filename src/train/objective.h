/* Objectives: what the loss is made of, given what each target costs. One stands between the model's forward and its
 * backward pass, and says how much the loss changes by each cost. Written over `real`, as the model is. */
#ifndef SFT_TRAIN_OBJECTIVE_H
#define SFT_TRAIN_OBJECTIVE_H

#include "data/batching.h"
#include "model/transformer.h"
#include "train/loss_sums.h"

#define objective_sft      REAL_NAME(objective_sft)
#define objective_run      REAL_NAME(objective_run)
#define objective_run_grad REAL_NAME(objective_run_grad)

/* A micro-batch on its way through the model. Its N must be at most that of acts' plan. */
struct objective_batch {
    struct transformer *model;
    struct activations *acts;
    const struct batch *batch;
    const struct targets *targets; /* of the batch */
};

struct objective {
    /* What a step's loss is the mean over, of the step's conversations; however the step is cut into micro-batches. */
    double (*normaliser)(const struct batch_sums *step);

    /* After the forward pass: set acts->dnll (M), the gradient by each target's cost of grad_scale times what the
     * micro-batch adds to the loss. One that has to see the costs asks transformer_costs for them. */
    void (*weigh)(const struct objective_batch *b, double grad_scale);

    /* When the costs are known: add what is told of the micro-batch. */
    void (*add_sums)(const struct objective_batch *b, struct loss_sums *sums);
};

/* objective_sft.c: sum(weight * nll) / sum(weight), as TRL's SFTTrainer has it with num_items_in_batch. */
extern const struct objective objective_sft;

/* Add a micro-batch's sums to *sums. */
void objective_run(const struct objective *objective, const struct objective_batch *b, struct loss_sums *sums);

/* The same, and set the model's gradients, or add to them where `add`: a step's first micro-batch sets, the others add.
 * grad_scale: 1 / the step's normaliser. */
void objective_run_grad(const struct objective *objective, const struct objective_batch *b, double grad_scale, bool add,
                        struct loss_sums *sums);

#endif
