/* Direct preference optimization (Rafailov et al. 2023): the loss of one pair of answers, as TRL's DPOTrainer has it.
 * Pure functions of log-probabilities; objective_dpo.c finds these. */
#ifndef SFT_TRAIN_DPO_LOSS_H
#define SFT_TRAIN_DPO_LOSS_H

#include "config/choices.h"

#include <stddef.h>

struct dpo_options {
    double beta;
    enum dpo_loss loss_type;
    double label_smoothing; /* the share of pairs that are taken to be the wrong way round */
    double sft_weight;      /* of the mean loss of the chosen answers' tokens, beside the mean over pairs */
};

/* One answer of a pair: the sum of its tokens' log-probabilities. */
struct dpo_answer {
    double logps, reference; /* by the model that is trained, and by the one that it is held against */
    size_t n_tokens;
};

struct dpo_pair {
    double loss;
    double dchosen, drejected;             /* the loss's derivative by the logps of each */
    double chosen_reward, rejected_reward; /* beta * (logps - reference) */
};

/* With d = (logps - reference) of the chosen answer less that of the rejected one, and e = label_smoothing:
 *
 *     sigmoid   -(1 - e) log sigmoid(beta d) - e log sigmoid(-beta d)
 *     ipo       (m - 1 / (2 beta))^2, where m is d with the mean over each answer's tokens in place of its sum
 *
 * The first with e > 0 is conservative DPO (Mitchell 2023), the second is Azar et al. 2023, which knows no e. */
struct dpo_pair dpo_pair_loss(const struct dpo_options *options, const struct dpo_answer *chosen,
                              const struct dpo_answer *rejected);

#endif
