/* What a run of `sft synth` may spend, and the count of what it has come to. */
#include "collect/synth/budget.h"
#include "collect/synth/tally.h"

#include "base/json.h"
#include "base/rng.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- limits ---- */

START_TEST(without_limits_all_may_be_sent)
{
    struct budget b = {.requests = 1000000, .prompt_tokens = 1u << 30, .answers = 1};
    ck_assert_int_eq(budget_ask(&b, false), BUDGET_OPEN);
    ck_assert_int_eq(budget_ask(&b, true), BUDGET_OPEN);
}
END_TEST

START_TEST(requests_are_counted_when_they_are_sent)
{
    struct budget b = {.options.max_requests = 3};
    budget_sent(&b, false);
    budget_sent(&b, true);
    ck_assert_int_eq(budget_ask(&b, true), BUDGET_OPEN);
    budget_sent(&b, false);
    ck_assert_int_eq(budget_ask(&b, false), BUDGET_REQUESTS);
    ck_assert_int_eq(budget_ask(&b, true), BUDGET_REQUESTS); /* a retry is a request */
    ck_assert_uint_eq(b.in_flight, 2);
    ck_assert_str_eq(budget_limit_name(BUDGET_REQUESTS), "max_requests");
}
END_TEST

/* With 100 tokens an answer so far, and two in flight, 100 + 200 are as good as spent. */
START_TEST(what_is_in_flight_counts_at_the_mean)
{
    struct budget b = {.options.max_tokens_total = 300};
    budget_sent(&b, false);
    budget_answered(&b, 60, 40, 0);
    budget_sent(&b, false);
    ck_assert_int_eq(budget_ask(&b, false), BUDGET_OPEN);
    budget_sent(&b, false);
    ck_assert_int_eq(budget_ask(&b, false), BUDGET_TOKENS);
    ck_assert_int_eq(budget_ask(&b, true), BUDGET_OPEN); /* one of the two, sent again */
    budget_ended(&b, 0);
    ck_assert_int_eq(budget_ask(&b, false), BUDGET_OPEN);
}
END_TEST

START_TEST(before_the_first_answer_a_guess_is_taken)
{
    struct budget b = {.options = {.max_tokens_total = 100, .guess_prompt = 30, .guess_completion = 20}};
    budget_sent(&b, false);
    ck_assert_int_eq(budget_ask(&b, false), BUDGET_OPEN);
    budget_sent(&b, false);
    ck_assert_int_eq(budget_ask(&b, false), BUDGET_TOKENS);
}
END_TEST

START_TEST(what_was_lost_counts_too)
{
    struct budget b = {.options.max_tokens_total = 1000};
    budget_sent(&b, false);
    budget_answered(&b, 60, 40, 2);
    ck_assert_double_eq_tol(budget_tokens(&b), 300, 1e-9);
    budget_sent(&b, false);
    budget_ended(&b, 7);
    ck_assert_double_eq_tol(budget_tokens(&b), 1000, 1e-9);
    ck_assert_int_eq(budget_ask(&b, false), BUDGET_TOKENS);
}
END_TEST

START_TEST(prices_are_for_a_million_tokens)
{
    struct budget b = {.options = {.max_cost = 1, .price_prompt = 0.5, .price_completion = 2}};
    budget_sent(&b, false);
    budget_answered(&b, 1000000, 200000, 0);
    ck_assert_double_eq_tol(budget_cost(&b), 0.9, 1e-12);
    ck_assert_int_eq(budget_ask(&b, false), BUDGET_OPEN);
    budget_sent(&b, false);
    ck_assert_int_eq(budget_ask(&b, false), BUDGET_COST);
}
END_TEST

/* Whatever the answers are, limits are passed by no more than what was in flight at the last request. */
START_TEST(limits_are_kept)
{
    struct rng rng;
    rng_seed(&rng, (uint64_t)_i, 0);
    struct budget b = {.options = {.max_tokens_total = 5000 + rng_below(&rng, 5000),
                                   .max_requests = 40,
                                   .guess_prompt = 50,
                                   .guess_completion = 50}};
    uint64_t most_flown = 0;
    for (size_t n = 0; n < 1000; n++) {
        if (b.in_flight < 4 && budget_ask(&b, false) == BUDGET_OPEN) {
            ck_assert_double_lt(budget_tokens(&b), (double)b.options.max_tokens_total);
            budget_sent(&b, false);
            most_flown = b.in_flight;
        } else if (b.in_flight && rng_below(&rng, 8) == 0 && budget_ask(&b, true) == BUDGET_OPEN) {
            budget_sent(&b, true);
        } else if (b.in_flight && rng_below(&rng, 10) == 0) {
            budget_ended(&b, rng_below(&rng, 2));
        } else if (b.in_flight) {
            budget_answered(&b, 1 + rng_below(&rng, 300), 1 + rng_below(&rng, 300), 0);
        }
    }
    ck_assert_uint_eq(b.in_flight, 0);
    ck_assert_uint_le(b.requests, 40);
    ck_assert_double_le((double)(b.prompt_tokens + b.completion_tokens),
                        (double)(b.options.max_tokens_total + 600 * most_flown));
    ck_assert(b.requests == 40 || budget_tokens(&b) >= (double)b.options.max_tokens_total);
}
END_TEST

/* ---- usage ---- */

