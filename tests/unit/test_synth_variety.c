/* How varied a file is: what is counted, what is warned of, and how it is told. */
#include "base/json.h"
#include "base/strbuf.h"
#include "collect/synth/variety_read.h"
#include "scratch.h"
#include "support/run_suite.h"

#include <math.h>

static struct variety v;
static struct strbuf text;

static enum sft_status read_file(const char *name)
{
    char *path = path_join(dir, name);
    const enum sft_status status = variety_read(&v, path, NULL, &err);
    free(path);
    return status;
}

static void read_rows(const char *rows)
{
    put("rows.jsonl", rows);
    check_ok(read_file("rows.jsonl"));
}

static bool has_warning(const char *what)
{
    for (size_t i = 0; i < v.n_warnings; i++)
        if (strcmp(v.warnings[i].what, what) == 0)
            return true;
    return false;
}

#define ROW(question, answer, meta)                                                                                    \
    "{\"messages\":[{\"role\":\"user\",\"content\":\"" question "\"},{\"role\":\"assistant\",\"content\":\"" answer    \
    "\"}]" meta "}\n"
#define META(kind, topic)                                                                                              \
    ",\"meta\":{\"model\":\"m\",\"recipe\":\"0123\",\"persona\":\"teacher\",\"topic\":\"" topic "\",\"kind\":\"" kind  \
    "\"}"

START_TEST(what_is_counted)
{
    put("rows.jsonl.rejected.jsonl",
        "{\"reason\":\"too_short\",\"messages\":[]}\n{\"reason\":\"malformed\",\"answers\":[\"x\"]}"
        "\n{\"reason\":\"too_short\"}\n");
    read_rows(
        ROW("What is the tide?", "The tide is the sea's rise and fall.",
            META("answer", "sea")) ROW("What is a wave?", "The tide is not a wave.", META("answer", "sea"))
            ROW("what is the TIDE", "I'm sorry, but I can't help with that.",
                META("refusal", "harm")) "{\"messages\":[{\"role\":\"user\",\"content\":\"no answer\"}]}\n{\"x\":1}\n");
    ck_assert_uint_eq(v.rows, 3);
    ck_assert_uint_eq(v.exchanges, 3);
    ck_assert_uint_eq(v.bad, 2);
    ck_assert_ptr_nonnull(strstr(v.first_bad, "rows.jsonl:4: there is no answer in it"));
    ck_assert_uint_eq(v.with_meta, 3);
    ck_assert_uint_eq(v.kinds.count, 2);
    ck_assert_str_eq(v.kinds.items[0].name, "answer");
    ck_assert_uint_eq(v.kinds.items[0].count, 2);
    ck_assert_uint_eq(v.topics.count, 2);
    ck_assert_uint_eq(v.models.total, 3);
    ck_assert_uint_eq(v.rejected.total, 3);
    ck_assert_str_eq(v.rejected.items[0].name, "too_short");
    ck_assert_uint_eq(v.refused.total, 1);
    ck_assert_str_eq(v.refused.items[0].name, "refusal");
    ck_assert_uint_eq(v.questions.texts, 3);
    ck_assert_uint_eq(v.questions.repeated, 1);
    ck_assert_uint_eq(v.questions.words, 12);
    /* what is the tide, what is a wave, what is the tide: 6 words of 12; 5 pairs of 9; 4 triples of 6 */
    ck_assert_double_eq_tol(v.questions.distinct[0], 6.0 / 12, 1e-12);
    ck_assert_double_eq_tol(v.questions.distinct[1], 5.0 / 9, 1e-12);
    ck_assert_double_eq_tol(v.questions.distinct[2], 4.0 / 6, 1e-12);
    ck_assert_str_eq(v.answers.openings.items[0].name, "the tide is");
    ck_assert_uint_eq(v.answers.openings.items[0].count, 2);
    ck_assert_uint_eq(v.answers.quartiles[0], 23);
    ck_assert_uint_eq(v.answers.quartiles[4], 38);
    ck_assert_uint_eq(v.n_warnings, 0); /* too few rows to tell */
}
END_TEST

