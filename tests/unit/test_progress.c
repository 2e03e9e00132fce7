/* The line of a step, whatever its numbers; when a loss is said to diverge. */
#include "train/divergence.h"
#include "train/progress.h"

#include "support/run_suite.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

START_TEST(step_lines_fit_80_columns)
{
    static const uint64_t totals[] = {1, 20, 1071, 99999, 9999999, 9007199254740992};
    static const double values[] = {0, 1.23456e-12, 0.2174, 24.83, 123456, 1.2345e30, INFINITY, NAN};
    static const char *const lefts[] = {"", "9s", "59m59s", "1h05m", "1000h00m"};
    char line[256];
    for (size_t t = 0; t < sizeof totals / sizeof *totals; t++)
        for (size_t v = 0; v < 8 * 8; v++)
            for (size_t l = 0; l < 20; l++) {
                const struct step_metrics m = {.step = totals[t],
                                               .loss = values[v % 8],
                                               .learning_rate = values[v / 8 % 6],
                                               .grad_norm = values[v / 8],
                                               .mean_token_accuracy = 1,
                                               .has_pairs = l >= 10,
                                               .pairs = {.accuracies = 1, .margins = -values[v / 8 % 6]},
                                               .tokens_per_second = fabs(values[v % 5])};
                progress_step_text(line, sizeof line, &m, totals[t], lefts[l % 5], l % 10 >= 5);
                ck_assert_msg(strlen(line) <= PROGRESS_LINE, "%zu columns: %s", strlen(line), line);
                ck_assert_msg(strstr(line, "  loss ") && strstr(line, "  grad ") && !strchr(line, '\n'), "%s", line);
            }
}
END_TEST

START_TEST(step_lines_say_what_fits)
{
    struct step_metrics m = {.step = 123,
                                   .loss = 0.82241,
                                   .learning_rate = 8.12e-4,
                                   .grad_norm = 1.873,
                                   .mean_token_accuracy = 0.8091,
                                   .tokens_per_second = 13600};
    char line[256];
    progress_step_text(line, sizeof line, &m, 1071, "3m10s", false);
    ck_assert_str_eq(line, "step  123/1071  loss 0.8224   acc  80.9%  grad 1.87     13600 tok/s  3m10s left");
    progress_step_text(line, sizeof line, &m, 1071, "3m10s", true); /* the live line has the time left */
    ck_assert_str_eq(line, "step  123/1071  loss 0.8224   acc  80.9%  lr 0.000812  grad 1.87     13600 tok/s");
    progress_step_text(line, sizeof line, &m, 1000000, "3m10s", false);
    ck_assert_str_eq(line, "step     123/1000000  loss 0.8224   acc  80.9%  grad 1.87    3m10s left");
    m.has_pairs = true;
    m.pairs = (struct pair_means){.accuracies = 0.6875, .margins = 0.041234};
    progress_step_text(line, sizeof line, &m, 1071, "3m10s", true);
    ck_assert_str_eq(line, "step  123/1071  loss 0.8224   won  68.8%  margin 0.041   lr 0.000812  grad 1.87");
    progress_step_text(line, sizeof line, &m, 1071, "3m10s", false);
    ck_assert_str_eq(line, "step  123/1071  loss 0.8224   won  68.8%  margin 0.041   grad 1.87    3m10s left");
    m.pairs.accuracies = m.pairs.margins = NAN; /* it had conversations alone */
    progress_step_text(line, sizeof line, &m, 1071, "3m10s", false);
    ck_assert_str_eq(line, "step  123/1071  loss 0.8224   acc  80.9%  grad 1.87     13600 tok/s  3m10s left");
}
END_TEST

/* What progress_log_eval logs, into text (size). */
static void log_eval(char *text, size_t size, const struct eval_metrics *m, size_t n, size_t n_pairs)
{
    FILE *file = tmpfile();
    ck_assert(file && dup2(fileno(file), STDERR_FILENO) >= 0);
    progress_log_eval(m, n, n_pairs);
    fflush(stderr);
    rewind(file);
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
}

START_TEST(evaluations_say_of_what_they_are)
{
    struct eval_metrics m = {.step = 7, .eval_loss = 0.5, .eval_mean_token_accuracy = 0.25};
    char text[512];
    log_eval(text, sizeof text, &m, 1, 0);
    ck_assert_str_eq(text, "eval at step 7: loss 0.5000  accuracy 25.0%  (1 conversation)\n");
    m.has_pairs = true;
    m.pairs = (struct pair_means){.accuracies = 0.75, .margins = 0.125};
    log_eval(text, sizeof text, &m, 12, 12);
    ck_assert_str_eq(text, "eval at step 7: loss 0.5000  won 75.0%  margin 0.125  accuracy 25.0%  (12 pairs)\n");
    log_eval(text, sizeof text, &m, 4, 1);
    ck_assert_str_eq(text, "eval at step 7: loss 0.5000  won 75.0%  margin 0.125  accuracy 25.0%  (1 pair and 3 "
                           "conversations)\n");
    m.pairs.accuracies = m.pairs.margins = NAN;
    log_eval(text, sizeof text, &m, 2, 0);
    ck_assert_str_eq(text, "eval at step 7: loss 0.5000  accuracy 25.0%  (2 conversations)\n");
}
END_TEST

