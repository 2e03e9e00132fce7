/* The journal of `sft synth`: what a later run reads of it, whatever the one before died of. */
#include "disk_calls.h"

#include "collect/synth/journal.h"

#include "scratch.h"

#include <stdio.h>

static struct journal *journal;
static bool is_new;
static const struct journal_head head = {"0123456789abcdef", "{\"recipe.temperature\":\"0.8\",\"recipe.seed\":\"42\"}"};

static enum sft_status open_as(const struct journal_head *h)
{
    char *path = path_join(dir, "rows.journal");
    const enum sft_status status = journal_open(&journal, path, h, &is_new, &err);
    free(path);
    return status;
}

static void open_it(void)
{
    check_ok(open_as(&head));
}

static void reopen(void)
{
    journal_close(journal);
    open_it();
    ck_assert(!is_new);
}

static void end(void)
{
    journal_close(journal);
    journal = NULL;
}

static void sent(int64_t row, uint32_t step, size_t attempt)
{
    check_ok(journal_sent(journal, row, step, attempt, &err));
}

static enum sft_status answer(int64_t row, uint32_t step, const char *text, uint64_t lost)
{
    char *kept = mem_strdup(text), model[] = "tiny";
    const struct journal_answer a = {kept, strlen(kept), false, model, 10, 3};
    const enum sft_status status = journal_answered(journal, row, step, &a, lost, &err);
    free(kept);
    return status;
}

static void expect_answer(int64_t row, uint32_t step, const char *text)
{
    struct journal_answer found;
    bool is_there;
    check_ok(journal_find(journal, row, step, &found, &is_there, &err));
    ck_assert_int_eq(is_there, text != NULL);
    if (text)
        ck_assert_str_eq(found.text, text);
    journal_answer_free(&found);
}

static void expect_totals(uint64_t n_sent, uint64_t answers, uint64_t lost)
{
    const struct journal_totals t = journal_totals(journal);
    ck_assert_uint_eq(t.sent, n_sent);
    ck_assert_uint_eq(t.answers, answers);
    ck_assert_uint_eq(t.lost, lost);
    ck_assert_uint_eq(t.prompt_tokens, 10 * answers);
    ck_assert_uint_eq(t.completion_tokens, 3 * answers);
}

static void tell(void *user, uint64_t row, const char *reason)
{
    strbuf_printf(user, "%lu:%s ", (unsigned long)row, reason ? reason : "kept");
}

static void expect_done(const char *want)
{
    struct strbuf found = {0};
    strbuf_puts(&found, "");
    journal_each_done(journal, tell, &found);
    ck_assert_str_eq(found.data, want);
    strbuf_free(&found);
}

START_TEST(what_was_noted_is_read_by_the_next_run)
{
    open_it();
    ck_assert(is_new);
    sent(7, 1, 0);
    check_ok(answer(7, 1, "Na\xc3\xafve \"quotes\",\nlines \xe2\x80\xa8 and \\ more", 0));
    sent(7, 2, 0);
    check_ok(answer(7, 2, "", 0));
    sent(TOPICS_ROW, 0, 0);
    check_ok(answer(TOPICS_ROW, 0, "- one\n- two", 0));
    check_ok(journal_done(journal, 9, "near_duplicate", &err));
    check_ok(journal_done(journal, 7, NULL, &err));
    expect_answer(7, 1, NULL); /* of this run: the run has it itself */
    reopen();
    expect_answer(7, 1, "Na\xc3\xafve \"quotes\",\nlines \xe2\x80\xa8 and \\ more");
    expect_answer(7, 2, "");
    expect_answer(TOPICS_ROW, 0, "- one\n- two");
    expect_answer(7, 0, NULL);
    expect_answer(8, 1, NULL);
    expect_totals(3, 3, 0);
    expect_done("7:kept 9:near_duplicate ");
    end();
}
END_TEST

START_TEST(answers_carry_what_came_with_them)
{
    struct journal_answer found, given = {.text = (char[]){"half a"}, .len = 6, .is_cut = true};
    bool is_there;
    open_it();
    check_ok(journal_answered(journal, 1, 0, &given, 0, &err));
    check_ok(answer(1, 1, "whole", 0));
    reopen();
    check_ok(journal_find(journal, 1, 0, &found, &is_there, &err));
    ck_assert(found.is_cut && !found.model);
    journal_answer_free(&found);
    check_ok(journal_find(journal, 1, 1, &found, &is_there, &err));
    ck_assert(!found.is_cut);
    ck_assert_str_eq(found.model, "tiny");
    ck_assert_uint_eq(found.prompt_tokens, 10);
    ck_assert_uint_eq(found.completion_tokens, 3);
    journal_answer_free(&found);
    end();
}
END_TEST

