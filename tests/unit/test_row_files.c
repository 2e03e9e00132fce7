/* The files that rows of `sft synth` end in, between its runs and a person's. */
#include "disk_calls.h"

#include "collect/synth/row_files.h"

#include "scratch.h"

#include <stdio.h>

static struct row_files files;
static struct strbuf seen; /* "FILE:LINE:ROW " of each row that was shown */

static enum sft_status see(void *user, int file, size_t line, const json *row, struct sft_err *e)
{
    (void)user;
    (void)e;
    strbuf_printf(&seen, "%d:%zu:%.0f ", file, line, row ? json_number(json_get(row, "n")) : -1.0);
    return SFT_OK;
}

static enum sft_status open_them(void)
{
    char *path = path_join(dir, "rows.jsonl");
    strbuf_clear(&seen);
    strbuf_puts(&seen, "");
    const enum sft_status status = row_files_open(&files, path, see, NULL, &err);
    free(path);
    return status;
}

static void add(int file, const char *line)
{
    check_ok(row_files_add(&files, file, line, strlen(line), &err));
}

static void expect_file(const char *name, const char *want)
{
    struct strbuf text = {0};
    char *path = path_join(dir, name);
    check_ok(io_read(path, &text, &err));
    ck_assert_str_eq(text.data ? text.data : "", want);
    strbuf_free(&text);
    free(path);
}

static void close_all(void)
{
    row_files_close(&files);
    strbuf_free(&seen);
}

START_TEST(rows_are_shown_to_the_next_run)
{
    check_ok(open_them());
    ck_assert_str_eq(seen.data, "");
    add(KEPT_FILE, "{\"n\":1}\n");
    add(REJECTED_FILE, "{\"n\":2}\n");
    add(KEPT_FILE, "{\"n\":3}\n");
    row_files_close(&files);
    check_ok(open_them());
    ck_assert_str_eq(seen.data, "0:1:1 0:2:3 1:1:2 ");
    expect_file("rows.jsonl", "{\"n\":1}\n{\"n\":3}\n");
    expect_file("rows.jsonl.rejected.jsonl", "{\"n\":2}\n");
    close_all();
}
END_TEST

/* What an editor leaves, and what a killed run does. */
START_TEST(a_last_line_without_its_end)
{
    put("rows.jsonl", "{\"n\":1}\n\nno json\n{\"n\":4}");
    put("rows.jsonl.rejected.jsonl", "{\"n\":1}\n{\"n\":");
    check_ok(open_them());
    ck_assert_str_eq(seen.data, "0:1:1 0:3:-1 0:4:4 1:1:1 ");
    add(KEPT_FILE, "{\"n\":5}\n");
    add(REJECTED_FILE, "{\"n\":6}\n");
    expect_file("rows.jsonl", "{\"n\":1}\n\nno json\n{\"n\":4}\n{\"n\":5}\n");
    expect_file("rows.jsonl.rejected.jsonl", "{\"n\":1}\n{\"n\":6}\n");
    close_all();
}
END_TEST

/* An editor saves by giving the name to a new file; somebody removes the file. */
START_TEST(rows_go_where_the_name_is)
{
    check_ok(open_them());
    add(KEPT_FILE, "{\"n\":1}\n");
    put("rows.jsonl", "{\"n\":1,\"edited\":true}\n"); /* by a rename */
    add(KEPT_FILE, "{\"n\":2}\n");
    expect_file("rows.jsonl", "{\"n\":1,\"edited\":true}\n{\"n\":2}\n");
    char *path = path_join(dir, "rows.jsonl");
    ck_assert_int_eq(unlink(path), 0);
    free(path);
    add(KEPT_FILE, "{\"n\":3}\n");
    expect_file("rows.jsonl", "{\"n\":3}\n");
    close_all();
}
END_TEST

/* ... and may leave the last line without its end. */
START_TEST(a_row_has_a_line_of_its_own)
{
    check_ok(open_them());
    put("rows.jsonl", "{\"n\":1}");
    add(KEPT_FILE, "{\"n\":2}\n");
    expect_file("rows.jsonl", "{\"n\":1}\n{\"n\":2}\n");
    close_all();
}
END_TEST

START_TEST(no_room_leaves_the_file_as_it_was)
{
    check_ok(open_them());
    add(KEPT_FILE, "{\"n\":1}\n");
    disk_fail(DISK_WRITE, 3, ENOSPC);
    disk.is_short = true;
    ck_assert_int_eq(row_files_add(&files, KEPT_FILE, "{\"n\":2}\n", 8, &err), SFT_EIO);
    disk.is_short = false;
    disk_heal();
    ck_assert_msg(strstr(err_text(&err), "rows.jsonl: cannot write"), "%s", err_text(&err));
    expect_file("rows.jsonl", "{\"n\":1}\n");
    close_all();
}
END_TEST

START_TEST(a_directory_is_no_file)
{
    char *path = path_join(dir, "rows.jsonl");
    check_ok(io_mkdirs(path, &err));
    ck_assert_int_ne(open_them(), SFT_OK);
    close_all();
    free(path);
    ck_assert_int_eq(row_files_open(&files, "/dev/null", see, NULL, &err), SFT_EUSAGE);
    ck_assert_str_eq(err_text(&err), "/dev/null: no file, which a run could go on with");
    row_files_close(&files);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("row_files");
    TCase *t = tcase_create("row_files");
    tcase_add_checked_fixture(t, make_dir, remove_dir);
    tcase_add_test(t, rows_are_shown_to_the_next_run);
    tcase_add_test(t, a_last_line_without_its_end);
    tcase_add_test(t, rows_go_where_the_name_is);
    tcase_add_test(t, a_row_has_a_line_of_its_own);
    tcase_add_test(t, no_room_leaves_the_file_as_it_was);
    tcase_add_test(t, a_directory_is_no_file);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