START_TEST(a_pair_is_its_chosen_answer)
{
    read_rows("{\"prompt\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"chosen\":[{\"role\":\"assistant\",\"content\":"
              "\"Hello\"}],"
              "\"rejected\":[{\"role\":\"assistant\",\"content\":\"Go away\"}]}\n");
    ck_assert_uint_eq(v.rows, 1);
    ck_assert_uint_eq(v.answers.words, 1);
    ck_assert(isnan(v.answers.distinct[1]));
}
END_TEST

/* ---- collapse ---- */

static void put_rows(struct strbuf *out, size_t n, const char *const *questions, size_t n_questions, const char *answer,
                     const char *kind)
{
    for (size_t i = 0; i < n; i++)
        strbuf_printf(
            out,
            "{\"messages\":[{\"role\":\"user\",\"content\":\"%s\"},{\"role\":\"assistant\",\"content\":\"%s\"}],"
            "\"meta\":{\"topic\":\"t%zu\",\"kind\":\"%s\"}}\n",
            questions[i % n_questions], answer, i % 7, kind);
}

START_TEST(a_collapse_is_warned_of)
{
    static const char *const questions[] = {"How do I boil an egg?", "Where is Oslo?", "What is a quark?"};
    struct strbuf rows = {0};
    put_rows(&rows, 30, questions, 3, "Great question! Here is what you need to know about it.", "answer");
    read_rows(rows.data);
    ck_assert_uint_eq(v.similar, 30);
    ck_assert_uint_eq(v.copies, 30);
    ck_assert_uint_eq(v.answers.repeated, 29);
    ck_assert(has_warning("similar") && has_warning("openings") && has_warning("repeated") && has_warning("distinct"));
    ck_assert(has_warning("lengths"));
    ck_assert(!has_warning("topics") && !has_warning("refusals") && !has_warning("incoherent") &&
              !has_warning("rejected"));
    variety_text(&v, 80, &text);
    ck_assert_ptr_nonnull(strstr(text.data,
                                 "warning: 30 of 30 answers (100%) begin with \"great question here\"; above "
                                 "20% is\n    much\n"));
    strbuf_free(&rows);
}
END_TEST

START_TEST(refusals_in_the_wrong_place)
{
    static const char *const questions[] = {"How do I boil an egg?", "Where is Oslo?"};
    struct strbuf rows = {0};
    put_rows(&rows, 20, questions, 2, "I'm sorry, but I can't help with that.", "look_alike");
    put_rows(&rows, 20, questions, 2, "Take the second road on the left.", "refusal");
    read_rows(rows.data);
    size_t n = 0;
    for (size_t i = 0; i < v.n_warnings; i++)
        n += strcmp(v.warnings[i].what, "refusals") == 0;
    ck_assert_uint_eq(n, 2);
    strbuf_free(&rows);
}
END_TEST

/* ---- a file that is as it should be ---- */

static void varied_rows(struct strbuf *out)
{
    static const char *const things[] = {
        "a kettle",      "the moon",  "old bread", "a bicycle chain", "wet boots",  "a tax form",
        "thin ice",      "a violin",  "sour milk", "loose tiles",     "fog",        "yeast",
        "a locked door", "slow post", "red ants",  "a flat tyre",     "hard water", "stage fright",
        "rust",          "moss",      "weak tea",  "dry soil"};
    static const char *const verbs[] = {"mend", "explain", "keep", "clean", "store", "read about", "avoid", "describe"};
    static const char *const openers[] = {"How can",         "When should",        "With which tool do",
                                          "Is it true that", "Who says how often", "Why would"};
    for (size_t i = 0; i < 22; i++) {
        strbuf_printf(
            out,
            "{\"messages\":[{\"role\":\"user\",\"content\":\"%s I %s %s?\"},{\"role\":\"assistant\",\"content\":\"",
            openers[i % 6], verbs[i % 8], things[i]);
        for (size_t k = 0; k <= i % 5; k++)
            strbuf_printf(out, "To %s %s one needs %s and %s. ", verbs[(i + 3 * k) % 8], things[i],
                          things[(i * 5 + k * 3 + 1) % 22], things[(i * 3 + k * 7 + 2) % 22]);
        strbuf_printf(out,
                      "\"}],\"meta\":{\"topic\":\"%s\",\"kind\":\"answer\",\"persona\":\"teacher\",\"model\":\"m\"}}\n",
                      things[i]);
    }
}

