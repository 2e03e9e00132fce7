/* What learns: the model and its optimizer, where they stand, and the memory that a step works in. All that a run
 * allocates before its first step. */
#ifndef SFT_TRAIN_LEARNER_H
#define SFT_TRAIN_LEARNER_H

#include "data/batching.h"
#include "model/transformer.h"
#include "train/adapting.h"
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

/* What a learner is made of. */
struct learner_parts {
    const struct settings *settings;
    const struct base_model *base;
    const struct adapting *adapting;
    const struct train_data *data;
    const struct train_plan *plan;
    const struct checkpoint_found *from; /* dir NULL: it begins with the base */
};

/* Refuse what does not fit, allocate, and load the weights. Free with learner_free in any case, which accepts a zeroed
 * struct. */
enum sft_status learner_init(struct learner *learner, const struct learner_parts *parts, struct sft_err *err);
void learner_free(struct learner *learner);

#endif
