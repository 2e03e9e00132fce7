/* trainer/state.json: what cannot be true is no checkpoint to go on from, whatever its checksums say. */
#include "files/checksums.h"
#include "train/checkpoint.h"

#include "scratch.h"
#include "support/run_suite.h"

#include <stdio.h>

/* What a run of nine steps writes after its fifth. */
static const char *const lines[][2] = {
    {"step", "5"},
    {"num_tokens", "1000"},
    {"num_target_tokens", "400"},
    {"window_loss", "12.5"},
    {"window_correct", "20"},
    {"window_weight", "40"},
    {"window_pairs", "8"},
    {"window_pair_loss", "5.5"},
    {"window_rewards_chosen", "0.5"},
    {"window_rewards_rejected", "-1.25"},
    {"window_rewards_accuracies", "6"},
    {"window_logps_chosen", "-320"},
    {"window_logps_rejected", "-410.5"},
    {"last_eval_step", "4"},
    {"best_step", "4"},
    {"best_metric", "-2.5"},
    {"best_loss", "2.5"},
    {"best_incoherent", "0.25"},
    {"evals_without_improvement", "1"},
    {"total_steps", "9"},
};
enum { N_LINES = sizeof lines / sizeof *lines };

/* checkpoint-STEP with `key` saying `value`, or without it (NULL). Its checksums are right. */
static void put_checkpoint(uint64_t step, const char *key, const char *value)
{
    struct strbuf text = {0};
    char *checkpoint = mem_printf("%s/checkpoint-%llu", dir, (unsigned long long)step);
    char *trainer = path_join(checkpoint, "trainer"), *state = path_join(trainer, "state.json");
    for (size_t i = 0; i < N_LINES; i++) {
        const bool is_it = key && strcmp(lines[i][0], key) == 0;
        if (!is_it || value)
            strbuf_printf(&text, "%s\"%s\": %s\n", i ? "," : "{", lines[i][0], is_it ? value : lines[i][1]);
    }
    strbuf_puts(&text, "}");
    check_ok(io_mkdirs(trainer, &err));
    check_ok(io_write_file(state, text.data, text.len, &err));
    check_ok(checksums_write(checkpoint, &err));
    strbuf_free(&text);
    free(checkpoint);
    free(trainer);
    free(state);
}

/* The step of the checkpoint that is found; 0: none is whole. */
static double found_step(void)
{
    struct checkpoint_found found;
    const enum sft_status status = checkpoint_find(dir, &found, &err);
    ck_assert(status == SFT_OK || status == SFT_EDATA);
    ck_assert((status == SFT_OK) == (found.dir != NULL) && (found.dir != NULL) == (found.state_json != NULL));
    const double step = (double)found.state.step;
    checkpoint_found_free(&found);
    return step;
}