/* Lost is what may have been paid for: what an answer or a failure says of it, and all attempts without an end. */
START_TEST(lost_attempts_are_counted_over_runs)
{
    open_it();
    sent(0, 0, 0);
    sent(1, 0, 0);
    sent(0, 0, 1);
    check_ok(answer(0, 0, "second try", 1));
    sent(2, 0, 0);
    check_ok(journal_ended(journal, 2, 0, 0, &err)); /* refused: nobody pays for it */
    reopen();
    expect_totals(4, 1, 2); /* row 1's is in flight for ever */
    sent(1, 0, 0);
    check_ok(answer(1, 0, "at last", 0));
    reopen();
    expect_totals(5, 2, 2);
    end();
}
END_TEST

START_TEST(a_line_without_its_end_is_cut_off)
{
    struct strbuf text = {0};
    open_it();
    check_ok(answer(0, 0, "first", 0));
    check_ok(answer(1, 0, "second", 0));
    end();
    char *path = path_join(dir, "rows.journal");
    check_ok(io_read(path, &text, &err));
    const size_t begin = (size_t)((char *)memrchr(text.data, '\n', text.len - 1) + 1 - text.data);
    for (size_t cut = begin; cut < text.len; cut++) {
        check_ok(io_write_file(path, text.data, cut, &err));
        open_it();
        expect_answer(0, 0, "first");
        expect_answer(1, 0, NULL);
        check_ok(answer(2, 0, "third", 0));
        reopen();
        expect_answer(0, 0, "first");
        expect_answer(2, 0, "third");
        end();
    }
    strbuf_free(&text);
    free(path);
}
END_TEST

/* The first line too: then nothing was sent yet. */
START_TEST(a_journal_that_never_began_is_new)
{
    put("rows.journal", "{\"sft_synth\":1,\"rec");
    open_it();
    ck_assert(is_new);
    sent(0, 0, 0);
    reopen();
    expect_totals(1, 0, 1);
    end();
}
END_TEST

static void expect_refused(enum sft_status status, const char *message)
{
    const size_t len = strlen(dir) + strlen("/rows.journal");
    ck_assert_int_eq(status, SFT_EUSAGE);
    ck_assert_str_eq(err_text(&err) + len, message);
    end();
}

START_TEST(another_recipe_is_refused_by_its_keys)
{
    static const struct {
        const char *keys, *message;
    } cases[] = {
        {"{\"recipe.temperature\":\"1\",\"recipe.seed\":\"42\"}", "recipe.temperature was 0.8, is 1"},
        {"{\"recipe.temperature\":\"0.8\"}", "recipe.seed was 42, is not there"},
        {"{\"recipe.temperature\":\"0.8\",\"recipe.seed\":\"42\",\"recipe.system\":\"x\"}",
         "recipe.system was not there, is x"},
        {"{\"a\":\"1\",\"b\":\"2\",\"c\":\"3\"}",
         "recipe.temperature was 0.8, is not there; recipe.seed was 42, is not "
         "there; a was not there, is 1; b was not there, is 2; 1 more"},
    };
    open_it();
    check_ok(answer(0, 0, "It is.", 0));
    end();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *message = mem_printf(": begun with another recipe: %s (put it back, or give another --out)",
                                   cases[i].message);
        expect_refused(open_as(&(struct journal_head){"fedcba9876543210", cases[i].keys}), message);
        free(message);
    }
}
END_TEST

START_TEST(without_an_answer_another_recipe_begins_it_anew)
{
    const struct journal_head other = {"fedcba9876543210", "{\"recipe.seed\":\"43\"}"};
    open_it();
    sent(0, 0, 0);
    end();
    check_ok(open_as(&other));
    ck_assert(is_new);
    expect_totals(0, 0, 0);
    check_ok(answer(0, 0, "It is.", 0));
    end();
    expect_refused(open_as(&head), ": begun with another recipe: recipe.seed was 43, is 42; recipe.temperature was not "
                                   "there, is 0.8 (put it back, or give another --out)");
}
END_TEST

START_TEST(only_a_new_one_is_removed)
{
    open_it();
    sent(0, 0, 0);
    end();
    open_it();
    journal_remove_new(journal);
    end();
    open_it();
    expect_totals(1, 0, 1);
    end();
    check_ok(open_as(&(struct journal_head){"fedcba9876543210", "{}"}));
    journal_remove_new(journal);
    end();
    open_it();
    ck_assert(is_new);
    end();
}
END_TEST

