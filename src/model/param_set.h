/* A model's parameters: the tensor table, the values of all tensors, and the gradients of those that are trained. */
#ifndef SFT_MODEL_PARAM_SET_H
#define SFT_MODEL_PARAM_SET_H

#include "base/err.h"
#include "base/mem.h"
#include "model/block/tensors.h"
#include "real.h"

#define param_set_init REAL_NAME(param_set_init)
#define param_set_free REAL_NAME(param_set_free)
#define param_values   REAL_NAME(param_values)
#define param_grads    REAL_NAME(param_grads)

struct param_set {
    struct tensor_table table;
    struct block values; /* of real, table.n_elements */
    struct block grads;  /* of real, table.n_trained_elements; empty where nothing is trained */
};

/* The parameters of `config`, zeroed, with gradients of those that `trained` chooses (NULL: none). Free with
 * param_set_free, which accepts a zeroed struct. */
enum sft_status param_set_init(struct param_set *set, const struct model_config *config, tensor_choice *trained,
                               struct sft_err *err);
void param_set_free(struct param_set *set);

/* A tensor's values and gradients; NULL where `tensor` is, and gradients of one that is not trained. */
real *param_values(const struct param_set *set, const struct tensor *tensor);
real *param_grads(const struct param_set *set, const struct tensor *tensor);

#endif
