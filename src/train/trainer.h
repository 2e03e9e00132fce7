/* The training loop. */
#ifndef SFT_TRAIN_TRAINER_H
#define SFT_TRAIN_TRAINER_H

#include "train/run.h"

#include <stdbool.h>

struct trainer_options {
    bool fresh;               /* do not continue: write to output_dir-2, -3, ... */
    bool dry;                 /* stop before the first step, touching nothing */
    /* Called when all is checked, with `context`: what a run says before its first step. */
    void (*tell)(void *context, const struct run *run);
    void *context;
    const volatile int *stop; /* set by a signal: save after the current step and return SFT_EINTERRUPTED */
    volatile int *can_save;   /* may be NULL; set to 1 when the first step begins: from then on a stop saves */
};

/* Train as the settings say, from the base or from where output_dir's newest whole checkpoint stands. Progress goes
 * through base/log.h; a loss that diverges is warned of (divergence.h). SFT_ENONFINITE where a loss or gradient is not
 * finite: nothing is saved then. */
enum sft_status train(struct settings *settings, const struct trainer_options *options, struct sft_err *err);

#endif
