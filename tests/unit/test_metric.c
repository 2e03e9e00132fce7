/* What the best model is chosen by, and the lines of metrics.jsonl that tell of it. */
#include "base/json.h"
#include "scratch.h"
#include "support/run_suite.h"
#include "train/metric.h"
#include "train/state.h"

#include <math.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const char *const names[] = {METRIC_CHOICES(CHOICE_WORD)};

static struct eval_metrics all_of(double value)
{
    return (struct eval_metrics){.step = 3,
                                 .eval_loss = value,
                                 .eval_mean_token_accuracy = value,
                                 .has_pairs = true,
                                 .pairs = {value, value, value, value, value, value},
                                 .has_rates = true,
                                 .eval_refusal_rate = value,
                                 .eval_over_refusal_rate = value,
                                 .eval_incoherent_rate = value};
}

/* Write an evaluation's line, and read it; free it with json_free. */
static json *line_of(const struct eval_metrics *m)
{
    char *path = path_join(dir, "metrics.jsonl");
    FILE *f;
    json *row;
    put("metrics.jsonl", "");
    check_ok(metrics_open(&f, path, 9, 9, &err));
    check_ok(metrics_write_eval(f, m, &err));
    fclose(f);
    check_ok(json_parse_file(path, &row, &err));
    free(path);
    return row;
}

/* Each stands for its own member, which has its name in metrics.jsonl, and knows which way is better. */
START_TEST(each_is_its_own)
{
    static const bool higher_is_better[] = {false, true, true, true, true, false, false};
    const struct metric *metric = metric_of((enum metric_choice)_i);
    struct eval_metrics m = all_of(0.25), better = all_of(higher_is_better[_i] ? 0.5 : 0.125);
    ck_assert_double_eq(metric_value(metric, metric_score(metric, &m)), 0.25);
    ck_assert(metric_score(metric, &better) > metric_score(metric, &m));
    memcpy((char *)&m + metric->offset, &(double){0.75}, sizeof(double));
    json *row = line_of(&m);
    for (size_t i = 0; i < COUNT(names); i++)
        ck_assert_double_eq(json_number(json_get(row, names[i])), i == (size_t)_i ? 0.75 : 0.25);
    ck_assert_int_eq(metric->is_rate, _i >= METRIC_REFUSAL);
    json_free(row);
}
END_TEST

START_TEST(lines_have_rates_where_there_are_any)
{
    struct eval_metrics m = all_of(0.5);
    m.eval_over_refusal_rate = NAN; /* no prompt is safe */
    m.unsafe = m.incoherent = (struct eval_count){1, 2, 0.125, 0.875};
    json *row = line_of(&m);
    const json *judged = json_get(row, "eval_judged"), *unsafe = json_get(judged, "unsafe"),
               *safe = json_get(judged, "safe"), *incoherent = json_get(judged, "incoherent");
    ck_assert_double_eq(json_number(json_get(unsafe, "n")), 2);
    ck_assert_double_eq(json_number(json_get(unsafe, "refused")), 1);
    ck_assert_double_eq(json_number(json_get(unsafe, "rate")), 0.5);
    ck_assert_double_eq(json_number(json_first(json_get(unsafe, "ci95"))), 0.125);
    ck_assert_double_eq(json_number(json_next(json_first(json_get(unsafe, "ci95")))), 0.875);
    ck_assert_double_eq(json_number(json_get(safe, "n")), 0);
    ck_assert(json_is_null(json_get(safe, "rate")) && json_is_null(json_first(json_get(safe, "ci95"))));
    ck_assert_double_eq(json_number(json_get(incoherent, "n")), 1);
    ck_assert(json_is_null(json_get(row, "eval_over_refusal_rate")));
    ck_assert_ptr_null(json_get(row, "samples"));
    json_free(row);
    m.has_rates = false;
    row = line_of(&m);
    ck_assert_ptr_null(json_get(row, "eval_refusal_rate"));
    ck_assert_ptr_null(json_get(row, "eval_judged"));
    json_free(row);
}
END_TEST

