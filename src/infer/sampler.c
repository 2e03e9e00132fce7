#include "infer/sampler.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>

void sampler_init(struct sampler *sampler, const struct sampling *options, size_t V, uint64_t stream)
{
    *sampler = (struct sampler){.options = *options};
    if (options->temperature > 0)
        sampler->candidates = mem_alloc(V * sizeof *sampler->candidates);
    sampler_restart(sampler, stream);
}

void sampler_restart(struct sampler *sampler, uint64_t stream)
{
    rng_seed(&sampler->rng, sampler->options.seed, stream);
}

void sampler_free(struct sampler *sampler)
{
    free(sampler->candidates);
    *sampler = (struct sampler){0};
}

static int32_t most_likely(const float *logits, size_t V)
{
    size_t best = 0;
    for (size_t v = 1; v < V; v++)
        if (logits[v] > logits[best])
            best = v;
    return (int32_t)best;
}

static int likelier_first(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->p != y->p)
        return x->p < y->p ? 1 : -1;
    return x->id < y->id ? -1 : 1;
}

/* How many of the sorted candidates top-k and top-p leave, their probabilities unnormalised. */
static size_t keep(const struct sampling *options, struct candidate *c, size_t n)
{
    if (options->top_k && options->top_k < n)
        n = options->top_k;
    const float largest = c[0].p;
    double total = 0, sum = 0;
    for (size_t i = 0; i < n; i++) {
        c[i].p = expf((c[i].p - largest) / (float)options->temperature);
        total += c[i].p;
    }
    for (size_t i = 0; i < n; i++) {
        sum += c[i].p;
        if (sum >= options->top_p * total) /* the one that reaches top_p stays */
            return i + 1;
    }
    return n;
}

int32_t sampler_next(struct sampler *sampler, const float *logits, size_t V)
{
    if (sampler->options.temperature <= 0)
        return most_likely(logits, V);
    struct candidate *c = sampler->candidates;
    for (size_t v = 0; v < V; v++)
        c[v] = (struct candidate){logits[v], (int32_t)v};
    qsort(c, V, sizeof *c, likelier_first);
    const size_t n = keep(&sampler->options, c, V);
    double total = 0;
    for (size_t i = 0; i < n; i++)
        total += c[i].p;
    double left = rng_uniform(&sampler->rng) * total;
    for (size_t i = 0; i < n; i++) {
        left -= c[i].p;
        if (left < 0)
            return c[i].id;
    }
    return c[n - 1].id;
}
