/* Learning rates against transformers 5.24's get_scheduler: 3e-4 at most, 10 steps. */
#include "train/schedule.h"

#include "support/run_suite.h"

#include <math.h>

enum { STEPS = 10 };

static const struct {
    enum lr_scheduler type;
    double warmup_steps;
    double rates[STEPS + 1]; /* before each step, and after the last */
} schedules[] = {
    {LR_LINEAR, 0, {3e-4, 2.7e-4, 2.4e-4, 2.1e-4, 1.8e-4, 1.5e-4, 1.2e-4, 9e-5, 6e-5, 3e-5, 0}},
    {LR_LINEAR, 4, {0, 7.5e-5, 1.5e-4, 2.25e-4, 3e-4, 2.5e-4, 2e-4, 1.5e-4, 1e-4, 5e-5, 0}},
    {LR_COSINE,
     0,
     {3e-4, 0.00029265847744427303, 0.00027135254915624211, 0.00023816778784387094, 0.00019635254915624211, 1.5e-4,
      0.00010364745084375789, 6.1832212156129036e-05, 2.8647450843757897e-05, 7.34152255572697e-06, 0}},
    {LR_COSINE,
     4,
     {0, 7.5e-5, 1.5e-4, 2.25e-4, 3e-4, 0.0002799038105676658, 2.25e-4, 1.5e-4, 7.5e-5, 2.0096189432334191e-05, 0}},
    {LR_CONSTANT, 4, {3e-4, 3e-4, 3e-4, 3e-4, 3e-4, 3e-4, 3e-4, 3e-4, 3e-4, 3e-4, 3e-4}}, /* knows no warm-up there */
};
enum { N_SCHEDULES = sizeof schedules / sizeof *schedules };

static struct schedule schedule_of(enum lr_scheduler type, double warmup_steps, uint64_t total)
{
    return schedule_make(
        &(struct schedule_options){.type = type, .learning_rate = 3e-4, .warmup_steps = warmup_steps}, total);
}

START_TEST(the_same_rates_as_transformers)
{
    const struct schedule s = schedule_of(schedules[_i].type, schedules[_i].warmup_steps, STEPS);
    for (uint64_t done = 0; done <= STEPS; done++)
        ck_assert_double_eq_tol(schedule_rate(&s, done), schedules[_i].rates[done], 1e-18);
}
END_TEST

/* warmup_ratio in other trainers: a share of all steps, rounded up. */
START_TEST(a_warmup_below_one_is_a_share)
{
    ck_assert_uint_eq(schedule_of(LR_COSINE, 0.25, STEPS).warmup_steps, 3);
    ck_assert_uint_eq(schedule_of(LR_LINEAR, 0.01, STEPS).warmup_steps, 1);
    ck_assert_uint_eq(schedule_of(LR_LINEAR, 0.999, STEPS).warmup_steps, STEPS);
    ck_assert_uint_eq(schedule_of(LR_LINEAR, 1, STEPS).warmup_steps, 1);
    ck_assert_uint_eq(schedule_of(LR_CONSTANT, 0.5, STEPS).warmup_steps, 0);
}
END_TEST

/* A warm-up that is as long as the run, or longer, is cut short by its end. */
START_TEST(a_warmup_may_be_longer_than_the_run)
{
    const struct schedule whole = schedule_of(LR_LINEAR, 4, 4), longer = schedule_of(LR_COSINE, 9, 3);
    ck_assert_double_eq_tol(schedule_rate(&whole, 3), 2.25e-4, 1e-18);
    ck_assert_double_eq(schedule_rate(&whole, 4), 0);
    ck_assert_double_eq_tol(schedule_rate(&longer, 2), 3e-4 * 2 / 9, 1e-18);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("schedule");
    TCase *tests = tcase_create("schedule");
    tcase_add_loop_test(tests, the_same_rates_as_transformers, 0, N_SCHEDULES);
    tcase_add_test(tests, a_warmup_below_one_is_a_share);
    tcase_add_test(tests, a_warmup_may_be_longer_than_the_run);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
