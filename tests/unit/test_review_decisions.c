/* Reviewers' files: lines and what they mean, undo, torn ends, other reviewers, and how far they agree. */
#include "collect/review/agreement.h"
#include "collect/review/side_file.h"
#include "scratch.h"
#include "support/run_suite.h"

#include <math.h>
#include <stdio.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static struct side_file side;
static char *file;

static void begin(void)
{
    make_dir();
    file = path_join(dir, "rows.jsonl");
    check_ok(side_file_open(&side, file, "anna", &err));
}

static void end(void)
{
    side_file_close(&side);
    free(file);
    remove_dir();
}

static void open_again(void)
{
    side_file_close(&side);
    check_ok(side_file_open(&side, file, "anna", &err));
}

static void decide(size_t row, enum verdict verdict, const char *reason)
{
    struct decision d = {.row = row, .verdict = verdict, .hash = 16 + row, .has_hash = true,
                         .reason = reason ? mem_strdup(reason) : NULL};
    check_ok(side_file_append(&side, &d, &err));
}

static void expect(size_t row, enum verdict verdict, size_t seq)
{
    ck_assert_int_eq(side_file_verdict(&side, row, 16 + row), verdict);
    ck_assert_uint_eq(side_file_seq(&side, row), seq);
}

static char *content(void)
{
    struct strbuf text = {0};
    check_ok(io_read(side.path, &text, &err));
    return text.data;
}

static void expect_content(const char *text)
{
    char *found = content();
    ck_assert_str_eq(found, text);
    free(found);
}

static void append_bytes(const char *path, const char *bytes)
{
    FILE *f = fopen(path, "a");
    ck_assert(f && fputs(bytes, f) >= 0 && fclose(f) == 0);
}

static void put_bytes(const char *bytes, size_t len)
{
    char *path = mem_printf("%s.review.anna.jsonl", file);
    check_ok(io_write_file(path, bytes, len, &err));
    free(path);
}

/* ---- lines ---- */

START_TEST(a_line_is_read_and_written_as_it_was)
{
    static const char line[] =
        "{\"row\":17,\"decision\":\"edit\",\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"chosen\":[],"
        "\"rejected\":[{\"x\":1}],\"reason\":\"too \\\"short\\\"\",\"tags\":[\"a\",\"b\"],\"undone\":true,"
        "\"time\":\"2026-11-27T07:00:00Z\",\"hash\":\"00ab00000000cdef\"}\n";
    struct decision d;
    struct strbuf out = {0};
    check_ok(decision_parse(&d, line, strlen(line), &err));
    ck_assert_uint_eq(d.row, 17);
    ck_assert_uint_eq(d.hash, 0xab00000000cdef);
    ck_assert(d.verdict == VERDICT_EDIT && d.is_undo && d.has_hash && d.tags.count == 2);
    decision_print(&d, &out);
    ck_assert_str_eq(out.data, line);
    strbuf_free(&out);
    decision_free(&d);
}
END_TEST

static const struct {
    const char *line, *message;
} bad_lines[] = {
    {"[]", "expected an object, found an array"},
    {"{\"row\":1}", "decision: expected accept, edit, reject or skip"},
    {"{\"row\":1,\"decision\":\"Accept\"}", "decision: expected accept, edit, reject or skip"},
    {"{\"decision\":\"accept\"}", "row: expected a number from 1 on"},
    {"{\"row\":0,\"decision\":\"accept\"}", "row: expected a number from 1 on"},
    {"{\"row\":90000000000,\"decision\":\"accept\"}", "row: expected a number from 1 on"},
};

START_TEST(what_is_no_decision_is_said)
{
    struct decision d;
    ck_assert_int_eq(decision_parse(&d, bad_lines[_i].line, strlen(bad_lines[_i].line), &err), SFT_EDATA);
    ck_assert_str_eq(err_text(&err), bad_lines[_i].message);
    ck_assert_int_eq(decision_parse(&d, bad_lines[_i].line, strlen(bad_lines[_i].line), NULL), SFT_EDATA);
}
END_TEST

