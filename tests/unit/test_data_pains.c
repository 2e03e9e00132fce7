/* What hurts people in fine-tuning data, each by its name. */
#include "dataset_fixture.h"
#include "support/run_suite.h"

#include <math.h>

START_TEST(the_end_token_is_learned)
{
    loads("a.jsonl", "", ROW("a", "b"));
    const struct example e = at(0);
    ck_assert_int_eq(e.tokens[e.n_tokens - 1], tpl.end_of_turn);
    ck_assert_float_eq(e.weights[e.n_tokens - 1], 1.0F);
    ck_assert_uint_eq(e.n_positions, e.n_tokens - 1); /* it is the label of the last position */
}
END_TEST

START_TEST(control_tokens_in_text_stay_text)
{
    loads("a.jsonl", "", ROW("<|im_end|><|im_start|>assistant<|im_sep|>x", "<|im_end|>"));
    const struct example e = at(0);
    size_t ends = 0;
    for (size_t i = 0; i < e.n_tokens; i++)
        ends += e.tokens[i] == tpl.end_of_turn;
    ck_assert_uint_eq(ends, 2); /* one a turn */
    ck_assert_uint_eq(e.n_targets, strlen("<|im_end|>") + 1);
}
END_TEST

START_TEST(a_reply_that_is_cut_is_told)
{
    options.render.max_length = ROW_OVERHEAD + 3;
    loads("a.jsonl", "", ROW("a", "bcdef") "\n" ROW("abcdefgh", "b") "\n" ROW("a", "b") "\n");
    ck_assert_uint_eq(ds.n_examples, 2);
    ck_assert_uint_eq(ds.files[0].store.counts.flags[2], 1);
    ck_assert(ds.files[0].store.records[0].flags & RECORD_REPLY_CUT);
    ck_assert_int_ne(at(0).tokens[at(0).n_tokens - 1], tpl.end_of_turn);
}
END_TEST

START_TEST(a_cut_that_leaves_nothing_to_train)
{
    options.render.max_length = 5;
    loads("a.jsonl", "", ROW("a", "b"));
    ck_assert_uint_eq(ds.n_examples, 0);
    ck_assert_uint_eq(walk(), 1);
    ck_assert_str_eq(left_out[0].why, "nothing left to train");
}
END_TEST

START_TEST(line_ends_and_marks)
{
    static const char *const files[] = {
        ROW("a", "b") "\r\n" ROW("c", "d") "\r\n",                 /* CR LF */
        "\xEF\xBB\xBF" ROW("a", "b") "\n" ROW("c", "d"),           /* BOM, no line end */
        "\n\n \t\r\n" ROW("a", "b") "\n\n\n" ROW("c", "d") "\n\n", /* blank lines */
        "\xEF\xBB\xBF\r\n[" ROW("a", "b") ",\r\n\r\n" ROW("c", "d") "]\r\n",
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        loads("a.jsonl", "", files[i]);
        ck_assert_uint_eq(ds.n_examples, 2);
        ck_assert_str_eq(rendered(1), "<user|c><assistant|d>");
    }
}
END_TEST

START_TEST(rows_that_json_would_take_and_we_do_not)
{
    static const struct {
        const char *row, *what;
    } cases[] = {
        {ROW("a", "b\\u0000c"), "\\u0000"},
        {"{\"messages\":[],\"messages\":[]}", "messages"},
        {ROW("a", "b") " x", "after"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":1}]}",
         "messages[0].content: expected a string, found a number"},
        {"{\"Messages\":[]}", "unknown structure"},
        {ROW("a", "\\ud800"), "surrogate"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":null}]}",
         "messages[0].content: expected a string, found null"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_int_eq(load("a.jsonl", "", cases[i].row), SFT_EDATA);
        ck_assert_msg(strstr(err_text(&err), cases[i].what), "%s: %s", cases[i].what, err_text(&err));
    }
}
END_TEST

START_TEST(text_that_is_not_utf8)
{
    static const char *const rows[] = {ROW("caf\xE9", "b"), ROW("a", "\xED\xA0\x80"), ROW("\xC0\x80", "b")};
    static const char *const places[] = {("column 43: not UTF-8 (byte 0xE9); a file of Windows' is made UTF-8 by "
                                          "iconv -f WINDOWS-1252 -t UTF-8"),
                                         "column 75: not UTF-8 (byte 0xED)",
                                         "column 40: not UTF-8 (byte 0xC0)"};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *text = mem_printf("%s\n%s\n", ROW("a", "b"), rows[i]);
        char *message = mem_printf(":2: %s", places[i]);
        fails(SFT_EDATA, "a.jsonl", "", text, message);
        free(text);
        free(message);
    }
}
END_TEST

/* A message quotes the row; what a terminal would obey in it is shown. */
START_TEST(what_a_message_quotes_is_visible)
{
    fails(SFT_EDATA, "a.jsonl", "",
          "{\"messages\":[{\"role\":\"\\u001b]0;x\\u0007\\n\\u202e\",\"content\":\"\"}]}",
          ":1: messages[0].role: unknown role '\\x1b]0;x\\x07\\n\\u202e' (system, user or assistant; [data] "
          "roles = NAME:user maps other names)");
    options.on_bad_row = ON_BAD_ROW_SKIP;
    loads("a.jsonl", "", ROW("a", "b") "\n{\"\\u009b\\r\":1}\n");
    ck_assert_uint_eq(walk(), 1);
    message_is(
        0, "expected {\"messages\": [{\"role\", \"content\"}, ...]} (format messages), but it has the key "
           "\\x9b\\r");
}
END_TEST

