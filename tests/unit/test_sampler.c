/* The sampler against its definition, all candidates sorted by comparisons, and against transformers' logits
 * processors: tests/golden/sampler.jsonl, made by scripts/golden_sampler.py. */
#include "infer/sampler.h"

#include "base/json.h"
#include "support/run_suite.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { V_MAX = 3000 };

/* ---- as a step of decode does it ---- */

static const struct kernels *kernels;

static void setup(void)
{
    static char why[512];
    kernels = kernels_select("fp32", why, sizeof why);
    ck_assert_msg(kernels != NULL, "%s", why);
}

static struct logits_scan scan_of(const struct sampling *options, const float *logits, size_t V)
{
    struct logits_scan scan;
    const float inverse_temperature = sampler_inverse_temperature(options);
    kernels->scan_logits(&scan, logits, &inverse_temperature, 1, V);
    return scan;
}

/* Of a sampler for as many logits. */
static struct choice choose(struct sampler *sampler, const struct sampling *options, struct rng *rng,
                            const float *logits)
{
    const struct ask ask = {.sampling = *options};
    const struct logits_scan scan = scan_of(options, logits, sampler->V);
    struct choice choice;
    sampler_choose(sampler, &choice, logits, NULL, &scan, &ask, rng);
    return choice;
}

/* ---- the definition ---- */

static int likelier_first(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->p != y->p)
        return x->p < y->p ? 1 : -1;
    return x->id < y->id ? -1 : 1;
}

