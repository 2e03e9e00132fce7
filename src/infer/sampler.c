#include "infer/sampler.h"

#include "base/mem.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

void sampler_init(struct sampler *s, size_t V)
{
    s->V = V;
    s->candidates = mem_alloc(V * sizeof *s->candidates);
    s->times = mem_calloc(V, sizeof *s->times);
}

size_t sampler_bytes(size_t V)
{
    const struct sampler *s = NULL;
    return V * (sizeof *s->candidates + sizeof *s->times);
}

void sampler_free(struct sampler *s)
{
    free(s->candidates);
    free(s->times);
    *s = (struct sampler){0};
}

/* ---- what changes logits ---- */

static void penalise_repetition(float *logits, float penalty, const int32_t *tokens, size_t n, uint32_t *times)
{
    for (size_t i = 0; i < n; i++) {
        const int32_t id = tokens[i];
        if (times[id]++ == 0)
            logits[id] = logits[id] < 0 ? logits[id] * penalty : logits[id] / penalty;
    }
    for (size_t i = 0; i < n; i++)
        times[tokens[i]] = 0;
}

static void penalise_frequency(float *logits, const struct sampling *options, const int32_t *tokens, size_t n,
                               uint32_t *times)
{
    for (size_t i = 0; i < n; i++)
        times[tokens[i]]++;
    for (size_t i = 0; i < n; i++) {
        const int32_t id = tokens[i];
        if (times[id])
            logits[id] -= (float)(options->presence_penalty + options->frequency_penalty * times[id]);
        times[id] = 0;
    }
}

void sampler_adjust(struct sampler *s, struct choice *choice, float *logits, float *plain, const struct ask *ask,
                    const struct history *history)
{
    const struct sampling *o = &ask->sampling;
    if (ask->wants_logprob) {
        memcpy(plain, logits, s->V * sizeof *logits);
        choice->log_sum = logits_log_sum(logits, s->V);
        logits_top(logits, s->V, choice->log_sum, choice->top, ask->n_top);
    }
    for (size_t i = 0; i < ask->n_bias; i++)
        logits[ask->bias[i].id] += ask->bias[i].bias;
    if (o->repetition_penalty != 1)
        penalise_repetition(logits, (float)o->repetition_penalty, history->tokens,
                            history->n_prompt + history->n_answer, s->times);
    if (o->presence_penalty != 0 || o->frequency_penalty != 0)
        penalise_frequency(logits, o, history->tokens + history->n_prompt, history->n_answer, s->times);
}

/* ---- which candidates remain ---- */

/* A whole number that is the larger the larger x is. */
static uint32_t key_of(float x)
{
    uint32_t bits;
    x += 0.0F; /* -0 and 0 are equal */
    memcpy(&bits, &x, sizeof bits);
    return bits >> 31 ? ~bits : bits | 0x80000000U;
}

/* Of the candidates those whose key is above `key` remain, and n_equal of its equals, the smaller ids first. */
struct cut {
    uint32_t key;
    size_t n_equal;
};

/* The largest candidates whose weights (1 each, or by_mass their p) make up `wanted` together; all, if it takes all.
 * Digit by digit, as a radix sort would, but only the digit in which the cut falls is looked at again. */
static struct cut find_cut(const struct candidate *c, size_t n, bool by_mass, double wanted)
{
    enum { DIGIT_BITS = 11, N_DIGITS = 1 << DIGIT_BITS, KEY_BITS = 32 };
    struct cut cut = {0};
    double above = 0, equal = 0;
    for (unsigned known = 0; known < KEY_BITS;) {
        const unsigned bits = KEY_BITS - known < DIGIT_BITS ? KEY_BITS - known : DIGIT_BITS;
        const unsigned shift = KEY_BITS - known - bits;
        double mass[N_DIGITS] = {0};
        size_t lowest = N_DIGITS, digit = 0; /* the largest first */
        for (size_t i = 0; i < n; i++) {
            const uint64_t key = key_of(c[i].p);
            if (key >> (shift + bits) != cut.key)
                continue;
            const size_t own = (size_t)(key >> shift) & ((1U << bits) - 1);
            mass[own] += by_mass ? (double)c[i].p : 1;
            lowest = own < lowest ? own : lowest;
            digit = own > digit ? own : digit;
        }
        while (digit > lowest && above + mass[digit] < wanted)
            above += mass[digit--];
        cut.key = cut.key << bits | (uint32_t)digit;
        equal = mass[digit];
        known += bits;
    }
    float p; /* of each of the equals */
    const uint32_t p_bits = cut.key >> 31 ? cut.key & 0x7FFFFFFFU : ~cut.key;
    memcpy(&p, &p_bits, sizeof p);
    const double weight = by_mass ? (double)p : 1;
    cut.n_equal = 1;
    while ((double)cut.n_equal * weight < equal && above + (double)cut.n_equal * weight < wanted)
        cut.n_equal++;
    return cut;
}

