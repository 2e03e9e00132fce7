/* Texts that are shown: cut between characters, what is blank, what is said of nothing. */
#include "base/strbuf.h"
#include "support/run_suite.h"

#include <check.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const struct {
    const char *text;
    size_t most;
    bool is_cut;
    const char *shown;
} excerpts[] = {
    {"Oslo", 4, false, "Oslo"},
    {"Oslo", 3, false, "Osl [...]"},
    {"Oslo", 4, true, "Oslo [...]"},
    {" \r\n\tOslo\n", 10, false, "Oslo\\n"},
    {"a\nb", 2, false, "a [...]"}, /* an escape is whole or not there */
    {"\x1b[31mred", 4, false, "\\x1b [...]"},
    {"d\xC3\xA9j\xC3\xA0", 2, false, "d [...]"},
    {"d\xC3\xA9j\xC3\xA0", 3, false, "d\xC3\xA9 [...]"},
    {"\xE2\x82", 3, false, "\xEF\xBF\xBD"},
    {"", 4, false, "(nothing)"},
    {" \n", 4, false, "(nothing)"},
    {"", 4, true, " [...]"},
};

START_TEST(excerpts_fit)
{
    struct strbuf out = {0};
    strbuf_puts(&out, "> "); /* what stands there already does not count */
    strbuf_add_excerpt(&out, excerpts[_i].text, strlen(excerpts[_i].text), excerpts[_i].most, excerpts[_i].is_cut);
    ck_assert_str_eq(out.data + 2, excerpts[_i].shown);
    strbuf_free(&out);
}
END_TEST

START_TEST(cuts_are_between_characters)
{
    static const char text[] = "a\xE2\x82\xAC"
                               "b";
    static const size_t lengths[] = {0, 1, 1, 1, 4, 5, 5};
    for (size_t most = 0; most < COUNT(lengths); most++)
        ck_assert_uint_eq(utf8_cut(text, strlen(text), most), lengths[most]);
}
END_TEST

START_TEST(white_space_is_blank)
{
    static const char *const blank[] = {"", " \t\r\n\v\f", "\xC2\x85\xC2\xA0", "\xE1\x9A\x80\xE2\x80\x83 \xE3\x80\x80"};
    static const char *const not[] = {"a", " a ", "\xC2\xA0-", "\xE2\x80\x8B", "\xC2", "\xA0"};
    for (size_t i = 0; i < COUNT(blank); i++)
        ck_assert_msg(utf8_is_blank(blank[i], strlen(blank[i])), "%zu", i);
    for (size_t i = 0; i < COUNT(not); i++)
        ck_assert_msg(!utf8_is_blank(not[i], strlen(not[i])), "%zu", i);
    ck_assert(!utf8_is_blank("", 1)); /* a NUL */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("strbuf");
    TCase *tcase = tcase_create("strbuf");
    tcase_add_loop_test(tcase, excerpts_fit, 0, COUNT(excerpts));
    tcase_add_test(tcase, cuts_are_between_characters);
    tcase_add_test(tcase, white_space_is_blank);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
