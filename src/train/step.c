#include "train/step.h"

#include "data/batching.h"

#include <math.h>
#include <stdlib.h>

/* The conversations of step `step` (from 0): `count` of them, at most batch_size, in the epoch's order. */
static const uint32_t *step_ids(struct run *run, uint64_t step, size_t *count)
{
    const uint64_t epoch = step / run->steps_per_epoch;
    const size_t first = (size_t)(step % run->steps_per_epoch) * (size_t)run->settings->train.batch_size;
    const size_t left = run->train.n_examples - first;
    if (epoch != run->order_epoch) {
        batch_epoch_order(run->order, run->train.n_examples, run->settings->train.seed, epoch,
                          run->settings->data.shuffle);
        run->order_epoch = epoch;
    }
    *count = left < run->settings->train.batch_size ? left : (size_t)run->settings->train.batch_size;
    return run->order + first;
}

/* Gradients of the mean loss over a step's conversations: divided by their total target weight, however the
 * step is cut into micro-batches. */
static enum sft_status accumulate(struct run *run, const uint32_t *ids, size_t count, double weight,
                                  struct loss_sums *sums, struct sft_err *err)
{
    const size_t micro_batch_tokens = (size_t)run->settings->train.micro_batch_tokens;
    *sums = (struct loss_sums){0};
    for (size_t done = 0, n; done < count; done += n) {
        if (batch_read(&run->buffer, &run->train, ids + done, count - done, micro_batch_tokens, &n, err))
            return err->status;
        objective_run_grad(&run->model, &run->acts, &run->buffer.batch, &run->buffer.targets, 1 / weight,
                           done > 0, sums);
        if (run->on_progress)
            run->on_progress(run->progress_context, (double)(done + n) / (double)count);
    }
    return SFT_OK;
}

static enum sft_status not_finite(const struct run *run, const char *what, double value, const uint32_t *ids,
                                  size_t count, struct sft_err *err)
{
    enum { SHOWN = 16 };
    struct strbuf where = {0};
    for (size_t i = 0; i < count && i < SHOWN; i++) {
        const struct example e = dataset_example(&run->train, ids[i]);
        strbuf_printf(&where, "%s%s:%zu", i ? ", " : "", run->train.files[e.file].path, e.line);
    }
    if (count > SHOWN)
        strbuf_printf(&where, " and %zu more", count - SHOWN);
    sft_fail(err, SFT_ENONFINITE,
             "step %llu: the %s is %f on the conversations %s (nothing of this step is kept; look at these rows, or "
             "start again with a lower learning_rate and --fresh)",
             (unsigned long long)run->state.step + 1, what, isnan(value) ? NAN : value, where.data);
    strbuf_free(&where);
    return SFT_ENONFINITE;
}

enum sft_status train_step(struct run *run, struct step_result *result, struct sft_err *err)
{
    struct train_state *state = &run->state;
    size_t count;
    const uint32_t *ids = step_ids(run, state->step, &count);
    struct batch_sums data;
    *result = (struct step_result){0};
    if (batch_sum(&run->train, ids, count, &data, err) ||
        accumulate(run, ids, count, data.target_weight, &result->sums, err))
        return err->status;
    result->norm = grad_norm(&run->model);
    if (!isfinite(result->sums.loss))
        return not_finite(run, "loss", result->sums.loss / result->sums.weight, ids, count, err);
    if (!isfinite(result->norm))
        return not_finite(run, "gradient's norm", result->norm, ids, count, err);
    run->adamw.learning_rate = schedule_rate(&run->schedule, state->step);
    state->step++;
    adamw_step(&run->adamw, &run->model, state->step, result->norm);
    result->num_tokens = data.n_tokens;
    result->num_target_tokens = data.n_targets;
    state->num_tokens += result->num_tokens;
    state->num_target_tokens += result->num_target_tokens;
    state->window.loss += result->sums.loss;
    state->window.correct += result->sums.correct;
    state->window.weight += result->sums.weight;
    return SFT_OK;
}
