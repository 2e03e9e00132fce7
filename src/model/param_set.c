#include "model/param_set.h"

enum sft_status param_set_init(struct param_set *set, const struct model_config *config, tensor_choice *trained,
                               struct sft_err *err)
{
    *set = (struct param_set){0};
    tensor_table_init(&set->table, config);
    tensor_table_choose(&set->table, trained);
    const size_t n_trained = set->table.n_trained_elements;
    if (block_alloc(&set->values, set->table.n_elements * sizeof(real), "the parameters", err) ||
        (n_trained && block_alloc(&set->grads, n_trained * sizeof(real), "the gradients", err))) {
        param_set_free(set);
        return err->status;
    }
    return SFT_OK;
}

void param_set_free(struct param_set *set)
{
    block_free(&set->values);
    block_free(&set->grads);
    tensor_table_free(&set->table);
}

real *param_values(const struct param_set *set, const struct tensor *tensor)
{
    return tensor ? (real *)set->values.data + tensor->offset : NULL;
}

real *param_grads(const struct param_set *set, const struct tensor *tensor)
{
    return tensor && tensor->trained ? (real *)set->grads.data + tensor->grad_offset : NULL;
}
