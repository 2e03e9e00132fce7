/* How many threads compute beside other work: what is decided from measurements, made up here. */
#include "support/run_suite.h"
#include "support/tables.h"
#include "support/err_text.h"
#include "threads.h"
#include "config/settings.h"
#include "train/run.h"
#include "train/step.h"

#include <math.h>
#include <omp.h>
#include <string.h>

/* A machine and a run on it: `cores` of which others want `others`; each step takes `step` seconds. */
struct machine {
    double cores, others, step;
    double now, delay;
    int dropped, returned; /* how often it was said */
};

/* Delays grow by what the threads want and do not get, all that compute being treated alike. Threads that miss time
 * keep the others waiting: half of what they have is lost. */
static void take_step(struct machine *m, struct threads *t)
{
    const double wanted = t->used + m->others, share = wanted > m->cores ? m->cores / wanted : 1;
    const double lost = share < 1 && t->used > 1 ? 0.5 : 0;
    m->now += m->step;
    m->delay += m->step * t->used * (1 - share);
    const int before = t->used;
    const enum threads_change change = threads_decide(t, m->now, m->delay, m->step * t->used * share * (1 - lost));
    m->dropped += change == THREADS_DROPPED;
    m->returned += change == THREADS_RETURNED;
    if (t->used != before) { /* other threads, with an account of their own */
        m->delay = 1000.0 * t->used + m->now;
        threads_window(t, m->now, m->delay);
    }
}

static void run_for(struct machine *m, struct threads *t, double seconds)
{
    for (const double end = m->now + seconds; m->now < end;)
        take_step(m, t);
}

static struct threads begin(int all, int cores)
{
    struct threads t = {.all = all, .used = all, .cores = cores, .settled = -INFINITY};
    threads_window(&t, 0, 0);
    return t;
}

static const double steps[] = {0.01, 0.15, 3}; /* seconds */

START_TEST(a_quiet_machine_keeps_all)
{
    struct machine m = {.cores = 4, .others = 0.1, .step = steps[_i]};
    struct threads t = begin(4, 4);
    run_for(&m, &t, 1000);
    ck_assert_int_eq(t.used, 4);
    ck_assert_int_eq(m.dropped + m.returned, 0);
}
END_TEST

START_TEST(one_of_two_is_dropped_soon_and_said_once)
{
    struct machine m = {.cores = 2, .others = 1, .step = steps[_i]};
    struct threads t = begin(2, 2);
    run_for(&m, &t, 1);
    ck_assert_int_eq(t.used, 1);
    double alone = 0, both = 0;
    for (const double end = m.now + 1000; m.now < end;) {
        const double before = m.now;
        const bool one = t.used == 1;
        take_step(&m, &t);
        *(one ? &alone : &both) += m.now - before;
    }
    ck_assert_int_eq(m.dropped, 1);
    ck_assert_int_eq(m.returned, 0);
    ck_assert_msg(both <= 0.06 * alone && both > 0, "%g s of trials in %g s", both, alone + both);
}
END_TEST

START_TEST(all_come_back_when_there_is_time)
{
    struct machine m = {.cores = 2, .others = 1, .step = steps[_i]};
    struct threads t = begin(2, 2);
    run_for(&m, &t, 300);
    m.others = 0;
    run_for(&m, &t, 75);
    ck_assert_int_eq(t.used, 2);
    ck_assert_int_eq(m.returned, 1);
    run_for(&m, &t, 1000);
    m.others = 1; /* after a long calm it is waited for as briefly as at first */
    run_for(&m, &t, 7);
    ck_assert_int_eq(m.dropped, 2);
    m.others = 0;
    run_for(&m, &t, 12);
    ck_assert_int_eq(m.returned, 2);
}
END_TEST

/* Work of others on every core: one thread would have a smaller share. */
START_TEST(fewer_that_are_slower_are_given_up)
{
    struct machine m = {.cores = 4, .others = 12, .step = steps[_i]};
    struct threads t = begin(4, 4); /* four quarters, half of it lost: 0.5; one has 4/13 */
    double fewer = 0;
    for (const double end = m.now + 1000; m.now < end;) {
        fewer += t.used < 4 ? m.step : 0;
        take_step(&m, &t);
    }
    ck_assert_int_eq(m.dropped, 0);
    ck_assert_msg(fewer > 0 && fewer <= 60, "%g s with fewer threads", fewer);
}
END_TEST

START_TEST(as_many_stay_as_find_cores)
{
    struct machine m = {.cores = 16, .others = 8, .step = steps[_i]};
    struct threads t = begin(16, 16);
    run_for(&m, &t, 60);
    while (t.on_trial)
        take_step(&m, &t);
    ck_assert_int_eq(t.used, 8);
    ck_assert_int_eq(m.dropped, 1);
}
END_TEST