/* ---- files ---- */

START_TEST(the_last_line_counts)
{
    decide(1, VERDICT_ACCEPT, NULL);
    decide(2, VERDICT_REJECT, "wrong");
    decide(1, VERDICT_SKIP, NULL);
    expect(1, VERDICT_SKIP, 2);
    expect(2, VERDICT_REJECT, 1);
    expect(3, VERDICT_NONE, 0);
    ck_assert_int_eq(side_file_verdict(&side, 2, 99), VERDICT_NONE); /* the row has changed */
    ck_assert_str_eq(side_file_last(&side, 2)->reason, "wrong");
    open_again();
    expect(1, VERDICT_SKIP, 2);
    expect(2, VERDICT_REJECT, 1);
    ck_assert_str_eq(side_file_last(&side, 2)->reason, "wrong");
}
END_TEST

static size_t undo(void)
{
    size_t row = 0;
    check_ok(side_file_undo(&side, "t", &row, &err));
    return row;
}

START_TEST(undo_goes_back_step_by_step)
{
    size_t row;
    ck_assert(!side_file_can_undo(&side));
    ck_assert_int_eq(side_file_undo(&side, "t", &row, &err), SFT_EUSAGE);
    decide(1, VERDICT_SKIP, NULL);
    decide(2, VERDICT_REJECT, NULL);
    decide(1, VERDICT_ACCEPT, "fine");
    decide(1, VERDICT_REJECT, "not so fine");
    ck_assert_uint_eq(undo(), 1);
    expect(1, VERDICT_ACCEPT, 4);
    ck_assert_str_eq(side_file_last(&side, 1)->reason, "fine");
    open_again();
    expect(1, VERDICT_ACCEPT, 4);
    ck_assert_uint_eq(undo(), 1);
    expect(1, VERDICT_SKIP, 5); /* it was one: not undecided */
    decide(1, VERDICT_EDIT, NULL);
    ck_assert_uint_eq(undo(), 1);
    expect(1, VERDICT_SKIP, 7);
    ck_assert_uint_eq(undo(), 2);
    expect(2, VERDICT_NONE, 2);
    ck_assert_ptr_null(side_file_last(&side, 2));
    open_again();
    expect(2, VERDICT_NONE, 2);
    ck_assert_uint_eq(undo(), 1);
    expect(1, VERDICT_NONE, 8);
    ck_assert(!side_file_can_undo(&side));
    open_again();
    expect(1, VERDICT_NONE, 8);
    ck_assert(!side_file_can_undo(&side));
}
END_TEST

/* Undone in any order of decisions, what is read again is what was there. */
START_TEST(any_history_is_read_as_it_was_written)
{
    unsigned seed = 7;
    for (size_t i = 0; i < 400; i++) {
        seed = seed * 1103515245U + 12345U;
        if (seed >> 16 & 1 && side_file_can_undo(&side))
            undo();
        else
            decide(1 + (seed >> 20) % 5, VERDICT_ACCEPT + (seed >> 24) % 4, NULL);
    }
    enum verdict verdicts[5];
    const size_t steps = side.n_steps;
    for (size_t row = 1; row <= 5; row++)
        verdicts[row - 1] = side_file_verdict(&side, row, 16 + row);
    open_again();
    ck_assert_uint_eq(side.n_steps, steps);
    for (size_t row = 1; row <= 5; row++)
        ck_assert_int_eq(side_file_verdict(&side, row, 16 + row), verdicts[row - 1]);
    while (side_file_can_undo(&side))
        undo();
    for (size_t row = 1; row <= 5; row++)
        ck_assert_int_eq(side_file_verdict(&side, row, 16 + row), VERDICT_NONE);
}
END_TEST

