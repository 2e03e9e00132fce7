#include "train/trainer.h"

#include "base/io.h"
#include "base/log.h"
#include "threads.h"
#include "train/evaluate.h"
#include "train/metrics.h"
#include "train/step.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { STEPS_TO_JUDGE_BY = 3 }; /* before that, the time left is a guess */

struct trainer {
    struct run run;
    struct threads threads;
    const volatile int *stop;
    FILE *metrics;
    double window_seconds;     /* spent in steps since the last metrics line */
    uint64_t window_tokens;    /* and what they held */
    double all_seconds;        /* spent in steps by this process */
    uint64_t steps_here;       /* taken by this process */
    double last_save;          /* time of the last checkpoint */
    bool improved, stop_early; /* by the last evaluation */
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- one step ---- */

/* Other work on the machine changes how many threads compute, and no bit of what they compute. */
static void adapt_threads(struct trainer *t, size_t tokens)
{
    switch (threads_adapt(&t->threads, (double)tokens)) {
    case THREADS_DROPPED:
        log_info("the machine has other work: %d of %d threads compute from here on, the same results",
                 t->threads.used, t->threads.all);
        break;
    case THREADS_RETURNED:
        log_info("there is time for all %d threads again", t->threads.all);
        break;
    case THREADS_SAME:
        break;
    }
}

static enum sft_status take_step(struct trainer *t, double *norm, struct sft_err *err)
{
    const double started = now();
    struct step_result result;
    const enum sft_status status = train_step(&t->run, &result, err);
    *norm = result.norm;
    t->steps_here++;
    t->window_tokens += result.num_tokens;
    t->window_seconds += now() - started;
    t->all_seconds += now() - started;
    if (!status)
        adapt_threads(t, result.num_tokens);
    return status;
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
    return at_epoch_end(run) || (interval > 0 && now() - t->last_save >= interval);
}

static double epoch_of(const struct run *run)
{
    return (double)run->state.step / (double)run->steps_per_epoch;
}

/* "  1 h 05 m left", "  3 m 10 s left", "  12 s left" */
static void format_time_left(char *out, size_t size, double seconds)
{
    const unsigned long long s = (unsigned long long)(seconds + 0.5);
    if (s >= 3600)
        snprintf(out, size, "  %llu h %02llu m left", s / 3600, s / 60 % 60);
    else if (s >= 60)
        snprintf(out, size, "  %llu m %02llu s left", s / 60, s % 60);
    else
        snprintf(out, size, "  %llu s left", s);
}

static void print_step(const struct trainer *t, const struct step_metrics *m)
{
    const struct run *run = &t->run;
    char left[32] = "";
    if (t->steps_here >= STEPS_TO_JUDGE_BY) {
        const double per_step = t->all_seconds / (double)t->steps_here;
        format_time_left(left, sizeof left, per_step * (double)(run->total_steps - run->state.step));
    }
    const int width = snprintf(NULL, 0, "%llu", (unsigned long long)run->total_steps);
    log_info("step %*llu/%llu  loss %.4f  accuracy %5.1f%%  lr %-8.3g  grad norm %-6.3g  %.0f tokens/s%s",
             width, (unsigned long long)m->step, (unsigned long long)run->total_steps, m->loss,
             100 * m->mean_token_accuracy, m->learning_rate, m->grad_norm, m->tokens_per_second, left);
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
    print_step(t, &m);
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
        log_info("stops early: %llu evaluations without improvement", (unsigned long long)patience);
        t->stop_early = true;
    }
}

