#include "train/state.h"

#include <float.h>
#include <math.h>

struct train_state train_state_new(void)
{
    return (struct train_state){.last_eval_step = -1, .best_incoherent = -1};
}

/* A rate is the same in many evaluations, at 0 as at 1, while the model still learns. */
static bool is_better(const struct train_state *s, double metric, double loss)
{
    return s->best_step == 0 || metric > s->best_metric || (metric == s->best_metric && loss < s->best_loss);
}

bool train_state_judge(struct train_state *s, double metric, double loss)
{
    if (s->step == 0 || !isfinite(metric))
        return false;
    if (!is_better(s, metric, loss)) {
        s->evals_without_improvement++;
        return false;
    }
    s->best_step = s->step;
    s->best_metric = metric;
    s->best_loss = fmin(loss, DBL_MAX); /* JSON has no infinity */
    s->evals_without_improvement = 0;
    return true;
}

/* ---- trainer/state.json ---- */

static void write_number(struct strbuf *out, const char *key, double value)
{
    strbuf_printf(out, "  \"%s\": %.17g,\n", key, value); /* 17 digits: the same double comes back */
}

/* Of a window, where it has pairs. */
#define AT(member) offsetof(struct pair_sums, member)
static const struct pair_sum {
    const char *key;
    size_t offset;
} pair_sums[] = {{"window_pairs", AT(n)},
                 {"window_pair_loss", AT(loss)},
                 {"window_rewards_chosen", AT(chosen_rewards)},
                 {"window_rewards_rejected", AT(rejected_rewards)},
                 {"window_rewards_accuracies", AT(accuracies)},
                 {"window_logps_chosen", AT(chosen_logps)},
                 {"window_logps_rejected", AT(rejected_logps)}};
enum { PAIR_SUMS = sizeof pair_sums / sizeof *pair_sums };

static double *pair_sum_of(const struct pair_sum *sum, struct pair_sums *sums)
{
    return (double *)(void *)((char *)sums + sum->offset);
}

static void write_pairs(struct pair_sums sums, struct strbuf *out)
{
    for (size_t i = 0; i < PAIR_SUMS && sums.n > 0; i++)
        write_number(out, pair_sums[i].key, *pair_sum_of(&pair_sums[i], &sums));
}

void train_state_write(const struct train_state *s, struct strbuf *out)
{
    write_number(out, "step", (double)s->step);
    write_number(out, "num_tokens", (double)s->num_tokens);
    write_number(out, "num_target_tokens", (double)s->num_target_tokens);
    write_number(out, "window_loss", s->window.loss);
    write_number(out, "window_correct", s->window.correct);
    write_number(out, "window_weight", s->window.weight);
    write_pairs(s->window.pairs, out);
    write_number(out, "last_eval_step", (double)s->last_eval_step);
    write_number(out, "best_step", (double)s->best_step);
    write_number(out, "best_metric", s->best_metric);
    write_number(out, "best_loss", s->best_loss);
    write_number(out, "best_incoherent", s->best_incoherent);
    write_number(out, "evals_without_improvement", (double)s->evals_without_improvement);
}

/* A number, from `least` to `most`; a count is a whole one. */
static enum sft_status read_number(const json *root, const char *key, bool is_count, double least,
                                   double most, double *value, struct sft_err *err)
{
    const json *node = json_get(root, key);
    *value = json_is_number(node) ? json_number(node) : 0;
    if (!json_is_number(node))
        return sft_fail_in(err, SFT_EDATA, key, "expected a number, found %s", json_type_name(node));
    if (!(*value >= least && *value <= most) || (is_count && *value != floor(*value)))
        return sft_fail_in(err, SFT_EDATA, key, "expected a %snumber from %g to %g, found %.17g",
                           is_count ? "whole " : "", least, most, *value);
    return SFT_OK;
}

static enum sft_status read_count(const json *root, const char *key, double most, uint64_t *count,
                                  struct sft_err *err)
{
    double value;
    const enum sft_status status = read_number(root, key, true, 0, most, &value, err);
    *count = status ? 0 : (uint64_t)value;
    return status;
}

static enum sft_status read_pairs(const json *root, struct pair_sums *sums, struct sft_err *err)
{
    *sums = (struct pair_sums){0};
    if (!json_get(root, pair_sums[0].key))
        return SFT_OK;
    if (read_number(root, pair_sums[0].key, true, 1, 0x1p53, &sums->n, err))
        return err->status;
    for (size_t i = 1; i < PAIR_SUMS; i++)
        if (read_number(root, pair_sums[i].key, false, -DBL_MAX, DBL_MAX, pair_sum_of(&pair_sums[i], sums), err))
            return err->status;
    return SFT_OK;
}

/* Checksums say that it is what was written; that it can be true is seen here. What follows from the step (the epoch,
 * the place in it) is computed from it, and bounded by the steps that the run was to have. */
enum sft_status train_state_read(const json *root, struct train_state *s, struct sft_err *err)
{
    static const double most = 0x1p53, huge = DBL_MAX;
    double total, last_eval = -1, best_incoherent = -1;
    double best_loss = -huge; /* none is lower: to older programs equal was no better */
    *s = (struct train_state){0};
    if (read_number(root, "total_steps", true, 1, most, &total, err) ||
        read_count(root, "step", total, &s->step, err) ||
        read_count(root, "num_tokens", most, &s->num_tokens, err) ||
        read_count(root, "num_target_tokens", (double)s->num_tokens, &s->num_target_tokens, err) ||
        read_number(root, "window_loss", false, -huge, huge, &s->window.loss, err) ||
        read_number(root, "window_correct", false, 0, huge, &s->window.correct, err) ||
        read_number(root, "window_weight", false, 0, huge, &s->window.weight, err) ||
        read_pairs(root, &s->window.pairs, err) ||
        read_count(root, "best_step", (double)s->step, &s->best_step, err) ||
        read_number(root, "best_metric", false, -huge, huge, &s->best_metric, err) ||
        read_count(root, "evals_without_improvement", (double)s->step + 1, &s->evals_without_improvement,
                   err))
        return SFT_EDATA;
    if (json_get(root, "last_eval_step") &&
        read_number(root, "last_eval_step", true, -1, (double)s->step, &last_eval, err))
        return SFT_EDATA;
    if (json_get(root, "best_loss") && read_number(root, "best_loss", false, -huge, huge, &best_loss, err))
        return SFT_EDATA;
    if (json_get(root, "best_incoherent") &&
        read_number(root, "best_incoherent", false, -1, 1, &best_incoherent, err))
        return SFT_EDATA;
    s->last_eval_step = (int64_t)last_eval;
    s->best_loss = best_loss;
    s->best_incoherent = best_incoherent;
    return SFT_OK;
}
