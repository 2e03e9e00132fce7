/* A model's loss and gradients over arrays of double, in both builds of the transformer (see ops.h). */
#ifndef SFT_TESTS_MODEL_LOSS_H
#define SFT_TESTS_MODEL_LOSS_H

#include "model/batch.h"
#include "model/config.h"

/* The sum of weight * nll over a batch, with parameters as model_config's tensor table lays them out; grads
 * (NULL: not wanted) is set to its gradients. `table` is a const struct kernels * of the same build; NULL:
 * its reference. */
double model_loss_f32(const struct model_config *config, const void *table, const double *params,
                      const struct batch *batch, const struct targets *targets, double *grads);
double model_loss_f64(const struct model_config *config, const void *table, const double *params,
                      const struct batch *batch, const struct targets *targets, double *grads);

#endif
