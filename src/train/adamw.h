/* AdamW over the tensor table, as torch.optim.AdamW does it: decoupled decay, bias correction. */
#ifndef SFT_TRAIN_ADAMW_H
#define SFT_TRAIN_ADAMW_H

#include "model/transformer.h"

/* What moments are kept as: floats, or 8 bits and scales (kernels.h). */
enum moments_kept { MOMENTS_FLOAT, MOMENTS_8BIT };

/* A tensor of fewer elements (a norm, a bias) keeps floats: little to save, and one that moves all the others. */
enum { MOMENTS_8BIT_LEAST = 4096 };

struct adamw_options {
    enum moments_kept kept;
    double weight_decay; /* of the tensors that decay: embeddings and matrices, no norm and no bias */
    double beta1, beta2, epsilon;
};

struct adamw {
    struct adamw_options options;
    struct block m, v; /* first and second moments, adamw_moments_bytes each: tensor behind tensor */
};

/* One trained tensor's moments. */
struct moments {
    size_t count; /* of elements */
    enum moments_kept kept;
    void *m, *v;               /* (count) floats; or int8_t and uint8_t, */
    bf16 *m_scales, *v_scales; /* (n_scales) and their groups'; NULL: none */
    size_t n_scales;
};

/* Moments start at zero. Free with adamw_free, which accepts a zeroed struct. */
enum sft_status adamw_init(struct adamw *adamw, const struct transformer *model, const struct adamw_options *options,
                           struct sft_err *err);
void adamw_free(struct adamw *adamw);

/* How many bytes each of the two blocks takes. */
size_t adamw_moments_bytes(const struct tensor_table *table, const struct adamw_options *options);

/* The moments of a trained tensor, which begin at *at, 0 for the first; *at becomes where the next one's do. */
struct moments adamw_moments_at(const struct adamw *adamw, const struct tensor *tensor, size_t *at);

/* Step number `step` (from 1): update the parameters by grad_scale times their gradients. */
void adamw_step(struct adamw *adamw, struct transformer *model, uint64_t step, double learning_rate, double grad_scale);

#endif
