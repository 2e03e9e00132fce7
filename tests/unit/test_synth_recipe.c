/* Recipes of `sft synth`: their keys, what their files hold, and what makes another recipe of one. */
#include "collect/synth/recipe.h"
#include "scratch.h"
#include "support/run_suite.h"

#include <inttypes.h>
#include <stdio.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))
#define NEEDED      "[endpoint]\nurl = http://127.0.0.1:8080/v1\n[recipe]\nsubject = tea\n"

static struct recipe recipe;

static void teardown(void)
{
    recipe_free(&recipe);
}

/* Read the text, as if it stood in the scratch directory, and all that it names; the first error in err. */
static enum sft_status read_recipe(const char *text)
{
    recipe_free(&recipe);
    recipe_init(&recipe);
    recipe_read_text(&recipe, text, strlen(text), "r.ini", dir, NULL);
    recipe_check(&recipe, NULL);
    recipe_load(&recipe, NULL, NULL);
    return table_outcome(&recipe.problems, 0, &err);
}

START_TEST(defaults_and_what_is_needed)
{
    ck_assert_int_eq(read_recipe(""), SFT_EUSAGE);
    ck_assert_uint_eq(recipe.problems.count, 2);
    ck_assert_str_eq(
        err_text(recipe.problems.errors[0]),
        "r.ini: [endpoint] url: not set; it names the API to ask, such as http://127.0.0.1:8080/v1 (sft serve)");
    ck_assert_str_eq(err_text(recipe.problems.errors[1]),
                     "r.ini: [recipe] topics: not set, and neither are subject and facts: what are the rows about?");
    check_ok(read_recipe(NEEDED));
    ck_assert_uint_eq(recipe.recipe.count, 100);
    ck_assert_uint_eq(recipe.endpoint.concurrency, 4);
    ck_assert_double_eq(recipe.filter.near_duplicate, 0.7);
    ck_assert_uint_eq(recipe.min_exchanges, 1);
    ck_assert_uint_eq(recipe.max_exchanges, 1);
}
END_TEST

static const struct {
    const char *line, *wanted; /* in [recipe], behind what is needed */
} wrong[] = {
    {"turns = 0", "r.ini:5: [recipe] turns: expected N or N-M, from 1 to 16 exchanges"},
    {"turns = 17", "r.ini:5: [recipe] turns: expected N or N-M, from 1 to 16 exchanges"},
    {"turns = 3-2", "r.ini:5: [recipe] turns: expected N-M with M not below N"},
    {"turns = 1-2-3", "r.ini:5: [recipe] turns: expected N or N-M, from 1 to 16 exchanges"},
    {"topic_tree = 3x", "r.ini:5: [recipe] topic_tree: expected 0, N or NxM, such as 12 or 8x6"},
    {"topic_tree = 101x100", "r.ini:5: [recipe] topic_tree: expected at most 10000 topics in all"},
    {"topic_tree = -1", "r.ini:5: [recipe] topic_tree: expected 0, N or NxM, such as 12 or 8x6"},
    {"topics = a, b\ntopic_tree = 3", "r.ini:6: [recipe] topic_tree: topics is set too: set one of them, not both"},
    {"refusals = 0.6",
     "r.ini:5: [recipe] refusals: with their look-alikes these are more than all rows: refusals x (1 + "
     "look_alikes_per_refusal) must be 1 at most"},
    {"mode = turn", "r.ini:5: [recipe] mode: expected turns or structured, found 'turn' (did you mean turns?)"},
    {"temprature = 1", "r.ini:5: [recipe] temprature: unknown key (did you mean temperature?)"},
    {"count = 1\ncount = 2", "r.ini:6: [recipe] count: already set in line 5"},
    {"url = x", "r.ini:5: [recipe] url: belongs in [endpoint]"},
    {"personas = techer", "r.ini:5: [recipe] personas: 'DIR/techer': no such file (the shipped personas are teacher, "
                          "support, safety, contrast "
                          "and critic)"},
    {"topics = none.txt", "r.ini:5: [recipe] topics: 'DIR/none.txt': no such file"},
    {"facts = none.md", "r.ini:5: [recipe] facts: 'DIR/none.md': no such file"},
    {"[budget]\nmax_cost = 1",
     "r.ini:6: [budget] max_cost: needs price_prompt or price_completion, of a million tokens each"},
    {"[filter]\nmin_chars = 9\nmax_chars = 8", "r.ini:7: [filter] max_chars: below min_chars: nothing would be kept"},
    {"[endpoints]", "r.ini:5: [endpoints]: unknown section (did you mean [endpoint]?)"},
};

