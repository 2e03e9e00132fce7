/* Rows of JSON, CSV and TSV. What the CSV rules give is what Python's csv module (3.11) gives, unless the
 * case says otherwise; so are the sums over the XSTest files. */
#include "base/io.h"
#include "base/rng.h"
#include "base/strbuf.h"
#include "data/rows/csv.h"
#include "data/rows/rows.h"
#include "support/err_text.h"
#include "support/run_suite.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct sft_err err;

/* ---- all of a file as one text: each row "LINE{...}" or "LINE!what", the end of a broken file "!what" ----
 */

static void separate(struct strbuf *out)
{
    if (out->len > 0)
        strbuf_putc(out, ' ');
}

static void add_row(struct strbuf *out, const struct rows *rows, struct json_element *row)
{
    json *root;
    separate(out);
    strbuf_printf(out, "%zu", row->line);
    if (rows_parse(rows, row, &root, &err)) {
        ck_assert_ptr_null(root);
        ck_assert_int_eq(err.status, SFT_EDATA);
        strbuf_printf(out, "!%s", err_text(&err));
        return;
    }
    json_print_line(root, out);
    json_free(root);
    if (row->len > 0) /* a line of several */
        add_row(out, rows, row);
}

static void add_rows(struct strbuf *out, struct rows *rows, const char *text)
{
    struct json_element row;
    bool found = true;
    size_t end = rows_position(rows);
    enum sft_status status;
    while ((status = rows_next(rows, &row, &found, &err)) == SFT_OK && found) {
        ck_assert_uint_ge((size_t)(row.text - text), end);
        end = (size_t)(row.text - text) + row.len;
        ck_assert_uint_ge(rows_position(rows), end);
        add_row(out, rows, &row);
    }
    if (status) {
        separate(out);
        strbuf_printf(out, "!%s", err_text(&err));
    }
    ck_assert(!found);
    ck_assert_int_eq(rows_next(rows, &row, &found, &err), SFT_OK); /* and that it stays */
    ck_assert(!found);
}

static char *read_all(enum rows_kind kind, const char *text, size_t len)
{
    struct rows rows;
    struct strbuf out = {0};
    char *copy = mem_alloc(len + !len); /* of its exact size, so that reading past it is caught */
    memcpy(copy, text, len);
    strbuf_puts(&out, "");
    if (rows_init(&rows, kind, copy, len, &err)) {
        ck_assert_int_eq(err.status, SFT_EDATA);
        strbuf_printf(&out, "!%s", err_text(&err));
    } else {
        add_rows(&out, &rows, copy);
    }
    rows_free(&rows);
    free(copy);
    return out.data;
}

struct rows_case {
    enum rows_kind kind;
    const char *text;
    size_t len;
    const char *want;
};
#define TEXT(s) s, sizeof(s) - 1

static void check_case(const struct rows_case *c)
{
    char *found = read_all(c->kind, c->text, c->len);
    ck_assert_str_eq(found, c->want);
    free(found);
}

/* ---- what each rule gives ---- */

