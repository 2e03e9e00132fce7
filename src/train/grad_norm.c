#include "train/grad_norm.h"

#include <math.h>

double grad_norm(const struct transformer *model)
{
    return sqrt(model->kernels->sum_of_squares(model->params.grads.data, model->params.table.n_trained_elements));
}

double grad_norm_clip(double norm, double max_grad_norm)
{
    return max_grad_norm > 0 ? fmin(max_grad_norm / (norm + 1e-6), 1) : 1;
}
