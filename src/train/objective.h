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
    const struct batch_buffer *buffer; /* its batch, targets, uses and items */
};

/* What a step's loss is the mean over, however the step is cut into micro-batches, is in the sums over all of it. */
struct objective {
    /* After the forward pass: set acts->dnll (M), what the step's loss changes by with each target's cost: of a target
     * that several conversations train, all that it changes for them. */
    void (*weigh)(const struct objective *o, const struct objective_batch *b, const struct batch_sums *step);

    /* When the costs are known: add what is told of the micro-batch. */
    void (*add_sums)(const struct objective *o, const struct objective_batch *b, struct loss_sums *sums);

    bool needs_costs;    /* weigh looks at acts->nll, which else the backward pass finds in one go with the gradients */
    const void *context; /* its own: options, and what is known of the examples */
};

/* objective_sft.c: sum(weight * nll) / sum(weight), as TRL's SFTTrainer has it with num_items_in_batch. */
extern const struct objective objective_sft;

/* Run a micro-batch forward and add its sums to *sums; acts->nll and acts->correct (M) are known then. */
void objective_run(const struct objective *objective, const struct objective_batch *b, struct loss_sums *sums);

/* The same, and set the model's gradients, or add to them where `add`: a step's first micro-batch sets, the others add.
 * step: of the whole step that it is part of. */
void objective_run_grad(const struct objective *objective, const struct objective_batch *b,
                        const struct batch_sums *step, bool add, struct loss_sums *sums);

#endif
