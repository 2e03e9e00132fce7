/* Rows of named strings from every kind of file, and what is said of one that lacks something. */
#include "judge/sheet.h"
#include "scratch.h"
#include "support/run_suite.h"

#include <stdio.h>

static const struct sheet_column columns[] = {{"prompt", true}, {"label", true}, {"type", false}};
enum { N_COLUMNS = sizeof columns / sizeof *columns };

static struct sheet sheet;

static enum sft_status open_sheet(const char *name)
{
    char *path = path_join(dir, name);
    const enum sft_status status = sheet_open(&sheet, path, columns, N_COLUMNS, NULL, &err);
    free(path);
    return status;
}

static enum sft_status open_text(const char *name, const char *text)
{
    put(name, text);
    return open_sheet(name);
}

/* Every row as "NUMBER@LINE prompt|label|type", one after another with a '/' behind. */
static const char *all_rows(void)
{
    static char text[512];
    struct sheet_row row;
    size_t n = 0;
    text[0] = '\0';
    for (;;) {
        check_ok(sheet_next(&sheet, &row, &err));
        if (!row.values)
            return text;
        n += (size_t)snprintf(text + n, sizeof text - n, "%zu@%zu %s|%s|%s/", row.number, row.line, row.values[0],
                              row.values[1], row.values[2] ? row.values[2] : "-");
    }
}

static void expect_rows(const char *name, const char *text, const char *rows)
{
    check_ok(open_text(name, text));
    ck_assert_str_eq(all_rows(), rows);
    sheet_close(&sheet);
}

START_TEST(every_form)
{
    expect_rows("a.csv", "type,prompt,label,note\nx,\"a, b\",safe,1\n,\"c\nd\",unsafe,\n",
                "1@2 a, b|safe|x/2@3 c\nd|unsafe|/");
    expect_rows("a.tsv", "prompt\tlabel\na\tsafe\n", "1@2 a|safe|-/");
    expect_rows("a.jsonl",
                "{\"prompt\":\"a\",\"label\":\"safe\",\"other\":5}\n\n"
                "{\"prompt\":\"b\",\"label\":\"c\",\"type\":null} {\"prompt\":\"d\",\"label\":\"e\",\"type\":\"f\"}\n",
                "1@1 a|safe|-/2@3 b|c|-/3@3 d|e|f/");
    expect_rows("a.json", "{\"data\":[{\"prompt\":\"a\",\n\"label\":\"b\"},\n{\"prompt\":\"\",\"label\":\"\"}]}",
                "1@1 a|b|-/2@3 ||-/");
    expect_rows("a.csv", "prompt,label\n", "");
}
END_TEST

static const struct sheet_column prompt_alone[] = {{"prompt", true}, {"label", false}};

START_TEST(lines_of_text)
{
    put("a.txt", "\xEF\xBB\xBFone \n\n  two\r\nthree");
    char *path = path_join(dir, "a.txt");
    struct sheet_row row;
    check_ok(sheet_open(&sheet, path, prompt_alone, 2, NULL, &err));
    static const char *const texts[] = {"one", "  two", "three"};
    static const size_t lines[] = {1, 3, 4};
    for (size_t i = 0; i < 3; i++) {
        check_ok(sheet_next(&sheet, &row, &err));
        ck_assert_str_eq(row.values[0], texts[i]);
        ck_assert_ptr_null(row.values[1]);
        ck_assert_uint_eq(row.line, lines[i]);
    }
    check_ok(sheet_next(&sheet, &row, &err));
    ck_assert_ptr_null(row.values);
    free(path);
}
END_TEST

