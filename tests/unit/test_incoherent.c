/* What is no answer in any sense, and what only looks so. */
#include "base/rng.h"
#include "judge/incoherent.h"
#include "judge/refusal.h"
#include "support/run_suite.h"

#include <stdlib.h>
#include <string.h>

static bool is_incoherent(const char *answer, size_t len)
{
    struct sentences s;
    sentences_split(&s, answer, len);
    const bool found = incoherent(answer, len, &s);
    sentences_free(&s);
    return found;
}

static void check_each(const char *const *answers, size_t n, bool expected)
{
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(is_incoherent(answers[i], strlen(answers[i])) == expected, "%s: '%s'",
                      expected ? "not found" : "found", answers[i]);
}
#define CHECK_EACH(answers, expected) check_each(answers, sizeof(answers) / sizeof *(answers), expected)

START_TEST(no_text)
{
    static const char *const bad[] = {"",     " \n\t ", "...", "?!?", "\xEF\xBF\xBD\xEF\xBF\xBD and", "a\x01 b\x02 c",
                                      "**--**"};
    CHECK_EACH(bad, true);
    ck_assert(is_incoherent("a\0b\0c", 5));
}
END_TEST

START_TEST(loops)
{
    static const char *const bad[] = {
        "I would like to see that. I would like to see that. I would like to see that. I would like to see that. I "
        "would like to see that.",
        "Yes. the the the the the the the the the the the the the the the the the the the the the the the",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "The answer:\nno no no no no no no no no no no no no no no no no no no no no no no no no",
        "1. Go to the shop and buy a loaf.\n2. Go to the shop and buy a loaf.\n3. Go to the shop and buy a loaf.\n4. "
        "Go to the shop and buy a loaf.\n5. Go to the shop and buy a loaf.\n6. Go to the shop and buy",
        "\xE5\xA5\xBD\xE7\x9A\x84\xE5\xA5\xBD\xE7\x9A\x84\xE5\xA5\xBD\xE7\x9A\x84"
        "\xE5\xA5\xBD\xE7\x9A\x84\xE5\xA5\xBD\xE7\x9A\x84\xE5\xA5\xBD\xE7\x9A\x84"
        "\xE5\xA5\xBD\xE7\x9A\x84\xE5\xA5\xBD\xE7\x9A\x84\xE5\xA5\xBD\xE7\x9A\x84"
        "\xE5\xA5\xBD\xE7\x9A\x84\xE5\xA5\xBD\xE7\x9A\x84\xE5\xA5\xBD\xE7\x9A\x84"
        "\xE5\xA5\xBD\xE7\x9A\x84\xE5\xA5\xBD\xE7\x9A\x84\xE5\xA5\xBD\xE7\x9A\x84",
    };
    static const char *const good[] = {
        "Ha ha ha!",
        "We sing, we sing, we sing of rain\nWe sing, we sing, we sing of rain\n\nThe cloud is grey, the street is wet\n"
        "My shoes have not got dry as yet\n\nWe sing, we sing, we sing of rain\nWe sing, we sing, we sing of rain",
        "Name: ______________________________________________________________________________________",
        "Chapter one ........................................................................ ",
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38",
        "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n| 5 | 6 |",
        "3 + 4 = 7.\n7 + 4 = 11.\n11 + 4 = 15.\n15 + 4 = 19.\n19 + 4 = 23.\n23 + 4 = 27.\n27 + 4 = 31.\n31 + 4 = 35.",
    };
    CHECK_EACH(bad, true);
    CHECK_EACH(good, false);
}
END_TEST

START_TEST(no_language)
{
    static const char *const bad[] = {
        "ktwq zzrp mblth qqxv prtzk wnd fghjk",
        "eth joy leagueIverse copeAt plumberZe noble decidedQu airportAte quest beanGrow jump handedHol soupLid window "
        "greenTa cow pianoMe tableRu hillSnow farm lakeTh",
        "The of is my and a your to the in are of the was with my is the garden of and the to tree",
    };
    static const char *const good[] = {
        "Yes.",
        "42",
        "\xF0\x9F\x91\x8D",
        "https://example.com/a/b?c=d&e=f#Gh12Jk",
        "def f(x):\n    return x + 1\n\nfor i in range(10):\n    print(f(i))",
        "getElementById, querySelector, addEventListener, appendChild, removeChild",
        "```\nqwrt zxcvb mnbvc = lkjhgf(dfghj)\n```",
        "HTML, CSS, HTTP, XML and FTP",
        "Oslo, Rome, Bern, Prague, Vienna, Madrid, Lisbon, Warsaw, Dublin, Athens, Tunis, Cairo, Lima, Quito, Delhi",
        "Das kommt darauf an, was man damit machen will.",
        "Hyv\xC3\xA4\xC3\xA4 p\xC3\xA4iv\xC3\xA4\xC3\xA4, mit\xC3\xA4 kuuluu? Olen kunnossa.",
        "\xD0\x9F\xD1\x80\xD0\xB8\xD0\xB2\xD0\xB5\xD1\x82, \xD0\xBA\xD0\xB0\xD0\xBA \xD0\xB4\xD0\xB5\xD0\xBB\xD0\xB0?",
        "\xE4\xBD\xA0\xE5\xA5\xBD\xEF\xBC\x8C\xE6\x88\x91\xE5\xBE\x88\xE5\xA5\xBD\xE3\x80\x82",
        "An in-depth look at the by-product, the so-called \"of\" and the on-off switch.",
    };
    CHECK_EACH(bad, true);
    CHECK_EACH(good, false);
}
END_TEST

static const char *const letters = "abcdefghijklmnopqrstuvwxyz     ";

/* Letters at random: nearly all. */
START_TEST(random_letters)
{
    struct rng rng;
    size_t n_found = 0;
    rng_seed(&rng, 7, 0);
    for (size_t i = 0; i < 200; i++) {
        char text[200];
        for (size_t k = 0; k < sizeof text; k++)
            text[k] = letters[rng_below(&rng, strlen(letters))];
        n_found += is_incoherent(text, sizeof text);
    }
    ck_assert_uint_ge(n_found, 190);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("incoherent");
    TCase *tc = tcase_create("incoherent");
    tcase_add_test(tc, no_text);
    tcase_add_test(tc, loops);
    tcase_add_test(tc, no_language);
    tcase_add_test(tc, random_letters);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
