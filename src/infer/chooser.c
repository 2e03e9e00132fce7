#include "infer/chooser.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void chooser_init(struct chooser *c, size_t V)
{
    c->V = V;
    sampler_scratch_init(&c->sampler, V);
    c->plain = mem_alloc(V * sizeof *c->plain);
}

size_t chooser_bytes(size_t V)
{
    const struct chooser *c = NULL;
    return V * (sizeof *c->plain + sizeof *c->sampler.candidates + sizeof *c->sampler.times);
}

void chooser_free(struct chooser *c)
{
    sampler_scratch_free(&c->sampler);
    free(c->plain);
    *c = (struct chooser){0};
}

/* What makes logits other than the model's. */
static bool is_adjusted(const struct ask *ask)
{
    const struct sampling *o = &ask->sampling;
    return ask->n_bias || o->repetition_penalty != 1 || o->presence_penalty != 0 || o->frequency_penalty != 0;
}

/* log of the sum of exp(logits), before these are changed. */
static double log_sum_of(const struct chooser *c, const float *logits, const struct logits_scan *scan,
                         const struct ask *ask)
{
    return chooser_inverse_temperature(&ask->sampling) == 1 ? (double)scan->largest + log((double)scan->total)
                                                            : logits_log_sum(logits, c->V);
}

float chooser_inverse_temperature(const struct sampling *o)
{
    return o->temperature > 0 ? (float)(1 / o->temperature) : 1;
}

void chooser_choose(struct chooser *c, struct choice *choice, float *logits, const struct logits_scan *scan,
                    const struct ask *ask, const struct said *said, struct rng *rng)
{
    const bool adjusted = is_adjusted(ask);
    const float *plain = logits;
    double log_sum = 0;
    choice->is_finite = scan->all_finite && scan->first < c->V;
    if (!choice->is_finite)
        return;
    if (ask->wants_logprob) {
        log_sum = log_sum_of(c, logits, scan, ask);
        logits_top(logits, c->V, log_sum, choice->top, ask->n_top);
    }
    if (ask->wants_logprob && adjusted)
        plain = memcpy(c->plain, logits, c->V * sizeof *logits);
    if (adjusted)
        sampler_adjust(logits, &ask->sampling, ask->bias, ask->n_bias, said, &c->sampler);
    choice->id = sampler_choose(&ask->sampling, rng, logits, c->V, adjusted ? NULL : scan, &c->sampler);
    choice->logprob = ask->wants_logprob ? (float)((double)plain[choice->id] - log_sum) : 0;
}
