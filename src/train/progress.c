#include "train/progress.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/strbuf.h"

#include <errno.h>
#include <math.h>
#include <string.h>

typedef unsigned long long ull;

/* Before so many steps, or seconds, the time left is a guess. */
enum { STEPS_TO_JUDGE_BY = 3, SECONDS_TO_JUDGE_BY = 10 };

struct progress progress_begin(uint64_t step, uint64_t total_steps)
{
    return (struct progress){.total_steps = total_steps, .first_step = step, .began = clock_seconds()};
}

/* "3m10s", or "" where it cannot be said yet. Evaluations and checkpoints between the steps count as part of them. */
static const char *time_left(const struct progress *p, uint64_t step, double part, char *out)
{
    const uint64_t steps = step - p->first_step;
    const double seconds = p->stepping_since > 0 ? clock_seconds() - p->stepping_since : 0;
    const double done = (double)steps + part, left = (double)p->total_steps - (double)step - part;
    if (steps >= STEPS_TO_JUDGE_BY || (steps >= 1 && seconds >= SECONDS_TO_JUDGE_BY))
        return log_duration(out, seconds / done * fmax(left, 0));
    *out = '\0';
    return out;
}

/* ---- while it runs ---- */

void progress_show(struct progress *p, uint64_t step, double part)
{
    enum { BAR = 20 };
    static const char filled[] = "####################", empty[] = "--------------------";
    if (p->stepping_since <= 0)
        p->stepping_since = clock_seconds();
    if (!log_has_live_line())
        return;
    const double share = ((double)step + part) / (double)p->total_steps;
    const int bar = (int)(BAR * share);
    char left[32], speed[64] = "";
    time_left(p, step, part, left);
    if (p->tokens_per_second > 0)
        snprintf(speed, sizeof speed, "  %.0f tokens/s", p->tokens_per_second);
    log_progress("[%.*s%.*s] %2.0f%%%s%s%s  step %llu of %llu%s", bar, filled, BAR - bar, empty, floor(100 * share),
                 *left ? "  " : "", left, *left ? " left" : "", (ull)step + (step < p->total_steps),
                 (ull)p->total_steps, speed);
}

/* Fits three digits before the point and more; the loss of a run that went astray has no place for digits behind it. */
static void format_loss(char *out, size_t size, double loss)
{
    snprintf(out, size, fabs(loss) < 1000 ? "%.4f" : "%.3g", loss);
}

enum step_part { PART_RATE = 1, PART_SPEED = 2, PART_LEFT = 4, PART_MARGIN = 8 };

/* Among what was run were pairs: where there are conversations beside them, a few steps may have none. */
static bool tells_pairs(bool has_pairs, const struct pair_means *pairs)
{
    return has_pairs && !isnan(pairs->accuracies);
}

/* Of answers how many tokens were right; of pairs how many the chosen answer has won, and by what reward. */
static void format_quality(char *out, size_t size, const struct step_metrics *m, unsigned parts)
{
    if (!tells_pairs(m->has_pairs, &m->pairs))
        snprintf(out, size, "acc %5.1f%%", 100 * m->mean_token_accuracy);
    else if (parts & PART_MARGIN)
        snprintf(out, size, "won %5.1f%%  margin %-6.2g", 100 * m->pairs.accuracies, m->pairs.margins);
    else
        snprintf(out, size, "won %5.1f%%", 100 * m->pairs.accuracies);
}

static size_t format_step(char *out, size_t size, const struct step_metrics *m, uint64_t total_steps, const char *left,
                       unsigned parts)
{
    char loss[32], quality[48], rate[32] = "", speed[32] = "";
    const int width = snprintf(NULL, 0, "%llu", (ull)total_steps);
    format_loss(loss, sizeof loss, m->loss);
    if (parts & PART_RATE)
        snprintf(rate, sizeof rate, "  lr %-8.3g", m->learning_rate);
    if (parts & PART_SPEED)
        snprintf(speed, sizeof speed, "  %6.0f tok/s", m->tokens_per_second);
    const bool has_left = parts & PART_LEFT && *left;
    format_quality(quality, sizeof quality, m, parts);
    snprintf(out, size, "step %*llu/%llu  loss %-7s  %s%s  grad %-6.3g%s%s%s%s", width, (ull)m->step,
             (ull)total_steps, loss, quality, rate, m->grad_norm, speed, has_left ? "  " : "", has_left ? left : "",
             has_left ? " left" : "");
    size_t len = strlen(out);
    while (len > 0 && out[len - 1] == ' ')
        out[--len] = '\0';
    return len;
}

void progress_step_text(char *out, size_t size, const struct step_metrics *m, uint64_t total_steps, const char *left,
                        bool has_live_line)
{
    static const unsigned above_a_live_line[] = {PART_MARGIN | PART_RATE | PART_SPEED, PART_MARGIN | PART_RATE,
                                                 PART_MARGIN, 0},
                          alone[] = {PART_MARGIN | PART_SPEED | PART_LEFT, PART_MARGIN | PART_LEFT, PART_MARGIN, 0};
    const unsigned *parts = has_live_line ? above_a_live_line : alone;
    while (format_step(out, size, m, total_steps, left, *parts) > PROGRESS_LINE && *parts)
        parts++;
}

