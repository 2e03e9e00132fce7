#include "cmd/sampling_options.h"

#include <math.h>

enum sft_status sampling_options_check(const struct sampling_options *o, struct sft_err *err)
{
    if (o->temperature < 0) /* false for NaN, as those below */
        return sft_fail(err, SFT_EUSAGE, "--temperature: expected 0 or more, found %g", o->temperature);
    if (o->top_p <= 0 || o->top_p > 1)
        return sft_fail(err, SFT_EUSAGE, "--top-p: expected a number above 0 and at most 1, found %g", o->top_p);
    if (o->min_p < 0 || o->min_p > 1)
        return sft_fail(err, SFT_EUSAGE, "--min-p: expected a number from 0 to 1, found %g", o->min_p);
    if (o->repetition_penalty <= 0)
        return sft_fail(err, SFT_EUSAGE, "--repetition-penalty: expected a number above 0, found %g",
                        o->repetition_penalty);
    return SFT_OK;
}

/* The first that was given. A model's own may be 0, which says nothing. */
static double first_of(double given, double models_own, double fallback)
{
    return !isnan(given) ? given : models_own > 0 ? models_own : fallback;
}

struct sampling sampling_resolve(const struct sampling_options *o, const struct generation_config *model,
                                 const struct sampling *fallback)
{
    const struct generation_config silent = {
        .temperature = NAN, .top_p = NAN, .min_p = NAN, .repetition_penalty = NAN, .top_k = SIZE_MAX};
    const struct generation_config *own = model && model->do_sample ? model : &silent;
    const size_t own_top_k = own->top_k == SIZE_MAX ? fallback->top_k : own->top_k;
    return (struct sampling){
        .temperature = first_of(o->temperature, own->temperature, fallback->temperature),
        .top_p = first_of(o->top_p, own->top_p, fallback->top_p),
        .min_p = first_of(o->min_p, own->min_p, fallback->min_p),
        .repetition_penalty = first_of(o->repetition_penalty, own->repetition_penalty, fallback->repetition_penalty),
        .top_k = o->top_k == UINT64_MAX ? own_top_k : (size_t)o->top_k,
        .seed = o->seed};
}
