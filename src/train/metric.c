#include "train/metric.h"

#include <string.h>

#define AT(member) .offset = offsetof(struct eval_metrics, member)
static const struct metric metrics[] = {
    [METRIC_LOSS] = {.told = "eval loss", AT(eval_loss)},
    [METRIC_ACCURACY] = {.told = "eval accuracy", .higher_is_better = true, .is_share = true,
                         AT(eval_mean_token_accuracy)},
    [METRIC_REWARD_ACCURACIES] = {.told = "rewards' accuracy", .higher_is_better = true, .is_share = true,
                                  AT(pairs.accuracies)},
    [METRIC_REWARD_MARGINS] = {.told = "rewards' margin", .higher_is_better = true, AT(pairs.margins)},
    [METRIC_REFUSAL] = {.told = "refusal rate", .higher_is_better = true, .is_rate = true, .is_share = true,
                        AT(eval_refusal_rate)},
    [METRIC_OVER_REFUSAL] = {.told = "over-refusal rate", .is_rate = true, .is_share = true,
                             AT(eval_over_refusal_rate)},
    [METRIC_INCOHERENT] = {.told = "incoherent rate", .is_rate = true, .is_share = true, AT(eval_incoherent_rate)},
};

const struct metric *metric_of(enum metric_choice choice)
{
    return &metrics[choice];
}

double metric_score(const struct metric *metric, const struct eval_metrics *m)
{
    double value;
    memcpy(&value, (const char *)m + metric->offset, sizeof value);
    return metric_value(metric, value);
}

double metric_value(const struct metric *metric, double score)
{
    return metric->higher_is_better ? score : -score;
}