void progress_log_step(struct progress *p, const struct step_metrics *m)
{
    char line[256], left[32];
    progress_step_text(line, sizeof line, m, p->total_steps, time_left(p, m->step, 0, left), log_has_live_line());
    p->tokens_per_second = m->tokens_per_second;
    log_info("%s", line);
}

static void log_sample(const struct eval_sample *s)
{
    enum { SHOWN = 160, FURTHER = 4 };
    struct strbuf line = {0};
    strbuf_add_excerpt(&line, s->prompt, s->prompt_len, SHOWN, false);
    strbuf_puts(&line, " => ");
    strbuf_add_excerpt(&line, s->completion, s->completion_len, SHOWN, s->is_cut);
    log_notice(FURTHER, "  %s (%s)", line.data, s->label);
    strbuf_free(&line);
}

static void log_rates(const struct eval_metrics *m)
{
    enum { FURTHER = 4 };
    struct strbuf line = {0};
    strbuf_puts(&line, "refused: ");
    if (m->unsafe.n)
        strbuf_printf(&line, "%.1f%% of %zu unsafe prompt%s", 100 * m->eval_refusal_rate, m->unsafe.n,
                      m->unsafe.n == 1 ? "" : "s");
    if (m->safe.n)
        strbuf_printf(&line, "%s%.1f%% of %zu safe one%s", m->unsafe.n ? ", " : "", 100 * m->eval_over_refusal_rate,
                      m->safe.n, m->safe.n == 1 ? "" : "s");
    log_notice(FURTHER, "  %s; incoherent: %.1f%%", line.data, 100 * m->eval_incoherent_rate);
    strbuf_free(&line);
}

static void put_amount(struct strbuf *out, size_t n, const char *what)
{
    strbuf_printf(out, "%s%zu %s%s", out->len ? " and " : "", n, what, n == 1 ? "" : "s");
}

void progress_log_eval(const struct eval_metrics *m, size_t n, size_t n_pairs)
{
    char loss[32], pairs[64] = "";
    struct strbuf amount = {0};
    format_loss(loss, sizeof loss, m->eval_loss);
    if (tells_pairs(m->has_pairs, &m->pairs))
        snprintf(pairs, sizeof pairs, "  won %.1f%%  margin %.3g", 100 * m->pairs.accuracies, m->pairs.margins);
    if (n_pairs > 0)
        put_amount(&amount, n_pairs, "pair");
    if (n > n_pairs || n == 0)
        put_amount(&amount, n - n_pairs, "conversation");
    log_info("eval at step %llu: loss %s%s  accuracy %.1f%%  (%s)", (ull)m->step, loss, pairs,
             100 * m->eval_mean_token_accuracy, amount.data);
    strbuf_free(&amount);
    if (m->has_rates)
        log_rates(m);
    for (size_t i = 0; i < m->n_samples; i++)
        log_sample(&m->samples[i]);
}

/* ---- at its end ---- */

static const char *link_name(const struct train_state *state)
{
    return state->best_step ? "best" : "last";
}

/* What refuses nothing may be a model that says nothing: a rate is told with that of answers that are none. */
static void log_best(const struct train_state *s, const struct metric *by)
{
    const double value = metric_value(by, s->best_metric);
    char text[32], incoherent[64] = "";
    if (by->is_share)
        snprintf(text, sizeof text, "%.1f%%", 100 * value);
    else
        format_loss(text, sizeof text, value);
    if (by->is_rate && by != metric_of(METRIC_INCOHERENT) && s->best_incoherent >= 0)
        snprintf(incoherent, sizeof incoherent, ", %s %.1f%%", metric_of(METRIC_INCOHERENT)->told,
                 100 * s->best_incoherent);
    log_info("best   step %llu, %s %s%s", (ull)s->best_step, by->told, text, incoherent);
}

static void log_next(const struct progress_outcome *outcome)
{
    struct strbuf next = {0};
    strbuf_add_shell_word(&next, program_invocation_name); /* as it was called: sft may not be in the PATH */
    strbuf_puts(&next, outcome->has_turns ? " chat " : " generate --raw ");
    strbuf_add_shell_word(&next, outcome->output_dir);
    log_info("next   %s", next.data);
    strbuf_free(&next);
}

void progress_log_end(const struct progress *p, const struct train_state *state,
                      const struct progress_outcome *outcome)
{
    const uint64_t step = state->step, here = step - p->first_step;
    char duration[32], part[64] = "";
    log_duration(duration, clock_seconds() - p->began);
    if (p->first_step)
        snprintf(part, sizeof part, ", %llu of them now,", (ull)here);
    log_info("done   %llu step%s%s%s in %s", (ull)step, step == 1 ? "" : "s",
             outcome->stopped_early ? " (stopped early)" : "", part, duration);
    if (state->best_step)
        log_best(state, outcome->best_by);
    log_info("model  %s/%s", outcome->output_dir, link_name(state));
    log_next(outcome);
}

void progress_log_finished(const struct train_state *state, uint64_t total_steps, const char *output_dir)
{
    log_info("this run is finished (step %llu of %llu); its model is %s/%s", (ull)state->step, (ull)total_steps,
             output_dir, link_name(state));
    log_info("to train further, raise num_train_epochs or max_steps; --fresh starts anew");
}