/* By TRL's names, each its own mean; null where no pair was compared, and absent where none ever is. */
START_TEST(lines_have_rewards_where_there_are_pairs)
{
    static const char *const keys[] = {"eval_rewards/chosen",  "eval_rewards/rejected", "eval_rewards/accuracies",
                                       "eval_rewards/margins", "eval_logps/chosen",     "eval_logps/rejected"};
    static const double means[] = {0.25, -0.5, 0.75, 0.75, -12, -20};
    const struct pair_sums sums = {.n = 4, .chosen_rewards = 1, .rejected_rewards = -2, .accuracies = 3,
                                   .chosen_logps = -48, .rejected_logps = -80}, none = {0};
    struct eval_metrics m = all_of(0.5);
    m.pairs = pair_means_of(&sums);
    json *row = line_of(&m);
    for (size_t i = 0; i < COUNT(keys); i++)
        ck_assert_double_eq(json_number(json_get(row, keys[i])), means[i]);
    json_free(row);
    m.pairs = pair_means_of(&none);
    row = line_of(&m);
    for (size_t i = 0; i < COUNT(keys); i++)
        ck_assert(json_is_null(json_get(row, keys[i])));
    json_free(row);
    m.has_pairs = false;
    row = line_of(&m);
    for (size_t i = 0; i < COUNT(keys); i++)
        ck_assert_ptr_null(json_get(row, keys[i]));
    json_free(row);
}
END_TEST

/* The loss is the targets' mean and the pairs', whichever there are. */
START_TEST(the_mean_of_both_kinds)
{
    const struct loss_sums none = {0}, targets = {.loss = 6, .weight = 4, .correct = 3},
                           pairs = {.pairs = {.n = 2, .loss = 1}};
    struct loss_sums both = targets;
    loss_sums_add(&both, &pairs);
    ck_assert(isnan(loss_sums_mean(&none)) && isnan(loss_sums_accuracy(&none)));
    ck_assert_double_eq(loss_sums_mean(&targets), 1.5);
    ck_assert_double_eq(loss_sums_mean(&pairs), 0.5);
    ck_assert_double_eq(loss_sums_mean(&both), 2);
    ck_assert_double_eq(loss_sums_accuracy(&both), 0.75);
    loss_sums_add(&both, &both);
    ck_assert_double_eq(loss_sums_mean(&both), 2);
}
END_TEST

START_TEST(samples_are_cut_between_characters)
{
    char longest[1000];
    for (size_t i = 0; i < sizeof longest; i++)
        longest[i] = "\xC3\xA4"[i % 2];
    const struct eval_sample samples[] = {
        {.prompt = "a \"b\"", .prompt_len = 5, .completion = longest + 1, .completion_len = 0, .label = "incoherent"},
        {.prompt = longest, .prompt_len = sizeof longest, .completion = "c\n", .completion_len = 2, .label = "x"}};
    struct eval_metrics m = all_of(0.5);
    m.samples = samples;
    m.n_samples = 2;
    json *row = line_of(&m);
    const json *first = json_first(json_get(row, "samples")), *second = json_next(first);
    ck_assert_str_eq(json_string(json_get(first, "prompt")), "a \"b\"");
    ck_assert_str_eq(json_string(json_get(first, "completion")), "");
    ck_assert_str_eq(json_string(json_get(first, "label")), "incoherent");
    ck_assert_uint_eq(strlen(json_string(json_get(second, "prompt"))), 500);
    ck_assert_ptr_null(strstr(json_string(json_get(second, "prompt")), "\xEF\xBF\xBD"));
    ck_assert_str_eq(json_string(json_get(second, "completion")), "c\n");
    ck_assert_ptr_null(json_next(second));
    json_free(row);
}
END_TEST

/* One that is not there is never the best. */
START_TEST(what_is_not_there_is_not_judged)
{
    struct train_state state = train_state_new();
    struct eval_metrics m = all_of(NAN);
    state.step = 3;
    ck_assert(!train_state_judge(&state, metric_score(metric_of(METRIC_OVER_REFUSAL), &m), 1));
    ck_assert_uint_eq(state.best_step, 0);
    m = all_of(0);
    ck_assert(train_state_judge(&state, metric_score(metric_of(METRIC_OVER_REFUSAL), &m), 1));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("metric");
    TCase *tcase = tcase_create("metric");
    tcase_add_checked_fixture(tcase, make_dir, remove_dir);
    tcase_add_loop_test(tcase, each_is_its_own, 0, COUNT(names));
    tcase_add_test(tcase, lines_have_rates_where_there_are_any);
    tcase_add_test(tcase, lines_have_rewards_where_there_are_pairs);
    tcase_add_test(tcase, the_mean_of_both_kinds);
    tcase_add_test(tcase, samples_are_cut_between_characters);
    tcase_add_test(tcase, what_is_not_there_is_not_judged);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
