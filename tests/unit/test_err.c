/* Errors: where their fields come from, the line that is made of them, what is cut, and what is of one cause. */
#include "base/err.h"
#include "base/err_kind.h"

#include "base/utf8.h"

#include "support/err_text.h"
#include "support/run_suite.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct sft_err err;

START_TEST(a_failure_has_no_place_yet)
{
    memset(&err, 'x', sizeof err); /* nobody clears it before */
    ck_assert_int_eq(sft_fail(&err, SFT_EDATA, "unknown role '%s'", "bot"), SFT_EDATA);
    ck_assert_int_eq(err.status, SFT_EDATA);
    ck_assert_str_eq(err.message, "unknown role 'bot'");
    ck_assert_str_eq(err.file, "");
    ck_assert_str_eq(err.key, "");
    ck_assert_uint_eq(err.file_line + err.line + err.column, 0);
    ck_assert_str_eq(err_text(&err), "unknown role 'bot'");
    errno = ENOENT;
    ck_assert_int_eq(sft_fail_errno(&err, "cannot read"), SFT_EIO);
    ck_assert_str_eq(err.message, "cannot read: No such file or directory");
}
END_TEST

START_TEST(places_stay_fields)
{
    sft_fail_in(&err, SFT_EDATA, "role", "unknown role '%s'", "bot");
    ck_assert_int_eq(sft_in_key(&err, "messages[%d]", 2), SFT_EDATA);
    ck_assert_int_eq(sft_in_file(&err, "a.jsonl", 17), SFT_EDATA);
    ck_assert_str_eq(err.file, "a.jsonl");
    ck_assert_uint_eq(err.file_line, 17);
    ck_assert_str_eq(err.key, "messages[2].role");
    ck_assert_str_eq(err.message, "unknown role 'bot'");
    ck_assert_str_eq(err_text(&err), "a.jsonl:17: messages[2].role: unknown role 'bot'");
    ck_assert(sft_err_is_in(&err, "messages") && sft_err_is_in(&err, "messages[2].role"));
    ck_assert(!sft_err_is_in(&err, "message") && !sft_err_is_in(&err, "role") && !sft_err_is_in(&err, ""));

    sft_fail(&err, SFT_EDATA, "missing");
    sft_in_key(&err, "[0]");
    sft_in_key(&err, "history[%d]", 1);
    ck_assert_str_eq(err_text(&err), "history[1][0]: missing");
}
END_TEST

START_TEST(lines_and_columns)
{
    static const struct {
        size_t file_line, line, column;
        const char *text;
    } rows[] = {{0, 0, 0, "a: m"},          {7, 0, 0, "a:7: m"},
                {0, 0, 5, "a: column 5: m"}, {7, 0, 5, "a:7: column 5: m"},
                {0, 3, 0, "a: line 3: m"},   {7, 8, 5, "a:7: line 8, column 5: m"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        sft_fail(&err, SFT_EDATA, "m");
        sft_at(&err, rows[i].line, rows[i].column);
        sft_in_file(&err, "a", rows[i].file_line);
        ck_assert_str_eq(err_text(&err), rows[i].text);
    }
}
END_TEST

/* In front of all that is known: of a key, of a place in a text, of a file. */
START_TEST(contexts_stand_in_front)
{
    sft_fail(&err, SFT_EDATA, "m");
    sft_context(&err, "[%s] %s", "train", "seed");
    sft_context(&err, "outer");
    ck_assert_str_eq(err.key, "outer: [train] seed");
    sft_in_file(&err, "c.ini", 2);
    sft_context(&err, "cannot continue %s", "run");
    ck_assert_str_eq(err_text(&err), "cannot continue run: c.ini:2: outer: [train] seed: m");

    sft_fail(&err, SFT_EDATA, "m");
    sft_at(&err, 0, 5);
    sft_context(&err, "header");
    sft_in_dir(&err, "dir", "model.safetensors");
    ck_assert_str_eq(err_text(&err), "dir/model.safetensors: header: column 5: m");

    sft_fail(&err, SFT_EDATA, "m");
    sft_in_file(&err, "inner", 3);
    sft_in_file(&err, "outer", 9);
    ck_assert_str_eq(err_text(&err), "outer:9: inner:3: m");
}
END_TEST

START_TEST(remarks_stand_behind)
{
    sft_fail(&err, SFT_EUSAGE, "m");
    sft_in_file(&err, "a", 1);
    ck_assert_int_eq(sft_remark(&err, " (%s)", "take it out"), SFT_EUSAGE);
    ck_assert_str_eq(err_text(&err), "a:1: m (take it out)");
}
END_TEST

START_TEST(null_is_no_error_to_fill)
{
    errno = ENOENT;
    ck_assert_int_eq(sft_fail(NULL, SFT_EDATA, "m"), SFT_EDATA);
    ck_assert_int_eq(sft_fail_in(NULL, SFT_EUSAGE, "key", "m"), SFT_EUSAGE);
    ck_assert_int_eq(sft_fail_errno(NULL, "m"), SFT_EIO);
    ck_assert_int_eq(sft_at(NULL, 1, 2), SFT_EIO);
    ck_assert_int_eq(sft_in_key(NULL, "key"), SFT_EIO);
    ck_assert_int_eq(sft_in_file(NULL, "a", 1), SFT_EIO);
    ck_assert_int_eq(sft_in_dir(NULL, "a", "b"), SFT_EIO);
    ck_assert_int_eq(sft_context(NULL, "c"), SFT_EIO);
    ck_assert_int_eq(sft_remark(NULL, "r"), SFT_EIO);
    ck_assert(!sft_err_is_in(NULL, "key"));
}
END_TEST

START_TEST(no_field_can_disturb_a_terminal_or_begin_a_line)
{
    sft_fail(&err, SFT_EDATA, "tensor '%s'", "a\x1B[31m\xC2\x9B" "b\n\tc\r");
    ck_assert_str_eq(err.message, "tensor 'a\\x1b[31m\\x9b" "b\\n\\tc\\r'");
    sft_in_key(&err, "%s", "k\x1B");
    sft_in_file(&err, "dir\x07/file", 0);
    ck_assert_str_eq(err_text(&err), "dir\\x07/file: k\\x1b: tensor 'a\\x1b[31m\\x9b" "b\\n\\tc\\r'");
    ck_assert_int_eq(sft_fail_lines(&err, SFT_EDATA, "one\ntwo\x1B\t\r"), SFT_EDATA);
    ck_assert_str_eq(err_text(&err), "one\ntwo\\x1b\\t\\r");
    ck_assert_int_eq(sft_fail_lines(NULL, SFT_EDATA, "one"), SFT_EDATA);
}
END_TEST

/* `n` bytes of euro signs behind "x". */
static char *euros(size_t n)
{
    char *text = malloc(n + 1);
    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < n; i++)
        text[i] = i == 0 ? 'x' : "\xE2\x82\xAC"[(i - 1) % 3];
    text[n] = '\0';
    return text;
}

