/* Rotary positions against transformers' own (tests/golden/rope.json, made by scripts/golden_rope.py). */
#include "model/block/rotary.h"
#include "support/golden.h"
#include "support/measured.h"
#include "support/run_suite.h"

#include <math.h>
#include <string.h>

static struct rope_config kind_of(const json *golden)
{
    const char *type = json_string(json_get(golden, "rope_type"));
    return (struct rope_config){.theta = json_number(json_get(golden, "rope_theta")),
                                .type = strcmp(type, "llama3") == 0   ? ROPE_LLAMA3
                                        : strcmp(type, "linear") == 0 ? ROPE_LINEAR
                                                                      : ROPE_DEFAULT,
                                .factor = json_number(json_get(golden, "factor")),
                                .low_freq_factor = json_number(json_get(golden, "low_freq_factor")),
                                .high_freq_factor = json_number(json_get(golden, "high_freq_factor")),
                                .original_positions =
                                    (size_t)json_number(json_get(golden, "original_max_position_embeddings"))};
}

/* The worse of two errors, NaN the worst. (fmax in these loops breaks gcc 12 on aarch64.) */
static double larger(double worst, double x)
{
    return isnan(worst) || x <= worst ? worst : x;
}

/* torch's own pow is off by a unit in the last place now and then. */
static void check_frequencies(const struct rotary *rotary, const json *golden)
{
    size_t n;
    double *expected = golden_numbers(json_get(golden, "frequencies"), &n), worst = 0;
    ck_assert_uint_eq(n, rotary->dim / 2);
    for (size_t i = 0; i < n; i++)
        worst = larger(worst, fabs((double)rotary->frequencies[i] / expected[i] - 1));
    check_error(json_string(json_get(golden, "rope_type")), "frequencies", worst, 1.2e-7);
    free(expected);
}

static void check_turns(const struct rotary *rotary, const json *golden, size_t n_positions)
{
    size_t n_pairs;
    int32_t *pairs = golden_ids(json_get(golden, "pairs"), &n_pairs);
    double *cosines = golden_numbers(json_get(golden, "cosines"), NULL);
    double *sines = golden_numbers(json_get(golden, "sines"), NULL), worst = 0;
    for (size_t n = 0; n < n_positions; n++)
        for (size_t i = 0; i < n_pairs; i++) {
            const real *cosine = rotary->turns + n * rotary->dim + (size_t)pairs[i], *sine = cosine + rotary->dim / 2;
            worst = larger(worst, fabs((double)*cosine - cosines[n * n_pairs + i]));
            worst = larger(worst, fabs((double)*sine - sines[n * n_pairs + i]));
        }
    check_error(json_string(json_get(golden, "rope_type")), "cosines and sines", worst, 2e-7);
    free(pairs);
    free(cosines);
    free(sines);
}

static void check_kind(const json *golden, const struct batch *batch)
{
    const struct rope_config kind = kind_of(golden);
    const size_t dim = (size_t)json_number(json_get(golden, "dim"));
    struct activation_plan plan = {.N = batch->N};
    rotary_plan(&plan, &kind, dim);
    plan.memory = mem_alloc(plan.bytes);
    plan.bytes = 0;
    const struct rotary rotary = rotary_plan(&plan, &kind, dim);
    rotary_set(&rotary, batch);
    check_frequencies(&rotary, golden);
    check_turns(&rotary, golden, batch->N);
    free(plan.memory);
}

START_TEST(each_kind_turns_as_transformers_does)
{
    json *golden = golden_read("tests/golden", "rope.json");
    size_t n_positions, n_kinds = 0;
    int32_t *positions = golden_ids(json_get(golden, "positions"), &n_positions);
    const struct batch batch = {.N = n_positions, .position = positions};
    for (const json *kind = json_first(json_get(golden, "kinds")); kind; kind = json_next(kind), n_kinds++)
        check_kind(kind, &batch);
    ck_assert_uint_eq(n_kinds, 4);
    free(positions);
    json_free(golden);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rotary positions");
    TCase *tcase = tcase_create("rotary positions");
    tcase_add_test(tcase, each_kind_turns_as_transformers_does);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
