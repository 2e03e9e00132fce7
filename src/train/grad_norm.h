/* The norm of all gradients together, and its clipping, as torch.nn.utils.clip_grad_norm_ does it. */
#ifndef SFT_TRAIN_GRAD_NORM_H
#define SFT_TRAIN_GRAD_NORM_H

#include "model/transformer.h"

/* The L2 norm. */
double grad_norm(const struct transformer *model);

/* What the gradients are to be multiplied by, given their norm: 1 where it is at most max_grad_norm, or that is 0. */
double grad_norm_clip(double norm, double max_grad_norm);

#endif
