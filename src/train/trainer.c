#include "train/trainer.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/path.h"
#include "threads.h"
#include "train/checkpoint_list.h"
#include "train/divergence.h"
#include "train/evaluate.h"
#include "train/metrics.h"
#include "train/progress.h"
#include "train/step.h"

#include <math.h>
#include <stdlib.h>

struct trainer {
    struct run *run;
    struct learner *learner;   /* the run's, */
    struct train_state *state; /* and where it stands */
    const struct intervals *intervals;
    struct trainer_signals signals;
    struct train_watch watch;
    struct threads threads;
    bool is_busy_told; /* that fewer threads compute */
    FILE *metrics;
    struct progress progress;
    struct divergence divergence;
    bool is_warned;         /* of a loss that diverges */
    double window_seconds;  /* spent in steps since the last metrics line */
    uint64_t window_tokens; /* and what they held */
    double last_save;       /* time of the last checkpoint */
    bool improved;          /* by the last evaluation: this model is the best so far */
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

/* Once, as soon as it is seen: hours may be saved. */
static void warn_of_divergence(struct trainer *t)
{
    if (t->is_warned || !divergence_of_loss(&t->divergence))
        return;
    t->is_warned = true;
    divergence_warn(&t->divergence, t->run->plan.schedule.learning_rate);
}

static enum sft_status take_step(struct trainer *t, struct step_result *result, struct sft_err *err)
{
    const double started = clock_seconds();
    progress_show(&t->progress, t->state->step, 0);
    *t->signals.can_save = 1;
    if (step_take(t->learner, &t->run->data.train, &t->run->plan, &t->progress, result, err))
        return err->status; /* no step was taken: there is no result */
    t->window_tokens += result->num_tokens;
    t->window_seconds += clock_seconds() - started;
    divergence_add_step(&t->divergence, t->state->step, loss_sums_mean(&result->sums));
    return SFT_OK;
}

/* The metrics line of the steps since the last one, of which `last` is the last. */
static enum sft_status log_step(struct trainer *t, const struct step_result *last, struct sft_err *err)
{
    struct train_state *state = t->state;
    const struct step_metrics m = {
        .step = state->step,
        .epoch = intervals_epoch(t->intervals, t->state),
        .loss = loss_sums_mean(&state->window),
        .learning_rate = last->learning_rate,
        .grad_norm = last->norm,
        .num_tokens = state->num_tokens,
        .num_target_tokens = state->num_target_tokens,
        .mean_token_accuracy = loss_sums_accuracy(&state->window),
        .has_pairs = t->run->plan.batching.pairs,
        .pairs = pair_means_of(&state->window.pairs),
        .tokens_per_second = (double)t->window_tokens / t->window_seconds,
        .peak_rss_bytes = mem_peak_rss(),
    };
    progress_log_step(&t->progress, &m);
    state->window = (struct loss_sums){0};
    t->window_tokens = 0;
    t->window_seconds = 0;
    return metrics_write_step(t->metrics, &m, err);
}

/* ---- an evaluation ---- */

/* Keep the best checkpoint's name; too many evaluations that bring nothing end the run. */
static void judge(struct trainer *t, const struct eval_metrics *m)
{
    const unsigned long long patience = t->intervals->early_stopping_patience;
    t->improved = train_state_judge(t->state, metric_score(t->run->plan.best_by, m), m->eval_loss);
    if (t->improved)
        t->state->best_incoherent = m->has_rates ? m->eval_incoherent_rate : -1;
    if (intervals_stop_early(t->intervals, t->state))
        log_info("stops early: %llu evaluation%s without improvement", patience, patience == 1 ? "" : "s");
}

static enum sft_status run_evaluation(struct trainer *t, struct sft_err *err)
{
    struct learner *l = t->learner;
    const struct evaluator by = {.objective = &l->eval_objective,
                                 .model = &l->model,
                                 .acts = &l->acts,
                                 .buffer = &l->buffer};
    struct evaluation result;
    enum sft_status status = evaluate(&by, &t->run->data.eval, t->signals.stop, &result, err);
    struct eval_metrics m = {.step = t->state->step,
                             .epoch = intervals_epoch(t->intervals, t->state),
                             .eval_loss = result.loss,
                             .eval_mean_token_accuracy = result.mean_token_accuracy,
                             .has_pairs = t->run->plan.batching.pairs,
                             .pairs = pair_means_of(&result.sums.pairs)};
    if (!status && t->watch.evaluated)
        status = t->watch.evaluated(t->watch.context, &m, err);
    if (status) /* interrupted: it stays due, and is run when the run goes on */
        return status == SFT_EINTERRUPTED ? SFT_OK : status;
    t->state->last_eval_step = (int64_t)t->state->step;
    progress_log_eval(&m, result.num_conversations, t->run->data.eval.n_pairs);
    divergence_add_eval(&t->divergence, m.step, m.eval_loss);
    judge(t, &m);
    return metrics_write_eval(t->metrics, &m, err);
}

/* ---- a checkpoint ---- */

/* A step finds what the update before it broke; the last update before a save has no such step. */
static enum sft_status check_weights(const struct learner *l, struct sft_err *err)
{
    const struct transformer *model = &l->model;
    if (isfinite(model->kernels->sum_of_squares(model->params.values.data, model->params.table.n_elements)))
        return SFT_OK;
    return sft_fail(
        err, SFT_ENONFINITE,
        "step %llu: the weights are not finite after the update (this step is not saved; start again with a lower "
        "learning_rate and --fresh)",
        (unsigned long long)l->state.step);
}

static enum sft_status write_checkpoint(struct trainer *t, struct sft_err *err)
{
    const struct output_dir *output = &t->run->output;
    const struct model_meta meta = base_model_meta(&t->run->base, t->run->plan.save_dtype);
    const struct checkpoint checkpoint = {.model = &t->learner->model,
                                          .adamw = &t->learner->adamw,
                                          .adapter = t->run->adapting.on ? &t->run->adapting.config : NULL,
                                          .tokenizer = t->run->base.tokenizer,
                                          .meta = &meta,
                                          .state = t->state,
                                          .record = &output->record};
    if (metrics_sync(t->metrics, err) || checkpoint_save(output->path, &checkpoint, err))
        return err->status;
    return checkpoint_prune(output->path, output->save_total_limit, t->state->step, t->state->best_step, err);
}

static enum sft_status save(struct trainer *t, struct sft_err *err)
{
    const unsigned long long step = t->state->step;
    if (check_weights(t->learner, err))
        return err->status;
    log_progress("saving step %llu", step);
    const enum sft_status status = write_checkpoint(t, err);
    t->last_save = clock_seconds();
    log_progress("%s", "");
    if (!status)
        log_info("saved %s/checkpoint-%llu", t->run->output.path, step);
    return status;
}

/* ---- the loop ---- */

static bool save_due(const struct trainer *t)
{
    return t->improved || *t->signals.stop ||
           intervals_save_due(t->intervals, t->state, clock_seconds() - t->last_save);
}

/* After a step, of which `result` tells. */
static enum sft_status do_what_is_due(struct trainer *t, const struct step_result *result, struct sft_err *err)
{
    t->improved = false;
    if (intervals_log_due(t->intervals, t->state) && log_step(t, result, err))
        return err->status;
    warn_of_divergence(t); /* below the step's line */
    adapt_threads(t, result->num_tokens);
    if (intervals_eval_due(t->intervals, t->state) && !*t->signals.stop && run_evaluation(t, err))
        return err->status;
    return save_due(t) ? save(t, err) : SFT_OK;
}

/* Before the first step, or what a signal cut short. */
static enum sft_status catch_up(struct trainer *t, struct sft_err *err)
{
    if (!intervals_eval_due(t->intervals, t->state))
        return SFT_OK;
    const enum sft_status status = run_evaluation(t, err);
    return status || t->state->step == 0 ? status : save(t, err);
}

static enum sft_status run_loop(struct trainer *t, struct sft_err *err)
{
    struct step_result result;
    enum sft_status status = catch_up(t, err);
    while (!status && !intervals_at_end(t->intervals, t->state) && !*t->signals.stop) {
        status = take_step(t, &result, err);
        if (!status)
            status = do_what_is_due(t, &result, err);
    }
    log_progress("%s", "");
    return status || intervals_is_done(t->intervals, t->state) ? status : (err->status = SFT_EINTERRUPTED);
}

/* ---- from beginning to end ---- */

static void recall_line(void *context, uint64_t step, double loss, bool is_eval)
{
    struct divergence *d = context;
    if (is_eval)
        divergence_add_eval(d, step, loss);
    else
        divergence_add_step(d, step, loss);
}

/* metrics.jsonl as far as the checkpoint knows it: the loss of the steps that other processes took is in it. */
static enum sft_status open_metrics(struct trainer *t, struct sft_err *err)
{
    char *path = path_join(t->run->output.path, METRICS_FILE);
    enum sft_status status = metrics_open(&t->metrics, path, t->state->step, t->state->last_eval_step, err);
    t->divergence = divergence_new(t->run->plan.order.shuffle ? 0 : t->run->base.config.vocab_size);
    if (!status)
        status = metrics_each(path, recall_line, &t->divergence, err);
    free(path);
    return status;
}

static enum sft_status start(struct trainer *t, struct sft_err *err)
{
    const struct output_dir *output = &t->run->output;
    if (run_allocate_to_train(t->run, t->signals.stop, err))
        return err->status;
    if (t->watch.begin && t->watch.begin(t->watch.context, &t->learner->model, err))
        return err->status;
    if (output->found.dir && checkpoint_link(output->path, t->state->step, t->state->best_step, err))
        return err->status;
    if (open_metrics(t, err))
        return err->status;
    t->progress = progress_begin(t->state->step, t->run->plan.intervals.total_steps);
    t->last_save = clock_seconds();
    threads_start(&t->threads);
    return SFT_OK;
}

static void tell_end(const struct trainer *t)
{
    const struct progress_outcome outcome = {.output_dir = t->run->output.path,
                                             .stopped_early = intervals_stop_early(t->intervals, t->state),
                                             .best_by = t->run->plan.best_by,
                                             .has_turns = t->run->base.template.name != NULL};
    divergence_warn_of_end(&t->divergence, t->run->plan.schedule.learning_rate);
    progress_log_end(&t->progress, t->state, &outcome);
}

enum sft_status trainer_run(struct run *run, const struct trainer_signals *signals, const struct train_watch *watch,
                            struct sft_err *err)
{
    struct trainer t = {.run = run,
                        .learner = &run->learner,
                        .state = &run->learner.state,
                        .intervals = &run->plan.intervals,
                        .signals = *signals,
                        .watch = watch ? *watch : (struct train_watch){0}};
    enum sft_status status = start(&t, err);
    if (!status)
        status = run_loop(&t, err);
    if (!status)
        tell_end(&t);
    log_progress("%s", "");
    if (t.metrics)
        fclose(t.metrics);
    return status;
}

bool trainer_is_finished(const struct run *run)
{
    return run->output.found.dir && intervals_is_done(&run->plan.intervals, &run->output.found.state);
}

enum sft_status trainer_finish(const struct run *run, struct sft_err *err)
{
    const struct output_dir *output = &run->output;
    const struct train_state *state = &output->found.state;
    if (checkpoint_link(output->path, state->step, state->best_step, err) ||
        checkpoint_prune(output->path, output->save_total_limit, state->step, state->best_step, err))
        return err->status;
    progress_log_finished(state, run->plan.intervals.total_steps, output->path);
    return SFT_OK;
}
