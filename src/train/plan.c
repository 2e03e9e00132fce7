#include "train/plan.h"

#include "config/settings.h"
#include "model/transformer.h"
#include "train/options.h"
#include "train/reference.h"

#include <math.h>

static const char *const precision_name[] = {"auto", "fp32", "bf16"};

enum sft_status train_plan_choose_kernels(struct train_plan *plan, const struct settings *settings, struct sft_err *err)
{
    plan->kernels = kernels_select(precision_name[settings->train.precision], plan->kernels_why,
                                   sizeof plan->kernels_why);
    return plan->kernels ? SFT_OK : sft_fail(err, SFT_EUSAGE, "[train] precision: %s", plan->kernels_why);
}

enum sft_status train_plan_keep_precision(struct train_plan *plan, const struct settings *settings,
                                          const char *recorded, struct sft_err *err)
{
    if (!recorded || settings->train.precision != PRECISION_AUTO)
        return SFT_OK;
    plan->kernels = kernels_select(recorded, plan->kernels_why, sizeof plan->kernels_why);
    return plan->kernels ? SFT_OK
                         : sft_fail(err, SFT_EUSAGE, "this run was started in %s: %s", recorded, plan->kernels_why);
}

static struct intervals make_intervals(const struct settings *s, const struct train_data *data)
{
    const uint64_t steps_per_epoch = order_steps(data->train.n_examples, (size_t)s->train.batch_size);
    const double steps = ceil(s->train.num_train_epochs * (double)steps_per_epoch);
    return (struct intervals){.total_steps = s->train.max_steps ? s->train.max_steps : (uint64_t)steps,
                              .steps_per_epoch = steps_per_epoch,
                              .logging_steps = s->train.logging_steps,
                              .eval_steps = s->train.eval_steps,
                              .save_steps = s->train.save_steps,
                              .save_interval_s = s->train.save_interval_s,
                              .early_stopping_patience = s->train.early_stopping_patience,
                              .has_eval = data->eval.n_examples > 0};
}

void train_plan_make(struct train_plan *plan, const struct settings *settings, const struct train_data *data)
{
    const struct schedule_options schedule = schedule_options_of(settings);
    plan->adamw = adamw_options_of(settings);
    plan->keeping = settings->train.gradient_checkpointing ? KEEP_STREAM : KEEP_ALL;
    plan->order = order_options_of(settings);
    plan->batching = batch_options_of(settings);
    plan->max_grad_norm = settings->train.max_grad_norm;
    plan->best_by = metric_of(settings->train.metric_for_best_model);
    plan->save_dtype = dtype_of_option(dtype_floats, settings->train.save_dtype);
    plan->intervals = make_intervals(settings, data);
    plan->schedule = schedule_make(&schedule, plan->intervals.total_steps);
}

/* ---- memory ---- */

/* Which examples, their order, and what a reference says of pairs; tokens are mapped. */
static size_t data_bytes(const struct train_plan *plan, const struct dataset *ds)
{
    return ds->n_examples * 2 * sizeof *ds->ids + (plan->batching.pairs ? reference_bytes(ds) : 0);
}

size_t train_plan_items(const struct train_plan *plan, const struct train_data *data)
{
    const size_t n = plan->order.batch_size;
    return n < data->train.n_examples ? n : data->train.n_examples;
}

size_t train_plan_positions(const struct train_plan *plan, const struct train_data *data)
{
    const size_t train = batch_capacity(&data->train, &plan->batching);
    const size_t eval = batch_capacity(&data->eval, &plan->batching);
    return train > eval ? train : eval;
}

/* Add a step, whose items these are; damaged tokens are the run's to tell. */
static bool add_step(struct train_sharing *sharing, struct batch_buffer *buf, const struct dataset *ds,
                     const uint32_t *ids, size_t n)
{
    struct batch_sums sums;
    struct sft_err unread;
    if (batch_begin(buf, ds, ids, n, &sums, &unread))
        return false;
    while (buf->turn.done < n) {
        if (batch_pass(buf, &unread))
            return false;
        sharing->rows += buf->batch.N;
    }
    sharing->positions += sums.n_positions;
    sharing->steps++;
    return true;
}

struct train_sharing train_plan_sharing(const struct train_plan *plan, const struct train_data *data)
{
    static const uint64_t enough = 8000000; /* positions: a twentieth of a second */
    const struct dataset *ds = &data->train;
    struct train_sharing sharing = {0};
    struct batch_buffer buf = {0};
    struct order order = {0};
    struct sft_err unread;
    if (!plan->batching.shared_prefix || batch_buffer_init(&buf, &plan->batching, train_plan_positions(plan, data),
                                                           train_plan_items(plan, data), &unread))
        return sharing;
    order_init(&order, &plan->order, ds->n_examples);
    const struct intervals *i = &plan->intervals;
    const uint64_t steps = i->total_steps < i->steps_per_epoch ? i->total_steps : i->steps_per_epoch;
    bool is_read = true;
    for (uint64_t step = 0; is_read && step < steps && sharing.positions < enough; step++) {
        size_t n;
        const uint32_t *ids = order_step(&order, step, &n);
        is_read = add_step(&sharing, &buf, ds, ids, n);
    }
    order_free(&order);
    batch_buffer_free(&buf);
    return is_read ? sharing : (struct train_sharing){0};
}

struct activation_options train_plan_activations(const struct train_plan *plan, const struct train_data *data)
{
    return activation_options_of(&plan->table, train_plan_positions(plan, data), plan->keeping);
}

static size_t mapped_bytes(const struct tensor_table *table)
{
    size_t bytes = 0;
    for (const struct tensor *t = table->tensors; t < table->tensors + table->n_tensors; t++)
        if (t->elsewhere)
            bytes += t->count * (t->kept == KEPT_BF16 ? sizeof(bf16) : sizeof(float));
    return bytes;
}

struct train_memory train_plan_memory(const struct train_plan *plan, const struct model_config *config,
                                      const struct train_data *data)
{
    const struct tensor_table *table = &plan->table;
    const struct activation_options needs = train_plan_activations(plan, data);
    struct activations acts;
    activations_plan(&acts, config, plan->kernels, &needs);
    struct train_memory m = {.parameters = table->n_elements * sizeof(float) + table->n_bf16 * sizeof(bf16) +
                                           table->n_int8 + table->n_scales * sizeof(float),
                             .gradients = table->n_trained_elements * sizeof(float),
                             .moments = 2 * adamw_moments_bytes(table, &plan->adamw),
                             .activations = acts.plan.bytes,
                             .data = data_bytes(plan, &data->train) + data_bytes(plan, &data->eval),
                             .answers = plan->prompts.bytes,
                             .mapped = mapped_bytes(table)};
    m.total = m.parameters + m.gradients + m.moments + m.activations + m.data + m.answers + m.mapped;
    return m;
}

void train_plan_free(struct train_plan *plan)
{
    tensor_table_free(&plan->table);
}
