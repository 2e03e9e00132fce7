#include "infer/sampler.h"

#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Three rounds of 11 bits sort 32-bit keys. */
enum { DIGIT_BITS = 11, N_DIGITS = 1 << DIGIT_BITS, N_ROUNDS = 3 };

void sampler_init(struct sampler *sampler, const struct sampling *options, size_t V, uint64_t stream)
{
    *sampler = (struct sampler){.options = *options};
    if (options->temperature > 0) {
        sampler->candidates = mem_alloc(V * sizeof *sampler->candidates);
        sampler->scratch = mem_alloc(V * sizeof *sampler->scratch);
    }
    sampler_restart(sampler, stream);
}

void sampler_restart(struct sampler *sampler, uint64_t stream)
{
    rng_seed(&sampler->rng, sampler->options.seed, stream);
}

void sampler_free(struct sampler *sampler)
{
    free(sampler->candidates);
    free(sampler->scratch);
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

/* ---- the order of candidates: the likeliest first, of equals the smaller id ---- */

/* A whole number that is the smaller the larger x is. */
static uint32_t descending_key(float x)
{
    uint32_t bits;
    x += 0.0F; /* -0 and 0 are equal */
    memcpy(&bits, &x, sizeof bits);
    return bits >> 31 ? bits : ~(bits | 0x80000000U);
}

static size_t digit_of(float x, int round)
{
    return descending_key(x) >> (round * DIGIT_BITS) & (N_DIGITS - 1);
}

/* All whose key's first digit is at most that of the k-th; at least k of them, in the order of their ids. */
static size_t select_likely(struct candidate *out, const float *logits, size_t V, size_t k)
{
    size_t count[N_DIGITS] = {0}, last = 0, n = 0;
    if (k < V) {
        for (size_t v = 0; v < V; v++)
            count[digit_of(logits[v], N_ROUNDS - 1)]++;
        for (size_t sum = count[0]; sum < k;)
            sum += count[++last];
    }
    for (size_t v = 0; v < V; v++)
        if (k >= V || digit_of(logits[v], N_ROUNDS - 1) <= last)
            out[n++] = (struct candidate){logits[v], (int32_t)v};
    return n;
}

/* A radix sort: in linear time where comparisons took 10 ms for 50,000 candidates. It is stable, so equals stay in the
 * order of their ids. */
static void sort(struct candidate **c, struct candidate **scratch, size_t n)
{
    for (int round = 0; round < N_ROUNDS; round++) {
        size_t place[N_DIGITS] = {0}, before = 0;
        for (size_t i = 0; i < n; i++)
            place[digit_of((*c)[i].p, round)]++;
        for (size_t d = 0; d < N_DIGITS; d++) {
            const size_t count = place[d];
            place[d] = before;
            before += count;
        }
        for (size_t i = 0; i < n; i++)
            (*scratch)[place[digit_of((*c)[i].p, round)]++] = (*c)[i];
        struct candidate *const sorted = *scratch;
        *scratch = *c;
        *c = sorted;
    }
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
    const size_t top_k = sampler->options.top_k;
    const size_t n_likely = select_likely(sampler->candidates, logits, V, top_k ? top_k : V);
    sort(&sampler->candidates, &sampler->scratch, n_likely);
    struct candidate *c = sampler->candidates;
    const size_t n = keep(&sampler->options, c, n_likely);
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
