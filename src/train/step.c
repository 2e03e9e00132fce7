#include "train/step.h"

#include "data/batching.h"
#include "train/grad_norm.h"

#include <math.h>

/* A step's conversations. */
struct turn {
    const struct dataset *data;
    const uint32_t *ids; /* (count) */
    size_t count;
};

/* Gradients of the loss over a step's conversations: the mean over the whole step, however it is cut into
 * micro-batches. */
static enum sft_status accumulate(struct learner *l, const struct batch_sums *whole, struct progress *progress,
                                  struct loss_sums *sums, struct sft_err *err)
{
    const struct objective_batch batch = {&l->model, &l->acts, &l->buffer};
    const struct batch_turn *turn = &l->buffer.turn;
    while (turn->done < turn->n) {
        const bool adds = turn->done > 0;
        if (batch_next(&l->buffer, err))
            return err->status;
        objective_run_grad(&l->objective, &batch, whole, adds, sums);
        if (progress)
            progress_show(progress, l->state.step, (double)turn->done / (double)turn->n);
    }
    return SFT_OK;
}

static enum sft_status not_finite(uint64_t step, const char *what, double value, const struct turn *turn,
                                  struct sft_err *err)
{
    enum { SHOWN = 16 };
    struct strbuf where = {0};
    for (size_t i = 0; i < turn->count && i < SHOWN; i++) {
        const struct example e = dataset_example(turn->data, turn->ids[i]);
        strbuf_printf(&where, "%s%s:%zu", i ? ", " : "", turn->data->files[e.file].path, e.line);
    }
    if (turn->count > SHOWN)
        strbuf_printf(&where, " and %zu more", turn->count - SHOWN);
    sft_fail(err, SFT_ENONFINITE,
             "step %llu: the %s is %f on the conversations %s (nothing of this step is kept; look at these rows, or "
             "start again with a lower learning_rate and --fresh)",
             (unsigned long long)step + 1, what, isnan(value) ? NAN : value, where.data);
    strbuf_free(&where);
    return SFT_ENONFINITE;
}

static void update(struct learner *l, const struct train_plan *plan, struct step_result *result)
{
    result->learning_rate = schedule_rate(&plan->schedule, l->state.step);
    l->state.step++;
    adamw_step(&l->adamw, &l->model, l->state.step, result->learning_rate,
               grad_norm_clip(result->norm, plan->max_grad_norm));
}

static void count(struct train_state *state, const struct step_result *result)
{
    state->num_tokens += result->num_tokens;
    state->num_target_tokens += result->num_target_tokens;
    loss_sums_add(&state->window, &result->sums);
}

enum sft_status step_take(struct learner *l, const struct dataset *data, const struct train_plan *plan,
                          struct progress *progress, struct step_result *result, struct sft_err *err)
{
    struct turn turn = {.data = data};
    struct batch_sums whole;
    turn.ids = order_step(&l->order, l->state.step, &turn.count);
    *result = (struct step_result){0};
    if (batch_begin(&l->buffer, data, turn.ids, turn.count, &whole, err) ||
        accumulate(l, &whole, progress, &result->sums, err))
        return err->status;
    result->norm = grad_norm(&l->model);
    const double loss = loss_sums_mean(&result->sums);
    if (!isfinite(loss))
        return not_finite(l->state.step, "loss", loss, &turn, err);
    if (!isfinite(result->norm))
        return not_finite(l->state.step, "gradient's norm", result->norm, &turn, err);
    result->num_tokens = whole.n_tokens;
    result->num_target_tokens = whole.n_targets;
    update(l, plan, result);
    count(&l->state, result);
    return SFT_OK;
}
