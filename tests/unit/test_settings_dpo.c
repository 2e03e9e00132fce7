/* [dpo], and what objective = dpo changes besides. */
#include "settings_fixture.h"
#include "support/run_suite.h"

START_TEST(dpo_has_a_section_and_a_rate)
{
    struct strbuf text = {0};
    settings_print(&settings, &text);
    ck_assert_ptr_null(strstr(text.data, "[dpo]"));
    read_text("[train]\nobjective = dpo\n");
    ck_assert_int_eq(settings_check(&settings, false, &err), SFT_OK);
    ck_assert_double_eq(settings.train.learning_rate, 1e-6);
    ck_assert_double_eq(settings.dpo.beta, 0.1);
    strbuf_clear(&text);
    settings_print(&settings, &text);
    ck_assert_ptr_nonnull(strstr(text.data, "\n[dpo]\nbeta = 0.1\nloss_type = sigmoid\nlabel_smoothing = 0\n"
                                            "reference_free = false\nsft_weight = 0\n"));
    read_text(text.data);
    ck_assert_int_eq(settings.train.objective, OBJECTIVE_DPO);
    ck_assert_double_eq(settings.train.learning_rate, 1e-6);
    strbuf_free(&text);
}
END_TEST

START_TEST(a_rate_that_is_given_stays)
{
    read_text("[train]\nobjective = dpo\nlearning_rate = 5e-5\n[dpo]\nloss_type = ipo\n");
    ck_assert_int_eq(settings_check(&settings, false, &err), SFT_OK);
    ck_assert_double_eq(settings.train.learning_rate, 5e-5);
    ck_assert_int_eq(settings.dpo.loss_type, DPO_LOSS_IPO);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("settings of dpo");
    TCase *tests = tcase_create("dpo");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, dpo_has_a_section_and_a_rate);
    tcase_add_test(tests, a_rate_that_is_given_stays);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
