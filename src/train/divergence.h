/* Whether a run's loss goes where it should not. It is only told: a person decides.
 *
 * The loss of the last steps (a running mean, in which each step counts a tenth) diverges where it is more than 2
 * above the loss at the start: the mean of the first ten steps, or the first step's plus 1 where that is less, since
 * the very first update may break a model. 2 is a perplexity seven times as high, which neither noise between batches
 * nor overfitting brings. With shuffle = false the data may grow harder on their way: then the loss must also be 2
 * above that of guessing, ln(vocabulary).
 *
 * An evaluation has become worse where its loss is more than 0.5 above that before the first step. */
#ifndef SFT_TRAIN_DIVERGENCE_H
#define SFT_TRAIN_DIVERGENCE_H

#include <stdbool.h>
#include <stdint.h>

struct divergence {
    uint64_t step;         /* the last it was told of */
    double first;          /* loss of the first step */
    double start_sum;      /* of the losses of the first ten steps, */
    uint64_t start_steps;  /* or of as many as the first line is the mean of */
    double recent;         /* the running mean */
    double floor;          /* a loss below this never diverges; 0: only the start counts */
    double eval_first, eval_last; /* 0: none yet */
};

/* Nothing told yet. vocab_size 0: only the start counts. */
struct divergence divergence_new(uint64_t vocab_size);

/* `loss` is the mean of the steps after the last one told, up to `step`. */
void divergence_add_step(struct divergence *d, uint64_t step, double loss);

/* An evaluation before the first step (step 0) or later. */
void divergence_add_eval(struct divergence *d, uint64_t step, double loss);

double divergence_start(const struct divergence *d); /* what the loss is held against */
bool divergence_of_loss(const struct divergence *d);
bool divergence_of_eval(const struct divergence *d);

/* Warn, with the remedy: of a loss that diverges now, and of what a run that is at its end came to, if that is bad. */
void divergence_warn(const struct divergence *d, double learning_rate);
void divergence_warn_of_end(const struct divergence *d, double learning_rate);

#endif