static int by_id(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* What remains, in the order of ids. *is_close: whether by top_p one more or one less would be right, too, since a sum
 * of floats in another order is another. */
static size_t define_candidates(const struct sampling *o, const float *logits, size_t V, struct candidate *c,
                                bool *is_close)
{
    const double rounding = 1e-5;
    size_t n = 0, kept = 0;
    double total = 0, sum = 0;
    for (size_t v = 0; v < V; v++)
        if (logits[v] > -INFINITY)
            c[n++] = (struct candidate){logits[v], (int32_t)v};
    qsort(c, n, sizeof *c, likelier_first);
    if (o->top_k && o->top_k < n) {
        const float last = c[o->top_k - 1].p;
        for (n = o->top_k; n < V && c[n].p == last; n++)
            ;
    }
    const float largest = c[0].p;
    for (size_t i = 0; i < n; i++) {
        c[i].p = expf((c[i].p - largest) / (float)o->temperature);
        total += (double)c[i].p;
    }
    qsort(c, n, sizeof *c, likelier_first); /* what rounds to the same probability is equal */
    *is_close = false;
    while (kept < n && (kept == 0 || o->top_p >= 1 || sum < o->top_p * total)) {
        sum += (double)c[kept++].p;
        *is_close |= o->top_p < 1 && fabs(sum - o->top_p * total) < rounding * total;
    }
    while (kept > 1 && o->min_p > 0 && c[kept - 1].p < (float)o->min_p)
        kept--;
    qsort(c, kept, sizeof *c, by_id);
    return kept;
}

static int32_t define_choice(const struct candidate *c, size_t n, double u)
{
    double total = 0, sum = 0;
    size_t i = 0;
    for (size_t j = 0; j < n; j++)
        total += (double)c[j].p;
    while (i < n - 1 && (sum += (double)c[i].p) <= u * total)
        i++;
    while (c[i].p == 0 && i > 0)
        i--;
    return c[i].id;
}

/* ---- logits of every awkward kind ---- */

static float some_logit(struct rng *rng, int kind)
{
    const double u = rng_uniform(rng);
    switch (kind) {
    case 0:
        return (float)(10 * rng_normal(rng));
    case 1: /* many equals */
        return (float)floor(4 * u) - 2;
    case 2: /* zeros of both signs, subnormals */
        return u < 0.3 ? 0.0F : u < 0.6 ? -0.0F : (float)(1e-40 * (u - 0.8));
    case 3: /* huge and tiny; one may take all */
        return (float)((u < 0.5 ? -1 : 1) * pow(10, 60 * rng_uniform(rng) - 30));
    default: /* tokens that must not be chosen */
        return u < 0.7 ? -INFINITY : (float)rng_normal(rng);
    }
}

START_TEST(the_same_as_sorting)
{
    enum { N_KINDS = 5, N_ROUNDS = 2000 };
    static float logits[V_MAX];
    static struct candidate want[V_MAX + 1];
    struct sampler sampler;
    struct rng rng, own;
    size_t n_close = 0;
    rng_seed(&rng, 7, 0);
    rng_seed(&own, 8, 0);
    sampler_init(&sampler, V_MAX);
    for (int round = 0; round < N_ROUNDS; round++) {
        const int kind = round % N_KINDS;
        const size_t V = 1 + (size_t)(rng_uniform(&rng) * (round % 10 == 0 ? V_MAX - 1 : 60));
        for (size_t v = 0; v < V; v++)
            logits[v] = some_logit(&rng, kind);
        logits[(size_t)(rng_uniform(&rng) * (double)V)] = 1; /* one is finite */
        const struct sampling options = {.temperature = 0.1 + 2 * rng_uniform(&rng),
                                         .top_k = round % 3 ? 0 : (size_t)(rng_uniform(&rng) * (double)V * 1.2),
                                         .top_p = round % 2 ? 1 : 0.99 * rng_uniform(&rng),
                                         .min_p = round % 7 ? 0 : rng_uniform(&rng)};
        bool is_close;
        const size_t n = define_candidates(&options, logits, V, want, &is_close);
        const struct logits_scan scan = scan_of(&options, logits, V);
        n_close += is_close;
        if (is_close)
            continue;
        sampler.V = V;
        ck_assert_uint_eq(sampler_candidates(&sampler, &options, logits, &scan), n);
        for (size_t i = 0; i < n; i++) {
            ck_assert_int_eq(sampler.candidates[i].id, want[i].id);
            ck_assert(sampler.candidates[i].p == want[i].p);
        }
        for (int draw = 0; draw < 4; draw++) {
            struct rng again = own;
            const struct choice choice = choose(&sampler, &options, &own, logits);
            ck_assert(choice.is_finite);
            ck_assert_int_eq(choice.id, define_choice(want, n, rng_uniform(&again)));
            ck_assert_float_gt(logits[choice.id], -INFINITY);
        }
    }
    ck_assert_uint_lt(n_close, N_ROUNDS / 50);
    sampler_free(&sampler);
}
END_TEST

START_TEST(greedy_takes_the_first_of_equals)
{
    const double temperatures[] = {0, 1e-320, 1e-46, 1e-39, 9e-6}; /* some are 0 as a float, or have no inverse */
    const float logits[] = {-INFINITY, -3, 2, -1, 2};
    struct sampler sampler;
    struct rng rng, before;
    rng_seed(&rng, 1, 1);
    before = rng;
    sampler_init(&sampler, 5);
    struct sampling options = SAMPLING_GREEDY;
    for (size_t i = 0; i < sizeof temperatures / sizeof *temperatures; i++) {
        options.temperature = temperatures[i];
        ck_assert_int_eq(choose(&sampler, &options, &rng, logits).id, 2);
        ck_assert_mem_eq(&rng, &before, sizeof rng);
    }
    options.temperature = 1e-5; /* a draw, of the two */
    size_t n_second = 0;
    for (int draw = 0; draw < 100; draw++) {
        const int32_t id = choose(&sampler, &options, &rng, logits).id;
        ck_assert(id == 2 || id == 4);
        n_second += id == 4;
    }
    ck_assert(n_second > 20 && n_second < 80);
    sampler_free(&sampler);
}
END_TEST

START_TEST(nothing_is_chosen_of_what_is_not_finite)
{
    float logits[] = {1, 2, 3, -INFINITY};
    const struct sampling sampled = {.temperature = 0.7, .top_p = 0.9, .repetition_penalty = 1};
    struct sampler sampler;
    struct rng rng;
    rng_seed(&rng, 1, 1);
    sampler_init(&sampler, 4);
    for (int kind = 0; kind < 4; kind++) {
        logits[0] = kind == 0 ? 1 : kind == 1 ? NAN : kind == 2 ? INFINITY : -INFINITY;
        logits[1] = logits[2] = kind == 3 ? -INFINITY : 2;
        ck_assert_int_eq(choose(&sampler, &sampled, &rng, logits).is_finite, kind == 0);
        ck_assert_int_eq(choose(&sampler, &SAMPLING_GREEDY, &rng, logits).is_finite, kind == 0);
    }
    sampler_free(&sampler);
}
END_TEST

/* A share of the draws, within four standard deviations. */
START_TEST(draws_follow_the_probabilities)
{
    enum { DRAWS = 40000 };
    const float logits[] = {1, -INFINITY, 0, 2, -1};
    const struct sampling options = {.temperature = 1.5, .top_p = 1, .min_p = 0.2};
    size_t times[5] = {0};
    double p[5] = {0}, total = 0;
    struct sampler sampler;
    struct rng rng;
    rng_seed(&rng, 3, 0);
    sampler_init(&sampler, 5);
    for (size_t i = 0; i < DRAWS; i++)
        times[choose(&sampler, &options, &rng, logits).id]++;
    for (size_t v = 0; v < 4; v++) /* the last is 0.135 times as likely as the likeliest */
        total += p[v] = exp((double)logits[v] / 1.5);
    for (size_t v = 0; v < 5; v++)
        ck_assert_double_le(fabs((double)times[v] - DRAWS * p[v] / total), 4 * sqrt(DRAWS * p[v] / total));
    sampler_free(&sampler);
}
END_TEST

/* ---- penalties ---- */

START_TEST(what_was_said_becomes_less_likely)
{
    const int32_t said[] = {0, 1, 1, 3, 1, 2, 2, 2}; /* four of the prompt */
    const struct history history = {said, 4, 4};
    const struct logit_bias bias[] = {{4, -1.5F}, {5, 100}};
    const struct ask plain_ask = {.sampling = SAMPLING_GREEDY};
    const struct ask ask = {
        .sampling = {.repetition_penalty = 2, .presence_penalty = 0.25, .frequency_penalty = 0.5},
        .bias = bias,
        .n_bias = 2};
    float logits[] = {2, -2, 3, -INFINITY, 1, -INFINITY, 7};
    /* a penalty of repetition for all but 4 to 6, of presence and frequency for 1 (once) and 2 (three times) */
    const float want[] = {1, -4.75F, -0.25F, -INFINITY, -0.5F, -INFINITY, 7};
    struct choice choice;
    struct sampler sampler;
    sampler_init(&sampler, 7);
    for (int again = 0; again < 2; again++) { /* nothing is left behind in the sampler */
        float x[7];
        memcpy(x, logits, sizeof x);
        sampler_adjust(&sampler, &choice, x, NULL, &ask, &history);
        for (size_t v = 0; v < 7; v++)
            ck_assert_msg(x[v] == want[v], "%zu: %g, not %g", v, (double)x[v], (double)want[v]);
    }
    sampler_adjust(&sampler, &choice, logits, NULL, &plain_ask, &history);
    ck_assert(logits[0] == 2 && logits[1] == -2);
    sampler_free(&sampler);
}
END_TEST

/* ---- transformers ---- */

static size_t numbers_of(const json *list, float *x)
{
    size_t n = 0;
    for (const json *item = json_first(list); item; item = json_next(item), n++)
        x[n] = json_is_number(item) ? (float)json_number(item) : -INFINITY;
    return n;
}

static void check_golden(const json *line, struct sampler *sampler)
{
    struct choice choice;
    float logits[V_MAX], said_numbers[V_MAX];
    int32_t said[V_MAX];
    struct logit_bias bias[8];
    size_t n_bias = 0, i = 0;
    const size_t V = numbers_of(json_get(line, "logits"), logits);
    const size_t n_said = numbers_of(json_get(line, "said"), said_numbers);
    for (size_t s = 0; s < n_said; s++)
        said[s] = (int32_t)said_numbers[s];
    for (const json *pair = json_first(json_get(line, "bias")); pair; pair = json_next(pair)) {
        const json *id = json_first(pair);
        bias[n_bias++] = (struct logit_bias){(int32_t)json_number(id), (float)json_number(json_next(id))};
    }
    const struct ask ask = {.sampling = {.temperature = json_number(json_get(line, "temperature")),
                                         .top_k = (size_t)json_number(json_get(line, "top_k")),
                                         .top_p = json_number(json_get(line, "top_p")),
                                         .min_p = json_number(json_get(line, "min_p")),
                                         .repetition_penalty = json_number(json_get(line, "repetition_penalty"))},
                            .bias = bias,
                            .n_bias = n_bias};
    sampler->V = V;
    sampler_adjust(sampler, &choice, logits, NULL, &ask, &(struct history){said, n_said, 0});
    const struct logits_scan scan = scan_of(&ask.sampling, logits, V);
    const size_t n = sampler_candidates(sampler, &ask.sampling, logits, &scan);
    double total = 0;
    for (size_t c = 0; c < n; c++)
        total += (double)sampler->candidates[c].p;
    for (const json *pair = json_first(json_get(line, "left")); pair; pair = json_next(pair), i++) {
        const json *id = json_first(pair);
        ck_assert_uint_lt(i, n);
        ck_assert_int_eq(sampler->candidates[i].id, (int32_t)json_number(id));
        ck_assert_double_eq_tol((double)sampler->candidates[i].p / total, json_number(json_next(id)), 2e-6);
    }
    ck_assert_uint_eq(i, n);
}

START_TEST(the_same_as_transformers)
{
    FILE *f = fopen("tests/golden/sampler.jsonl", "r");
    struct sampler sampler;
    char *line = NULL;
    size_t capacity = 0, n_lines = 0;
    ssize_t len;
    ck_assert_ptr_nonnull(f);
    sampler_init(&sampler, V_MAX);
    while ((len = getline(&line, &capacity, f)) > 0) {
        json *parsed;
        ck_assert_int_eq(json_parse(line, (size_t)len, &parsed, NULL), SFT_OK);
        if (n_lines++ > 0) /* the first has versions */
            check_golden(parsed, &sampler);
        json_free(parsed);
    }
    ck_assert_uint_gt(n_lines, 50);
    sampler_free(&sampler);
    free(line);
    fclose(f);
}
END_TEST

/* ---- log probabilities ---- */

START_TEST(the_likeliest_and_their_log_probabilities)
{
    static float logits[V_MAX];
    static struct candidate sorted[V_MAX];
    struct scored_token top[20];
    struct rng rng;
    rng_seed(&rng, 11, 0);
    for (int round = 0; round < 200; round++) {
        const size_t V = 20 + (size_t)rng_below(&rng, 500), n = (size_t)rng_below(&rng, 21);
        double sum = 0;
        for (size_t v = 0; v < V; v++) {
            logits[v] = some_logit(&rng, round % 2 ? 1 : 0);
            sorted[v] = (struct candidate){logits[v], (int32_t)v};
            sum += exp((double)logits[v]);
        }
        qsort(sorted, V, sizeof *sorted, likelier_first);
        const double log_sum = logits_log_sum(logits, V);
        ck_assert_double_eq_tol(log_sum, log(sum), 1e-6);
        logits_top(logits, V, log_sum, top, n);
        for (size_t i = 0; i < n; i++) {
            ck_assert_int_eq(top[i].id, sorted[i].id);
            ck_assert_float_eq_tol(top[i].logprob, (float)((double)sorted[i].p - log(sum)), 1e-5F);
        }
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sampler");
    TCase *tcase = tcase_create("sampler");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, the_same_as_sorting);
    tcase_add_test(tcase, nothing_is_chosen_of_what_is_not_finite);
    tcase_add_test(tcase, greedy_takes_the_first_of_equals);
    tcase_add_test(tcase, draws_follow_the_probabilities);
    tcase_add_test(tcase, what_was_said_becomes_less_likely);
    tcase_add_test(tcase, the_same_as_transformers);
    tcase_add_test(tcase, the_likeliest_and_their_log_probabilities);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
