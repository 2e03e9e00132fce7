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
        "the the the the the the the the the the the",
        "Sure. 1. 1. 1. 1. 1. 1. 1. 1. 1. 1. 1. 1. 1. 1. 1. 1. 1. 1. 1. 1. 1. 1. 1. 1.",
    };
    static const char *const good[] = {
        "Ha ha ha!",
        ("We sing, we sing, we sing of rain\nWe sing, we sing, we sing of rain\n\n"
         "The cloud is grey, the street is wet\nMy shoes have not got dry as yet\n\n"
         "We sing, we sing, we sing of rain\nWe sing, we sing, we sing of rain"),
        "Name: ______________________________________________________________________________________",
        "Chapter one ........................................................................ ",
        "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38",
        "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |\n| 5 | 6 |",
        "3 + 4 = 7.\n7 + 4 = 11.\n11 + 4 = 15.\n15 + 4 = 19.\n19 + 4 = 23.\n23 + 4 = 27.\n27 + 4 = 31.\n31 + 4 = 35.",
        "cuckoo cuckoo cuckoo cuckoo cuckoo cuckoo cuckoo cuckoo cuckoo cuckoo cuckoo cuckoo cuckoo cuckoo cuckoo",
        "0 0 0 0 0 0 0\n0 0 0 0 0 0 0\n0 0 0 0 0 0 0\n0 0 0 0 0 0 0\n0 0 0 0 0 0 0\n0 0 0 0 0 0 0\n0 0 0 0 0 0 0",
        "[[0, 0, 0, 0, 0],\n [0, 0, 0, 0, 0],\n [0, 0, 0, 0, 0],\n [0, 0, 0, 0, 0],\n [0, 0, 0, 0, 0]]",
        "<ol>\n<li>Pear</li>\n<li>Pear</li>\n<li>Pear</li>\n<li>Pear</li>\n<li>Pear</li>\n<li>Pear</li>\n</ol>",
    };
    CHECK_EACH(bad, true);
    CHECK_EACH(good, false);
}
END_TEST

/* Not the same letters, but the same words, or whole sentences with others between. */
START_TEST(loops_with_changes)
{
    static const char *const bad[] = {
        "A shop for lamps. We are here to sell you a lamp, but we are not here to mend your lamp. We are here to "
        "mend your "
        "lamp, but not to sell you a lamp. We are not here to sell you a lamp, but we are here to mend it. We are "
        "here to sell it",
        "Some ideas for the garden:\n\n1. **Sow the beans**: Beans need sun, and you can sow them in a row by the "
        "wall.\n\n"
        "2. **Sow the beans**: You can sow the beans by the wall, in a row, and beans need sun.\n\n"
        "3. **Sow beans**: Beans need sun, and you can sow the beans in a row by the wall.\n\n4. **Sow the beans",
        "The device that is used to keep milk cold is called a milk cooler or a cooler for milk. Farms buy many. The "
        "device "
        "that is used to keep milk cold is called a milk cooler or a cooler for milk. Shops rent some too. The "
        "device that "
        "is used to keep milk cold is called a milk cooler or a cooler for milk. Ask around",
        "I think it is a good day.\nI think it is a good way.\nI think it is a good day. I think it is good.\nI "
        "think it is "
        "a good.\nI think it is a good day. I think it is a good.\nI think it is a good way of it",
    };
    static const char *const good[] = {
        "Four brown bears went up the hill,\nUp the hill, up the hill,\nOne brown bear sat down and stood "
        "still,\nAnd three "
        "went up the hill.\n\nThree brown bears went up the hill,\nUp the hill, up the hill,\nOne brown bear sat "
        "down and "
        "stood still,\nAnd two went up the hill.\n\nTwo brown bears went up the hill,\nUp the hill, up the "
        "hill,\nOne brown "
        "bear sat down and stood still,\nAnd one went up the hill.",
        "19 jars of jam upon the shelf, 19 jars of jam! Take one away and hand it round, 18 jars of jam on the "
        "shelf.\n18 "
        "jars of jam upon the shelf, 18 jars of jam! Take one away and hand it round, 17 jars of jam on the "
        "shelf.\n17 jars "
        "of jam upon the shelf, 17 jars of jam! Take one away and hand it round, 16 jars of jam on the shelf.\n16 "
        "jars of "
        "jam upon the shelf, 16 jars of jam! Take one away and hand it round, 15 jars of jam on the shelf.",
        "When you are glad and want to sing, just hum along!\nWhen you are glad and want to sing, just hum "
        "along!\nWhen you "
        "are glad and want to sing, then all the bells begin to ring,\nWhen you are glad and want to sing, just hum "
        "along!"
        "\n\nWhen you are glad and want to sing, just tap your toes!\nWhen you are glad and want to sing, just tap "
        "your toes!"
        "\nWhen you are glad and want to sing, then all the bells begin to ring,\nWhen you are glad and want to "
        "sing, just "
        "tap your toes!",
        "| Day | Tea | Milk | Cake |\n|---|---|---|---|\n| Monday | yes | no | yes |\n| Tuesday | yes | no | yes |\n| "
        "Wednesday | yes | no | yes |\n| Thursday | no | no | yes |\n| Friday | yes | yes | yes |\n| Saturday | yes "
        "| no | "
        "no |\n| Sunday | yes | no | yes |",
        "I can't help with that, as I have no access to your mail. I can help with other things, but I have no "
        "access to "
        "your mail.",
    };
    CHECK_EACH(bad, true);
    CHECK_EACH(good, false);
}
END_TEST

