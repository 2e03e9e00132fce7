/* What a run shows as it goes: a line a logged step, of 80 columns at most; on a terminal a live line below them; and
 * where things stand at its end. All of it through base/log.h. */
#ifndef SFT_TRAIN_PROGRESS_H
#define SFT_TRAIN_PROGRESS_H

#include "train/metric.h"
#include "train/state.h"

struct progress {
    uint64_t total_steps;
    uint64_t first_step;      /* of the run, when this process began */
    double began;             /* clock_seconds when this process began to train */
    double stepping_since;    /* when its first step began; 0: it has taken none */
    double tokens_per_second; /* of the last logged step; 0: none yet */
};

/* Of a process that begins behind `step`. */
struct progress progress_begin(uint64_t step, uint64_t total_steps);

/* `part` (0 to 1) of the step after `step` is done: the live line. To be called before each step, too. */
void progress_show(struct progress *progress, uint64_t step, double part);

/* The line of a logged step. */
void progress_log_step(struct progress *progress, const struct step_metrics *m);

/* Its text: parts that do not fit are left out, the learning rate and the speed first, a margin last. left: "" or how
 * long the run will still take; with a live line below it, that says so and the line does not. */
enum { PROGRESS_LINE = 80 };
void progress_step_text(char *out, size_t size, const struct step_metrics *m, uint64_t total_steps, const char *left,
                        bool has_live_line);

/* The line of an evaluation of n conversations, n_pairs of which are pairs; below it how often prompts were refused,
 * and some answers. */
void progress_log_eval(const struct eval_metrics *m, size_t n, size_t n_pairs);

struct progress_outcome {
    const char *output_dir;
    bool stopped_early;
    const struct metric *best_by;
    bool has_turns; /* the model knows turns: one can chat with it */
};

/* The last lines of a run that came to its end: how long it took, its best step, where the model is, what to do
 * next. */
void progress_log_end(const struct progress *progress, const struct train_state *state,
                      const struct progress_outcome *outcome);

/* The two lines of a run that an earlier process has finished. */
void progress_log_finished(const struct train_state *state, uint64_t total_steps, const char *output_dir);

#endif
