#include "train/learner.h"

#include "config/settings.h"
#include "train/options.h"

static enum sft_status check_memory(const struct base_model *base, const struct train_data *data,
                                    const struct train_plan *plan, struct sft_err *err)
{
    const struct train_memory need = train_plan_memory(plan, &base->config, data);
    const size_t available = mem_available(), still_needed = need.total - need.data; /* the data is read already */
    if (still_needed <= available)
        return SFT_OK;
    return sft_fail(err, SFT_ENOMEM,
                    "the run needs %.0f MB more and %.0f MB are available (lower [train] micro_batch_tokens or [data] "
                    "max_length, or take a smaller model; --dry-run shows the plan)",
                    (double)still_needed / 1e6, (double)available / 1e6);
}

static enum sft_status allocate(struct learner *l, const struct learner_parts *parts, struct sft_err *err)
{
    const struct train_plan *plan = parts->plan;
    const size_t positions = train_plan_positions(plan, parts->data);
    struct tensor_table table = tensor_table_copy(&plan->table);
    if (transformer_init_of(&l->model, &parts->base->config, plan->kernels, &table, err) ||
        adamw_init(&l->adamw, &l->model, &plan->adamw, err) ||
        transformer_init_activations(&l->model, &l->acts, positions, plan->keeping, err) ||
        batch_buffer_init(&l->buffer, &plan->batching, positions, plan->order.batch_size, err))
        return err->status;
    order_init(&l->order, &plan->order, parts->data->train.n_examples);
    return SFT_OK;
}

/* A checkpoint of an adapter has no more than that: the base's weights are the base's. */
static enum sft_status load_weights(struct learner *l, const struct learner_parts *parts, struct sft_err *err)
{
    const struct checkpoint_found *from = parts->from;
    if ((!from->dir || parts->adapting->on) &&
        adapting_load_base(parts->adapting, parts->settings, parts->base, parts->plan->kernels, &l->model.params, err))
        return err->status;
    transformer_bind(&l->model);
    if (!from->dir && adapting_load_adapter(parts->adapting, parts->settings, parts->base, &l->model.params, err))
        return err->status;
    return from->dir ? checkpoint_load(from->dir, parts->adapting->on, &l->model, &l->adamw, err) : SFT_OK;
}

/* What the first step may leave untouched, where a later one has a larger micro-batch; gradients and moments
 * it writes whole. Not before the weights are loaded: until then their file is in memory too. */
static void make_resident(const struct learner *l)
{
    block_touch(&l->acts.memory);
    block_touch(&l->buffer.memory);
}

enum sft_status learner_init(struct learner *l, const struct learner_parts *parts, struct sft_err *err)
{
    *l = (struct learner){.objective = &objective_sft, .state = parts->from->state};
    if (check_memory(parts->base, parts->data, parts->plan, err) || allocate(l, parts, err) ||
        load_weights(l, parts, err))
        return err->status;
    make_resident(l);
    return SFT_OK;
}

void learner_free(struct learner *l)
{
    transformer_free(&l->model);
    adamw_free(&l->adamw);
    activations_free(&l->acts);
    batch_buffer_free(&l->buffer);
    order_free(&l->order);
    *l = (struct learner){0};
}
