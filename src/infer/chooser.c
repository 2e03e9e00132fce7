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

void chooser_free(struct chooser *c)
{
    sampler_scratch_free(&c->sampler);
    free(c->plain);
    *c = (struct chooser){0};
}

static bool all_finite(const float *logits, size_t V)
{
    for (size_t v = 0; v < V; v++)
        if (!isfinite(logits[v]))
            return false;
    return true;
}

void chooser_choose(struct chooser *c, struct choice *choice, float *logits, const struct ask *ask,
                    const struct said *said, struct rng *rng, const int32_t *holes, size_t n_holes)
{
    double log_sum = 0;
    choice->is_finite = all_finite(logits, c->V);
    if (!choice->is_finite)
        return;
    for (size_t i = 0; i < n_holes; i++)
        logits[holes[i]] = -INFINITY;
    if (ask->wants_logprob) {
        memcpy(c->plain, logits, c->V * sizeof *logits);
        log_sum = logits_log_sum(logits, c->V);
        logits_top(logits, c->V, log_sum, choice->top, ask->n_top);
    }
    sampler_adjust(logits, &ask->sampling, ask->bias, ask->n_bias, said, &c->sampler);
    choice->id = sampler_choose(&ask->sampling, rng, logits, c->V, &c->sampler);
    choice->logprob = ask->wants_logprob ? (float)((double)c->plain[choice->id] - log_sum) : 0;
}