START_TEST(each_mistake_is_told_by_its_place)
{
    char *text = mem_printf(NEEDED "%s\n", wrong[_i].line), *wanted = mem_strdup(wrong[_i].wanted);
    char *mark = strstr(wanted, "DIR");
    if (mark) {
        char *full = mem_printf("%.*s%s%s", (int)(mark - wanted), wanted, dir, mark + 3);
        free(wanted);
        wanted = full;
    }
    ck_assert_int_ne(read_recipe(text), SFT_OK);
    ck_assert_str_eq(err_text(&err), wanted);
    ck_assert_uint_eq(recipe.problems.count, 1);
    free(wanted);
    free(text);
}
END_TEST

/* A key that somebody wrote where its variable's name belongs is in no message. */
START_TEST(a_key_in_the_file_is_not_repeated)
{
    ck_assert_int_eq(
        read_recipe("[endpoint]\nurl = http://h/v1\napi_key_env = sk-very-secret\n[recipe]\nsubject = s\n"),
        SFT_EUSAGE);
    ck_assert_ptr_nonnull(strstr(err_text(&err), "expected the name of an environment variable"));
    ck_assert_ptr_null(strstr(err_text(&err), "secret"));
}
END_TEST

START_TEST(other_names_are_told_and_no_value)
{
    ck_assert_int_eq(read_recipe(NEEDED "[endpoint]\napi_key = sk-very-secret\n"), SFT_EUSAGE);
    ck_assert_str_eq(err_text(&err), "r.ini:6: [endpoint] api_key: unknown key; here it is api_key_env (it names an "
                                     "environment variable that holds the key, which stands in no file)");
    ck_assert_int_eq(read_recipe(NEEDED "openai_api_key = sk-very-secret\n"), SFT_EUSAGE);
    ck_assert_str_eq(err_text(&err),
                     "r.ini:5: [recipe] openai_api_key: unknown key; here it is api_key_env in [endpoint] (it "
                     "names an environment variable that holds the key, which stands in no file)");
    ck_assert_int_eq(read_recipe("[train]\nseed = 1\n"), SFT_EUSAGE);
    ck_assert_str_eq(err_text(&err), "r.ini:1: [train]: this is a configuration of sft train; a recipe has [endpoint], "
                                     "[budget], [recipe] and [filter]");
    recipe_free(&recipe);
    recipe_init(&recipe);
    ck_assert_int_eq(recipe_override(&recipe, "endpoint.token=sk-very-secret", &err), SFT_EUSAGE);
    ck_assert_ptr_null(strstr(err_text(&err), "secret"));
}
END_TEST

START_TEST(the_key_comes_from_the_environment)
{
    const char *key;
    check_ok(read_recipe(NEEDED));
    check_ok(recipe_api_key(&recipe, &key, &err));
    ck_assert_ptr_null(key);
    check_ok(read_recipe("[endpoint]\nurl = http://h/v1\napi_key_env = SFT_TEST_KEY\n[recipe]\nsubject = s\n"));
    unsetenv("SFT_TEST_KEY");
    ck_assert_int_eq(recipe_api_key(&recipe, &key, &err), SFT_EUSAGE);
    ck_assert_str_eq(err_text(&err), "[endpoint] api_key_env: SFT_TEST_KEY is not set in the environment (export "
                                     "SFT_TEST_KEY=...)");
    setenv("SFT_TEST_KEY", "k", 1);
    check_ok(recipe_api_key(&recipe, &key, &err));
    ck_assert_str_eq(key, "k");
    unsetenv("SFT_TEST_KEY");
}
END_TEST

/* ---- files ---- */

