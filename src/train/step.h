/* One optimizer step: the conversations whose turn it is, their gradients, the update. */
#ifndef SFT_TRAIN_STEP_H
#define SFT_TRAIN_STEP_H

#include "train/learner.h"
#include "train/progress.h"

struct step_result {
    struct loss_sums sums;
    double norm; /* of the gradient, before clipping */
    double learning_rate;
    size_t num_tokens, num_target_tokens;
};

/* Take step learner->state.step + 1 on `data` and count it in learner->state. On SFT_ENONFINITE, whose message names
 * the conversations, neither weights nor state have changed. progress (may be NULL) shows how much of it is done. */
enum sft_status step_take(struct learner *learner, const struct dataset *data, const struct train_plan *plan,
                          struct progress *progress, struct step_result *result, struct sft_err *err);

#endif
