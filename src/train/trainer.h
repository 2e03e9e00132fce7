/* The training loop. */
#ifndef SFT_TRAIN_TRAINER_H
#define SFT_TRAIN_TRAINER_H

#include "config/settings.h"

#include <stdbool.h>

struct trainer_options {
    bool fresh;               /* do not continue: write to output_dir-2, -3, ... */
    bool dry_run;             /* report the plan and stop before the first step, touching nothing */
    const volatile int *stop; /* set by a signal: save after the current step and return SFT_EINTERRUPTED */
};

/* Train as the settings say, from the base or from where output_dir's newest whole checkpoint stands.
 * Progress goes through log_info. SFT_ENONFINITE where a loss or gradient is not finite: nothing is saved
 * then. */
enum sft_status train(struct settings *settings, const struct trainer_options *options, struct sft_err *err);

#endif