START_TEST(topics_are_a_list_or_a_file)
{
    check_ok(read_recipe(NEEDED "topics = green tea, black tea ,, iced tea\n"));
    ck_assert_uint_eq(recipe.topics.count, 3);
    ck_assert_str_eq(recipe.topics.items[1], "black tea");
    put("t.txt", "# kinds\n- green tea\n\n  black tea, hot \n* iced tea\n");
    check_ok(read_recipe(NEEDED "topics = t.txt\n"));
    ck_assert_uint_eq(recipe.topics.count, 3);
    ck_assert_str_eq(recipe.topics.items[0], "green tea");
    ck_assert_str_eq(recipe.topics.items[1], "black tea, hot");
    put("empty.txt", "\n# nothing\n");
    ck_assert_int_eq(read_recipe(NEEDED "topics = empty.txt\n"), SFT_EDATA);
    ck_assert_ptr_nonnull(strstr(err_text(&err), "holds no items"));
}
END_TEST

/* Whether one of that name is there, and writes that. */
static bool has_persona(const char *name, enum persona_writes writes)
{
    for (size_t i = 0; i < recipe.n_personas; i++)
        if (strcmp(recipe.personas[i].name, name) == 0)
            return recipe.personas[i].writes == writes;
    return false;
}

START_TEST(what_no_persona_writes_the_shipped_ones_do)
{
    check_ok(read_recipe(NEEDED "refusals = 0\n"));
    ck_assert_uint_eq(recipe.n_personas, 1);
    ck_assert(has_persona("teacher", WRITES_ANSWERS));
    check_ok(read_recipe(NEEDED "refusals = 0.1\ncritique = true\npersonas = support\n"));
    ck_assert_uint_eq(recipe.n_personas, 4);
    ck_assert(has_persona("support", WRITES_ANSWERS));
    ck_assert(has_persona("safety", WRITES_REFUSALS));
    ck_assert(has_persona("contrast", WRITES_LOOK_ALIKES));
    ck_assert(has_persona("critic", WRITES_CRITIQUE));
    put("mine.md", "---\nwrites: refusals\nmay_say_it_is_ai: true\n---\n\nYou refuse.\n");
    check_ok(read_recipe(NEEDED "personas = teacher mine.md\n"));
    ck_assert_uint_eq(recipe.n_personas, 3);
    ck_assert(has_persona("mine", WRITES_REFUSALS));
    ck_assert_str_eq(recipe.personas[1].text, "You refuse.");
    ck_assert(recipe.personas[1].may_say_it_is_ai);
    put("teacher", "---\nname: another\n---\nYou teach.");
    check_ok(read_recipe(NEEDED "personas = teacher\n")); /* the file is nearer */
    ck_assert_str_eq(recipe.personas[0].text, "You teach.");
}
END_TEST

static const struct {
    const char *text, *wanted;
} bad_personas[] = {
    {"---\nwrites: answer\n---\nText", "DIR/p.md:2: writes: expected answers, refusals, look_alikes or critique, found "
                                       "'answer'"},
    {"---\nrole: x\n---\nText", "DIR/p.md:2: unknown key 'role' (name, writes or may_say_it_is_ai)"},
    {"---\nname: x\nText", "DIR/p.md:3: expected KEY: VALUE between the lines of dashes, found 'Text'"},
    {"---\nname: x\n", "DIR/p.md: the lines after the first --- do not end with another one"},
    {"---\nname: x\n---\n \n",
     "DIR/p.md: a persona without a text (it says who the labeller is and what good work is)"},
    {"", "DIR/p.md: a persona without a text (it says who the labeller is and what good work is)"},
    {"\xFF", "DIR/p.md: not UTF-8 text (byte 0xFF)"},
};

START_TEST(a_persona_that_is_wrong)
{
    put("p.md", bad_personas[_i].text);
    ck_assert_int_ne(read_recipe(NEEDED "personas = p.md\n"), SFT_OK);
    char *wanted = mem_printf("r.ini:5: [recipe] personas: %s%s", dir, bad_personas[_i].wanted + 3);
    char *got = mem_strdup(err_text(recipe.problems.errors[0]));
    const char *at = strstr(got, "/p.md"), *tail = strstr(wanted, "/p.md");
    ck_assert_ptr_nonnull(at);
    ck_assert_str_eq(at, tail);
    free(got);
    free(wanted);
}
END_TEST