static const struct {
    const char *name, *text, *message; /* behind the directory's name */
} bad_files[] = {
    {"p.csv", "promt,label\na,safe\n", "/p.csv: no column 'prompt' (there is 'promt')"},
    {"p.csv", "question,label\na,safe\n", "/p.csv: no column 'prompt' (its columns are 'question', 'label')"},
    {"p.csv", "prompt,Label\na,safe\n", "/p.csv: no column 'label' (there is 'Label')"},
    {"p.csv", "prompt,label,types\na,safe,x\n", "/p.csv: no column 'type' (there is 'types')"},
    {"p.csv", "", "/p.csv: no columns 'prompt', 'label': the file is empty"},
    {"p.csv", "promt,lable\na,safe\n", "/p.csv: no columns 'prompt', 'label' (its columns are 'promt', 'lable')"},
}, bad_rows[] = {
    {"p.csv", "prompt,label\na,safe\nb\n",
     "/p.csv:3: expected 2 columns as in the header, found 1 (separated by commas)"},
    {"p.jsonl", "{\"prompt\":\"a\",\"label\":\"b\"}\n{\"promt\":\"a\",\"label\":\"b\"}\n",
     "/p.jsonl:2: prompt: missing (there is 'promt')"},
    {"p.jsonl", "{\"prompt\":\"a\",\"label\":\"b\"}\n{\"label\":\"b\"}\n", "/p.jsonl:2: prompt: missing"},
    {"p.jsonl", "{\"prompt\":\"a\",\"label\":\"b\"}\n{\"prompt\":null,\"label\":\"b\"}\n",
     "/p.jsonl:2: prompt: expected a string, found null"},
    {"p.jsonl", "{\"prompt\":\"a\",\"label\":\"b\"}\n{\"prompt\":\"a\",\"label\":\"b\",\"type\":3}\n",
     "/p.jsonl:2: type: expected a string, found a number"},
    {"p.jsonl", "{\"prompt\":\"a\",\"label\":\"b\"}\n[1]\n", "/p.jsonl:2: expected an object, found an array"},
    {"p.txt", "a\nb\n", "/p.txt:1: label: missing: a line of plain text is a 'prompt' and nothing else (CSV and JSON "
                        "have more)"},
};

START_TEST(files_that_lack_a_column)
{
    expect_message(open_text(bad_files[_i].name, bad_files[_i].text), bad_files[_i].message);
}
END_TEST

START_TEST(rows_that_lack_something)
{
    struct sheet_row row = {0};
    check_ok(open_text(bad_rows[_i].name, bad_rows[_i].text));
    enum sft_status status = sheet_next(&sheet, &row, &err);
    if (!status)
        status = sheet_next(&sheet, &row, &err);
    expect_message(status, bad_rows[_i].message);
    ck_assert_uint_gt(row.number, 0);
}
END_TEST

/* What is wrong with one row is no reason not to read the others. */
START_TEST(goes_on_behind_a_bad_row)
{
    struct sheet_row row;
    check_ok(open_text("p.jsonl", "{\"prompt\":1}\n{\"prompt\":}\n{\"prompt\":\"c\",\"label\":\"d\"}\n"));
    ck_assert_int_eq(sheet_next(&sheet, &row, &err), SFT_EDATA);
    ck_assert_uint_eq(row.number, 1);
    ck_assert_int_eq(sheet_next(&sheet, &row, &err), SFT_EDATA);
    ck_assert_uint_eq(row.number, 2);
    ck_assert_str_eq(all_rows(), "3@3 c|d|-/");
}
END_TEST

START_TEST(repeats_are_refused)
{
    put("p.csv", "prompt,label\na,b\n");
    ck_assert_int_eq(open_sheet("p.csv*2"), SFT_EUSAGE);
    ck_assert_ptr_nonnull(strstr(err_text(&err), "each row is read once"));
}
END_TEST

START_TEST(stops_where_it_is_told_to)
{
    volatile int stop = 0;
    struct sheet_row row;
    put("p.csv", "prompt,label\na,b\n");
    char *path = path_join(dir, "p.csv");
    check_ok(sheet_open(&sheet, path, columns, N_COLUMNS, &stop, &err));
    stop = 1;
    ck_assert_int_eq(sheet_next(&sheet, &row, &err), SFT_EINTERRUPTED);
    free(path);
}
END_TEST

static void clean(void)
{
    sheet_close(&sheet);
    remove_dir();
}

int main(void)
{
    Suite *suite = suite_create("sheet");
    TCase *tcase = tcase_create("sheet");
    tcase_add_checked_fixture(tcase, make_dir, clean);
    tcase_add_test(tcase, every_form);
    tcase_add_test(tcase, lines_of_text);
    tcase_add_loop_test(tcase, files_that_lack_a_column, 0, sizeof bad_files / sizeof *bad_files);
    tcase_add_loop_test(tcase, rows_that_lack_something, 0, sizeof bad_rows / sizeof *bad_rows);
    tcase_add_test(tcase, goes_on_behind_a_bad_row);
    tcase_add_test(tcase, repeats_are_refused);
    tcase_add_test(tcase, stops_where_it_is_told_to);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
