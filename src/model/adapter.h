/* What an adapter adds to a model (Hu et al. 2021): to matrices of its linear layers a product of two narrow ones, y
 * = x W + b + scaling (x A^T) B^T, A (r,in), B (out,r), whatever W's layout; and what else of a model is trained
 * beside these, whole tensors and rows of tokens, as PEFT's modules_to_save and trainable_token_indices have it. */
#ifndef SFT_MODEL_ADAPTER_H
#define SFT_MODEL_ADAPTER_H

#include "model/tensor_table.h"

/* Tensors by their numbers in the model's table. */
struct lora_target {
    size_t tensor; /* a linear layer's matrix */
    size_t r;
    double scaling; /* lora_alpha / r, or with use_rslora lora_alpha / r^1/2 (Kalajdzievski 2023) */
};
struct trained_rows {
    size_t tensor; /* with a row a token: the embedding, or an untied head; of a tied one both see them */
    int32_t *rows; /* (n) ascending, each once */
    size_t n;
};

struct adapter_spec { /* zero-initialised: nothing. In ascending order of tensors */
    struct lora_target *targets;
    size_t n_targets, targets_capacity;
    size_t *whole; /* trained as they are, with all that they have */
    size_t n_whole, whole_capacity;
    struct trained_rows rows[2];
    size_t n_rows;
};
void adapter_spec_free(struct adapter_spec *spec);

void adapter_spec_add_target(struct adapter_spec *spec, const struct lora_target *target);
void adapter_spec_add_whole(struct adapter_spec *spec, size_t tensor);
/* Takes over `rows`. */
void adapter_spec_add_rows(struct adapter_spec *spec, size_t tensor, int32_t *rows, size_t n);

/* The largest rank of any; 0: there is no target. */
size_t adapter_spec_rank(const struct adapter_spec *spec);

/* Append A and B of each target to a model's table, named as PEFT does,
 * "base_model.model.transformer.h.0.attn.c_attn.lora_A.weight"; of all tensors these, whole ones and rows are
 * trained, and nothing else. Before places are given to what is kept otherwise (tensor_table_place). */
void tensor_table_adapt(struct tensor_table *table, const struct adapter_spec *spec);

/* A and B of a matrix; NULL: nothing is added to it. */
const struct tensor *tensor_lora_a(const struct tensor_table *table, const struct tensor *tensor);
const struct tensor *tensor_lora_b(const struct tensor_table *table, const struct tensor *tensor);

/* Fill A and B in a block of values (n_elements floats) as PEFT starts them: A by kaiming_uniform_(a = 5^1/2), which
 * is between -in^-1/2 and in^-1/2, from `seed`; B zeros, so that an adapter starts by changing nothing. */
void adapter_init_random(float *params, const struct tensor_table *table, uint64_t seed);

#endif
