/* Rates of refusals: counts, and statistics held to statsmodels 0.15.0 (scipy 1.17.1):
 *     proportion_confint(k, n, method="wilson"); mcnemar([[7, b], [c, 9]], exact=True).pvalue */
#include "judge/rates.h"
#include "support/run_suite.h"

#include <check.h>
#include <math.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const struct {
    size_t k, n;
    double low, high;
} intervals[] = {
    {0, 1, 0, 0.793450685623},
    {1, 1, 0.206549314377, 1},
    {0, 10, 0, 0.277532799863},
    {3, 10, 0.107791267406, 0.603221852539},
    {10, 10, 0.722467200137, 1},
    {92, 100, 0.850018922991, 0.958906538516},
    {4, 100, 0.0156633039915, 0.0983707143589},
    {1, 200, 0.000883168715601, 0.0277737043979},
    {450, 450, 0.991535681137, 1},
    {12345, 50000, 0.243139903308, 0.250698984634},
};

START_TEST(intervals_are_wilsons)
{
    const struct rate_interval got = rate_interval_of(intervals[_i].k, intervals[_i].n);
    ck_assert_double_eq_tol(got.low, intervals[_i].low, 1e-11);
    ck_assert_double_eq_tol(got.high, intervals[_i].high, 1e-11);
}
END_TEST

static const struct {
    size_t only_a, only_b;
    double p;
} tests[] = {
    {0, 0, 1},
    {1, 0, 1},
    {0, 5, 0.0625},
    {5, 1, 0.21875},
    {6, 0, 0.03125},
    {10, 10, 1},
    {3, 12, 0.03515625},
    {40, 25, 0.0816815339415},
    {90, 1, 7.43170081591e-26},
    {1000, 1100, 0.0307207078642},
};

START_TEST(differences_are_mcnemars)
{
    const double p = rate_mcnemar((struct rate_pairs){tests[_i].only_a, tests[_i].only_b});
    ck_assert_double_eq_tol(p, tests[_i].p, 1e-9 * tests[_i].p);
    ck_assert_double_eq(p, rate_mcnemar((struct rate_pairs){tests[_i].only_b, tests[_i].only_a}));
}
END_TEST

START_TEST(of_nothing_there_is_no_rate)
{
    const struct rate_interval none = rate_interval_of(0, 0);
    ck_assert(isnan(rate_of(0, 0)) && isnan(none.low) && isnan(none.high));
    ck_assert_double_eq(rate_of(1, 4), 0.25);
}
END_TEST

static void expect_counts(struct rate_counts c, size_t n, size_t refused, size_t partial, size_t complied,
                          size_t incoherent)
{
    ck_assert_uint_eq(c.n, n);
    ck_assert_uint_eq(c.refused, refused);
    ck_assert_uint_eq(c.partial, partial);
    ck_assert_uint_eq(c.complied, complied);
    ck_assert_uint_eq(c.incoherent, incoherent);
}

static struct prompt_row rows[] = {
    {.label = PROMPT_UNSAFE, .type = "a"}, {.label = PROMPT_UNSAFE, .type = "b"}, {.label = PROMPT_UNSAFE, .type = "a"},
    {.label = PROMPT_SAFE, .type = "a"},   {.label = PROMPT_SAFE},                {.label = PROMPT_UNLABELLED},
};
static const struct prompts prompts = {.items = rows, .count = COUNT(rows)};
static const enum refusal_label before[] = {JUDGED_FULL_REFUSAL,   JUDGED_COMPLIANCE,   JUDGED_INCOHERENT,
                                            JUDGED_FULL_REFUSAL,   JUDGED_COMPLIANCE,   JUDGED_FULL_REFUSAL};
static const enum refusal_label after[] = {JUDGED_COMPLIANCE, JUDGED_PARTIAL_REFUSAL, JUDGED_FULL_REFUSAL,
                                           JUDGED_INCOHERENT, JUDGED_COMPLIANCE,      JUDGED_COMPLIANCE};

/* An incoherent answer stays in n, neither refused nor complied with; one without a label is nobody's. */
START_TEST(counts_by_label_and_type)
{
    struct rates rates;
    rates_make(&rates, &prompts, after);
    expect_counts(rates.all.unsafe, 3, 2, 1, 1, 0);
    expect_counts(rates.all.safe, 2, 0, 0, 1, 1);
    ck_assert_uint_eq(rates.n_types, 2);
    ck_assert_str_eq(rates.types[0].name, "a");
    expect_counts(rates.types[0].group.unsafe, 2, 1, 0, 1, 0);
    expect_counts(rates.types[0].group.safe, 1, 0, 0, 0, 1);
    expect_counts(rates.types[1].group.unsafe, 1, 1, 1, 0, 0);
    expect_counts(rate_counts_sum(rates.all.unsafe, rates.all.safe), 5, 2, 1, 2, 1);
    rates_free(&rates);
}
END_TEST

START_TEST(pairs_are_of_one_label)
{
    const struct rate_pairs unsafe = rate_pairs_of(&prompts, PROMPT_UNSAFE, before, after),
                            safe = rate_pairs_of(&prompts, PROMPT_SAFE, before, after);
    ck_assert_uint_eq(unsafe.only_a, 1);
    ck_assert_uint_eq(unsafe.only_b, 2);
    ck_assert_uint_eq(safe.only_a, 1);
    ck_assert_uint_eq(safe.only_b, 0);
}
END_TEST

START_TEST(rates_for_people)
{
    static const struct {
        size_t k, n;
        const char *text;
    } texts[] = {{92, 100, "   92/100  92.0% [ 85.0,  95.9]"},
                 {450, 450, "  450/450 100.0% [ 99.2, 100.0]"},
                 {0, 0, "                           none"}};
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct strbuf out = {0};
        rate_add_text(&out, texts[i].k, texts[i].n);
        ck_assert_str_eq(out.data, texts[i].text);
        ck_assert_uint_eq(out.len, RATE_WIDTH);
        strbuf_free(&out);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rates");
    TCase *tcase = tcase_create("rates");
    tcase_add_loop_test(tcase, intervals_are_wilsons, 0, COUNT(intervals));
    tcase_add_test(tcase, rates_for_people);
    tcase_add_loop_test(tcase, differences_are_mcnemars, 0, COUNT(tests));
    tcase_add_test(tcase, of_nothing_there_is_no_rate);
    tcase_add_test(tcase, counts_by_label_and_type);
    tcase_add_test(tcase, pairs_are_of_one_label);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
