/* AdamW over the tensor table, with the global gradient norm and its clipping, as torch.optim.AdamW and
 * torch.nn.utils.clip_grad_norm_ do them. */
#ifndef SFT_TRAIN_ADAMW_H
#define SFT_TRAIN_ADAMW_H

#include "config/settings.h"
#include "model/transformer.h"

struct adamw {
    struct block m, v;    /* float, table.n_trained_elements each: first and second moments */
    double learning_rate; /* set before each step */
    double weight_decay, beta1, beta2, epsilon, max_grad_norm;
};

/* Moments start at zero. Free with adamw_free, which accepts a zeroed struct. */
enum sft_status adamw_init(struct adamw *adamw, const struct transformer *model,
                           const struct settings *settings, struct sft_err *err);
void adamw_free(struct adamw *adamw);

/* The L2 norm of all gradients together. */
double grad_norm(const struct transformer *model);

/* Step number `step` (from 1): clip the gradients to max_grad_norm (0: not at all), given their norm, and
 * update. */
void adamw_step(struct adamw *adamw, struct transformer *model, uint64_t step, double norm);

#endif
