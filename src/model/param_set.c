#include "model/param_set.h"

#include <stdlib.h>

enum sft_status param_set_init(struct param_set *set, const struct model_config *config, tensor_choice *trained,
                               struct sft_err *err)
{
    struct tensor_table table;
    tensor_table_init(&table, config);
    tensor_table_choose(&table, trained);
    return param_set_allocate(set, &table, err);
}

static enum sft_status allocate(struct block *block, size_t n, size_t size, const char *what, struct sft_err *err)
{
    return n ? block_alloc(block, n * size, what, err) : SFT_OK;
}

enum sft_status param_set_allocate(struct param_set *set, struct tensor_table *table, struct sft_err *err)
{
    *set = (struct param_set){.table = *table};
    *table = (struct tensor_table){0};
    set->elsewhere = mem_calloc(set->table.n_tensors, sizeof *set->elsewhere);
    if (allocate(&set->values, set->table.n_elements, sizeof(real), "the parameters", err) ||
        allocate(&set->bf16, set->table.n_bf16, sizeof(bf16), "the parameters", err) ||
        allocate(&set->int8, set->table.n_int8, sizeof(int8_t), "the parameters", err) ||
        allocate(&set->scales, set->table.n_scales, sizeof(float), "the parameters' scales", err) ||
        allocate(&set->grads, set->table.n_trained_elements, sizeof(real), "the gradients", err)) {
        param_set_free(set);
        return err->status;
    }
    return SFT_OK;
}

void param_set_free(struct param_set *set)
{
    block_free(&set->values);
    block_free(&set->bf16);
    block_free(&set->int8);
    block_free(&set->scales);
    block_free(&set->grads);
    tensor_table_free(&set->table);
    free(set->elsewhere);
    if (set->owner.release)
        set->owner.release(set->owner.files);
    set->elsewhere = NULL;
    set->owner = (struct param_owner){0};
}

static size_t number_of(const struct param_set *set, const struct tensor *tensor)
{
    return (size_t)(tensor - set->table.tensors);
}

void param_place(struct param_set *set, const struct tensor *tensor, struct param_place place)
{
    if (!tensor->elsewhere)
        SFT_BUG("a tensor that has its place in the blocks");
    set->elsewhere[number_of(set, tensor)] = place;
}

void *param_memory(const struct param_set *set, const struct tensor *tensor)
{
    if (tensor->elsewhere)
        return (void *)set->elsewhere[number_of(set, tensor)].values;
    switch (tensor->kept) {
    case KEPT_BF16:
        return (bf16 *)set->bf16.data + tensor->offset;
    case KEPT_INT8:
        return (int8_t *)set->int8.data + tensor->offset;
    case KEPT_REAL:
        break;
    }
    return (real *)set->values.data + tensor->offset;
}

float *param_scales(const struct param_set *set, const struct tensor *tensor)
{
    if (tensor->elsewhere)
        return (float *)set->elsewhere[number_of(set, tensor)].scales;
    return tensor->kept == KEPT_INT8 ? (float *)set->scales.data + tensor->scales : NULL;
}

struct matrix param_matrix(const struct param_set *set, const struct tensor *tensor)
{
    if (!tensor)
        return (struct matrix){0};
    const void *values = param_memory(set, tensor);
    return (struct matrix){.w = tensor->kept == KEPT_REAL ? values : NULL,
                           .w_bf16 = tensor->kept == KEPT_BF16 ? values : NULL,
                           .w_int8 = tensor->kept == KEPT_INT8 ? values : NULL,
                           .scales = param_scales(set, tensor)};
}

real *param_values(const struct param_set *set, const struct tensor *tensor)
{
    return tensor && tensor->kept == KEPT_REAL ? param_memory(set, tensor) : NULL;
}

real *param_grads(const struct param_set *set, const struct tensor *tensor)
{
    return tensor && tensor->n_trained ? (real *)set->grads.data + tensor->grad_offset : NULL;
}