static const struct rows_case records[] = {
    {ROWS_CSV, TEXT("a,b\n1,2\n3,4\n"), "2{\"a\":\"1\",\"b\":\"2\"} 3{\"a\":\"3\",\"b\":\"4\"}"},
    {ROWS_CSV, TEXT("a,b\n1,2"), "2{\"a\":\"1\",\"b\":\"2\"}"},
    {ROWS_CSV, TEXT("a;b\n;\n1;2\n ; \n;;;;\n"), "3{\"a\":\"1\",\"b\":\"2\"}"}, /* a spreadsheet's empty rows */
    {ROWS_CSV, TEXT("a,b\r\n1,2\r\n3,4\r\n"), "2{\"a\":\"1\",\"b\":\"2\"} 3{\"a\":\"3\",\"b\":\"4\"}"},
    {ROWS_CSV, TEXT("a,b\r1,2\r3,4"), "2{\"a\":\"1\",\"b\":\"2\"} 3{\"a\":\"3\",\"b\":\"4\"}"},
    {ROWS_CSV, TEXT("\xEF\xBB\xBF\"a\",b\n1,2\n"), "2{\"a\":\"1\",\"b\":\"2\"}"},
    {ROWS_CSV, TEXT("a,b\n,\n"), ""}, /* a spreadsheet's empty row, which Python would keep */
    {ROWS_CSV, TEXT("a,b\n1,"), "2{\"a\":\"1\",\"b\":\"\"}"},
    {ROWS_CSV, TEXT("a\n1\n"), "2{\"a\":\"1\"}"},
    {ROWS_CSV, TEXT(",b\n0,1\n"), "2{\"b\":\"1\"}"},
    {ROWS_CSV, TEXT("a\n\"\"\n\n1\n"),
     "2{\"a\":\"\"} 4{\"a\":\"1\"}"}, /* "" is a row, a blank line is none */
    {ROWS_CSV, TEXT("\n\r\n\ra\n\n\n1\n\r\r\n2\n\n"), "7{\"a\":\"1\"} 10{\"a\":\"2\"}"},
    {ROWS_CSV, TEXT("a,b\n x , y \n"), "2{\"a\":\" x \",\"b\":\" y \"}"},
    {ROWS_CSV, TEXT("a, b\n1,2\n"), "2{\"a\":\"1\",\" b\":\"2\"}"},
    {ROWS_CSV, TEXT("a,b\n1\t2,3\n"), "2{\"a\":\"1\\t2\",\"b\":\"3\"}"},
    {ROWS_CSV, TEXT("é,b\nü,\xF0\x9F\x98\x80\n"), "2{\"é\":\"ü\",\"b\":\"\xF0\x9F\x98\x80\"}"},
    /* quotes */
    {ROWS_CSV, TEXT("a,b\n\"1,2\",3\n"), "2{\"a\":\"1,2\",\"b\":\"3\"}"},
    {ROWS_CSV, TEXT("a,b\n\"say \"\"hi\"\"\",\"\"\"\"\n"), "2{\"a\":\"say \\\"hi\\\"\",\"b\":\"\\\"\"}"},
    {ROWS_CSV, TEXT("a,b\n\"\",\"\"\"\"\"\"\n"), "2{\"a\":\"\",\"b\":\"\\\"\\\"\"}"},
    {ROWS_CSV, TEXT("a,b\n1\"2,3\"\n4,5\n"),
     "2{\"a\":\"1\\\"2\",\"b\":\"3\\\"\"} 3{\"a\":\"4\",\"b\":\"5\"}"},
    {ROWS_CSV, TEXT("a,b\n \"1,2\"\n"), "2{\"a\":\" \\\"1\",\"b\":\"2\\\"\"}"},
    {ROWS_CSV, TEXT("a,b\n\"1\"x,\"2\" \"y\"\n"), "2{\"a\":\"1x\",\"b\":\"2 \\\"y\\\"\"}"},
    {ROWS_CSV, TEXT("a,b\n\"1\"x\"\"y,2\n"), "2{\"a\":\"1x\\\"\\\"y\",\"b\":\"2\"}"},
    {ROWS_CSV, TEXT("a,b\n\"1\"\"\"\"2\"3\"\"4,5\n"), "2{\"a\":\"1\\\"\\\"23\\\"\\\"4\",\"b\":\"5\"}"},
    /* line breaks within quotes, and the lines of the rows after them */
    {ROWS_CSV, TEXT("a,b\n\"1\n\n2\",3\n4,5\n"),
     "2{\"a\":\"1\\n\\n2\",\"b\":\"3\"} 5{\"a\":\"4\",\"b\":\"5\"}"},
    {ROWS_CSV, TEXT("a,b\r\n\"1\r\n2\r3\",\"\r\"\r\n4,5\r\n"),
     "2{\"a\":\"1\\r\\n2\\r3\",\"b\":\"\\r\"} 6{\"a\":\"4\",\"b\":\"5\"}"},
    {ROWS_CSV, TEXT("a,\"b\nc\"\n1,2\n"), "3{\"a\":\"1\",\"b\\nc\":\"2\"}"},
    /* tabs */
    {ROWS_TSV, TEXT("a\tb\n1,2\t\"3\t4\"\n\t\n"),
     "2{\"a\":\"1,2\",\"b\":\"3\\t4\"}"},
    {ROWS_TSV, TEXT("a,b\n1\n"), "2{\"a,b\":\"1\"}"},
    /* nothing */
    {ROWS_CSV, TEXT(""), ""},
    {ROWS_CSV, TEXT("\xEF\xBB\xBF"), ""},
    {ROWS_CSV, TEXT("\r\n\n"), ""},
    {ROWS_CSV, TEXT("a,b"), ""},
    {ROWS_CSV, TEXT("a,b\n\n"), ""},
};