/* Work that comes and goes is not followed each time. */
START_TEST(changes_become_rare)
{
    struct machine m = {.cores = 2, .step = 0.05};
    struct threads t = begin(2, 2);
    for (size_t i = 0; i < 500; i++) {
        m.others = i % 2 ? 1 : 0;
        run_for(&m, &t, 2);
    }
    ck_assert_int_le(m.dropped, 1000 / 30);
    ck_assert_int_ge(m.dropped, 1);
}
END_TEST

START_TEST(a_moment_changes_nothing)
{
    struct machine m = {.cores = 2, .step = 0.05};
    struct threads t = begin(2, 2);
    for (size_t i = 0; i < 100; i++) {
        m.others = 1;
        run_for(&m, &t, 0.15);
        m.others = 0;
        run_for(&m, &t, 1);
    }
    ck_assert_int_eq(m.dropped, 0);
}
END_TEST

START_TEST(where_linux_does_not_say_nothing_changes)
{
    struct threads t = begin(2, 2);
    threads_window(&t, 0, -1);
    for (int i = 1; i < 100; i++)
        ck_assert_int_eq(threads_decide(&t, i, -1, 1), THREADS_SAME);
    ck_assert_int_eq(t.used, 2);
    t = begin(1, 1);
    for (int i = 1; i < 100; i++)
        ck_assert_int_eq(threads_decide(&t, i, 0.9 * i, 1), THREADS_SAME);
    ck_assert_int_eq(t.used, 1);
}
END_TEST

/* ---- in training ---- */

enum { STEPS = 4, ALL = 3 };

/* The weights after some steps, each with so many threads; what the run was allocated for is all of them. */
static struct block trained(const int threads[STEPS])
{
    struct run run;
    struct settings settings;
    struct step_result result;
    struct sft_err err = {0};
    settings_init(&settings);
    static const char *const set[] = {"model.base=checkpoints/base", "data.train=data/train.jsonl",
                                      "train.output_dir=/nowhere"};
    for (size_t i = 0; i < sizeof set / sizeof *set; i++)
        ck_assert(!settings_override(&settings, set[i], &err));
    omp_set_num_threads(ALL);
    ck_assert_msg(!run_prepare(&run, &settings, &(struct run_options){.dry = true}, &err) && !run_allocate(&run, &err),
                  "%s", err_text(&err));
    for (int i = 0; i < STEPS; i++) {
        omp_set_num_threads(threads[i]);
        ck_assert_msg(!step_take(&run.learner, &run.data.train, &run.plan, NULL, &result, &err), "%s", err_text(&err));
    }
    const struct block weights = run.learner.model.params.values;
    run.learner.model.params.values = (struct block){0};
    run_free(&run);
    settings_free(&settings);
    return weights;
}

START_TEST(no_bit_depends_on_how_many_compute)
{
    const int before = omp_get_max_threads();
    struct block all = trained((int[STEPS]){ALL, ALL, ALL, ALL}), changing = trained((int[STEPS]){2, 1, ALL, 1});
    ck_assert_uint_eq(all.bytes, changing.bytes);
    ck_assert(memcmp(all.data, changing.data, all.bytes) == 0);
    block_free(&all);
    block_free(&changing);
    omp_set_num_threads(before);
}
END_TEST

/* Linux's account: delays only grow, and more threads than cores have some. */
START_TEST(delays_are_measured)
{
    const int before = omp_get_max_threads();
    omp_set_num_threads(4 * omp_get_num_procs());
    const double delay = threads_delay();
    if (delay < 0) {
        printf("SKIP: this Linux does not account for delays\n");
    } else {
#pragma omp parallel
        for (const double end = omp_get_wtime() + 0.2; omp_get_wtime() < end;)
            ;
        ck_assert(threads_delay() > delay);
    }
    omp_set_num_threads(before);
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    start_kernels(argv);
    enum { N_STEPS = sizeof steps / sizeof *steps };
    Suite *suite = suite_create("threads");
    TCase *decided = tcase_create("decided");
    tcase_add_loop_test(decided, a_quiet_machine_keeps_all, 0, N_STEPS);
    tcase_add_loop_test(decided, one_of_two_is_dropped_soon_and_said_once, 0, N_STEPS);
    tcase_add_loop_test(decided, all_come_back_when_there_is_time, 0, N_STEPS);
    tcase_add_loop_test(decided, fewer_that_are_slower_are_given_up, 0, N_STEPS);
    tcase_add_loop_test(decided, as_many_stay_as_find_cores, 0, N_STEPS);
    tcase_add_test(decided, changes_become_rare);
    tcase_add_test(decided, a_moment_changes_nothing);
    tcase_add_test(decided, where_linux_does_not_say_nothing_changes);
    tcase_add_test(decided, delays_are_measured);
    tcase_add_test(decided, no_bit_depends_on_how_many_compute);
    suite_add_tcase(suite, decided);
    return run_suite(suite);
}
