#include "train/dpo_loss.h"

#include <math.h>
#include <stdbool.h>

struct value {
    double loss, slope;
};

/* -log sigmoid(x), for any x. */
static struct value minus_log_sigmoid(double x)
{
    const double tail = exp(-fabs(x));
    return (struct value){.loss = log1p(tail) + fmax(-x, 0), .slope = -(x >= 0 ? tail : 1) / (1 + tail)};
}

/* By x = beta * d. */
static struct value sigmoid_loss(double x, double e)
{
    const struct value as_is = minus_log_sigmoid(x), exchanged = minus_log_sigmoid(-x);
    return (struct value){.loss = (1 - e) * as_is.loss + e * exchanged.loss,
                          .slope = (1 - e) * as_is.slope - e * exchanged.slope};
}

static struct value ipo_loss(double m, double beta)
{
    const double away = m - 1 / (2 * beta);
    return (struct value){.loss = away * away, .slope = 2 * away};
}

static double ratio(const struct dpo_answer *a)
{
    return a->logps - a->reference;
}

struct dpo_pair dpo_pair_loss(const struct dpo_options *options, const struct dpo_answer *chosen,
                              const struct dpo_answer *rejected)
{
    const bool is_ipo = options->loss_type == DPO_LOSS_IPO;
    /* what a change of an answer's ratio counts: an answer that was cut to nothing has no mean */
    const double by_chosen = is_ipo ? 1 / fmax((double)chosen->n_tokens, 1) : options->beta;
    const double by_rejected = is_ipo ? 1 / fmax((double)rejected->n_tokens, 1) : options->beta;
    const double x = by_chosen * ratio(chosen) - by_rejected * ratio(rejected);
    const struct value v = is_ipo ? ipo_loss(x, options->beta) : sigmoid_loss(x, options->label_smoothing);
    return (struct dpo_pair){.loss = v.loss,
                             .dchosen = v.slope * by_chosen,
                             .drejected = -v.slope * by_rejected,
                             .chosen_reward = options->beta * ratio(chosen),
                             .rejected_reward = options->beta * ratio(rejected)};
}