/* Wherever a kill cuts the last line off, what was before it stays, and the next decision has a line of its own. */
START_TEST(a_torn_line_is_cut_off)
{
    decide(1, VERDICT_ACCEPT, NULL);
    char *first = content();
    decide(2, VERDICT_REJECT, "why");
    char *both = content();
    for (size_t len = strlen(first); len < strlen(both); len++) {
        side_file_close(&side);
        put_bytes(both, len);
        check_ok(side_file_open(&side, file, "anna", &err));
        if (len + 1 < strlen(both)) {
            expect_content(first);
            expect(2, VERDICT_NONE, 0);
        } else { /* all of it but the line break */
            expect_content(both);
            expect(2, VERDICT_REJECT, 1);
        }
        decide(3, VERDICT_SKIP, NULL);
        open_again();
        expect(1, VERDICT_ACCEPT, 1);
        expect(3, VERDICT_SKIP, 1);
        ck_assert_uint_eq(side.n_bad, 0);
    }
    free(first);
    free(both);
}
END_TEST

/* A torn line of somebody else's, in our file while we have it open. */
START_TEST(a_decision_begins_a_line_of_its_own)
{
    decide(1, VERDICT_ACCEPT, NULL);
    append_bytes(side.path, "{\"row\":7,\"dec");
    decide(2, VERDICT_REJECT, NULL);
    open_again();
    expect(1, VERDICT_ACCEPT, 1);
    expect(2, VERDICT_REJECT, 1);
    ck_assert_uint_eq(side.n_bad, 1);
}
END_TEST

/* What is written to a file that has no name, or is not the one of that name, is lost. */
START_TEST(a_file_that_was_moved_takes_no_decisions)
{
    struct decision d = {.row = 2, .verdict = VERDICT_ACCEPT};
    char *other = path_join(dir, "other");
    decide(1, VERDICT_ACCEPT, NULL);
    ck_assert_int_eq(rename(side.path, other), 0);
    ck_assert_int_eq(side_file_append(&side, &d, &err), SFT_EIO);
    put_bytes("", 0);
    d = (struct decision){.row = 2, .verdict = VERDICT_ACCEPT};
    ck_assert_int_eq(side_file_append(&side, &d, &err), SFT_EIO);
    ck_assert_ptr_nonnull(strstr(err_text(&err), "was moved, removed or replaced (start sft review again)"));
    expect(2, VERDICT_NONE, 0);
    open_again();
    decide(2, VERDICT_ACCEPT, NULL);
    free(other);
}
END_TEST

START_TEST(a_link_is_not_followed)
{
    char *victim = path_join(dir, "victim"), *link = mem_printf("%s.review.eve.jsonl", file);
    struct side_file eve;
    struct strbuf text = {0};
    put("victim", "no decision, no line break");
    ck_assert_int_eq(symlink(victim, link), 0);
    ck_assert_int_eq(side_file_open(&eve, file, "eve", &err), SFT_EUSAGE);
    ck_assert_ptr_nonnull(strstr(err_text(&err), "is a link"));
    side_file_close(&eve);
    check_ok(io_read(victim, &text, &err));
    ck_assert_str_eq(text.data, "no decision, no line break");
    strbuf_free(&text);
    free(victim);
    free(link);
}
END_TEST

START_TEST(lines_of_others_are_passed_over_and_counted)
{
    append_bytes(side.path, "# mine\n\n{\"row\":1,\"decision\":\"accept\"}\n{\"row\":1,\"decision\":\"maybe\"}\n"
                            "{\"row\":2,\"decision\":\"skip\",\"undone\":true}\n");
    open_again();
    ck_assert_uint_eq(side.n_bad, 2);
    ck_assert_int_eq(side_file_verdict(&side, 1, 12345), VERDICT_ACCEPT); /* without a hash: of whatever text */
    ck_assert_ptr_null(side_file_last(&side, 2));
}
END_TEST

