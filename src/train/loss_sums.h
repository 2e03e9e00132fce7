/* What losses, accuracies and rewards are the means of: sums over targets, each by its weight, and over pairs. */
#ifndef SFT_TRAIN_LOSS_SUMS_H
#define SFT_TRAIN_LOSS_SUMS_H

/* Over pairs of answers, of which an objective may compare some (train/dpo_loss.h says what is summed). */
struct pair_sums {
    double n, loss;
    double chosen_rewards, rejected_rewards;
    double accuracies; /* pairs whose chosen answer has the larger reward */
    double chosen_logps, rejected_logps;
};

struct loss_sums {
    double loss;    /* sum of weight * nll, times what an objective that compares pairs lets it count */
    double correct; /* sum of weight where the most likely token is the label */
    double weight;  /* sum of weight */
    struct pair_sums pairs;
};

void loss_sums_add(struct loss_sums *sums, const struct loss_sums *more);

/* The loss: the mean over the targets' weight, plus that over pairs; NaN where there is neither. */
double loss_sums_mean(const struct loss_sums *sums);

/* The target-weighted share of right tokens; NaN where there is none. */
double loss_sums_accuracy(const struct loss_sums *sums);

/* Means over pairs, by TRL's names; NaN where there is no pair. */
struct pair_means {
    double chosen_rewards, rejected_rewards, accuracies, margins;
    double chosen_logps, rejected_logps;
};
struct pair_means pair_means_of(const struct pair_sums *sums);

#endif
