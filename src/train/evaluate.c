#include "train/evaluate.h"

#include "base/log.h"
#include "data/batching.h"

#include <math.h>
#include <stdlib.h>

/* The loss of each of the micro-batch's n examples, the first of which is `first`: their targets stand one behind
 * another. */
static void tell_each(const struct evaluator *by, size_t first, size_t n)
{
    const struct batch *batch = &by->buffer->batch;
    const struct targets *targets = &by->buffer->targets;
    for (size_t s = 0, m = 0; s < n; s++) {
        double loss = 0, weight = 0;
        for (; m < targets->M && targets->rows[m] < batch->seq_start[s + 1]; m++) {
            loss += (double)targets->weights[m] * (double)by->acts->nll[m];
            weight += (double)targets->weights[m];
        }
        by->each(by->context, first + s, weight > 0 ? loss / weight : NAN);
    }
}

enum sft_status evaluate(const struct evaluator *by, const struct dataset *ds, const volatile int *stop,
                         struct evaluation *result, struct sft_err *err)
{
    const struct objective_batch batch = {by->model, by->acts, &by->buffer->batch, &by->buffer->targets};
    uint32_t *order = mem_alloc(ds->n_examples * sizeof *order);
    batch_epoch_order(order, ds->n_examples, 0, 0, false);
    struct loss_sums sums = {0};
    enum sft_status status = SFT_OK;
    for (size_t done = 0, n = 0; done < ds->n_examples && !status; done += n) {
        log_progress("evaluating: %zu of %zu conversations", done, ds->n_examples);
        status = batch_read(by->buffer, ds, order + done, ds->n_examples - done, by->micro_batch_tokens, &n, err);
        if (!status)
            objective_run(by->objective, &batch, &sums);
        if (!status && by->each)
            tell_each(by, done, n);
        if (!status && stop && *stop)
            status = SFT_EINTERRUPTED;
    }
    log_progress("%s", "");
    free(order);
    *result = (struct evaluation){
        .loss = sums.weight > 0 ? sums.loss / sums.weight : NAN,
        .mean_token_accuracy = sums.weight > 0 ? sums.correct / sums.weight : NAN,
        .num_target_tokens = ds->n_targets,
        .num_conversations = ds->n_examples,
    };
    return status;
}
