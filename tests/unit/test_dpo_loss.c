/* The loss of a pair: values that torch gives in float64, slopes against differences, and what no pair may break. */
#include "support/run_suite.h"
#include "train/dpo_loss.h"

#include <check.h>
#include <math.h>

static const struct known {
    struct dpo_options options;
    struct dpo_answer chosen, rejected;
    double loss, dchosen, drejected;
} known[] = {
    {{.beta = 0.1, .loss_type = DPO_LOSS_SIGMOID},
     {-40.5, -42, 12},
     {-55.25, -50, 20},
     0.41155083286785243,
     -0.033737816282991752,
     0.033737816282991752},
    {{.beta = 0.1, .loss_type = DPO_LOSS_IPO},
     {-40.5, -42, 12},
     {-55.25, -50, 20},
     21.275156249999998,
     -0.76874999999999993,
     0.46124999999999999},
    {{.beta = 0.5, .loss_type = DPO_LOSS_SIGMOID, .label_smoothing = 0.1},
     {-3, -2, 1},
     {-4, -4.5, 3},
     1.0618710061148999,
     -0.2895893495876965,
     0.2895893495876965},
    {{.beta = 0.5, .loss_type = DPO_LOSS_IPO},
     {-3, -2, 1},
     {-4, -4.5, 3},
     4.6944444444444455,
     -4.3333333333333339,
     1.4444444444444446},
    {{.beta = 0.1, .loss_type = DPO_LOSS_SIGMOID, .label_smoothing = 0.25},
     {-300, -20, 7},
     {-10, -200, 9},
     35.25,
     -0.075000000000000011,
     0.075000000000000011},
};
enum { KNOWN = sizeof known / sizeof *known };

START_TEST(is_what_torch_gives)
{
    const struct known *k = &known[_i];
    const struct dpo_pair pair = dpo_pair_loss(&k->options, &k->chosen, &k->rejected);
    ck_assert_double_eq_tol(pair.loss, k->loss, 1e-14 * k->loss);
    ck_assert_double_eq_tol(pair.dchosen, k->dchosen, 1e-14 * fabs(k->dchosen));
    ck_assert_double_eq_tol(pair.drejected, k->drejected, 1e-14 * k->drejected);
    ck_assert_double_eq(pair.chosen_reward, k->options.beta * (k->chosen.logps - k->chosen.reference));
    ck_assert_double_eq(pair.rejected_reward, k->options.beta * (k->rejected.logps - k->rejected.reference));
}
END_TEST

START_TEST(slopes_are_those_of_the_loss)
{
    static const double by = 1e-5;
    const struct known *k = &known[_i];
    const struct dpo_pair pair = dpo_pair_loss(&k->options, &k->chosen, &k->rejected);
    struct dpo_answer up = k->chosen, down = k->chosen;
    up.logps += by;
    down.logps -= by;
    const double chosen = (dpo_pair_loss(&k->options, &up, &k->rejected).loss -
                           dpo_pair_loss(&k->options, &down, &k->rejected).loss) / (2 * by);
    up = down = k->rejected;
    up.logps += by;
    down.logps -= by;
    const double rejected = (dpo_pair_loss(&k->options, &k->chosen, &up).loss -
                             dpo_pair_loss(&k->options, &k->chosen, &down).loss) / (2 * by);
    ck_assert_double_eq_tol(pair.dchosen, chosen, 1e-7);
    ck_assert_double_eq_tol(pair.drejected, rejected, 1e-7);
}
END_TEST

/* A model that has not moved: ln 2, and each answer is pulled by half of beta. */
START_TEST(a_model_that_is_its_own_reference)
{
    const struct dpo_options sigmoid = {.beta = 0.1, .loss_type = DPO_LOSS_SIGMOID};
    const struct dpo_options ipo = {.beta = 0.1, .loss_type = DPO_LOSS_IPO};
    const struct dpo_answer chosen = {-12.5, -12.5, 4}, rejected = {-800, -800, 300};
    struct dpo_pair pair = dpo_pair_loss(&sigmoid, &chosen, &rejected);
    ck_assert_double_eq(pair.loss, log(2));
    ck_assert_double_eq(pair.dchosen, -0.05);
    ck_assert_double_eq(pair.drejected, 0.05);
    ck_assert_double_eq(pair.chosen_reward, 0);
    pair = dpo_pair_loss(&ipo, &chosen, &rejected);
    ck_assert_double_eq(pair.loss, 25);
    ck_assert_double_eq(pair.dchosen, -2.5);
}
END_TEST

/* Far on either side neither overflows, nor stops to pull. */
START_TEST(no_pair_is_too_far_apart)
{
    const struct dpo_options options = {.beta = 1, .loss_type = DPO_LOSS_SIGMOID};
    const struct dpo_answer none = {0, 0, 1};
    const struct dpo_answer far_above = {0, -1e6, 1}, far_below = {-1e6, 0, 1};
    struct dpo_pair pair = dpo_pair_loss(&options, &far_above, &none);
    ck_assert_double_eq(pair.loss, 0);
    ck_assert(fabs(pair.dchosen) <= 0);
    pair = dpo_pair_loss(&options, &far_below, &none);
    ck_assert_double_eq(pair.loss, 1e6);
    ck_assert_double_eq(pair.dchosen, -1);
    ck_assert_double_eq(pair.drejected, 1);
}
END_TEST

/* One that was cut to nothing: its mean is nothing, not 0 / 0. */
START_TEST(an_empty_answer_has_no_mean)
{
    const struct dpo_options options = {.beta = 0.5, .loss_type = DPO_LOSS_IPO};
    const struct dpo_answer chosen = {-3, -2, 2}, empty = {0, 0, 0};
    ck_assert_double_eq(dpo_pair_loss(&options, &chosen, &empty).loss, 2.25);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dpo_loss");
    TCase *tcase = tcase_create("pair");
    tcase_add_loop_test(tcase, is_what_torch_gives, 0, KNOWN);
    tcase_add_loop_test(tcase, slopes_are_those_of_the_loss, 0, KNOWN);
    tcase_add_test(tcase, a_model_that_is_its_own_reference);
    tcase_add_test(tcase, no_pair_is_too_far_apart);
    tcase_add_test(tcase, an_empty_answer_has_no_mean);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
