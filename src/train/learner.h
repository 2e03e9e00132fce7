/* What learns: the model and its optimizer, where they stand, and the memory that a step works in. All that a run
 * allocates before its first step. */
#ifndef SFT_TRAIN_LEARNER_H
#define SFT_TRAIN_LEARNER_H

#include "data/batching.h"
#include "model/transformer.h"
#include "train/adapting.h"
#include "train/adamw.h"
#include "train/checkpoint.h"
#include "train/objective_dpo.h"
#include "train/order.h"
#include "train/plan.h"
#include "train/reference.h"
#include "train/state.h"

struct learner { /* not to be moved: objectives point into it */
    struct objective objective, eval_objective; /* of steps and of evaluations, which know other examples */
    struct dpo dpo, eval_dpo;                   /* where pairs are compared */
    struct reference reference, eval_reference; /* with what these say; empty: there is none */
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
    const char *fingerprint;  /* of the reference's files (output_dir.h); NULL: no reference is asked, and it is as
                                 if that gave every answer a probability of 1, which costs the same */
    const volatile int *stop; /* may be NULL; set by a signal while the reference is asked: SFT_EINTERRUPTED */
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