START_TEST(a_name_is_one_process)
{
    struct side_file second;
    ck_assert_int_eq(side_file_open(&second, file, "anna", &err), SFT_EUSAGE);
    ck_assert_str_eq(err_text(&err), "a review of this file by anna is running already (another --name: several "
                                     "people can review it at once)");
    side_file_close(&second);
    check_ok(side_file_open(&second, file, "ben", &err));
    side_file_close(&second);
}
END_TEST

static const char *const bad_names[] = {"", ".anna", "an/na", "an na", "änna", "a\n", "..",
                                        "12345678901234567890123456789012345678901234567890123456789012345"};

START_TEST(names_are_parts_of_paths)
{
    ck_assert_int_eq(side_file_check_name(bad_names[_i], &err), SFT_EUSAGE);
    check_ok(side_file_check_name("Anna-Maria.2_x", &err));
}
END_TEST

/* ---- others ---- */

static void put_line(const char *name, const char *line)
{
    char *path = mem_printf("%s.review.%s.jsonl", file, name);
    append_bytes(path, line);
    free(path);
}

START_TEST(others_are_found_and_read_as_they_grow)
{
    struct side_files others;
    side_files_init(&others, file, "anna");
    put_line("cy", "{\"row\":1,\"decision\":\"accept\"}\n{\"row\":2,\"deci");
    put_line("..", "{\"row\":1,\"decision\":\"accept\"}\n");
    put("other.jsonl.review.dora.jsonl", "{\"row\":1,\"decision\":\"accept\"}\n");
    check_ok(side_files_refresh(&others, &err));
    ck_assert_uint_eq(others.count, 1);
    ck_assert_str_eq(others.items[0].name, "cy");
    ck_assert_int_eq(side_file_verdict(&others.items[0], 1, 5), VERDICT_ACCEPT);
    ck_assert_int_eq(side_file_verdict(&others.items[0], 2, 5), VERDICT_NONE);
    put_line("cy", "sion\":\"reject\"}\n");
    put_line("ben", "{\"row\":3,\"decision\":\"edit\"}\n");
    check_ok(side_files_refresh(&others, &err));
    ck_assert_uint_eq(others.count, 2);
    ck_assert_str_eq(others.items[0].name, "ben");
    ck_assert_int_eq(side_file_verdict(&others.items[1], 2, 5), VERDICT_REJECT);
    ck_assert_uint_eq(others.items[1].n_bad, 0);
    put("rows.jsonl.review.cy.jsonl", "{\"row\":9,\"decision\":\"skip\"}\n"); /* written anew */
    ck_assert_int_eq(unlink(others.items[0].path), 0);
    check_ok(side_files_refresh(&others, &err));
    ck_assert_int_eq(side_file_verdict(&others.items[0], 3, 5), VERDICT_NONE);
    ck_assert_int_eq(side_file_verdict(&others.items[1], 1, 5), VERDICT_NONE);
    ck_assert_int_eq(side_file_verdict(&others.items[1], 9, 5), VERDICT_SKIP);
    side_files_free(&others);
}
END_TEST

/* Put in place of the one before, as an editor saves: as long, or longer. */
START_TEST(a_file_of_another_that_was_replaced_is_read_anew)
{
    static const char before[] = "{\"row\":1,\"decision\":\"accept\"}\n";
    static const char after[] = "{\"row\":1,\"decision\":\"reject\"}\n";
    struct side_file ben;
    side_file_init(&ben, file, "ben");
    put_line("ben", before);
    check_ok(side_file_refresh(&ben, &err));
    ck_assert_int_eq(side_file_verdict(&ben, 1, 5), VERDICT_ACCEPT);
    put_line("new", after);
    char *path = mem_printf("%s.review.new.jsonl", file);
    ck_assert_int_eq(rename(path, ben.path), 0);
    check_ok(side_file_refresh(&ben, &err));
    ck_assert_int_eq(side_file_verdict(&ben, 1, 5), VERDICT_REJECT);
    ck_assert_uint_eq(ben.count, 1);
    free(path);
    side_file_close(&ben);
}
END_TEST