START_TEST(records_are_read_as_python_does)
{
    check_case(&records[_i]);
}
END_TEST

static const struct rows_case bad_rows[] = {
    {ROWS_CSV,
     TEXT("a,b\n1\n2,3\n4,5,\n6,7\n"),
     "2!expected 2 columns as in the header, found 1 (separated by commas) 3{\"a\":\"2\",\"b\":\"3\"}"
     " 4!expected 2 columns as in the header, found 3 (separated by commas) 5{\"a\":\"6\",\"b\":\"7\"}"},
    {ROWS_CSV,
     TEXT("a\n \n1,2\n"),
     "2{\"a\":\" \"} 3!expected 1 column as in the header, found 2 (separated by commas)"},
    {ROWS_CSV,
     TEXT("a,prompt\n1,x\x00y\n2,3\n"),
     "2!column 'prompt': a NUL, at byte 2 3{\"a\":\"2\",\"prompt\":\"3\"}"},
    {ROWS_CSV,
     TEXT("a,b\n\"x\n\xE9t\xE9\",1\n2,3\n"),
     "2!column 'a': not UTF-8, at byte 3 4{\"a\":\"2\",\"b\":\"3\"}"},
    {ROWS_CSV, TEXT("a,b\n1,\xED\xA0\x80\n"), "2!column 'b': not UTF-8, at byte 1"},
    {ROWS_CSV, TEXT("a,b\n1,\xC3"), "2!column 'b': not UTF-8, at byte 1"},
    /* broken: Python, which is lenient here, would give the rest of the file as one field */
    {ROWS_CSV, TEXT("a,b\n1,2\n\n3,\"4\n5,6\n"),
     "2{\"a\":\"1\",\"b\":\"2\"} !line 4: a quoted field is never closed"},
    {ROWS_CSV, TEXT("a,b\n\""), "!line 2: a quoted field is never closed"},
    {ROWS_CSV, TEXT("a,b\n1,\"2\"\""), "!line 2: a quoted field is never closed"},
    {ROWS_CSV, TEXT("\n\"a,b\n1,2\n"), "!line 2: a quoted field is never closed"},
    /* headers */
    {ROWS_CSV, TEXT("\na,b,a\n"), "!line 2: two columns are called 'a'"},
    {ROWS_CSV, TEXT("a,x\x00\n"), "!line 1: the name of column 2: a NUL, at byte 2"},
    {ROWS_CSV,
     TEXT("\xFF\xFE"
          "a\x00,\x00"),
     "!line 1: the name of column 1: not UTF-8, at byte 1"},
};

START_TEST(a_bad_row_costs_itself)
{
    check_case(&bad_rows[_i]);
}
END_TEST

static const struct rows_case json_rows[] = {
    {ROWS_JSON, TEXT("\xEF\xBB\xBF{\"a\":1}\r\n\r\n{\"a\":\n{\"a\":2}"),
     "1{\"a\":1} 3!column 6: expected a value, but the text ends here 4{\"a\":2}"},
    {ROWS_JSON, TEXT("[{\"a\":1},\n{\"b\":\"x\"}]"), "1{\"a\":1} 2{\"b\":\"x\"}"},
    {ROWS_JSON, TEXT("[{\"a\":1},\n{\"b\":2}"),
     "1{\"a\":1} 2{\"b\":2} !line 2: the array is never closed: ']' is missing"},
    {ROWS_JSON, TEXT(""), ""},
};

START_TEST(json_goes_through_its_scanner)
{
    check_case(&json_rows[_i]);
}
END_TEST