START_TEST(examples_are_what_can_be_shown)
{
    put("e.jsonl",
        "{\"messages\":[{\"role\":\"system\",\"content\":\"S\"},{\"role\":\"user\",\"content\":\"How do I steal a "
        "car?\"},{\"role\":\"assistant\",\"content\":\"I can't help with that.\"}]}\n"
        "{\"prompt\":\"How many legs has a spider?\",\"completion\":\"A spider has eight legs.\"}\n"
        "{\"text\":\"a document\"}\n");
    check_ok(read_recipe(NEEDED "examples = e.jsonl\n"));
    ck_assert_uint_eq(recipe.n_examples, 2);
    ck_assert(recipe.examples[0].is_refusal);
    ck_assert_uint_eq(recipe.examples[0].conv.count, 2);
    ck_assert(!recipe.examples[1].is_refusal);
    put("d.jsonl", "{\"text\":\"a document\"}\n");
    ck_assert_int_eq(read_recipe(NEEDED "examples = d.jsonl\n"), SFT_EDATA);
}
END_TEST

/* ---- facts ---- */

static const char lamp[] = "# Lamp\n\n## Price\n\nIt costs 39 euros.\n\n## Warranty\n\nTwo years.\nNot for water.\n";

START_TEST(facts_are_cut_into_sections)
{
    struct facts facts = {0};
    struct arena arena = {0};
    facts_cut(&facts, lamp, strlen(lamp), "lamp.md", 1000, &arena);
    ck_assert_uint_eq(facts.count, 1);
    ck_assert_str_eq(facts.items[0].text,
                     "# Lamp\n\n## Price\n\nIt costs 39 euros.\n\n## Warranty\n\nTwo years.\nNot for "
                     "water.");
    facts_free(&facts);
    facts_cut(&facts, lamp, strlen(lamp), "lamp.md", 60, &arena);
    ck_assert_uint_eq(facts.count, 2);
    ck_assert_str_eq(facts.items[1].text, "# Lamp\n\n## Warranty\n\nTwo years.\nNot for water.");
    ck_assert_str_eq(facts.items[1].heading, "Warranty");
    double fit[2];
    facts_fit(&facts, "the prices", fit);
    ck_assert_double_gt(fit[0], fit[1]);
    facts_fit(&facts, "a lamp in the water", fit);
    ck_assert_double_gt(fit[1], fit[0]);
    facts_fit(&facts, "lamp", fit); /* all have it */
    ck_assert_double_eq(fit[0], 0);
    facts_free(&facts);
    arena_free(&arena);
}
END_TEST

/* Whatever the text, nothing of it is lost, no piece is longer than it may be, and no character is cut in two. */
START_TEST(pieces_of_a_long_text)
{
    static const char word[] = "na\xC3\xAFve ";
    struct strbuf text = {0};
    struct facts facts = {0};
    struct arena arena = {0};
    for (int i = 0; i < 300; i++)
        strbuf_printf(&text, "%s%s", word, i % 37 == 36 ? ".\n" : i % 101 == 100 ? "\n\n" : "");
    for (size_t most = 100; most < 200; most += 7) {
        size_t words = 0;
        facts_cut(&facts, text.data, text.len, "n", most, &arena);
        for (size_t i = 0; i < facts.count; i++) {
            const char *piece = facts.items[i].text;
            ck_assert_uint_le(strlen(piece), most);
            ck_assert_str_eq(facts.items[i].heading, "n");
            for (size_t k = 0, n; k < strlen(piece); k += n)
                ck_assert_uint_gt(n = utf8_decode(piece + k, strlen(piece) - k, NULL, NULL), 0);
            for (const char *p = piece; (p = strstr(p, "na\xC3\xAFve")) != NULL; p++)
                words++;
        }
        ck_assert_uint_eq(words, 300);
        facts_free(&facts);
    }
    strbuf_free(&text);
    arena_free(&arena);
}
END_TEST

/* ---- the hash ---- */

static void hash_of(const char *text, char hash[RECIPE_HASH_DIGITS + 1])
{
    check_ok(read_recipe(text));
    recipe_hash(&recipe, hash);
}