static enum sft_status run_evaluation(struct trainer *t, struct sft_err *err)
{
    struct run *run = &t->run;
    struct evaluation result;
    log_progress("evaluating %zu conversations", run->eval.n_examples);
    const enum sft_status status = evaluate(&run->model, &run->acts, &run->buffer, &run->eval,
                                            (size_t)run->settings->train.micro_batch_tokens, t->stop, &result,
                                            err);
    if (status) /* interrupted: it stays due, and is run when the run goes on */
        return status == SFT_EINTERRUPTED ? SFT_OK : status;
    const struct eval_metrics m = {run->state.step, epoch_of(run), result.loss, result.mean_token_accuracy};
    run->state.last_eval_step = (int64_t)run->state.step;
    log_info("eval at step %llu: loss %.4f  accuracy %.1f%%  (%zu conversations)", (unsigned long long)m.step,
             m.eval_loss, 100 * m.eval_mean_token_accuracy, result.num_conversations);
    judge(t, &m);
    return metrics_write_eval(t->metrics, &m, err);
}

/* A step finds what the update before it broke; the last update before a save has no such step. */
static enum sft_status check_weights(const struct run *run, struct sft_err *err)
{
    const struct transformer *model = &run->model;
    if (isfinite(model->kernels->sum_of_squares(model->params.data, model->table.n_elements)))
        return SFT_OK;
    return sft_fail(
        err, SFT_ENONFINITE,
        "step %llu: the weights are not finite after the update (nothing is saved; lower learning_rate, then "
        "run again to go on from the last checkpoint)",
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
    enum sft_status status = checkpoint_save(run->output_dir, &checkpoint, err);
    if (!status)
        status = checkpoint_prune(run->output_dir, run->settings->train.save_total_limit, run->state.step,
                                  run->state.best_step, err);
    t->last_save = now();
    if (!status)
        log_info("saved %s/checkpoint-%llu", run->output_dir, (unsigned long long)run->state.step);
    return status;
}

/* ---- the loop ---- */

static enum sft_status run_loop(struct trainer *t, struct sft_err *err)
{
    struct run *run = &t->run;
    enum sft_status status = SFT_OK;
    double norm;
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
        if (!status && eval_due(t) && !*t->stop)
            status = run_evaluation(t, err);
        if (!status && save_due(t))
            status = save(t, err);
    }
    if (!status && *t->stop && !(at_end(t) && !eval_due(t))) {
        status = sft_fail(err, SFT_EINTERRUPTED, "stopped at step %llu of %llu%s",
                          (unsigned long long)run->state.step, (unsigned long long)run->total_steps,
                          t->steps_here ? "; the same command goes on from there" : "");
    }
    return status;
}

/* Whether an earlier process brought this run to its end. */
static bool is_finished(const struct trainer *t)
{
    const struct run *run = &t->run;
    const uint64_t patience = run->settings->train.early_stopping_patience;
    const bool stopped_early = patience && run->state.evals_without_improvement >= patience;
    return run->resume_dir && ((at_end(t) && !eval_due(t)) || stopped_early);
}

static enum sft_status start(struct trainer *t, struct sft_err *err)
{
    struct run *run = &t->run;
    char *path = path_join(run->output_dir, "metrics.jsonl");
    enum sft_status status = metrics_open(&t->metrics, path, run->state.step, run->state.last_eval_step, err);
    free(path);
    t->last_save = now();
    threads_start(&t->threads);
    return status;
}

enum sft_status train(struct settings *settings, const struct trainer_options *options, struct sft_err *err)
{
    static const volatile int never = 0;
    struct trainer t = {.stop = options->stop ? options->stop : &never};
    enum sft_status status = run_prepare(&t.run, settings, options->fresh, options->dry_run, t.stop, err);
    if (!status)
        run_report(&t.run);
    if (!status && options->dry_run) {
        run_report_memory_plan(&t.run);
        goto out;
    }
    if (!status)
        status = run_allocate(&t.run, err);
    if (!status && t.run.resume_dir)
        status = checkpoint_link(t.run.output_dir, t.run.state.step, t.run.state.best_step, err);
    if (!status && is_finished(&t)) {
        log_info("this run is finished (raise num_train_epochs or max_steps to go on, or start another with "
                 "--fresh)");
        goto out;
    }
    if (!status)
        status = start(&t, err);
    if (!status)
        status = run_loop(&t, err);
out:
    if (t.metrics)
        fclose(t.metrics);
    run_free(&t.run);
    return status;
}