START_TEST(what_is_no_journal_is_refused)
{
    put("rows.journal", "{\"messages\":[]}\n");
    expect_refused(open_as(&head), ": no journal of sft synth, or a later version's (give another --out)");
    put("rows.journal", "somebody's notes");
    expect_refused(open_as(&head), ": no journal of sft synth (give another --out)");
    put("rows.journal", "{\"sft_synth\":2,\"recipe\":\"0123456789abcdef\"}\n");
    expect_refused(open_as(&head), ": no journal of sft synth, or a later version's (give another --out)");
}
END_TEST

START_TEST(a_broken_line_is_told_by_its_place)
{
    static const char *const lines[] = {"{\"answer\":[],\"text\":\"x\"}",
                                        "{\"answer\":[0],\"text\":\"x\"}",
                                        "{\"answer\":[0,0]}",
                                        "{\"done\":-1,\"as\":\"kept\"}",
                                        "{\"done\":1,\"as\":\"rejected\"}",
                                        "{\"sent\":[0.5,0,0]}",
                                        "{\"ended\":[0,-1]}",
                                        "{\"sent\"",
                                        "[1",
                                        "{\"done\":1e300,\"as\":\"kept\"}"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char *text = mem_printf("{\"sft_synth\":1,\"recipe\":\"0123456789abcdef\",\"keys\":{}}\n%s\n", lines[i]);
        put("rows.journal", text);
        ck_assert_int_eq(open_as(&head), SFT_EDATA);
        ck_assert_msg(strstr(err_text(&err), "rows.journal:2: "), "%s: %s", lines[i], err_text(&err));
        end();
        free(text);
    }
}
END_TEST

START_TEST(one_run_at_a_time)
{
    open_it();
    struct journal *first = journal;
    expect_refused(open_as(&head), ": another sft synth is at work on it (wait for it, or give another --out)");
    journal_close(first);
    open_it();
    end();
}
END_TEST

START_TEST(rows_that_are_made_again_are_open)
{
    open_it();
    check_ok(answer(3, 0, "kept", 0));
    check_ok(journal_done(journal, 3, NULL, &err));
    reopen();
    expect_done("3:kept ");
    check_ok(journal_again(journal, &err));
    expect_done("");
    check_ok(journal_done(journal, 4, NULL, &err));
    reopen();
    expect_done("4:kept ");
    expect_answer(3, 0, "kept");
    end();
}
END_TEST

/* An answer that could not be written is not had, and nothing behind it is. */
START_TEST(no_room_leaves_the_journal_whole)
{
    open_it();
    check_ok(answer(0, 0, "first", 0));
    disk_fail(DISK_WRITE, 4, ENOSPC); /* in the middle of the line */
    disk.is_short = true;
    ck_assert_int_eq(answer(1, 0, "second", 0), SFT_EIO);
    disk.is_short = false;
    disk_heal();
    ck_assert_int_eq(answer(2, 0, "third", 0), SFT_EIO);
    reopen();
    expect_answer(0, 0, "first");
    expect_answer(1, 0, NULL);
    disk_fail(DISK_SYNC, 1, EIO);
    ck_assert_int_eq(answer(1, 0, "second", 0), SFT_EIO);
    disk_heal();
    reopen();
    expect_answer(1, 0, NULL);
    expect_totals(0, 1, 0);
    end();
}
END_TEST

int main(void)
{
    Suite *s = suite_create("journal");
    TCase *t = tcase_create("journal");
    tcase_add_checked_fixture(t, make_dir, remove_dir);
    tcase_add_test(t, what_was_noted_is_read_by_the_next_run);
    tcase_add_test(t, answers_carry_what_came_with_them);
    tcase_add_test(t, lost_attempts_are_counted_over_runs);
    tcase_add_test(t, a_line_without_its_end_is_cut_off);
    tcase_add_test(t, a_journal_that_never_began_is_new);
    tcase_add_test(t, another_recipe_is_refused_by_its_keys);
    tcase_add_test(t, without_an_answer_another_recipe_begins_it_anew);
    tcase_add_test(t, only_a_new_one_is_removed);
    tcase_add_test(t, what_is_no_journal_is_refused);
    tcase_add_test(t, a_broken_line_is_told_by_its_place);
    tcase_add_test(t, one_run_at_a_time);
    tcase_add_test(t, rows_that_are_made_again_are_open);
    tcase_add_test(t, no_room_leaves_the_journal_whole);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
