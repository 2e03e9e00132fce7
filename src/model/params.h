/* The one tensor table: every parameter's name, shape and place, built from the family's table. Allocation,
 * loading, saving, weight decay, clipping and the gradient tests all walk it; there is no second list. */
#ifndef SFT_MODEL_PARAMS_H
#define SFT_MODEL_PARAMS_H

#include "base/err.h"
#include "base/mem.h"
#include "model/config.h"
#include "model/family.h"

struct tensor {
    char name[96]; /* as we write it, prefix included: "transformer.h.0.attn.c_attn.weight" */
    const struct tensor_spec *spec;
    size_t layer;      /* of a layer's tensor; 0 otherwise */
    size_t rows, cols; /* a vector: rows elements, cols 1 */
    size_t n_dims;     /* 1 or 2 */
    size_t offset;     /* first element, counted in elements from the start of the block */
    size_t count;      /* elements */
};

struct tensor_table {
    struct tensor *tensors;
    size_t n_tensors;
    size_t n_elements;   /* of a whole block, alignment gaps included (they stay zero) */
    size_t n_parameters; /* without the gaps */
    size_t n_layer;
};

/* Lay the tensors of `config` out, each at a multiple of 64 bytes (16 elements). Free with tensor_table_free.
 */
void tensor_table_init(struct tensor_table *table, const struct model_config *config);
void tensor_table_free(struct tensor_table *table);

/* The tensor of a role, or NULL (a tied head). */
const struct tensor *tensor_find(const struct tensor_table *table, enum tensor_role role, size_t layer);
const struct tensor *tensor_find_name(const struct tensor_table *table, const char *name);

/* Fill a block (n_elements floats) by the family's scheme, from `seed`. */
void params_init_random(float *params, const struct tensor_table *table, const struct model_config *config,
                        uint64_t seed);

#endif
