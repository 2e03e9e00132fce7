/* Where a run stands: what trainer/state.json holds beside the run's record (record.h). The data's order and position
 * follow from `step`. */
#ifndef SFT_TRAIN_STATE_H
#define SFT_TRAIN_STATE_H

#include "base/json.h"
#include "train/loss_sums.h"

#include <stdint.h>

struct train_state {
    uint64_t step; /* optimizer steps done */
    uint64_t num_tokens, num_target_tokens;
    struct loss_sums window; /* since the last metrics line */
    int64_t last_eval_step;  /* -1: none yet */
    uint64_t best_step;      /* 0: none yet */
    double best_metric;      /* larger is better: an accuracy, or a loss with its sign turned */
    double best_loss;        /* the eval loss at that step, */
    double best_incoherent;  /* and which share of its answers was no answer; -1: none was asked for, or nobody knows */
    uint64_t evals_without_improvement;
};

/* Before the first step. */
struct train_state train_state_new(void);

/* An evaluation at state->step gave `metric` (larger is better) and an eval loss: true where that is the best so far,
 * which of equal metrics the lower loss is; else it counts as one without improvement. The one before the first step is
 * only where the others start from. best_incoherent of a new best is the caller's to set: it decides nothing. */
bool train_state_judge(struct train_state *state, double metric, double loss);

/* As JSON members, without braces, each with a comma behind it: the record's follow. */
void train_state_write(const struct train_state *state, struct strbuf *out);

/* Of a parsed state.json. SFT_EDATA names the key that is missing or cannot be true. */
enum sft_status train_state_read(const json *root, struct train_state *state, struct sft_err *err);

#endif
