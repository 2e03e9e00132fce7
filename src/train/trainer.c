#include "train/trainer.h"

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "threads.h"
#include "train/divergence.h"
#include "train/evaluate.h"
#include "train/metrics.h"
#include "train/progress.h"
#include "train/step.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct trainer {
    struct run run;
    struct threads threads;
    bool is_busy_told; /* that fewer threads compute */
    struct trainer_options options;
    const volatile int *stop; /* options.stop, never NULL */
    FILE *metrics;
    struct progress progress;
    struct divergence divergence;
    bool is_warned;            /* of a loss that diverges */
    double window_seconds;     /* spent in steps since the last metrics line */
    uint64_t window_tokens;    /* and what they held */
    double last_save;          /* time of the last checkpoint */
    bool improved, stop_early; /* by the last evaluation */
};

/* ---- one step ---- */

/* Other work on the machine changes how many threads compute, and no bit of what they compute: said once, as a busy
 * machine's work comes and goes. */
static void adapt_threads(struct trainer *t, size_t tokens)
{
    if (threads_adapt(&t->threads, (double)tokens) != THREADS_DROPPED || t->is_busy_told)
        return;
    log_info("other work on this machine: %d of %d threads compute meanwhile", t->threads.used, t->threads.all);
    t->is_busy_told = true;
}

static enum sft_status take_step(struct trainer *t, double *norm, struct sft_err *err)
{
    const double started = clock_seconds();
    struct step_result result;
    progress_show(&t->progress, 0);
    if (t->options.can_save)
        *t->options.can_save = 1;
    if (train_step(&t->run, &result, err)) /* no step was taken: there is no result */
        return err->status;
    *norm = result.norm;
    t->window_tokens += result.num_tokens;
    t->window_seconds += clock_seconds() - started;
    divergence_add_step(&t->divergence, t->run.state.step, result.sums.loss / result.sums.weight);
    adapt_threads(t, result.num_tokens);
    return SFT_OK;
}

static void show_part(void *context, double part)
{
    struct trainer *t = context;
    progress_show(&t->progress, part);
}

/* ---- what is due after a step ---- */

static bool at_epoch_end(const struct run *run)
{
    return run->state.step % run->steps_per_epoch == 0;
}

static bool at_end(const struct trainer *t)
{
    return t->run.state.step >= t->run.total_steps || t->stop_early;
}

static bool eval_due(const struct trainer *t)
{
    const struct run *run = &t->run;
    const uint64_t every = run->settings->train.eval_steps, step = run->state.step;
    if (run->eval.n_examples == 0 || run->state.last_eval_step == (int64_t)step)
        return false;
    return step == 0 || at_end(t) || (every ? step % every == 0 : at_epoch_end(run));
}

static bool save_due(const struct trainer *t)
{
    const struct run *run = &t->run;
    const uint64_t every = run->settings->train.save_steps;
    if (at_end(t) || t->improved || *t->stop)
        return true;
    if (every)
        return run->state.step % every == 0;
    const double interval = (double)run->settings->train.save_interval_s;
    return at_epoch_end(run) || (interval > 0 && clock_seconds() - t->last_save >= interval);
}

static double epoch_of(const struct run *run)
{
    return (double)run->state.step / (double)run->steps_per_epoch;
}

/* The metrics line of the steps since the last one. */
static enum sft_status log_step(struct trainer *t, double norm, struct sft_err *err)
{
    struct train_state *state = &t->run.state;
    if (state->step % t->run.settings->train.logging_steps != 0 && !at_end(t))
        return SFT_OK;
    const struct step_metrics m = {
        .step = state->step,
        .epoch = epoch_of(&t->run),
        .loss = state->window.loss / state->window.weight,
        .learning_rate = t->run.adamw.learning_rate,
        .grad_norm = norm,
        .num_tokens = state->num_tokens,
        .num_target_tokens = state->num_target_tokens,
        .mean_token_accuracy = state->window.correct / state->window.weight,
        .tokens_per_second = (double)t->window_tokens / t->window_seconds,
        .peak_rss_bytes = mem_peak_rss(),
    };
    progress_log_step(&t->progress, &m);
    state->window = (struct loss_sums){0};
    t->window_tokens = 0;
    t->window_seconds = 0;
    return metrics_write_step(t->metrics, &m, err);
}

/* Keep the best checkpoint's name, and count evaluations that bring nothing. The one before the first step is
 * only where the others start from. */
