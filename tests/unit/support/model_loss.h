/* A model's loss and gradients over arrays of double, in both builds of the transformer (see ops.h). */
#ifndef SFT_TESTS_MODEL_LOSS_H
#define SFT_TESTS_MODEL_LOSS_H

#include "model/batch.h"
#include "model/config.h"
#include "model/tensor_table.h"

/* The sum of weight * nll over a batch, with parameters as model_config's tensor table lays them out; grads
 * (NULL: not wanted) is set to its gradients. `table` is a const struct kernels * of the same build; NULL:
 * its reference. */
double model_loss_f32(const struct model_config *config, const void *table, const double *params,
                      const struct batch *batch, const struct targets *targets, double *grads);
double model_loss_f64(const struct model_config *config, const void *table, const double *params,
                      const struct batch *batch, const struct targets *targets, double *grads);

/* The same of tensors of which not all are trained, an adapter's among them: params as `tensors` lays them out, grads
 * of those that are. */
double model_loss_of_f32(const struct model_config *config, const struct tensor_table *tensors, const void *table,
                         const double *params, const struct batch *batch, const struct targets *targets,
                         double *grads);
double model_loss_of_f64(const struct model_config *config, const struct tensor_table *tensors, const void *table,
                         const double *params, const struct batch *batch, const struct targets *targets,
                         double *grads);

#endif
