/* Direct preference optimization: the mean over pairs of what dpo_loss.h says of each, plus sft_weight times the mean
 * loss of the chosen answers' tokens, to which conversations that are no pair belong, too. */
#ifndef SFT_TRAIN_OBJECTIVE_DPO_H
#define SFT_TRAIN_OBJECTIVE_DPO_H

#include "train/dpo_loss.h"
#include "train/objective.h"
#include "train/reference_store.h"

#define objective_dpo      REAL_NAME(objective_dpo)
#define conversation_logps REAL_NAME(conversation_logps)

struct dpo {
    struct dpo_options options;
    const struct answer_logps *reference; /* of each of the dataset's examples; NULL: all are 0 */
};

/* Borrows it. */
struct objective objective_dpo(const struct dpo *dpo);

/* The sum of the log-probabilities of a micro-batch's conversation's targets, whatever their weights, once
 * transformer_costs knows them. */
double conversation_logps(const struct objective_batch *b, uint32_t conversation);

#endif
