/* What is due after which step, and which conversations make which step. */
#include "train/intervals.h"
#include "train/order.h"

#include "support/run_suite.h"

#include <math.h>

/* ---- intervals ---- */

static const struct intervals ten_steps = {
    .total_steps = 10, .steps_per_epoch = 4, .logging_steps = 3, .has_eval = true};

typedef bool due_fn(const struct intervals *intervals, const struct train_state *state);

/* The steps from 0 to 10 at which something is due, as a text of digits ('X': 10). */
static const char *due(due_fn *is_due, const struct intervals *intervals)
{
    static char steps[12];
    size_t n = 0;
    struct train_state state = train_state_new();
    for (state.step = 0; state.step <= 10; state.step++)
        if (is_due(intervals, &state))
            steps[n++] = "0123456789X"[state.step];
    steps[n] = '\0';
    return steps;
}

static bool save_due_soon(const struct intervals *intervals, const struct train_state *state)
{
    return intervals_save_due(intervals, state, 59);
}

static bool save_due_later(const struct intervals *intervals, const struct train_state *state)
{
    return intervals_save_due(intervals, state, 60);
}

START_TEST(lines_and_evaluations)
{
    struct intervals i = ten_steps;
    ck_assert_str_eq(due(intervals_log_due, &i), "0369X");
    ck_assert_str_eq(due(intervals_eval_due, &i), "048X"); /* each epoch's end, and the run's */
    i.eval_steps = 3;
    ck_assert_str_eq(due(intervals_eval_due, &i), "0369X");
    i.has_eval = false;
    ck_assert_str_eq(due(intervals_eval_due, &i), "");
}
END_TEST

START_TEST(checkpoints)
{
    struct intervals i = ten_steps;
    ck_assert_str_eq(due(save_due_later, &i), "048X");
    i.save_interval_s = 60;
    ck_assert_str_eq(due(save_due_soon, &i), "048X");
    ck_assert_str_eq(due(save_due_later, &i), "0123456789X");
    i.save_steps = 7; /* then time does not count */
    ck_assert_str_eq(due(save_due_later, &i), "07X");
}
END_TEST

START_TEST(no_step_is_evaluated_twice)
{
    struct train_state state = train_state_new();
    state.step = 8;
    ck_assert(intervals_eval_due(&ten_steps, &state));
    state.last_eval_step = 8;
    ck_assert(!intervals_eval_due(&ten_steps, &state));
    state.step = 10;
    ck_assert(intervals_at_end(&ten_steps, &state) && !intervals_is_done(&ten_steps, &state));
    state.last_eval_step = 10;
    ck_assert(intervals_is_done(&ten_steps, &state));
}
END_TEST

/* By the eval loss. */
static bool judge(struct train_state *state, double metric)
{
    return train_state_judge(state, metric, -metric);
}

/* Larger is better; neither the evaluation before the first step nor one that is not finite is a judgement. */
START_TEST(the_best_and_the_patience)
{
    struct intervals i = ten_steps;
    struct train_state state = train_state_new();
    i.early_stopping_patience = 2;
    ck_assert(!judge(&state, -1));
    state.step = 1;
    ck_assert(!judge(&state, NAN) && state.best_step == 0 && state.evals_without_improvement == 0);
    ck_assert(judge(&state, -3) && state.best_step == 1);
    state.step = 2;
    ck_assert(!judge(&state, -3)); /* the same is no improvement */
    ck_assert(!intervals_at_end(&i, &state));
    state.step = 3;
    ck_assert(judge(&state, -2) && state.best_step == 3 && state.evals_without_improvement == 0);
    state.step = 4;
    ck_assert(!judge(&state, -5) && !judge(&state, -4));
    ck_assert(intervals_stop_early(&i, &state) && intervals_at_end(&i, &state) && intervals_is_done(&i, &state));
    state.step = 10; /* nothing was left to stop */
    ck_assert(!intervals_stop_early(&i, &state) && intervals_at_end(&i, &state));
}
END_TEST

/* A rate of refusals is often the same, while the model still learns. */
START_TEST(of_equal_metrics_the_lower_loss_is_better)
{
    struct train_state state = train_state_new();
    state.step = 1;
    ck_assert(train_state_judge(&state, 0, INFINITY) && isfinite(state.best_loss));
    state.step = 2;
    ck_assert(train_state_judge(&state, 0, 3) && state.best_step == 2);
    state.step = 3;
    ck_assert(!train_state_judge(&state, 0, 3) && !train_state_judge(&state, 0, NAN));
    ck_assert(!train_state_judge(&state, -1, 1));
    ck_assert_uint_eq(state.evals_without_improvement, 3);
    ck_assert(train_state_judge(&state, 0, 2) && state.best_step == 3 && state.evals_without_improvement == 0);
    state.step = 4;
    ck_assert(train_state_judge(&state, 0.5, 9) && state.best_loss == 9);
}
END_TEST

/* ---- order ---- */

START_TEST(every_conversation_once_an_epoch)
{
    const struct order_options options = {.batch_size = 4, .seed = 7, .shuffle = true};
    struct order order;
    unsigned seen[11] = {0};
    order_init(&order, &options, 11);
    ck_assert_uint_eq(order_steps(11, 4), 3);
    for (uint64_t step = 0; step < 6; step++) {
        size_t count;
        const uint32_t *ids = order_step(&order, step, &count);
        ck_assert_uint_eq(count, step % 3 == 2 ? 3 : 4); /* an epoch's last, short batch is kept */
        for (size_t i = 0; i < count; i++)
            seen[ids[i]]++;
        for (size_t i = 0; step % 3 == 2 && i < 11; i++)
            ck_assert_uint_eq(seen[i], step / 3 + 1);
    }
    order_free(&order);
}
END_TEST

/* A run that goes on asks for a later step first. */
START_TEST(a_step_does_not_depend_on_those_before)
{
    const struct order_options options = {.batch_size = 2, .seed = 7, .shuffle = true};
    struct order all, late;
    size_t count;
    order_init(&all, &options, 9);
    order_init(&late, &options, 9);
    for (uint64_t step = 0; step < 13; step++)
        order_step(&all, step, &count);
    const uint32_t *here = order_step(&all, 13, &count), *there = order_step(&late, 13, &count);
    ck_assert_uint_eq(count, 2);
    ck_assert(here[0] == there[0] && here[1] == there[1]);
    order_free(&all);
    order_free(&late);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("intervals");
    TCase *intervals = tcase_create("intervals"), *order = tcase_create("order");
    tcase_add_test(intervals, lines_and_evaluations);
    tcase_add_test(intervals, checkpoints);
    tcase_add_test(intervals, no_step_is_evaluated_twice);
    tcase_add_test(intervals, the_best_and_the_patience);
    tcase_add_test(intervals, of_equal_metrics_the_lower_loss_is_better);
    tcase_add_test(order, every_conversation_once_an_epoch);
    tcase_add_test(order, a_step_does_not_depend_on_those_before);
    suite_add_tcase(suite, intervals);
    suite_add_tcase(suite, order);
    return run_suite(suite);
}
