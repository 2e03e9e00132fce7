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
#define param_matrix       REAL_NAME(param_matrix)
#define param_memory       REAL_NAME(param_memory)
#define param_scales       REAL_NAME(param_scales)
#define param_place        REAL_NAME(param_place)
#define param_grads        REAL_NAME(param_grads)

/* Where a tensor lies that has no place in the blocks (struct tensor: elsewhere). */
struct param_place {
    const void *values;
    const float *scales; /* of integers */
};

/* What such values need open: a model's files, which are mapped. */
struct param_owner {
    void *files;
    void (*release)(void *files);
};

struct param_set {
    struct tensor_table table;
    struct block values; /* of real, table.n_elements */
    struct block bf16;   /* of bfloat16s, table.n_bf16; empty where there are none, as the next two */
    struct block int8;   /* of 8-bit integers, table.n_int8, */
    struct block scales; /* and floats, table.n_scales: one a row of these */
    struct block grads;  /* of real, table.n_trained_elements; empty where nothing is trained */
    struct param_place *elsewhere; /* (table.n_tensors) of tensors that are; NULL where none is */
    struct param_owner owner;      /* of what lies there; release NULL: somebody else outlives this */
};

/* The parameters of `config`, zeroed, with gradients of those that `trained` chooses (NULL: none). Free with
 * param_set_free, which accepts a zeroed struct. */
enum sft_status param_set_init(struct param_set *set, const struct model_config *config, tensor_choice *trained,
                               struct sft_err *err);
void param_set_free(struct param_set *set);

/* The same of a table that says which tensors are trained, and which are kept how; it is taken over. */
enum sft_status param_set_allocate(struct param_set *set, struct tensor_table *table, struct sft_err *err);

/* A matrix, of whatever it is kept as; all NULL where `tensor` is. Any tensor's values as reals, and its gradients;
 * NULL where `tensor` is, where values are of another kind, and of one that is not trained. */
struct matrix param_matrix(const struct param_set *set, const struct tensor *tensor);
real *param_values(const struct param_set *set, const struct tensor *tensor);
real *param_grads(const struct param_set *set, const struct tensor *tensor);

/* Where a tensor's values lie, whatever they are kept as, and the scales of integers (NULL: there are none), for
 * whoever fills them: not those that are elsewhere, which nobody writes to. */
void *param_memory(const struct param_set *set, const struct tensor *tensor);
float *param_scales(const struct param_set *set, const struct tensor *tensor);

/* Say where a tensor is that is elsewhere. */
void param_place(struct param_set *set, const struct tensor *tensor, struct param_place place);

#endif