static void judge(struct trainer *t, const struct eval_metrics *m)
{
    struct train_state *state = &t->run.state;
    const bool by_accuracy = strcmp(t->run.settings->train.metric_for_best_model, "eval_loss") != 0;
    const double metric = by_accuracy ? m->eval_mean_token_accuracy : -m->eval_loss; /* larger is better */
    if (state->step == 0 || !isfinite(metric))
        return;
    if (state->best_step == 0 || metric > state->best_metric) {
        state->best_step = state->step;
        state->best_metric = metric;
        state->evals_without_improvement = 0;
        t->improved = true;
        return;
    }
    state->evals_without_improvement++;
    const uint64_t patience = t->run.settings->train.early_stopping_patience;
    if (patience && state->evals_without_improvement >= patience && !at_end(t)) {
        log_info("stops early: %llu evaluation%s without improvement", (unsigned long long)patience,
                 patience == 1 ? "" : "s");
        t->stop_early = true;
    }
}

static enum sft_status run_evaluation(struct trainer *t, struct sft_err *err)
{
    struct run *run = &t->run;
    struct evaluation result;
    const enum sft_status status = evaluate(&run->model, &run->acts, &run->buffer, &run->eval,
                                            (size_t)run->settings->train.micro_batch_tokens, t->stop, &result,
                                            err);
    if (status) /* interrupted: it stays due, and is run when the run goes on */
        return status == SFT_EINTERRUPTED ? SFT_OK : status;
    const struct eval_metrics m = {run->state.step, epoch_of(run), result.loss, result.mean_token_accuracy};
    run->state.last_eval_step = (int64_t)run->state.step;
    progress_log_eval(&m, result.num_conversations);
    divergence_add_eval(&t->divergence, m.step, m.eval_loss);
    judge(t, &m);
    return metrics_write_eval(t->metrics, &m, err);
}

/* A step finds what the update before it broke; the last update before a save has no such step. */
static enum sft_status check_weights(const struct run *run, struct sft_err *err)
{
    const struct transformer *model = &run->model;
    if (isfinite(model->kernels->sum_of_squares(model->params.values.data, model->params.table.n_elements)))
        return SFT_OK;
    return sft_fail(
        err, SFT_ENONFINITE,
        "step %llu: the weights are not finite after the update (this step is not saved; start again with a lower "
        "learning_rate and --fresh)",
        (unsigned long long)run->state.step);
}

static enum sft_status save(struct trainer *t, struct sft_err *err)
{
    struct run *run = &t->run;
    if (check_weights(run, err))
        return err->status;
    const struct checkpoint checkpoint = {.model = &run->model,
                                          .adamw = &run->adamw,
                                          .tokenizer = run->tokenizer,
                                          .meta = &run->meta,
                                          .record = &run->record,
                                          .state = &run->state};
    log_progress("saving step %llu", (unsigned long long)run->state.step);
    enum sft_status status = metrics_sync(t->metrics, err);
    if (!status)
        status = checkpoint_save(run->output_dir, &checkpoint, err);
    if (!status)
        status = checkpoint_prune(run->output_dir, run->settings->train.save_total_limit, run->state.step,
                                  run->state.best_step, err);
    t->last_save = clock_seconds();
    log_progress("%s", "");
    if (!status)
        log_info("saved %s/checkpoint-%llu", run->output_dir, (unsigned long long)run->state.step);
    return status;
}

/* ---- a loss that goes astray ---- */

/* Once, as soon as it is seen: hours may be saved. */
static void warn_of_divergence(struct trainer *t)
{
    const struct divergence *d = &t->divergence;
    if (t->is_warned || !divergence_of_loss(d))
        return;
    t->is_warned = true;
    log_warning("step %llu: the loss is %.4g over the last steps and was %.4g at the start: training diverges (start "
                "again with --fresh and a learning_rate below %g)",
                (unsigned long long)d->step, d->recent, divergence_start(d), t->run.settings->train.learning_rate);
}

static void warn_of_the_end(const struct trainer *t)
{
    const struct divergence *d = &t->divergence;
    if (divergence_of_loss(d))
        log_warning("the loss ended at %.4g and was %.4g at the start: training diverged, and this model is of little "
                    "use (start again with --fresh and a learning_rate below %g)",
                    d->recent, divergence_start(d), t->run.settings->train.learning_rate);
    else if (divergence_of_eval(d))
        log_warning("the eval loss ended at %.4g and was %.4g before the first step: training made the model worse on "
                    "these data (a lower learning_rate than %g, or fewer epochs)",
                    d->eval_last, d->eval_first, t->run.settings->train.learning_rate);
}

static void recall_line(void *context, uint64_t step, double loss, bool is_eval)
{
    struct divergence *d = context;
    if (is_eval)
        divergence_add_eval(d, step, loss);
    else
        divergence_add_step(d, step, loss);
}

/* ---- the loop ---- */