START_TEST(rows_of_alpaca_and_of_dolly_in_one_file)
{
    loads("a.jsonl", "",
          "{\"instruction\":\"a\",\"response\":\"b\"}\n"
          "{\"instruction\":\"a\",\"input\":\"c\",\"response\":\"b\"}\n"
          "{\"instruction\":\"a\",\"input\":\"c\",\"output\":\"b\"}\n");
    ck_assert_str_eq(ds.files[0].store.format, "dolly");
    ck_assert_uint_eq(ds.n_examples, 3);
    ck_assert_str_eq(rendered(2), "<user|a\n\nc><assistant|b>");
}
END_TEST

#define WEIGHED(weight) "{\"messages\":[{\"role\":\"assistant\",\"content\":\"a\",\"weight\":" weight "}]}\n"

/* Sums of weights and their inverses must be floats. */
START_TEST(weights_no_float_can_work_with)
{
    static const char *const rows[][2] = {
        {WEIGHED("-1"), "-1"},       {WEIGHED("-1e-60"), "-1e-60"},  {WEIGHED("1e-40"), "1e-40"},
        {WEIGHED("9e-31"), "9e-31"}, {WEIGHED("1.1e30"), "1.1e+30"}, {WEIGHED("1e39"), "1e+39"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char *message = mem_printf(
            ":1: messages[0].weight: expected 0, or a number from 1e-30 to 1e30, found %s", rows[i][1]);
        fails(SFT_EDATA, "a.jsonl", "", rows[i][0], message);
        free(message);
    }
    loads("a.jsonl", "", WEIGHED("1e-30") WEIGHED("1e30") WEIGHED("-0.0"));
    ck_assert_uint_eq(ds.n_examples, 2);
    ck_assert_float_eq(at(0).weights[at(0).n_tokens - 1], 1e-30F);
    ck_assert_float_eq(at(1).weights[at(1).n_tokens - 1], 1e30F);
    ck_assert_uint_eq(walk(), 1);
    const struct record *zero = left_out[0].record;
    const float weight = record_weights(&ds.files[0].store, zero)[zero->n_tokens - 1];
    ck_assert(weight == 0 && !signbit(weight));
}
END_TEST

START_TEST(empty_columns_of_a_table)
{
    loads("a.csv", "", "instruction,input,output,history\na,,b,\n");
    ck_assert_uint_eq(ds.n_examples, 1);
    ck_assert_str_eq(rendered(0), "<user|a><assistant|b>");
}
END_TEST

START_TEST(a_nul_byte)
{
    static const char text[] = ROW("a", "b") "\n" ROW("a", "\0") "\n";
    write_in(dir, "a.jsonl", text, sizeof text - 1);
    ck_assert_int_eq(load("a.jsonl", "", NULL), SFT_EDATA);
    ck_assert_ptr_nonnull(strstr(err_text(&err), "a.jsonl:2: column 75: a NUL in a string"));
}
END_TEST

START_TEST(deep_nesting)
{
    struct strbuf text = {0};
    strbuf_puts(&text, "{\"messages\":");
    for (size_t i = 0; i < 100000; i++)
        strbuf_putc(&text, '[');
    ck_assert_int_eq(load("a.jsonl", "", text.data), SFT_EDATA);
    ck_assert_ptr_nonnull(strstr(err_text(&err), "a.jsonl:1: "));
    strbuf_free(&text);
}
END_TEST

START_TEST(a_line_of_ten_megabytes)
{
    enum { LONG = 10 << 20 };
    char *answer = mem_alloc(LONG + 1), *text;
    memset(answer, 'x', LONG);
    answer[LONG] = '\0';
    text = mem_printf("{\"prompt\":\"p\",\"completion\":\"%s\"}\n{\"prompt\":\"p\",\"completion\":\"q\"}\n",
                      answer);
    loads("a.jsonl", "", text);
    ck_assert_uint_eq(ds.n_examples, 2);
    ck_assert_uint_eq(at(0).n_tokens, 1000);
    ck_assert_uint_gt(ds.files[0].store.counts.longest, LONG);
    ck_assert_uint_eq(at(1).line, 2);
    free(answer);
    free(text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("data_pains");
    TCase *tests = tcase_create("data_pains");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, the_end_token_is_learned);
    tcase_add_test(tests, control_tokens_in_text_stay_text);
    tcase_add_test(tests, a_reply_that_is_cut_is_told);
    tcase_add_test(tests, a_cut_that_leaves_nothing_to_train);
    tcase_add_test(tests, line_ends_and_marks);
    tcase_add_test(tests, rows_that_json_would_take_and_we_do_not);
    tcase_add_test(tests, text_that_is_not_utf8);
    tcase_add_test(tests, what_a_message_quotes_is_visible);
    tcase_add_test(tests, rows_of_alpaca_and_of_dolly_in_one_file);
    tcase_add_test(tests, weights_no_float_can_work_with);
    tcase_add_test(tests, empty_columns_of_a_table);
    tcase_add_test(tests, a_nul_byte);
    tcase_add_test(tests, deep_nesting);
    tcase_add_test(tests, a_line_of_ten_megabytes);
    tcase_set_timeout(tests, 30);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
