/* The one tensor table: every parameter's name, shape and place. Allocation, loading, saving, weight decay, clipping
 * and the gradient tests all walk it; there is no second list. block/tensors.h makes it of a family's table.
 *
 * That a tensor is there, is trained, and has a place among the gradients are questions of their own: a block of values
 * holds all tensors, a block of gradients, or of an optimizer's moments, the trained ones only. */
#ifndef SFT_MODEL_TENSOR_TABLE_H
#define SFT_MODEL_TENSOR_TABLE_H

#include "model/config.h"
#include "model/family.h"

/* How a new tensor starts: GPT-2's scheme (normal with initializer_range; projections back into the residual
 * stream divided by sqrt(2 n_layer); norms 1, biases 0). */
enum init { INIT_NORMAL, INIT_NORMAL_RESIDUAL, INIT_ONE, INIT_ZERO };

/* What a tensor's values are in memory: reals, bfloat16s, or 8-bit integers with a scale for each row of the (out,in)
 * view of the matrix (kernels.h, struct matrix). Each kind has a block of its own. */
enum kept { KEPT_REAL, KEPT_BF16, KEPT_INT8 };

/* A tensor is the model's own, or one of two narrow matrices that an adapter adds to a matrix of the model's
 * (model/adapter.h). */
enum tensor_part { PART_MODEL, PART_LORA_A, PART_LORA_B };

struct tensor {
    char name[128];      /* as we write it, prefix included: "transformer.h.0.attn.c_attn.weight" */
    const char *pattern; /* the family's name for it: "h.%zu.attn.c_attn.weight"; of an adapter's: its matrix' */
    size_t layer;        /* of a layer's tensor; 0 otherwise */
    size_t rows, cols;   /* as in files, and in memory unless it is transposed; a vector: rows elements, cols 1 */
    size_t n_dims;       /* 1 or 2 */
    enum layout layout;  /* of a linear layer's matrix */
    enum init init;
    bool decays;        /* weight decay applies: matrices and embeddings, not norms and biases */
    bool per_token;     /* a row a token: it grows with the vocabulary */
    bool trained;       /* it has gradients, */
    int32_t *trained_rows; /* or these of its rows alone do, ascending; NULL: all. The table's */
    size_t n_trained_rows;
    bool is_matrix;     /* all ops that read it take any kind of values: a layer's matrix, a row a token */
    bool transposed;    /* it lies (cols, rows) in memory; nothing trains it */
    enum kept kept;     /* KEPT_REAL unless it is_matrix and nothing trains it */
    bool elsewhere;     /* its values lie in no block of the model's: in a mapped file, or another model has them */
    enum tensor_part part;
    size_t lora;        /* the number of the A that is added to this matrix, whose B comes next; 0: none is */
    double scaling;     /* of an A: A B is multiplied by it */
    size_t count;       /* elements */
    size_t n_trained;   /* of them, those with gradients */
    size_t offset;      /* first element, counted in elements from the start of its kind's block of values */
    size_t scales;      /* the same of its scales; of KEPT_INT8 */
    size_t grad_offset; /* the same in a block of gradients or moments; of a trained tensor */
};

struct tensor_table {
    struct tensor *tensors; /* those that are once in a model, then layer after layer, then an adapter's */
    size_t n_tensors, n_global, n_layer, capacity;
    size_t n_model;            /* tensors of the model itself */
    size_t n_elements;         /* of a block of values, alignment gaps included (they stay zero) */
    size_t n_bf16, n_int8;     /* the same of blocks of the other kinds, */
    size_t n_scales;           /* and of scales */
    size_t n_trained_elements; /* of a block of gradients or moments */
    size_t n_parameters;       /* without the gaps */
    const struct tensor *token_embedding, *head; /* one and the same where the head is tied */
};

/* Append a tensor of which all is said but name, count, offsets and trained: the first of them at a multiple of 64
 * bytes (16 elements). tensor_table_append: of an adapter's, whose name is said too. */
void tensor_table_add(struct tensor_table *table, const struct family *family, const struct tensor *tensor);
struct tensor *tensor_table_append(struct tensor_table *table, const struct tensor *tensor);
void tensor_table_free(struct tensor_table *table);

/* Which tensors are trained (NULL: none), and with that their places among the gradients. */
typedef bool tensor_choice(const struct tensor *tensor);
bool tensor_any(const struct tensor *tensor);
void tensor_table_choose(struct tensor_table *table, tensor_choice *trained);

/* After `trained` and `trained_rows` were set one by one: the places among the gradients. */
void tensor_table_place_gradients(struct tensor_table *table);

/* None of it is trained here, but it stays known what an adapter trained: there is no place among the gradients. */
void tensor_table_drop_gradients(struct tensor_table *table);

/* After kept, transposed and elsewhere were set, the first two of matrices that are not trained: the places of all in
 * the blocks. Integers are of matrices that lie (out,in). */
void tensor_table_place(struct tensor_table *table);

/* Leave places to what is trained alone: all else is elsewhere. */
void tensor_table_place_trained(struct tensor_table *table);

/* How many numbers are trained: of n_trained_elements those that are no gaps. */
size_t tensor_table_count_trained(const struct tensor_table *table);

/* Whether a row of a tensor with a row a token has gradients. */
bool tensor_trains_row(const struct tensor *tensor, int32_t row);

/* A copy of its own, to be freed. */
struct tensor_table tensor_table_copy(const struct tensor_table *table);

/* A view of the model's own tensors alone; it is not to be freed. */
struct tensor_table tensor_table_of_model(const struct tensor_table *table);

/* The tensor that the family calls so, of a layer (0 for one that is once in a model); NULL: it has none, or `pattern`
 * is NULL. */
const struct tensor *tensor_find(const struct tensor_table *table, const char *pattern, size_t layer);
const struct tensor *tensor_find_name(const struct tensor_table *table, const char *name);

/* Fill a block of values (n_elements floats) by the family's scheme, from `seed`. */
void params_init_random(float *params, const struct tensor_table *table, const struct model_config *config,
                        uint64_t seed);

#endif
