#include "train/schedule.h"

#include <math.h>

struct schedule schedule_make(const struct settings *settings, uint64_t total_steps)
{
    const double warmup = settings->train.warmup_steps;
    return (struct schedule){
        .type = (enum lr_scheduler)settings->train.lr_scheduler_type,
        .learning_rate = settings->train.learning_rate,
        .warmup_steps = (uint64_t)(warmup < 1 ? ceil(warmup * (double)total_steps) : warmup),
        .total_steps = total_steps,
    };
}

double schedule_rate(const struct schedule *schedule, uint64_t steps_done)
{
    const double step = (double)steps_done, warmup = (double)schedule->warmup_steps;
    const double after_warmup = fmax(1, (double)schedule->total_steps - warmup);
    if (schedule->type == LR_CONSTANT)
        return schedule->learning_rate;
    if (step < warmup)
        return schedule->learning_rate * step / fmax(1, warmup);
    if (schedule->type == LR_LINEAR)
        return schedule->learning_rate * fmax(0, ((double)schedule->total_steps - step) / after_warmup);
    return schedule->learning_rate * fmax(0, 0.5 * (1 + cos(M_PI * (step - warmup) / after_warmup)));
}
