/* One optimizer step: the conversations whose turn it is, their gradients, the update. */
#ifndef SFT_TRAIN_STEP_H
#define SFT_TRAIN_STEP_H

#include "train/run.h"

struct step_result {
    struct loss_sums sums;
    double norm; /* of the gradient, before clipping */
    size_t num_tokens, num_target_tokens;
};

/* Take step run->state.step + 1 and count it in run->state. On SFT_ENONFINITE, whose message names the
 * conversations, neither weights nor state have changed. */
enum sft_status train_step(struct run *run, struct step_result *result, struct sft_err *err);

#endif
