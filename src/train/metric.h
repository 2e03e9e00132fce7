/* What the best checkpoint is chosen by, and a run stopped early: the one table of what an evaluation is judged by. */
#ifndef SFT_TRAIN_METRIC_H
#define SFT_TRAIN_METRIC_H

#include "config/choices.h"
#include "train/metrics.h"

struct metric {
    const char *told; /* in the log: "eval loss" */
    bool higher_is_better;
    bool is_rate;  /* of the answers to [eval] prompts; else of the conversations, or of their pairs */
    bool is_share; /* told in percent */
    size_t offset; /* of the double in struct eval_metrics; NaN there: it has none */
};

const struct metric *metric_of(enum metric_choice choice);

/* Of an evaluation, so that larger is better: a loss has its sign turned. metric_value is what that stands for. */
double metric_score(const struct metric *metric, const struct eval_metrics *m);
double metric_value(const struct metric *metric, double score);

#endif
