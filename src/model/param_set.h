/* A model's parameters: the tensor table, the values of all tensors, and the gradients of those that are trained. */
#ifndef SFT_MODEL_PARAM_SET_H
#define SFT_MODEL_PARAM_SET_H

#include "base/err.h"
#include "base/mem.h"
#include "kernels.h"
#include "model/block/tensors.h"

#define param_set_init     REAL_NAME(param_set_init)
#define param_set_allocate REAL_NAME(param_set_allocate)
#define param_set_free     REAL_NAME(param_set_free)
#define param_values       REAL_NAME(param_values)
#define param_bf16         REAL_NAME(param_bf16)
#define param_matrix       REAL_NAME(param_matrix)
#define param_grads        REAL_NAME(param_grads)

struct param_set {
    struct tensor_table table;
    struct block values; /* of real, table.n_elements */
    struct block bf16;   /* of bfloat16s, table.n_bf16_elements; empty where there are none */
    struct block grads;  /* of real, table.n_trained_elements; empty where nothing is trained */
};

/* The parameters of `config`, zeroed, with gradients of those that `trained` chooses (NULL: none). Free with
 * param_set_free, which accepts a zeroed struct. */
enum sft_status param_set_init(struct param_set *set, const struct model_config *config, tensor_choice *trained,
                               struct sft_err *err);
void param_set_free(struct param_set *set);

/* The same of a table that says which tensors are trained, and which are bfloat16s; it is taken over. */
enum sft_status param_set_allocate(struct param_set *set, struct tensor_table *table, struct sft_err *err);

/* A tensor's values, as reals or as bfloat16s, and its gradients; NULL where `tensor` is, values of the other kind, and
 * gradients of one that is not trained. */
real *param_values(const struct param_set *set, const struct tensor *tensor);
bf16 *param_bf16(const struct param_set *set, const struct tensor *tensor);
real *param_grads(const struct param_set *set, const struct tensor *tensor);
/* A matrix, of whatever it is kept as; all NULL where `tensor` is. */
struct matrix param_matrix(const struct param_set *set, const struct tensor *tensor);

#endif
