/* The loss of a model on a dataset, by an objective: what `sft eval` prints and what training measures as it goes. */
#ifndef SFT_TRAIN_EVALUATE_H
#define SFT_TRAIN_EVALUATE_H

#include "train/objective.h"

struct evaluation {
    double loss;                /* as the objective has it: sft: the target-weighted mean of the nll */
    double mean_token_accuracy; /* target-weighted */
    size_t num_target_tokens, num_conversations;
    struct loss_sums sums; /* what the objective told of all of it */
};

/* What evaluates: working memory and the rest. */
struct evaluator {
    const struct objective *objective;
    struct transformer *model;
    struct activations *acts;
    struct batch_buffer *buffer; /* its options say how the examples are cut */
    /* May be NULL: told the loss of each example (its target-weighted mean, however many others were beside it; of a
     * pair that of the chosen answer), once, in any order. */
    void (*each)(void *context, size_t example, double loss);
    void *context;
};

/* Run every example, in the dataset's order or, where the buffer shares, windows of BATCH_WINDOW of them arranged; each
 * micro-batch is told to log_progress. `stop` (may be NULL) is looked at between them: SFT_EINTERRUPTED, without a
 * message, where it was set. SFT_EIO where the tokens are damaged (dataset_check). */
enum sft_status evaluate(const struct evaluator *by, const struct dataset *ds, const volatile int *stop,
                         struct evaluation *result, struct sft_err *err);

#endif
