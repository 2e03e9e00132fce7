/* What losses and accuracies are the means of: sums over targets, each by its weight. */
#ifndef SFT_TRAIN_LOSS_SUMS_H
#define SFT_TRAIN_LOSS_SUMS_H

struct loss_sums {
    double loss;    /* sum of weight * nll */
    double correct; /* sum of weight where the most likely token is the label */
    double weight;  /* sum of weight */
};

#endif
