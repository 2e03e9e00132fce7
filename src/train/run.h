/* A run: what `sft train` and `sft bench` need, a part a purpose, made ready in the order in which it can fail
 * cheapest; only then the large allocations. Who needs a part takes the part: this is for who has them all. */
#ifndef SFT_TRAIN_RUN_H
#define SFT_TRAIN_RUN_H

#include "train/base_model.h"
#include "train/learner.h"
#include "train/output_dir.h"
#include "train/plan.h"
#include "train/train_data.h"

struct run { /* not to be moved: the data borrow the base */
    const struct settings *settings;
    struct base_model base;
    struct adapting adapting;
    struct train_data data;
    struct train_plan plan;
    struct output_dir output;
    struct learner learner; /* after run_allocate */
};

struct run_options {
    bool fresh;               /* do not continue: write to output_dir-2, -3, ... */
    bool dry;                 /* touch nothing on disk, take no lock */
    uint64_t prompts_hash;    /* as in struct plan_prompts */
    const volatile int *stop; /* may be NULL; looked at while data are read: SFT_EINTERRUPTED where it was set */
};

/* Read and check everything short of allocating the model: afterwards it can be reported on. Free with run_free in any
 * case, which accepts a zeroed struct. */
enum sft_status run_prepare(struct run *run, const struct settings *settings, const struct run_options *options,
                            struct sft_err *err);
void run_free(struct run *run);

/* Make the learner, as learner_init does. */
enum sft_status run_allocate(struct run *run, struct sft_err *err);

/* The same to train: where pairs are compared, with what the reference says of them, for which the base may have to be
 * asked. `stop` is looked at meanwhile: SFT_EINTERRUPTED, without a message, where a signal set it. */
enum sft_status run_allocate_to_train(struct run *run, const volatile int *stop, struct sft_err *err);

#endif
