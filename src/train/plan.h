/* The plan: how a run computes, and in how many steps; known before anything is allocated. */
#ifndef SFT_TRAIN_PLAN_H
#define SFT_TRAIN_PLAN_H

#include "data/batching.h"
#include "model/activations.h"
#include "train/adamw.h"
#include "train/base_model.h"
#include "train/intervals.h"
#include "train/metric.h"
#include "train/order.h"
#include "train/schedule.h"
#include "train/train_data.h"

struct train_plan {
    const struct kernels *kernels;
    char kernels_why[512]; /* why these: for a person */
    struct batch_options batching;
    double max_grad_norm;
    struct adamw_options adamw;
    enum keeping keeping; /* of activations */
    struct order_options order;
    struct intervals intervals; /* how many steps, and what is done between them */
    struct schedule schedule;
    const struct metric *best_by; /* of the evaluations */
    const struct dtype *save_dtype; /* of the weights in a checkpoint */
    struct tensor_table table;      /* which of the model's tensors are trained, and how the others are kept */
    struct plan_prompts {
        size_t n, n_unsafe, n_safe; /* that are answered after each evaluation */
        size_t bytes;               /* of memory that this takes */
        uint64_t hash;              /* of what is asked, where it decides which model is the best; 0: it does not */
    } prompts;                      /* [eval] prompts, set by whoever has them answered */
};

struct train_memory { /* bytes */
    size_t parameters, gradients, moments, activations, data, answers, total;
    size_t mapped; /* beside the parameters, in files: of a base that an adapter is trained for */
};

/* Choose the kernels, for the settings' precision: SFT_EUSAGE says why there are none. */
enum sft_status train_plan_choose_kernels(struct train_plan *plan, const struct settings *settings,
                                          struct sft_err *err);

/* A run that goes on in "auto" stays with the precision that it began with. */
enum sft_status train_plan_keep_precision(struct train_plan *plan, const struct settings *settings,
                                          const char *recorded, struct sft_err *err);

/* The rest of it. There must be something to train on. */
void train_plan_make(struct train_plan *plan, const struct settings *settings, const struct train_data *data);

/* Items in a step, at most. */
size_t train_plan_items(const struct train_plan *plan, const struct train_data *data);

/* Positions in a micro-batch, trained on or evaluated, at most. */
size_t train_plan_positions(const struct train_plan *plan, const struct train_data *data);

/* What the run takes at its peak: activations are those of its longest micro-batch. */
struct train_memory train_plan_memory(const struct train_plan *plan, const struct model_config *config,
                                      const struct train_data *data);

/* What shared beginnings save, over the first epoch, or as many of its steps as are taken and can be looked at in a
 * moment. */
struct train_sharing {
    uint64_t steps;           /* 0: nothing is known, as conversations share nothing (shared_prefix = off) */
    uint64_t positions, rows; /* of the conversations, and those of them that are run */
};
struct train_sharing train_plan_sharing(const struct train_plan *plan, const struct train_data *data);

/* What its activations have to do. */
struct activation_options train_plan_activations(const struct train_plan *plan, const struct train_data *data);

void train_plan_free(struct train_plan *plan); /* accepts a zeroed struct */

#endif
