#include "train/schedule.h"

#include <math.h>
#include <stdbool.h>

/* The part of the highest rate that is left where `done` of `steps` steps after the warmup are taken. */
static double linear(double done, double steps)
{
    return (steps - done) / fmax(1, steps);
}

static double cosine(double done, double steps)
{
    return 0.5 * (1 + cos(M_PI * done / fmax(1, steps)));
}

static double constant(double done, double steps)
{
    (void)done;
    (void)steps;
    return 1;
}

static const struct {
    double (*part)(double done, double steps);
    bool has_warmup;
} types[] = {
    [LR_LINEAR] = {linear, true},
    [LR_COSINE] = {cosine, true},
    [LR_CONSTANT] = {constant, false},
};

struct schedule schedule_make(const struct schedule_options *options, uint64_t total_steps)
{
    const double asked = types[options->type].has_warmup ? options->warmup_steps : 0;
    return (struct schedule){
        .type = options->type,
        .learning_rate = options->learning_rate,
        .warmup_steps = (uint64_t)(asked < 1 ? ceil(asked * (double)total_steps) : asked),
        .total_steps = total_steps,
    };
}

double schedule_rate(const struct schedule *schedule, uint64_t steps_done)
{
    const double done = (double)steps_done, warmup = (double)schedule->warmup_steps;
    if (done < warmup)
        return schedule->learning_rate * done / fmax(1, warmup);
    const double part = types[schedule->type].part(done - warmup, (double)schedule->total_steps - warmup);
    return schedule->learning_rate * fmax(0, part);
}