/* A number that is none of the file's costs no more than another. */
START_TEST(any_row_costs_the_same)
{
    for (size_t i = 0; i < 200; i++) {
        char *line = mem_printf("{\"row\":%zu,\"decision\":\"accept\"}\n", ROWS_MAX - 40000 * i);
        append_bytes(side.path, line);
        free(line);
    }
    open_again();
    ck_assert_uint_eq(side.n_rows, 200);
    ck_assert_uint_le(side.rows_capacity, 512);
    ck_assert_int_eq(side_file_verdict(&side, ROWS_MAX, 5), VERDICT_ACCEPT);
    ck_assert_int_eq(side_file_verdict(&side, ROWS_MAX - 40000 * 199, 5), VERDICT_ACCEPT);
    ck_assert_uint_eq(side_file_seq(&side, ROWS_MAX - 40000), 1);
    ck_assert_uint_eq(side_file_seq(&side, ROWS_MAX - 1), 0);
    ck_assert_uint_eq(side_file_seq(&side, 0), 0);
}
END_TEST

/* ---- agreement: scikit-learn 1.9.1's cohen_kappa_score ---- */

static const struct {
    struct agreement rows;
    double kappa;
} kappas[] = {
    {{5, 2, 1, 1}, 0.18181818181818188}, {{20, 5, 10, 15}, 0.4},
    {{45, 15, 25, 15}, 0.13043478260869568}, {{25, 35, 5, 35}, 0.2592592592592593},
    {{0, 3, 3, 0}, -1.0}, {{1, 0, 0, 1}, 1.0},
    {{97, 1, 2, 0}, -0.013513513513513598}, {{6, 2, 1, 2}, 0.37735849056603776},
    {{4, 2, 1, 2}, 0.3076923076923077},
};

START_TEST(kappa_is_cohens)
{
    ck_assert_double_eq_tol(agreement_kappa(&kappas[_i].rows), kappas[_i].kappa, 1e-14);
}
END_TEST

START_TEST(kappa_of_nothing_is_none)
{
    ck_assert(isnan(agreement_kappa(&(struct agreement){7, 0, 0, 0})));
    ck_assert(isnan(agreement_kappa(&(struct agreement){0})) && isnan(agreement_share(&(struct agreement){0})));
    ck_assert_double_eq(agreement_share(&(struct agreement){6, 2, 1, 1}), 0.7);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("review_decisions");
    TCase *lines = tcase_create("lines"), *files = tcase_create("files");
    tcase_add_test(lines, a_line_is_read_and_written_as_it_was);
    tcase_add_loop_test(lines, what_is_no_decision_is_said, 0, COUNT(bad_lines));
    tcase_add_loop_test(lines, names_are_parts_of_paths, 0, COUNT(bad_names));
    tcase_add_loop_test(lines, kappa_is_cohens, 0, COUNT(kappas));
    tcase_add_test(lines, kappa_of_nothing_is_none);
    tcase_add_checked_fixture(files, begin, end);
    tcase_add_test(files, the_last_line_counts);
    tcase_add_test(files, undo_goes_back_step_by_step);
    tcase_add_test(files, any_history_is_read_as_it_was_written);
    tcase_add_test(files, a_torn_line_is_cut_off);
    tcase_add_test(files, a_decision_begins_a_line_of_its_own);
    tcase_add_test(files, a_file_that_was_moved_takes_no_decisions);
    tcase_add_test(files, a_link_is_not_followed);
    tcase_add_test(files, lines_of_others_are_passed_over_and_counted);
    tcase_add_test(files, a_name_is_one_process);
    tcase_add_test(files, others_are_found_and_read_as_they_grow);
    tcase_add_test(files, a_file_of_another_that_was_replaced_is_read_anew);
    tcase_add_test(files, any_row_costs_the_same);
    suite_add_tcase(suite, lines);
    suite_add_tcase(suite, files);
    return run_suite(suite);
}