static void is_whole(const char *text, size_t capacity)
{
    const size_t len = strlen(text);
    ck_assert_uint_lt(len, capacity);
    ck_assert_uint_ge(len + 4, capacity); /* as much as fits */
    ck_assert_uint_eq(utf8_incomplete_tail(text, len), 0);
    ck_assert_ptr_null(strstr(text, "\xEF\xBF\xBD"));
}

/* Each field by its own, and the text: the end is lost, and no half of a character stays. */
START_TEST(what_is_long_is_cut_after_a_character)
{
    for (size_t more = 0; more < 3; more++) {
        char *text = euros(2 * SFT_ERR_MAX + more), small[40];
        sft_fail(&err, SFT_EDATA, "%s", text);
        is_whole(err.message, sizeof err.message);
        sft_remark(&err, "%s", text); /* for which there is no room */
        is_whole(err.message, sizeof err.message);
        sft_in_key(&err, "%s", text);
        is_whole(err.key, sizeof err.key);
        sft_in_key(&err, "%s", "messages");
        ck_assert_int_eq(strncmp(err.key, "messages.x", 10), 0);
        is_whole(err.key, sizeof err.key);
        sft_in_file(&err, text, 7);
        is_whole(err.file, sizeof err.file);
        is_whole(err_text(&err), SFT_ERR_MAX);
        is_whole(sft_err_text(&err, small, sizeof small), sizeof small);
        sft_context(&err, "%s", text);
        is_whole(err.file, sizeof err.file);
        free(text);
    }
    char escapes[SFT_ERR_MAX];
    memset(escapes, '\x1B', sizeof escapes - 1);
    escapes[sizeof escapes - 1] = '\0';
    sft_fail(&err, SFT_EDATA, "%s", escapes);
    ck_assert_uint_eq(strlen(err.message), SFT_ERR_MAX - 1);
    sft_fail(&err, SFT_EDATA, "%s", "short"); /* a long key costs no message */
    sft_in_key(&err, "%s", escapes);
    ck_assert_ptr_nonnull(strstr(err_text(&err), ": short"));
}
END_TEST

/* ---- kinds ---- */

SFT_PRINTF(1, 2) static uint64_t kind(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    sft_vfail(&err, SFT_EDATA, fmt, ap);
    va_end(ap);
    return err.kind;
}

#define SAME(a, b) ck_assert_uint_eq(kind a, kind b)
#define OTHER(a, b) ck_assert_uint_ne(kind a, kind b)