START_TEST(what_makes_another_recipe)
{
    char first[RECIPE_HASH_DIGITS + 1], other[RECIPE_HASH_DIGITS + 1];
    put("f.md", "It costs 39 euros.");
    hash_of(NEEDED "facts = f.md\n", first);
    ck_assert_uint_eq(strlen(first), RECIPE_HASH_DIGITS);
    static const char *const same[] = {
        "[endpoint]\nurl = https://h/v1\nconcurrency = 9\n[budget]\nmax_requests = 5\n[recipe]\nsubject = tea\nfacts = "
        "f.md\n"
        "count = 7\n[filter]\nmax_chars = 9\n",
        NEEDED "facts = \"f.md\"\nseed = 42 ; the default\n",
    };
    static const char *const different[] = {
        NEEDED "facts = f.md\nseed = 43\n",
        NEEDED "facts = f.md\ntemperature = 0.81\n",
        NEEDED "facts = f.md\npersonas = support\n",
        NEEDED "facts = f.md\nusers = me\n",
        NEEDED,
        "[endpoint]\nurl = http://h/v1\nmodel = m\n[recipe]\nsubject = tea\nfacts = f.md\n",
    };
    for (size_t i = 0; i < COUNT(same); i++) {
        hash_of(same[i], other);
        ck_assert_str_eq(first, other);
    }
    for (size_t i = 0; i < COUNT(different); i++) {
        hash_of(different[i], other);
        ck_assert_str_ne(first, other);
    }
    put("f.md", "It costs 40 euros.");
    hash_of(NEEDED "facts = f.md\n", other);
    ck_assert_str_ne(first, other);
}
END_TEST

/* ---- what is shipped ---- */

START_TEST(shipped_recipes_are_read)
{
    static const char *const names[] = {"synth-support", "synth-refusals", "synth-topics"};
    char *path = mem_printf("configs/%s.ini", names[_i]);
    recipe_init(&recipe);
    check_ok(recipe_read_file(&recipe, path, &err));
    check_ok(recipe_check(&recipe, &err));
    check_ok(recipe_load(&recipe, NULL, &err));
    ck_assert_uint_gt(recipe.n_personas, 0);
    ck_assert(recipe.topics.count > 0 || recipe.tree_branches > 0);
    free(path);
}
END_TEST

START_TEST(shipped_personas_say_what_they_write)
{
    static const enum persona_writes writes[] = {WRITES_ANSWERS, WRITES_ANSWERS, WRITES_REFUSALS, WRITES_LOOK_ALIKES,
                                                 WRITES_CRITIQUE};
    struct arena arena = {0};
    struct persona persona;
    ck_assert_uint_eq(n_persona_shipped, COUNT(writes));
    for (size_t i = 0; i < COUNT(writes); i++) {
        check_ok(persona_read(&persona, persona_shipped_names[i], &arena, &err));
        ck_assert_str_eq(persona.name, persona_shipped_names[i]);
        ck_assert_int_eq(persona.writes, writes[i]);
        ck_assert(!persona.may_say_it_is_ai);
        ck_assert_uint_gt(strlen(persona.text), 500);
        ck_assert_uint_lt(strlen(persona.text), 1600); /* a small model's context holds facts and answers, too */
        ck_assert_ptr_nonnull(strstr(persona.text, "human labeller"));
    }
    arena_free(&arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("recipes of sft synth");
    TCase *tcase = tcase_create("recipe");
    tcase_add_checked_fixture(tcase, make_dir, remove_dir);
    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_test(tcase, defaults_and_what_is_needed);
    tcase_add_loop_test(tcase, each_mistake_is_told_by_its_place, 0, COUNT(wrong));
    tcase_add_test(tcase, a_key_in_the_file_is_not_repeated);
    tcase_add_test(tcase, other_names_are_told_and_no_value);
    tcase_add_test(tcase, the_key_comes_from_the_environment);
    tcase_add_test(tcase, topics_are_a_list_or_a_file);
    tcase_add_test(tcase, what_no_persona_writes_the_shipped_ones_do);
    tcase_add_loop_test(tcase, a_persona_that_is_wrong, 0, COUNT(bad_personas));
    tcase_add_test(tcase, examples_are_what_can_be_shown);
    tcase_add_test(tcase, facts_are_cut_into_sections);
    tcase_add_test(tcase, pieces_of_a_long_text);
    tcase_add_test(tcase, what_makes_another_recipe);
    tcase_add_loop_test(tcase, shipped_recipes_are_read, 0, 3);
    tcase_add_test(tcase, shipped_personas_say_what_they_write);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
