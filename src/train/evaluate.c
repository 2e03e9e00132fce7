#include "train/evaluate.h"

#include "base/log.h"

#include <math.h>
#include <stdlib.h>

/* The loss of each of the micro-batch's items. */
static void tell_each(const struct evaluator *by)
{
    const struct batch_items *items = &by->buffer->items;
    const struct batch_uses *uses = &by->buffer->uses;
    for (size_t i = 0; i < items->n; i++) {
        const uint32_t c = items->chosen[i];
        double loss = 0, weight = 0;
        for (size_t u = uses->start[c]; u < uses->start[c + 1]; u++) {
            loss += (double)uses->weight[u] * (double)by->acts->nll[uses->target[u]];
            weight += (double)uses->weight[u];
        }
        by->each(by->context, items->id[i], weight > 0 ? loss / weight : NAN);
    }
}

/* Run the examples ids[0..n), which stand one behind another in the dataset. */
static enum sft_status run_turn(const struct evaluator *by, const struct dataset *ds, const uint32_t *ids, size_t n,
                                const volatile int *stop, struct loss_sums *sums, struct sft_err *err)
{
    const struct objective_batch batch = {by->model, by->acts, by->buffer};
    const struct batch_turn *turn = &by->buffer->turn;
    if (batch_begin(by->buffer, ds, ids, n, NULL, err))
        return err->status;
    while (turn->done < turn->n) {
        log_progress("evaluating: %zu of %zu conversations", ids[0] + turn->done, ds->n_examples);
        if (batch_next(by->buffer, err))
            return err->status;
        objective_run(by->objective, &batch, sums);
        if (by->each)
            tell_each(by);
        if (stop && *stop)
            return SFT_EINTERRUPTED;
    }
    return SFT_OK;
}

enum sft_status evaluate(const struct evaluator *by, const struct dataset *ds, const volatile int *stop,
                         struct evaluation *result, struct sft_err *err)
{
    const size_t window = by->buffer->options.shared_prefix ? BATCH_WINDOW : ds->n_examples;
    uint32_t *order = mem_alloc(ds->n_examples * sizeof *order);
    batch_epoch_order(order, ds->n_examples, 0, 0, false);
    struct loss_sums sums = {0};
    enum sft_status status = SFT_OK;
    for (size_t done = 0; done < ds->n_examples && !status; done += window) {
        const size_t left = ds->n_examples - done;
        status = run_turn(by, ds, order + done, left < window ? left : window, stop, &sums, err);
    }
    log_progress("%s", "");
    free(order);
    *result = (struct evaluation){
        .loss = loss_sums_mean(&sums),
        .mean_token_accuracy = loss_sums_accuracy(&sums),
        .num_target_tokens = ds->n_targets,
        .num_conversations = ds->n_examples,
        .sums = sums,
    };
    return status;
}