START_TEST(columns_are_bounded)
{
    struct strbuf text = {0};
    for (int i = 1; i <= 4096; i++)
        strbuf_printf(&text, i > 1 ? ",c%d" : "c%d", i);
    char *found = read_all(ROWS_CSV, text.data, text.len);
    ck_assert_str_eq(found, "");
    free(found);
    strbuf_puts(&text, ",more");
    found = read_all(ROWS_CSV, text.data, text.len);
    ck_assert_str_eq(found, "!line 1: over 4096 columns (the first row must name the columns)");
    free(found);
    strbuf_free(&text);
}
END_TEST

START_TEST(a_record_may_be_long)
{
    enum { LONG = 10000000 };
    struct strbuf text = {0}, value = {0};
    struct rows rows;
    struct json_element row;
    json *root;
    bool found;
    for (int i = 0; i < LONG; i++)
        strbuf_putc(&value, i % 1000 == 0 ? '\n' : 'x');
    strbuf_printf(&text, "a,b\n\"%s\",1\n2,3\n", value.data);
    ck_assert_int_eq(rows_init(&rows, ROWS_CSV, text.data, text.len, &err), SFT_OK);
    ck_assert_int_eq(rows_next(&rows, &row, &found, &err), SFT_OK);
    ck_assert_int_eq(rows_parse(&rows, &row, &root, &err), SFT_OK);
    ck_assert(strcmp(json_string(json_get(root, "a")), value.data) == 0);
    json_free(root);
    ck_assert_int_eq(rows_next(&rows, &row, &found, &err), SFT_OK);
    ck_assert_uint_eq(row.line, 3 + LONG / 1000);
    rows_free(&rows);
    strbuf_free(&text);
    strbuf_free(&value);
}
END_TEST

/* ---- what a writer of RFC 4180 writes is what is read ---- */

enum { MAX_COLUMNS = 5 };

static const char *random_field(struct rng *rng, struct strbuf *sb)
{
    static const char *const pieces[] = {
        "\"", "\"\"", ",", "\t", "\r\n", "\n", "\r", "x", "word", " ", "é", "\xF0\x9F\x98\x80", "'", "\\"};
    strbuf_clear(sb);
    strbuf_puts(sb, "");
    for (uint64_t n = rng_below(rng, 7); n > 0; n--)
        strbuf_puts(sb, pieces[rng_below(rng, COUNT(pieces))]);
    return sb->data;
}

/* Quoted where it must be, and at times where it need not. */
static void write_field(struct strbuf *out, const char *field, char delimiter, bool quote)
{
    const char special[] = {delimiter, '"', '\r', '\n', '\0'};
    if (!quote && !strpbrk(field, special)) {
        strbuf_puts(out, field);
        return;
    }
    strbuf_putc(out, '"');
    for (; *field; field++) {
        strbuf_putc(out, *field);
        if (*field == '"')
            strbuf_putc(out, '"');
    }
    strbuf_putc(out, '"');
}

/* Write a row to `text`, and what it should be read as to `want`. Its first
 * field is in quotes: delimiters and blanks alone would be no row. */
static void write_row(struct rng *rng, size_t n_columns, char delimiter, struct strbuf *text, size_t *line,
                      struct strbuf *want)
{
    static const char *const line_ends[] = {"\n", "\r\n", "\r"};
    struct strbuf field = {0};
    const size_t start = text->len;
    separate(want);
    strbuf_printf(want, "%zu{", *line);
    for (size_t i = 0; i < n_columns; i++) {
        const char *value = random_field(rng, &field);
        if (i > 0)
            strbuf_putc(text, delimiter);
        write_field(text, value, delimiter, n_columns == 1 || i == 0 || rng_below(rng, 2));
        strbuf_printf(want, "%s\"%c\":", i ? "," : "", (char)('a' + (int)i));
        strbuf_json_string(want, value, field.len);
    }
    strbuf_putc(want, '}');
    /* a bare CR is not followed by a row that could begin with LF: none does, unquoted */
    strbuf_puts(text, line_ends[rng_below(rng, COUNT(line_ends))]);
    for (const char *p = text->data + start; *p; p++)
        *line += *p == '\n' || (*p == '\r' && p[1] != '\n');
    strbuf_free(&field);
}

