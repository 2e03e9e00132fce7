/* The training loop, over a run that is prepared (run.h). Progress goes through base/log.h. */
#ifndef SFT_TRAIN_TRAINER_H
#define SFT_TRAIN_TRAINER_H

#include "train/metrics.h"
#include "train/run.h"

struct trainer_signals {
    const volatile int *stop; /* set by a signal: save after the current step and return SFT_EINTERRUPTED */
    volatile int *can_save;   /* set to 1 when the first step begins: from then on a stop saves */
};

/* Who looks on. NULL: nobody. */
struct train_watch {
    /* Called once, with the model that is to be trained: who looks on takes the memory for it now. An error of it ends
     * the run before its first step. */
    enum sft_status (*begin)(void *context, const struct transformer *model, struct sft_err *err);
    /* Called after each evaluation, between two steps, with that model as it is then: adds to what was measured what it
     * finds itself. SFT_EINTERRUPTED where a signal stopped it: then all of the evaluation is to be run again. */
    enum sft_status (*evaluated)(void *context, struct eval_metrics *m, struct sft_err *err);
    void *context;
};

/* Whether an earlier process brought the run to its end. */
bool trainer_is_finished(const struct run *run);

/* Such a process may have been killed before it had set the links and cleared up: do that, and say what there is. */
enum sft_status trainer_finish(const struct run *run, struct sft_err *err);

/* Train from the base, or from where the run's checkpoint stands, to the end. A loss that diverges is warned of.
 * SFT_ENONFINITE where a loss or gradient is not finite: nothing is saved then. SFT_EINTERRUPTED, without a message,
 * where a signal stopped it: what there was to save is saved. watch may be NULL. */
enum sft_status trainer_run(struct run *run, const struct trainer_signals *signals, const struct train_watch *watch,
                            struct sft_err *err);

#endif
