/* Learning rates, as transformers' get_scheduler gives them. */
#ifndef SFT_TRAIN_SCHEDULE_H
#define SFT_TRAIN_SCHEDULE_H

#include "config/choices.h"

#include <stdint.h>

struct schedule_options {
    enum lr_scheduler type;
    double learning_rate; /* the highest */
    double warmup_steps;  /* below 1: a share of all steps, rounded up */
};

struct schedule {
    enum lr_scheduler type;
    double learning_rate;
    uint64_t warmup_steps, total_steps;
};

struct schedule schedule_make(const struct schedule_options *options, uint64_t total_steps);

/* The rate used in the step that follows `steps_done` others (0 for the first). Linear warmup from 0, then a
 * linear or half-cosine way down to 0 at total_steps; constant has neither. */
double schedule_rate(const struct schedule *schedule, uint64_t steps_done);

#endif