/* Those that remain, in the order of their ids; their number. */
static size_t apply_cut(struct candidate *c, size_t n, struct cut cut)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        const uint32_t key = key_of(c[i].p);
        if (key > cut.key || (key == cut.key && cut.n_equal > 0)) {
            cut.n_equal -= key == cut.key;
            c[kept++] = c[i];
        }
    }
    return kept;
}

/* Candidates whose logits are `least` or more, in the order of ids. */
static size_t gather(struct candidate *c, const float *logits, size_t V, float least)
{
    size_t n = 0;
    for (size_t v = 0; v < V; v++)
        if (logits[v] >= least)
            c[n++] = (struct candidate){logits[v], (int32_t)v};
    return n;
}

/* Logits become probabilities relative to the largest's; returns their sum. */
static double to_probabilities(struct candidate *c, size_t n, float largest, float temperature)
{
    double total = 0;
    for (size_t i = 0; i < n; i++) {
        c[i].p = expf((c[i].p - largest) / temperature);
        total += (double)c[i].p;
    }
    return total;
}

/* The k largest logits, and their equals. */
static size_t keep_top_k(struct candidate *c, size_t n, size_t k)
{
    return k < n ? apply_cut(c, n, (struct cut){find_cut(c, n, false, (double)k).key, SIZE_MAX}) : n;
}

static size_t keep_top_p(struct candidate *c, size_t n, double mass)
{
    return apply_cut(c, n, find_cut(c, n, true, mass));
}

static size_t keep_min_p(struct candidate *c, size_t n, float min_p)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (c[i].p >= min_p)
            c[kept++] = c[i];
    return kept;
}

/* Mostly what is chosen from are the few candidates that are not far less likely than the likeliest: these are tried
 * first, and all of them only where they are not enough. */
static const float NEAR = 8; /* exp(-8) is 0.0003 */

size_t sampler_candidates(struct sampler *s, const struct sampling *o, const float *logits,
                          const struct logits_scan *scan)
{
    const size_t V = s->V;
    struct candidate *c = s->candidates;
    const float temperature = (float)o->temperature, largest = scan->largest, nearest = largest - NEAR * temperature;
    size_t n = gather(c, logits, V, nearest > -FLT_MAX ? nearest : -FLT_MAX);
    if (o->top_k) {
        if (n < o->top_k)
            n = gather(c, logits, V, -FLT_MAX);
        n = keep_top_k(c, n, o->top_k);
        const double total = to_probabilities(c, n, largest, temperature);
        if (o->top_p < 1)
            n = keep_top_p(c, n, o->top_p * total);
    } else if (o->top_p < 1) {
        const double mass = o->top_p * (double)scan->total;
        if (to_probabilities(c, n, largest, temperature) < mass) {
            n = gather(c, logits, V, -FLT_MAX);
            to_probabilities(c, n, largest, temperature);
        }
        n = keep_top_p(c, n, mass);
    } else {
        if (o->min_p < (double)expf(-NEAR) * 1.001)
            n = gather(c, logits, V, -FLT_MAX);
        to_probabilities(c, n, largest, temperature);
    }
    return o->min_p > 0 ? keep_min_p(c, n, (float)o->min_p) : n;
}

/* ---- the choice ---- */

float sampler_inverse_temperature(const struct sampling *options)
{
    return sampling_is_greedy(options) ? 1 : (float)(1 / options->temperature);
}

/* One of the candidates (n), with its probability. */
static int32_t draw(const struct candidate *c, size_t n, struct rng *rng)
{
    double total = 0;
    for (size_t i = 0; i < n; i++)
        total += (double)c[i].p;
    double left = rng_uniform(rng) * total;
    size_t last = 0; /* that can be chosen at all: rounding may leave something behind it */
    for (size_t i = 0; i < n; i++) {
        if (c[i].p > 0)
            last = i;
        left -= (double)c[i].p;
        if (left < 0)
            return c[i].id;
    }
    return c[last].id;
}

void sampler_choose(struct sampler *s, struct choice *choice, const float *logits, const float *plain,
                    const struct logits_scan *scan, const struct ask *ask, struct rng *rng)
{
    choice->is_finite = scan->all_finite && scan->largest > -INFINITY;
    if (!choice->is_finite)
        return;
    choice->id = sampling_is_greedy(&ask->sampling)
                     ? (int32_t)scan->first
                     : draw(s->candidates, sampler_candidates(s, &ask->sampling, logits, scan), rng);
    choice->logprob = ask->wants_logprob ? (float)((double)plain[choice->id] - choice->log_sum) : 0;
}