START_TEST(nothing_to_warn_of)
{
    struct strbuf rows = {0};
    varied_rows(&rows);
    read_rows(rows.data);
    variety_text(&v, 80, &text);
    ck_assert_msg(v.n_warnings == 0, "%s", text.data);
    ck_assert_ptr_nonnull(strstr(text.data, "rows.jsonl: 22 rows, 22 exchanges\n"));
    ck_assert_ptr_nonnull(strstr(text.data, "\nkinds       answer 22 (100%)\n"));
    ck_assert_ptr_nonnull(strstr(text.data, "\ntopics      22; most often: a bicycle chain, 1 row (5%)\n"));
    ck_assert_ptr_nonnull(
        strstr(text.data, "\nsimilar     0 of 22 rows (0%) are half the same as another or more (similarity\n"));
    ck_assert_ptr_nonnull(strstr(text.data, "\nrefused     answer 0/22, by the judge; incoherent: 0\n"));
    ck_assert_ptr_nonnull(strstr(text.data, "\nNothing here looks like a collapse.\n"));
    for (const char *line = text.data; *line; line = strchr(line, '\n') + 1)
        ck_assert_uint_le(strcspn(line, "\n"), 80);
    strbuf_free(&rows);
}
END_TEST

START_TEST(as_json)
{
    struct strbuf rows = {0};
    json *root;
    varied_rows(&rows);
    read_rows(rows.data);
    variety_json(&v, &text);
    check_ok(json_parse(text.data, text.len, &root, &err));
    ck_assert_double_eq(json_number(json_get(root, "rows")), 22);
    ck_assert_double_eq(json_number(json_get(json_get(root, "kinds"), "answer")), 22);
    ck_assert_uint_eq(json_size(json_get(root, "topics")), 22);
    ck_assert(json_is_null(json_get(root, "first_bad")));
    ck_assert_uint_eq(json_size(json_get(json_get(root, "answers"), "characters")), 5);
    ck_assert(json_is_number(json_get(json_get(root, "answers"), "distinct_3")));
    ck_assert(json_is_array(json_get(root, "warnings")));
    json_free(root);
    strbuf_free(&rows);
}
END_TEST

/* ---- what is no such file ---- */

START_TEST(files_without_a_conversation)
{
    put("empty.jsonl", "");
    expect_message(read_file("empty.jsonl"), "/empty.jsonl: there is no row in it");
    variety_free(&v);
    put("lines.txt", "one\ntwo\n");
    expect_message(read_file("lines.txt"),
                   "/lines.txt:1: there is no answer in it (there is no conversation in the file)");
}
END_TEST

static void clean(void)
{
    variety_free(&v);
    strbuf_free(&text);
    text = (struct strbuf){0};
    remove_dir();
}

int main(void)
{
    Suite *suite = suite_create("synth_variety");
    TCase *tcase = tcase_create("variety");
    tcase_add_checked_fixture(tcase, make_dir, clean);
    tcase_add_test(tcase, what_is_counted);
    tcase_add_test(tcase, a_pair_is_its_chosen_answer);
    tcase_add_test(tcase, a_collapse_is_warned_of);
    tcase_add_test(tcase, refusals_in_the_wrong_place);
    tcase_add_test(tcase, nothing_to_warn_of);
    tcase_add_test(tcase, as_json);
    tcase_add_test(tcase, files_without_a_conversation);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