START_TEST(usage_is_believed_where_it_can_be_true)
{
    static const struct {
        bool is_told;
        uint64_t prompt, completion;
        size_t prompt_bytes, completion_bytes;
        struct token_usage want;
    } cases[] = {
        {true, 100, 20, 400, 80, {100, 20, false}},
        {false, 0, 0, 400, 80, {101, 21, true}},
        {true, 0, 20, 400, 80, {101, 20, true}}, /* nothing for 400 bytes */
        {true, 24, 5, 400, 80, {101, 5, true}},  /* below a token for 16 bytes */
        {true, 25, 5, 400, 80, {25, 5, false}},
        {true, 100, 5000, 400, 80, {100, 5000, false}},  /* it has thought */
        {true, 100, 1u << 20, 400, 80, {100, 21, true}}, /* not that much */
        {true, UINT64_MAX, UINT64_MAX, 400, 80, {101, 21, true}},
        {true, 7, 0, 9, 0, {7, 0, false}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct token_usage got = budget_usage(cases[i].is_told, cases[i].prompt, cases[i].completion,
                                                    cases[i].prompt_bytes, cases[i].completion_bytes);
        ck_assert_msg(got.prompt_tokens == cases[i].want.prompt_tokens &&
                          got.completion_tokens == cases[i].want.completion_tokens &&
                          got.is_estimate == cases[i].want.is_estimate,
                      "case %zu: %lu %lu %d", i, (unsigned long)got.prompt_tokens, (unsigned long)got.completion_tokens,
                      got.is_estimate);
    }
}
END_TEST

/* ---- the count of a run ---- */

static struct tally some_run(void)
{
    struct tally t = {.count = 10, .seconds = 30};
    t.before = (struct budget){.requests = 4, .answers = 3, .lost = 1, .prompt_tokens = 300, .completion_tokens = 60};
    t.budget = (struct budget){.requests = 11, .answers = 9, .lost = 1, .prompt_tokens = 900, .completion_tokens = 180};
    tally_row(&t, NULL, false);
    tally_row(&t, "too_short", false);
    tally_row(&t, NULL, true);
    tally_row(&t, NULL, true);
    tally_row(&t, "too_short", true);
    tally_row(&t, "refuses", true);
    return t;
}

START_TEST(the_table_has_this_run_beside_all)
{
    static const char want[] = "                           this run     all runs\n"
                               "rows                              4            6\n"
                               "  kept                            2            3\n"
                               "  rejected                        2            3\n"
                               "    too_short                     1            2\n"
                               "    refuses                       1            1\n"
                               "requests                          7           11\n"
                               "tokens                          720         1.2K\n"
                               "rows a minute                   8.0\n";
    struct tally t = some_run();
    struct strbuf out = {0};
    tally_table(&t, &out);
    ck_assert_str_eq(out.data, want);
    ck_assert_uint_eq(tally_open(&t), 4);
    strbuf_free(&out);
    tally_free(&t);
}
END_TEST

static double number(const json *root, const char *key)
{
    return json_number(json_get(root, key));
}

START_TEST(the_json_says_the_same)
{
    struct tally t = some_run();
    struct strbuf out = {0};
    json *root;
    t.ended = BUDGET_TOKENS;
    t.budget.options.price_prompt = t.before.options.price_prompt = 1000;
    tally_json(&t, &out);
    ck_assert_int_eq(json_parse(out.data, out.len, &root, NULL), SFT_OK);
    const json *now = json_get(root, "this_run");
    ck_assert_double_eq(number(root, "kept"), 3);
    ck_assert_double_eq(number(now, "kept"), 2);
    ck_assert_double_eq(number(json_get(root, "rejected_by_reason"), "too_short"), 2);
    ck_assert_double_eq(number(json_get(now, "rejected_by_reason"), "too_short"), 1);
    ck_assert_double_eq(number(root, "open"), 4);
    ck_assert_double_eq(number(now, "requests"), 7);
    ck_assert_double_eq_tol(number(root, "cost"), 1.0, 1e-9); /* 900 and a lost one of 100 */
    ck_assert_double_eq_tol(number(now, "rows_per_minute"), 8, 1e-9);
    ck_assert_str_eq(json_string(json_get(root, "stopped_by")), "max_tokens_total");
    json_free(root);
    strbuf_free(&out);
    tally_free(&t);
}
END_TEST

START_TEST(what_is_left_is_the_least_of_all_limits)
{
    struct budget b = {0};
    ck_assert(isinf(budget_left(&b)));
    b.options.max_requests = 10;
    budget_sent(&b, false);
    budget_sent(&b, false);
    ck_assert_double_eq(budget_left(&b), 10); /* what is in flight may be answered, too */
    budget_answered(&b, 60, 40, 0);
    ck_assert_double_eq(budget_left(&b), 9);
    b.options.max_tokens_total = 400;
    ck_assert_double_eq(budget_left(&b), 3);
    b.options.max_cost = 2;
    b.options.price_prompt = b.options.price_completion = 1e4;
    ck_assert_double_eq_tol(budget_left(&b), 1, 1e-9);
    b.options.max_tokens_total = 50;
    ck_assert_double_eq(budget_left(&b), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("budget");
    TCase *t = tcase_create("budget");
    tcase_add_test(t, without_limits_all_may_be_sent);
    tcase_add_test(t, requests_are_counted_when_they_are_sent);
    tcase_add_test(t, what_is_in_flight_counts_at_the_mean);
    tcase_add_test(t, before_the_first_answer_a_guess_is_taken);
    tcase_add_test(t, what_was_lost_counts_too);
    tcase_add_test(t, what_is_left_is_the_least_of_all_limits);
    tcase_add_test(t, prices_are_for_a_million_tokens);
    tcase_add_loop_test(t, limits_are_kept, 0, 50);
    tcase_add_test(t, usage_is_believed_where_it_can_be_true);
    tcase_add_test(t, the_table_has_this_run_beside_all);
    tcase_add_test(t, the_json_says_the_same);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
