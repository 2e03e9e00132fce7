#include "model/param_set.h"

enum sft_status param_set_init(struct param_set *set, const struct model_config *config, tensor_choice *trained,
                               struct sft_err *err)
{
    struct tensor_table table;
    tensor_table_init(&table, config);
    tensor_table_choose(&table, trained);
    return param_set_allocate(set, &table, err);
}

enum sft_status param_set_allocate(struct param_set *set, struct tensor_table *table, struct sft_err *err)
{
    const size_t n_trained = table->n_trained_elements, n_bf16 = table->n_bf16_elements;
    *set = (struct param_set){.table = *table};
    *table = (struct tensor_table){0};
    if (block_alloc(&set->values, set->table.n_elements * sizeof(real), "the parameters", err) ||
        (n_bf16 && block_alloc(&set->bf16, n_bf16 * sizeof(bf16), "the parameters", err)) ||
        (n_trained && block_alloc(&set->grads, n_trained * sizeof(real), "the gradients", err))) {
        param_set_free(set);
        return err->status;
    }
    return SFT_OK;
}

void param_set_free(struct param_set *set)
{
    block_free(&set->values);
    block_free(&set->bf16);
    block_free(&set->grads);
    tensor_table_free(&set->table);
}

real *param_values(const struct param_set *set, const struct tensor *tensor)
{
    return tensor && !tensor->is_bf16 ? (real *)set->values.data + tensor->offset : NULL;
}

bf16 *param_bf16(const struct param_set *set, const struct tensor *tensor)
{
    return tensor && tensor->is_bf16 ? (bf16 *)set->bf16.data + tensor->offset : NULL;
}

real *param_grads(const struct param_set *set, const struct tensor *tensor)
{
    return tensor && tensor->trained ? (real *)set->grads.data + tensor->grad_offset : NULL;
}

struct matrix param_matrix(const struct param_set *set, const struct tensor *tensor)
{
    return (struct matrix){.w = param_values(set, tensor), .w_bf16 = param_bf16(set, tensor)};
}