/* Stopped by a signal: how to go on. */
static enum sft_status tell_interruption(const struct trainer *t, struct sft_err *err)
{
    const struct run *run = &t->run;
    const unsigned long long step = run->state.step, total = run->total_steps;
    if (step == 0)
        return sft_fail(err, SFT_EINTERRUPTED, "stopped before the first step; nothing is saved");
    if (strcmp(run->output_dir, run->settings->train.output_dir) != 0)
        return sft_fail(err, SFT_EINTERRUPTED,
                        "stopped at step %llu of %llu; to continue, run the same command with "
                        "--set train.output_dir=%s instead of --fresh",
                        step, total, run->output_dir);
    return sft_fail(err, SFT_EINTERRUPTED, "stopped at step %llu of %llu; to continue, run the same command%s", step,
                    total, t->options.fresh ? " without --fresh" : " again");
}

static enum sft_status run_loop(struct trainer *t, struct sft_err *err)
{
    struct run *run = &t->run;
    enum sft_status status = SFT_OK;
    double norm = 0;
    if (eval_due(t)) { /* before the first step, or one that a signal cut short */
        status = run_evaluation(t, err);
        if (!status && run->state.step > 0)
            status = save(t, err);
    }
    while (!status && !at_end(t) && !*t->stop) {
        t->improved = false;
        status = take_step(t, &norm, err);
        if (!status)
            status = log_step(t, norm, err);
        if (!status)
            warn_of_divergence(t);
        if (!status && eval_due(t) && !*t->stop)
            status = run_evaluation(t, err);
        if (!status && save_due(t))
            status = save(t, err);
    }
    log_progress("%s", "");
    if (!status && *t->stop && !(at_end(t) && !eval_due(t)))
        return tell_interruption(t, err);
    return status;
}

/* ---- from beginning to end ---- */

/* Whether an earlier process brought this run to its end. */
static bool is_finished(const struct trainer *t)
{
    const struct run *run = &t->run;
    const uint64_t patience = run->settings->train.early_stopping_patience;
    const bool stopped_early = patience && run->state.evals_without_improvement >= patience;
    return run->resume_dir && ((at_end(t) && !eval_due(t)) || stopped_early);
}

/* An earlier process did it all, but may have been killed before it had set the links and cleared up. */
static enum sft_status finish_again(struct trainer *t, struct sft_err *err)
{
    const struct run *run = &t->run;
    const struct train_state *state = &run->state;
    if (checkpoint_link(run->output_dir, state->step, state->best_step, err) ||
        checkpoint_prune(run->output_dir, run->settings->train.save_total_limit, state->step, state->best_step, err))
        return err->status;
    progress_log_finished(run);
    return SFT_OK;
}

static enum sft_status start(struct trainer *t, struct sft_err *err)
{
    struct run *run = &t->run;
    if (run_allocate(run, err))
        return err->status;
    if (run->resume_dir && checkpoint_link(run->output_dir, run->state.step, run->state.best_step, err))
        return err->status;
    char *path = path_join(run->output_dir, "metrics.jsonl");
    enum sft_status status = metrics_open(&t->metrics, path, run->state.step, run->state.last_eval_step, err);
    t->divergence = divergence_new(run->settings->data.shuffle ? 0 : run->config.vocab_size);
    if (!status)
        status = metrics_each(path, recall_line, &t->divergence, err);
    free(path);
    progress_begin(&t->progress, run);
    run->on_progress = show_part;
    run->progress_context = t;
    t->last_save = clock_seconds();
    threads_start(&t->threads);
    return status;
}

/* What run_prepare found is to be trained. */
static enum sft_status train_on(struct trainer *t, struct sft_err *err)
{
    if (t->run.resume_dir && checkpoint_read_state(t->run.resume_state, &t->run.state, err))
        return err->status;
    if (is_finished(t))
        return finish_again(t, err);
    t->options.tell(t->options.context, &t->run);
    if (start(t, err) || run_loop(t, err))
        return err->status;
    warn_of_the_end(t);
    progress_log_end(&t->progress, t->stop_early);
    return SFT_OK;
}

enum sft_status train(struct settings *settings, const struct trainer_options *options, struct sft_err *err)
{
    static const volatile int never = 0;
    struct trainer t = {.options = *options, .stop = options->stop ? options->stop : &never};
    enum sft_status status = run_prepare(&t.run, settings, options->fresh, options->dry, t.stop, err);
    if (!status && options->dry)
        options->tell(options->context, &t.run);
    else if (!status)
        status = train_on(&t, err);
    log_progress("%s", "");
    if (t.metrics)
        fclose(t.metrics);
    run_free(&t.run);
    return status;
}
