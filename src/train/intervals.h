/* What is due after a step: pure functions of where a run stands. */
#ifndef SFT_TRAIN_INTERVALS_H
#define SFT_TRAIN_INTERVALS_H

#include "train/state.h"

struct intervals {
    uint64_t total_steps, steps_per_epoch;
    uint64_t logging_steps;
    uint64_t eval_steps, save_steps;  /* 0: at each epoch's end */
    uint64_t save_interval_s;         /* with save_steps = 0 also so often; 0: not */
    uint64_t early_stopping_patience; /* evaluations without improvement that end the run; 0: none do */
    bool has_eval;                    /* there is something to evaluate on */
};

/* All steps are taken, or it stops early. */
bool intervals_at_end(const struct intervals *intervals, const struct train_state *state);
bool intervals_stop_early(const struct intervals *intervals, const struct train_state *state);

/* The same, and the last step is evaluated. */
bool intervals_is_done(const struct intervals *intervals, const struct train_state *state);

double intervals_epoch(const struct intervals *intervals, const struct train_state *state);

bool intervals_log_due(const struct intervals *intervals, const struct train_state *state);

/* Before the first step, too; not twice at one step. */
bool intervals_eval_due(const struct intervals *intervals, const struct train_state *state);

/* since_save: seconds since the last checkpoint. A run that is stopped, or whose model is the best so far, saves at any
 * step: that is not asked here. */
bool intervals_save_due(const struct intervals *intervals, const struct train_state *state, double since_save);

#endif
