/* What learns: the model and its optimizer, where they stand, and the memory that a step works in. All that a run
 * allocates before its first step. */
#ifndef SFT_TRAIN_LEARNER_H
#define SFT_TRAIN_LEARNER_H

#include "data/batching.h"
#include "model/transformer.h"
#include "train/adamw.h"
#include "train/checkpoint.h"
#include "train/objective.h"
#include "train/order.h"
#include "train/plan.h"
#include "train/state.h"

struct learner {
    const struct objective *objective;
    struct transformer model;
    struct adamw adamw;
    struct train_state state;
    /* of one micro-batch */
    struct activations acts;
    struct batch_buffer buffer;
    struct order order;
};

/* Refuse what does not fit, allocate, and load the weights: of `from`, or of the base where from->dir is NULL. Free
 * with learner_free in any case, which accepts a zeroed struct. */
enum sft_status learner_init(struct learner *learner, const struct settings *settings, const struct base_model *base,
                             const struct train_data *data, const struct train_plan *plan,
                             const struct checkpoint_found *from, struct sft_err *err);
void learner_free(struct learner *learner);

#endif
