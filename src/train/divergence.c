#include "train/divergence.h"

#include "base/log.h"

#include <math.h>

/* LARGE_MARGIN: of a loss beyond all cross-entropies, which noise moves far; dpo's ipo begins at 1 / (2 beta)^2. */
static const double LOSS_MARGIN = 2, LARGE_MARGIN = 0.15, FIRST_MARGIN = 1, EVAL_MARGIN = 0.5, SHARE_OF_STEP = 0.1;
enum { START_STEPS = 10 };

struct divergence divergence_new(uint64_t vocab_size)
{
    return (struct divergence){.floor = vocab_size ? log((double)vocab_size) : 0};
}

void divergence_add_step(struct divergence *d, uint64_t step, double loss)
{
    if (step <= d->step)
        return;
    const double steps = (double)(step - d->step), kept = d->step ? pow(1 - SHARE_OF_STEP, steps) : 0;
    if (d->step == 0)
        d->first = loss;
    if (d->step == 0 || step <= START_STEPS) {
        d->start_sum += loss * steps;
        d->start_steps = step;
    }
    d->recent = kept * d->recent + (1 - kept) * loss;
    d->step = step;
}

void divergence_add_eval(struct divergence *d, uint64_t step, double loss)
{
    if (step == 0)
        d->eval_first = loss;
    d->eval_last = loss;
}

double divergence_start(const struct divergence *d)
{
    return d->step ? fmin(d->start_sum / (double)d->start_steps, d->first + FIRST_MARGIN) : 0;
}

bool divergence_of_loss(const struct divergence *d)
{
    const double from = fmax(divergence_start(d), d->floor);
    return d->step > 0 && d->recent > from + fmax(LOSS_MARGIN, LARGE_MARGIN * from);
}

bool divergence_of_eval(const struct divergence *d)
{
    return d->eval_first > 0 && d->eval_last > d->eval_first + EVAL_MARGIN;
}

void divergence_warn(const struct divergence *d, double learning_rate)
{
    log_warning("step %llu: the loss is %.4g over the last steps and was %.4g at the start: training diverges (start "
                "again with --fresh and a learning_rate below %g)",
                (unsigned long long)d->step, d->recent, divergence_start(d), learning_rate);
}

void divergence_warn_of_end(const struct divergence *d, double learning_rate)
{
    if (divergence_of_loss(d))
        log_warning("the loss ended at %.4g and was %.4g at the start: training diverged, and this model is of little "
                    "use (start again with --fresh and a learning_rate below %g)",
                    d->recent, divergence_start(d), learning_rate);
    else if (divergence_of_eval(d))
        log_warning("the eval loss ended at %.4g and was %.4g before the first step: training made the model worse on "
                    "these data (a lower learning_rate than %g, or fewer epochs)",
                    d->eval_last, d->eval_first, learning_rate);
}