START_TEST(values_are_no_cause)
{
    SAME(("%zu tokens", (size_t)1), ("%zu tokens", SIZE_MAX));
    SAME(("%d %u %ld %lu %lld %llu %hhx", -1, 1U, -1L, 1UL, -1LL, 1ULL, (unsigned char)1),
         ("%d %u %ld %lu %lld %llu %hhx", 2, 2U, 2L, 2UL, 2LL, 2ULL, (unsigned char)2));
    SAME(("found %g of %.3f and %-5.1e", 0.5, -1.0, 1e300), ("found %g of %.3f and %-5.1e", 7.0, 2.0, 3.0));
    SAME(("byte 0x%02X", 0xE9U), ("byte 0x%02X", 0xFFU));
    SAME(("unknown role '%s' (a)", "x"), ("unknown role '%s' (a)", "it's \"y\""));
    SAME(("key \"%s\", %s", "x", "w"), ("key \"%s\", %s", "yy", "w"));
    SAME(("'%.80s:%.80s'", "a", "b"), ("'%.80s:%.80s'", "c", "d"));
    SAME(("%.*s is too large", 2, "12"), ("%.*s is too large", 3, "1e9"));
    SAME(("found '%c'", 'a'), ("found '%c'", 'b'));
    SAME(("expected %s, found %d", "',' or ']'", 1), ("expected %s, found %d", "',' or '}'", 1)); /* in a word, too */
}
END_TEST

START_TEST(words_are)
{
    OTHER(("expected %s, found %s", "a string", "null"), ("expected %s, found %s", "an array", "null"));
    OTHER(("expected %s, found %s", "a string", "null"), ("expected %s, found %s", "a string", "a number"));
    OTHER(("missing"), ("empty"));
    OTHER(("a%d", 1), ("b%d", 1));
    OTHER(("100%% of %s", "a"), ("100%% of %s", "b"));
    OTHER(("don't take %s", "a"), ("don't take %s", "b")); /* that opens no quote */
    OTHER(("Windows' %s", "a"), ("Windows' %s", "b"));
    OTHER(("'%s' is %s", "x", "a"), ("'%s' is %s", "x", "b")); /* the quote is closed */
    OTHER(("U+%04X", 0x1FU), ("U+%04X", 0x1EU)); /* a name */
    OTHER(("write \\u%04x", 1U), ("write \\u%04x", 2U));
    OTHER(("column %c", 'a'), ("column %c", 'b'));
    OTHER(("%s's %s", "x", "a"), ("%s's %s", "x", "b"));
    OTHER(("%s and %s", "'a", "b"), ("%s and %s", "'a", "c")); /* a quote that a word leaves open ends with it */
    OTHER(("expected %s", "a value"), ("expected %s", "',' or '}'"));
    OTHER(("%d %s", 1, "a"), ("%d %s", 1, "b")); /* arguments are taken one by one */
    OTHER(("%zu %llu %g %.*s %s", (size_t)1, 2ULL, 3.0, 1, "x", "a"),
          ("%zu %llu %g %.*s %s", (size_t)1, 2ULL, 3.0, 1, "x", "b"));
}
END_TEST

START_TEST(keys_and_remarks_are_a_part_of_the_cause)
{
    uint64_t first = 0;
    for (int i = 0; i < 3; i++) {
        sft_fail_in(&err, SFT_EDATA, "role", "unknown role '%s'", i == 0 ? "a" : "b");
        sft_in_key(&err, "messages[%d]", i);
        sft_remark(&err, " (line %d)", i);
        first = i == 0 ? err.kind : first;
        ck_assert_uint_eq(err.kind, first);
        sft_at(&err, (size_t)i, 3); /* where it is has no part in it */
        sft_in_file(&err, i == 0 ? "a" : "b", (size_t)i);
        sft_context(&err, "in the run of %s", i == 0 ? "today" : "yesterday");
        ck_assert_uint_eq(err.kind, first);
    }
    sft_fail_in(&err, SFT_EDATA, "content", "unknown role '%s'", "a");
    sft_in_key(&err, "messages[%d]", 0);
    ck_assert_uint_ne(err.kind, first);
}
END_TEST

START_TEST(a_string_that_is_absent_is_printed)
{
    static const char *volatile none;
    kind("'%s', %s", none, none);
    ck_assert_str_eq(err.message, "'(null)', (null)");
}
END_TEST

/* Token stores keep kinds: another number here means another STORE_VERSION there. */
START_TEST(kinds_are_the_same_in_every_process)
{
    ck_assert_uint_eq(kind("expected %s, found %s", "a string", "null"), UINT64_C(4990183722264218181));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("err");
    TCase *tcase = tcase_create("err");
    tcase_add_test(tcase, a_failure_has_no_place_yet);
    tcase_add_test(tcase, places_stay_fields);
    tcase_add_test(tcase, lines_and_columns);
    tcase_add_test(tcase, contexts_stand_in_front);
    tcase_add_test(tcase, remarks_stand_behind);
    tcase_add_test(tcase, null_is_no_error_to_fill);
    tcase_add_test(tcase, no_field_can_disturb_a_terminal_or_begin_a_line);
    tcase_add_test(tcase, what_is_long_is_cut_after_a_character);
    tcase_add_test(tcase, values_are_no_cause);
    tcase_add_test(tcase, words_are);
    tcase_add_test(tcase, keys_and_remarks_are_a_part_of_the_cause);
    tcase_add_test(tcase, a_string_that_is_absent_is_printed);
    tcase_add_test(tcase, kinds_are_the_same_in_every_process);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