START_TEST(no_language)
{
    static const char *const bad[] = {
        "ktwq zzrp mblth qqxv prtzk wnd fghjk",
        ("eth joy leagueIverse copeAt plumberZe noble decidedQu airportAte quest beanGrow jump handedHol soupLid "
         "window greenTa cow pianoMe tableRu hillSnow farm lakeTh"),
        "The of is my and a your to the in are of the was with my is the garden of and the to tree",
        "lamp boatEr quickRun seaPot stone ununderunder tallow ingesingesinges plum ofteofteofte",
        " Broad Broad slate slate herb cordialcordialcordialMapcordial elm Fair",
        "a tin lid lid of of of brown and the the jug under of of wall",
    };
    static const char *const code[] = {
        "#include <string.h>\nstatic void keep(struct ctxHtml *ctx)\n{\n    strncpy(ctx->srcPtr, strrchr(argv[1], "
        "'/'), 9);\n"
        "    fprintf(stderr, \"%s\", ctx->srcPtr);\n}",
        "<!DOCTYPE html>\n<html>\n<head><title>Tea</title></head>\n<body>\n<h2>Tea</h2>\n<img "
        "src=\"tea.png\">\n<p>Hot</p>\n"
        "<td>Milk</td>\n</body>\n</html>",
        "CREATE TABLE cstmr (id INT, pswd VARCHAR(64), crtd TIMESTAMP, lstpd TIMESTAMP);",
        "SELECT id, cst_nm, pwd_hsh FROM tbl_cstmrs WHERE crtd_dt > NOW() AND cntry = 'NO' ORDER BY lst_pd DESC;",
        "y = \\frac{\\sqrt{p^2 - q}}{2}, \\sqrt{4} = 2, \\cdot, \\sqrt{49} = 7 and \\sqrt{81}",
        ".btn { bgclr: #eee; pddng: 2px; }\n.lnk-nv { dsply: flex; }",
        "tar -xzf bkp.tgz\nmkdir -p /srv/tmp\nrsync -av src/ dst/\ngrep -rn TODO .",
    };
    static const char *const languages[] = {
        "Strc prst skrz krk. Vlk zmrzl, smrk a chrt stojej. Ctvrtek, hrst, plch, vrch, brk, trn.",
        "cwm, crwth, twll, mwng, ffrwd, ffwrdd, gwlyb, trwm, bwlch, cwrw, tywydd",
        "Vrt, krv, smrt, prst, vrh, grm, trn, brz, crn, tvrd, mrkva",
        "Chrzaszcz, trzcina, szczescie, zmierzch, bezwzgledny, przepis",
        "Bugun hava cok guzel, yarin kardesim gelecek ve birlikte buyukannemize gidecegiz.",
        "Brrrr! Pssst. Hmmmm. Shhhh.",
        "Hahahaha! Hahahaha, tralala, hahaha.",
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
    CHECK_EACH(code, false);
    CHECK_EACH(languages, false);
    CHECK_EACH(good, false);
}
END_TEST

/* What sentences.c makes of quotation marks and fences. */
START_TEST(quotes_and_fences)
{
    static const struct {
        const char *text;
        bool is_quoted, is_code; /* the last word, the last sentence */
    } cases[] = {
        {"She said \"no way\"", true, false},
        {"She said \"no\" then", false, false},
        {"Born \"in 1990\" she left", false, false},
        {"A 6\" pipe is long", false, false},
        {"A 6\" pipe and a 7\" one", false, false},
        {"A 6\" pipe is a \"pipe\"", true, false},
        {"She said \"no and left", false, false},
        {"She said \xE2\x80\x9Cno way\xE2\x80\x9D", true, false},
        {"```\nThat is not for me.\n```", false, false},
        {"```\nThat is not for me. Ask them!\n```", false, false},
        {"```\nkill 42\n```", false, true},
        {"```python\nThat is not for me.\n```", false, true},
        {"So:\n```\nThat is not for me.\n```", false, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct sentences s;
        sentences_split(&s, cases[i].text, strlen(cases[i].text));
        ck_assert_uint_gt(s.count, 0);
        ck_assert_msg(s.words[s.n_words - 1].is_quoted == cases[i].is_quoted, "quoted: '%s'", cases[i].text);
        ck_assert_msg(s.items[s.count - 1].is_code == cases[i].is_code, "code: '%s'", cases[i].text);
        sentences_free(&s);
    }
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
    tcase_add_test(tc, loops_with_changes);
    tcase_add_test(tc, no_language);
    tcase_add_test(tc, quotes_and_fences);
    tcase_add_test(tc, random_letters);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
