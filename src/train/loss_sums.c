#include "train/loss_sums.h"

#include <math.h>

void loss_sums_add(struct loss_sums *sums, const struct loss_sums *more)
{
    sums->loss += more->loss;
    sums->correct += more->correct;
    sums->weight += more->weight;
    sums->pairs.n += more->pairs.n;
    sums->pairs.loss += more->pairs.loss;
    sums->pairs.chosen_rewards += more->pairs.chosen_rewards;
    sums->pairs.rejected_rewards += more->pairs.rejected_rewards;
    sums->pairs.accuracies += more->pairs.accuracies;
    sums->pairs.chosen_logps += more->pairs.chosen_logps;
    sums->pairs.rejected_logps += more->pairs.rejected_logps;
}

double loss_sums_mean(const struct loss_sums *sums)
{
    const double of_targets = sums->loss / sums->weight, of_pairs = sums->pairs.loss / sums->pairs.n;
    if (!(sums->pairs.n > 0))
        return sums->weight > 0 ? of_targets : NAN;
    return sums->weight > 0 ? of_targets + of_pairs : of_pairs;
}

double loss_sums_accuracy(const struct loss_sums *sums)
{
    return sums->weight > 0 ? sums->correct / sums->weight : NAN;
}

struct pair_means pair_means_of(const struct pair_sums *sums)
{
    const double by = sums->n > 0 ? 1 / sums->n : NAN;
    return (struct pair_means){.chosen_rewards = by * sums->chosen_rewards,
                               .rejected_rewards = by * sums->rejected_rewards,
                               .accuracies = by * sums->accuracies,
                               .margins = by * (sums->chosen_rewards - sums->rejected_rewards),
                               .chosen_logps = by * sums->chosen_logps,
                               .rejected_logps = by * sums->rejected_logps};
}
