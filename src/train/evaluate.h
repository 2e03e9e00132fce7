/* The loss of a model on a dataset, by an objective: what `sft eval` prints and what training measures as it goes. */
#ifndef SFT_TRAIN_EVALUATE_H
#define SFT_TRAIN_EVALUATE_H

#include "train/objective.h"

struct evaluation {
    double loss;                /* sft: the target-weighted mean of the negative log likelihood */
    double mean_token_accuracy; /* target-weighted */
    size_t num_target_tokens, num_conversations;
};

/* Run every example, in order, in micro-batches of at most micro_batch_tokens positions, each told to log_progress.
 * `stop` (may be NULL) is looked at between them: SFT_EINTERRUPTED, without a message, where it was set. SFT_EIO where
 * the tokens are damaged (dataset_check). */
enum sft_status evaluate(const struct objective *objective, struct transformer *model, struct activations *acts,
                         struct batch_buffer *buffer, const struct dataset *ds, size_t micro_batch_tokens,
                         const volatile int *stop, struct evaluation *result, struct sft_err *err);

#endif