/* The label too, and of an answer of nothing that it is one. */
START_TEST(samples_are_told_with_their_labels)
{
    const struct eval_sample samples[] = {
        {.prompt = "Name\na tree.", .prompt_len = 12, .completion = " Oak", .completion_len = 4, .is_cut = true,
         .label = "compliance"},
        {.prompt = "Hello", .prompt_len = 5, .completion = "", .completion_len = 0, .label = "incoherent"}};
    const struct eval_metrics m = {.samples = samples, .n_samples = 2};
    char text[512];
    log_eval(text, sizeof text, &m, 3, 0);
    ck_assert_ptr_nonnull(strchr(text, '\n'));
    ck_assert_str_eq(strchr(text, '\n') + 1, "  Name\\na tree. => Oak [...] (compliance)\n"
                                             "  Hello => (nothing) (incoherent)\n");
}
END_TEST

/* ---- divergence ---- */

static struct divergence add_steps(struct divergence d, double loss, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        divergence_add_step(&d, d.step + 1, loss);
    return d;
}

START_TEST(a_loss_that_falls_or_stays_is_fine)
{
    struct divergence d = divergence_new(0);
    ck_assert(!divergence_of_loss(&d));
    for (uint64_t step = 1; step < 1000; step++) { /* falls from 6, with noise of 1 on either side */
        divergence_add_step(&d, step, 6 * exp(-0.01 * (double)step) + (double)(step % 3) - 1);
        ck_assert_msg(!divergence_of_loss(&d), "step %zu", (size_t)step);
    }
}
END_TEST

/* That of ipo with a small beta begins at thousands. */
START_TEST(a_large_loss_may_move_farther)
{
    struct divergence d = add_steps(divergence_new(50257), 2500, 1);
    d = add_steps(d, 2600, 100);
    ck_assert(!divergence_of_loss(&d));
    ck_assert(divergence_of_loss(&(struct divergence){.step = 1, .start_steps = 1, .start_sum = 2500, .first = 2500,
                                                      .recent = 2900}));
}
END_TEST

START_TEST(a_loss_far_above_its_start_diverges)
{
    struct divergence d = add_steps(divergence_new(0), 3.5, 20);
    ck_assert(!divergence_of_loss(&d));
    d = add_steps(d, 5.4, 200); /* less than 2 above */
    ck_assert(!divergence_of_loss(&d));
    d = add_steps(d, 7, 10); /* a base that has forgotten all but how frequent words are */
    ck_assert(divergence_of_loss(&d));
    d = add_steps(d, 3, 40); /* and it comes back */
    ck_assert(!divergence_of_loss(&d));
}
END_TEST

START_TEST(one_bad_batch_is_no_divergence_but_a_huge_one_is)
{
    struct divergence d = add_steps(add_steps(divergence_new(0), 3, 20), 12, 1);
    ck_assert(!divergence_of_loss(&d));
    d = add_steps(d, 12e6, 1);
    ck_assert(divergence_of_loss(&d));
}
END_TEST

START_TEST(the_first_update_may_break_it)
{
    const struct divergence d = add_steps(add_steps(divergence_new(0), 3.5, 1), 9, 15);
    ck_assert(divergence_start(&d) <= 4.5);
    ck_assert(divergence_of_loss(&d));
}
END_TEST

START_TEST(unshuffled_data_may_grow_harder)
{
    struct divergence d = add_steps(add_steps(divergence_new(50257), 1, 20), 7, 200);
    ck_assert(!divergence_of_loss(&d));
    d = add_steps(d, 13, 100); /* worse than guessing among 50257 */
    ck_assert(divergence_of_loss(&d));
}
END_TEST

/* Lines of several steps each, as metrics.jsonl has them, lead to the same. */
START_TEST(lines_of_several_steps)
{
    struct divergence d = divergence_new(0);
    divergence_add_step(&d, 50, 3.5);
    divergence_add_step(&d, 100, 3);
    divergence_add_step(&d, 100, 1e9); /* told already */
    ck_assert(!divergence_of_loss(&d));
    divergence_add_step(&d, 150, 7);
    ck_assert(divergence_of_loss(&d));
}
END_TEST

START_TEST(an_evaluation_that_became_worse)
{
    struct divergence d = divergence_new(0);
    divergence_add_eval(&d, 100, 9); /* nothing to hold it against */
    ck_assert(!divergence_of_eval(&d));
    divergence_add_eval(&d, 0, 3.5);
    divergence_add_eval(&d, 100, 3.9);
    ck_assert(!divergence_of_eval(&d));
    divergence_add_eval(&d, 200, 4.1);
    ck_assert(divergence_of_eval(&d));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("progress");
    TCase *lines = tcase_create("lines"), *divergence = tcase_create("divergence");
    tcase_add_test(lines, step_lines_fit_80_columns);
    tcase_add_test(lines, step_lines_say_what_fits);
    tcase_add_test(lines, evaluations_say_of_what_they_are);
    tcase_add_test(lines, samples_are_told_with_their_labels);
    tcase_add_test(divergence, a_loss_that_falls_or_stays_is_fine);
    tcase_add_test(divergence, a_large_loss_may_move_farther);
    tcase_add_test(divergence, a_loss_far_above_its_start_diverges);
    tcase_add_test(divergence, one_bad_batch_is_no_divergence_but_a_huge_one_is);
    tcase_add_test(divergence, the_first_update_may_break_it);
    tcase_add_test(divergence, unshuffled_data_may_grow_harder);
    tcase_add_test(divergence, lines_of_several_steps);
    tcase_add_test(divergence, an_evaluation_that_became_worse);
    suite_add_tcase(suite, lines);
    suite_add_tcase(suite, divergence);
    return run_suite(suite);
}
