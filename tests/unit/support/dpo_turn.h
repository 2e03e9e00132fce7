/* The loss of objective = dpo over a dataset, and its gradients, over arrays of double, in both builds of the
 * transformer (see ops.h). */
#ifndef SFT_TESTS_DPO_TURN_H
#define SFT_TESTS_DPO_TURN_H

#include "data/batching.h"
#include "model/config.h"
#include "train/dpo_loss.h"
#include "train/loss_sums.h"
#include "train/reference_store.h"

/* A step of all of a dataset's examples: how it is cut, what pairs are compared by, what the reference says of each. */
struct dpo_turn {
    const struct model_config *config;
    struct dataset *ds;
    struct batch_options batching;
    struct dpo_options options;
    const struct answer_logps *reference; /* (ds->n_examples) */
};

/* With parameters as model_config's tensor table lays them out; grads (NULL: not wanted) is set to its gradients. */
struct loss_sums dpo_turn_run_f32(const struct dpo_turn *turn, const double *params, double *grads);
struct loss_sums dpo_turn_run_f64(const struct dpo_turn *turn, const double *params, double *grads);

#endif
