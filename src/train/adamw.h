/* AdamW over the tensor table, as torch.optim.AdamW does it: decoupled decay, bias correction. */
#ifndef SFT_TRAIN_ADAMW_H
#define SFT_TRAIN_ADAMW_H

#include "model/transformer.h"

struct adamw_options {
    double weight_decay; /* of the tensors that decay: embeddings and matrices, no norm and no bias */
    double beta1, beta2, epsilon;
};

struct adamw {
    struct adamw_options options;
    struct block m, v; /* float, table.n_trained_elements each: first and second moments */
};

/* Moments start at zero. Free with adamw_free, which accepts a zeroed struct. */
enum sft_status adamw_init(struct adamw *adamw, const struct transformer *model, const struct adamw_options *options,
                           struct sft_err *err);
void adamw_free(struct adamw *adamw);

/* Step number `step` (from 1): update the parameters by grad_scale times their gradients. */
void adamw_step(struct adamw *adamw, struct transformer *model, uint64_t step, double learning_rate, double grad_scale);

#endif