START_TEST(what_is_written_is_read_back)
{
    const enum rows_kind kind = _i ? ROWS_TSV : ROWS_CSV;
    const char delimiter = _i ? '\t' : ',';
    struct rng rng;
    rng_seed(&rng, 20260101, (uint64_t)_i);
    for (int file = 0; file < 400; file++) {
        struct strbuf text = {0}, want = {0};
        const size_t n_columns = 1 + rng_below(&rng, MAX_COLUMNS);
        size_t line = 2;
        strbuf_puts(&want, "");
        for (size_t i = 0; i < n_columns; i++)
            strbuf_printf(&text, "%.*s%c", i > 0, &delimiter, (char)('a' + (int)i));
        strbuf_putc(&text, '\n');
        for (uint64_t n = rng_below(&rng, 20); n > 0; n--)
            write_row(&rng, n_columns, delimiter, &text, &line, &want);
        char *found = read_all(kind, text.data, text.len);
        ck_assert_msg(strcmp(found, want.data) == 0, "file %d:\n%s\nwant %s\nfound %s", file, text.data,
                      want.data, found);
        free(found);
        strbuf_free(&text);
        strbuf_free(&want);
    }
}
END_TEST

/* ---- real files ---- */

static const struct {
    const char *path;
    size_t rows, bytes; /* of all prompts and completions */
    uint64_t hash;      /* XXH64 of them, a NUL after each */
} xstest[] = {
    {"data/xstest-calibration/xstest_v2_completions_llama2orig.csv", 450, 433117, 0x72415182c2f9bfda},
    {"data/xstest-calibration/xstest_v2_completions_mistralinstruct.csv", 450, 331968, 0xacd9c08e73c9c29a},
};

static void sum_value(const json *root, const char *name, struct xxh64 *hash, size_t *bytes)
{
    const char *value = json_string(json_get(root, name));
    ck_assert_ptr_nonnull(value);
    *bytes += strlen(value);
    xxh64_update(hash, value, strlen(value) + 1);
}

START_TEST(xstest_is_read_as_python_does)
{
    const char *assets = getenv("SFT_ASSETS");
    char *path = path_join(assets ? assets : "../shared/assets", xstest[_i].path);
    if (!path_exists(path)) {
        printf("SKIP: xstest_is_read_as_python_does: no %s\n", path);
        free(path);
        return;
    }
    struct io_map map;
    struct rows rows;
    struct json_element row;
    struct xxh64 hash;
    size_t n_rows = 0, bytes = 0;
    bool found;
    xxh64_init(&hash, 0);
    ck_assert_int_eq(io_map(&map, path, &err), SFT_OK);
    ck_assert_int_eq(rows_init(&rows, ROWS_CSV, map.data, map.size, &err), SFT_OK);
    while (rows_next(&rows, &row, &found, &err) == SFT_OK && found) {
        json *root;
        ck_assert_msg(rows_parse(&rows, &row, &root, &err) == SFT_OK, "%s", err_text(&err));
        ck_assert_uint_eq(json_size(root), 8);
        sum_value(root, "prompt", &hash, &bytes);
        sum_value(root, "completion", &hash, &bytes);
        json_free(root);
        n_rows++;
    }
    ck_assert_uint_eq(n_rows, xstest[_i].rows);
    ck_assert_uint_eq(bytes, xstest[_i].bytes);
    ck_assert_uint_eq(xxh64_digest(&hash), xstest[_i].hash);
    ck_assert_uint_eq(rows_position(&rows), map.size);
    rows_free(&rows);
    io_unmap(&map);
    free(path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rows");
    TCase *tcase = tcase_create("rows");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, records_are_read_as_python_does, 0, COUNT(records));
    tcase_add_loop_test(tcase, a_bad_row_costs_itself, 0, COUNT(bad_rows));
    tcase_add_loop_test(tcase, json_goes_through_its_scanner, 0, COUNT(json_rows));
    tcase_add_test(tcase, columns_are_bounded);
    tcase_add_test(tcase, a_record_may_be_long);
    tcase_add_loop_test(tcase, what_is_written_is_read_back, 0, 2);
    tcase_add_loop_test(tcase, xstest_is_read_as_python_does, 0, COUNT(xstest));
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
