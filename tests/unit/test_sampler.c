/* The sampler against its definition: all candidates sorted by comparisons. */
#include "infer/sampler.h"

#include "base/mem.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

/* ---- the definition ---- */

static int likelier_first(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (x->p != y->p)
        return x->p < y->p ? 1 : -1;
    return x->id < y->id ? -1 : 1;
}

static int32_t by_definition(const struct sampling *o, struct rng *rng, const float *logits, size_t V)
{
    struct candidate *c = mem_alloc(V * sizeof *c);
    for (size_t v = 0; v < V; v++)
        c[v] = (struct candidate){logits[v], (int32_t)v};
    qsort(c, V, sizeof *c, likelier_first);
    size_t n = o->top_k && o->top_k < V ? o->top_k : V, kept = 0;
    const float largest = c[0].p;
    double total = 0, sum = 0, left = 0;
    for (size_t i = 0; i < n; i++) {
        c[i].p = expf((c[i].p - largest) / (float)o->temperature);
        total += c[i].p;
    }
    while (kept < n && (kept == 0 || sum < o->top_p * total))
        sum += c[kept++].p;
    left = rng_uniform(rng) * sum;
    size_t chosen = 0;
    while (chosen < kept - 1 && (left -= c[chosen].p) >= 0)
        chosen++;
    const int32_t id = c[chosen].id;
    free(c);
    return id;
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
    enum { N_KINDS = 5, V_MAX = 3000, N_ROUNDS = 1500 };
    static float logits[V_MAX];
    struct rng rng;
    rng_seed(&rng, 7, 0);
    for (int round = 0; round < N_ROUNDS; round++) {
        const int kind = round % N_KINDS;
        const size_t V = 1 + (size_t)(rng_uniform(&rng) * (round % 10 == 0 ? V_MAX - 1 : 60));
        for (size_t v = 0; v < V; v++)
            logits[v] = some_logit(&rng, kind);
        logits[(size_t)(rng_uniform(&rng) * (double)V)] = 1; /* one is finite */
        const struct sampling options = {.temperature = 0.1 + 2 * rng_uniform(&rng),
                                         .top_k = round % 3 ? 0 : (size_t)(rng_uniform(&rng) * (double)V * 1.2),
                                         .top_p = round % 2 ? 1 : 0.01 + 0.99 * rng_uniform(&rng),
                                         .repetition_penalty = 1,
                                         .seed = (uint64_t)round};
        struct sampler sampler;
        struct rng again;
        sampler_init(&sampler, &options, V, 3);
        rng_seed(&again, options.seed, 3);
        for (int draw = 0; draw < 4; draw++) {
            const int32_t id = sampler_next(&sampler, logits, V);
            ck_assert_int_eq(id, by_definition(&options, &again, logits, V));
            ck_assert_float_gt(logits[id], -INFINITY);
        }
        sampler_free(&sampler);
    }
}
END_TEST

START_TEST(greedy_takes_the_first_of_equals)
{
    const struct sampling options = {.temperature = 0, .top_p = 1, .repetition_penalty = 1};
    const float logits[] = {-INFINITY, -3, 2, -1, 2};
    struct sampler sampler;
    sampler_init(&sampler, &options, 5, 0);
    ck_assert_int_eq(sampler_next(&sampler, logits, 5), 2);
    sampler_free(&sampler);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sampler");
    TCase *tcase = tcase_create("sampler");
    tcase_add_test(tcase, the_same_as_sorting);
    tcase_add_test(tcase, greedy_takes_the_first_of_equals);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? 0 : 1;
}