START_TEST(what_cannot_be_is_passed_over)
{
    static const char *const changes[][2] = {
        {"step", "-1"},
        {"step", "4"}, /* not its directory's */
        {"step", "5.5"},
        {"step", "9007199254740992"},
        {"step", "1e300"},
        {"step", "\"5\""},
        {"total_steps", "4"},
        {"total_steps", "0"},
        {"total_steps", "null"},
        {"num_tokens", "-1"},
        {"num_tokens", "1e16"},
        {"num_target_tokens", "1001"},
        {"window_correct", "-1"},
        {"window_weight", "-1"},
        {"window_pairs", "0"},
        {"window_pairs", "2.5"},
        {"window_pair_loss", "\"\""},
        {"window_logps_rejected", NULL},
        {"last_eval_step", "6"},
        {"last_eval_step", "-2"},
        {"last_eval_step", "1e300"},
        {"best_step", "6"},
        {"best_step", "-1"},
        {"best_metric", "\"\""},
        {"best_loss", "null"},
        {"best_incoherent", "1.5"},
        {"evals_without_improvement", "7"},
        {"evals_without_improvement", "0.5"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        put_checkpoint(5, changes[i][0], changes[i][1]);
        ck_assert_msg(!(found_step() > 0), "%s = %s", changes[i][0], changes[i][1]);
        put_checkpoint(3, "step", "3"); /* best_step is later */
        ck_assert(!(found_step() > 0));
    }
    put_checkpoint(5, NULL, NULL);
    ck_assert_double_eq(found_step(), 5);
}
END_TEST

START_TEST(an_older_one_that_can_be_is_taken)
{
    put_checkpoint(5, NULL, NULL);
    put_checkpoint(9007199254740992, "step", "9007199254740992");
    ck_assert_double_eq(found_step(), 5);
    put_checkpoint(9, "step", "9");
    ck_assert_double_eq(found_step(), 9);
    put_checkpoint(10, "step", "10");
    ck_assert_double_eq(found_step(), 9);
}
END_TEST

/* A window of pairs comes back as it was; one without them, or by a program that knew none, has none. */
START_TEST(a_window_has_pairs_or_none)
{
    struct checkpoint_found found;
    struct strbuf text = {0};
    put_checkpoint(5, NULL, NULL);
    check_ok(checkpoint_find(dir, &found, &err));
    const struct pair_sums *pairs = &found.state.window.pairs;
    ck_assert_double_eq(pairs->n, 8);
    ck_assert_double_eq(pairs->loss, 5.5);
    ck_assert_double_eq(pairs->chosen_rewards, 0.5);
    ck_assert_double_eq(pairs->rejected_rewards, -1.25);
    ck_assert_double_eq(pairs->accuracies, 6);
    ck_assert_double_eq(pairs->chosen_logps, -320);
    ck_assert_double_eq(pairs->rejected_logps, -410.5);
    train_state_write(&found.state, &text);
    ck_assert_ptr_nonnull(strstr(text.data, "\"window_logps_rejected\": -410.5,"));
    checkpoint_found_free(&found);
    put_checkpoint(5, "window_pairs", NULL);
    check_ok(checkpoint_find(dir, &found, &err));
    ck_assert_double_eq(found.state.window.pairs.n, 0);
    text.len = 0;
    train_state_write(&found.state, &text);
    ck_assert_ptr_null(strstr(text.data, "window_logps"));
    checkpoint_found_free(&found);
    strbuf_free(&text);
}
END_TEST

/* One by a program that did not keep it: it is not known. */
START_TEST(how_incoherent_the_best_was)
{
    struct checkpoint_found found;
    put_checkpoint(5, NULL, NULL);
    check_ok(checkpoint_find(dir, &found, &err));
    ck_assert_double_eq(found.state.best_incoherent, 0.25);
    checkpoint_found_free(&found);
    put_checkpoint(5, "best_incoherent", NULL);
    check_ok(checkpoint_find(dir, &found, &err));
    ck_assert_double_eq(found.state.best_incoherent, -1);
    checkpoint_found_free(&found);
}
END_TEST

/* One by a program that did not keep the best loss: an equal metric is no improvement, as it was none to that. */
START_TEST(an_older_program_knew_no_best_loss)
{
    struct checkpoint_found found;
    put_checkpoint(5, NULL, NULL);
    check_ok(checkpoint_find(dir, &found, &err));
    ck_assert_double_eq(found.state.best_loss, 2.5);
    ck_assert(train_state_judge(&found.state, -2.5, 2.25) && found.state.best_step == 5);
    checkpoint_found_free(&found);
    put_checkpoint(5, "best_loss", NULL);
    check_ok(checkpoint_find(dir, &found, &err));
    ck_assert(!train_state_judge(&found.state, -2.5, 2.25) && found.state.best_step == 4);
    ck_assert(train_state_judge(&found.state, -2.25, 2.25));
    checkpoint_found_free(&found);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("state");
    TCase *tcase = tcase_create("state");
    tcase_add_checked_fixture(tcase, make_dir, remove_dir);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, what_cannot_be_is_passed_over);
    tcase_add_test(tcase, an_older_one_that_can_be_is_taken);
    tcase_add_test(tcase, a_window_has_pairs_or_none);
    tcase_add_test(tcase, how_incoherent_the_best_was);
    tcase_add_test(tcase, an_older_program_knew_no_best_loss);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
