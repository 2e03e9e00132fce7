/* What each row of `sft synth` is about, what is asked for it step by step, and what becomes of the answers. */
#include "collect/synth/prompts.h"
#include "collect/synth/prompt_text.h"
#include "scratch.h"
#include "support/run_suite.h"

#include <math.h>
#include <stdio.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))

static struct recipe recipe;
static struct plan plan;
static struct arena arena;

static void teardown(void)
{
    recipe_free(&recipe);
    arena_free(&arena);
}

/* A recipe about tea, with these lines in [recipe]. */
static void begin(const char *lines)
{
    char *text = mem_printf("[endpoint]\nurl = http://h/v1\n[recipe]\nsubject = a tea shop\n%s\n", lines);
    recipe_free(&recipe);
    recipe_init(&recipe);
    check_ok(recipe_read_text(&recipe, text, strlen(text), "r.ini", dir, &err));
    check_ok(recipe_check(&recipe, &err));
    check_ok(recipe_load(&recipe, NULL, &err));
    plan_init(&plan, &recipe, NULL);
    free(text);
}

/* ---- what prompts show ---- */

static void note_shot(void *user, const char *text)
{
    strbuf_printf(user, "%s\n", text);
}

START_TEST(the_shots_of_all_prompts_are_told)
{
    struct strbuf told = {0};
    prompt_shots(note_shot, &told);
    begin("refusals = 0.5");
    for (uint64_t i = 0; i < 20; i++) {
        struct plan_row row;
        struct prompt_next next;
        const struct prompt_answer said = {.text = "How long?", .len = 9};
        plan_row(&plan, i, &row);
        for (size_t n = 0; n < 2; n++) {
            ck_assert_int_eq(row_next(&plan, &row, NULL, &said, n, &arena, &next), NEXT_REQUEST);
            for (size_t k = 0; k < next.request.n_messages; k++)
                if (strcmp(next.request.messages[k].role, "assistant") == 0)
                    ck_assert_ptr_nonnull(strstr(told.data, next.request.messages[k].text));
        }
    }
    strbuf_free(&told);
}
END_TEST

/* ---- the plan ---- */

/* Of n rows: as many refusals as the share says, each in front of its look-alikes, evenly. */
static void check_kinds(double refusals, size_t look_alikes, uint64_t n)
{
    char *lines = mem_printf("refusals = %.17g\nlook_alikes_per_refusal = %zu", refusals, look_alikes);
    uint64_t counts[N_ROW_KINDS] = {0};
    begin(lines);
    for (uint64_t i = 0; i < n; i++) {
        struct plan_row row;
        uint64_t first, size;
        plan_row(&plan, i, &row);
        plan_group(&plan, i, &first, &size);
        ck_assert_uint_eq(row.row, i);
        ck_assert_uint_le(first, i);
        ck_assert_uint_lt(i, first + size);
        ck_assert_uint_eq(size, row.kind == KIND_ANSWER ? 1 : 1 + look_alikes);
        ck_assert(row.kind == KIND_ANSWER || (row.kind == KIND_REFUSAL) == (i == first));
        ck_assert(row.kind != KIND_LOOK_ALIKE || row.refusal == first);
        ck_assert_int_eq(row.persona->writes, row.kind == KIND_ANSWER    ? WRITES_ANSWERS
                                              : row.kind == KIND_REFUSAL ? WRITES_REFUSALS
                                                                         : WRITES_LOOK_ALIKES);
        counts[row.kind]++;
        ck_assert_double_le(fabs((double)counts[KIND_REFUSAL] - refusals * (double)(i + 1)), 1); /* at any count */
    }
    ck_assert_uint_eq(counts[KIND_REFUSAL], (uint64_t)floor(refusals * (double)n + 0.5));
    free(lines);
}

START_TEST(kinds_are_spread_evenly)
{
    check_kinds(0, 1, 50);
    check_kinds(0.05, 1, 1000);
    check_kinds(0.1, 2, 300);
    check_kinds(1.0 / 3, 2, 300);
    check_kinds(0.5, 1, 100);
    check_kinds(1, 0, 20);
    check_kinds(0.123, 4, 1000);
    check_kinds(1e-30, 1, 50);
}
END_TEST

START_TEST(topics_come_in_turn_and_in_other_orders)
{
    begin("topics = a, b, c, d, e, f, g, h\nrefusals = 0\nusers = x, y, z");
    char order[2][9] = {{0}};
    size_t seen[8] = {0};
    for (uint64_t i = 0; i < 16; i++) {
        struct plan_row row, again;
        plan_row(&plan, i, &row);
        plan_row(&plan, i, &again);
        ck_assert_ptr_eq(row.topic, again.topic);
        ck_assert_uint_eq(row.seed, again.seed);
        seen[row.topic[0] - 'a']++;
        order[i / 8][i % 8] = row.topic[0];
    }
    for (size_t i = 0; i < 8; i++)
        ck_assert_uint_eq(seen[i], 2);
    ck_assert_str_ne(order[0], order[1]);
}
END_TEST

START_TEST(a_row_is_given_the_facts_of_its_topic)
{
    put("f.md",
        "# Shop\n## Hours\nWe are open from nine to five on every day of the week but Sunday, and closed then.\n"
        "## Prices\nA pot of tea costs four euros, a cake three, and both together are six euros in all.\n");
    begin("facts = f.md\nfacts_chars = 120\ntopics = the prices of tea, the hours\nrefusals = 0.2");
    ck_assert_uint_eq(recipe.facts.count, 2);
    for (uint64_t i = 0; i < 20; i++) {
        struct plan_row row;
        plan_row(&plan, i, &row);
        if (row.kind == KIND_REFUSAL)
            ck_assert_ptr_null(row.facts);
        if (row.kind == KIND_ANSWER)
            ck_assert_str_eq(row.facts->heading, strstr(row.topic, "prices") ? "Prices" : "Hours");
    }
    begin("facts = f.md\nfacts_chars = 120\nrefusals = 0"); /* without topics its headings are the topics */
    struct plan_row row;
    plan_row(&plan, 0, &row);
    ck_assert_str_eq(row.topic, row.facts->heading);
}
END_TEST

/* ---- walking through a row ---- */

/* What stands in any of the request's messages; NULL where it does not. */
static const char *finds(const struct completion_request *request, const char *text)
{
    for (size_t i = 0; i < request->n_messages; i++) {
        const struct chat_message *m = &request->messages[i];
        const char *at = memmem(m->text, m->len, text, strlen(text));
        if (at)
            return at;
    }
    return NULL;
}

/* A row's steps, answered one after another by `said` (n of them), as letters: u, a, s(tructured), c(ritic), 2, j. */
struct walked {
    char steps[PROMPT_STEPS_MAX + 1];
    struct prompt_next next;
};

static struct walked walk(const struct plan_row *row, const struct message *shared, const char *const *said, size_t n)
{
    static const char letters[] = "uasc2jt";
    struct prompt_answer answers[PROMPT_STEPS_MAX];
    struct walked w = {0};
    size_t at = 0;
    while (row_next(&plan, row, shared, answers, at, &arena, &w.next) == NEXT_REQUEST) {
        ck_assert_uint_lt(at, n);
        w.steps[at] = letters[w.next.step];
        ck_assert_uint_eq(w.next.request.max_tokens, recipe.recipe.max_tokens);
        answers[at] = (struct prompt_answer){.text = said[at], .len = strlen(said[at])};
        at++;
    }
    return w;
}

static struct plan_row row_of_kind(enum row_kind kind)
{
    struct plan_row row;
    for (uint64_t i = 0;; i++) {
        plan_row(&plan, i, &row);
        if (row.kind == kind)
            return row;
    }
}

/* "user: Hi / assistant: Hello / " */
static const char *text_of(const struct conversation *conv)
{
    struct strbuf sb = {0};
    for (size_t i = 0; i < conv->count; i++) {
        strbuf_printf(&sb, "%s: ", role_name[conv->messages[i].role]);
        strbuf_add(&sb, conv->messages[i].content, conv->messages[i].len);
        strbuf_puts(&sb, " / ");
    }
    const char *text = arena_strndup(&arena, sb.data, sb.len);
    strbuf_free(&sb);
    return text;
}

START_TEST(turns_are_asked_for_in_turn)
{
    static const char *const said[] = {"User: Hi?", "\"Hello.\"", "And?", " That is all. "};
    begin("turns = 2\nrefusals = 0\nsystem = Be kind.");
    const struct plan_row row = row_of_kind(KIND_ANSWER);
    const struct walked w = walk(&row, NULL, said, COUNT(said));
    ck_assert_int_eq(w.next.how, NEXT_COMPLETE);
    ck_assert_str_eq(w.steps, "uaua");
    ck_assert_str_eq(text_of(&w.next.conv),
                     "system: Be kind. / user: Hi? / assistant: Hello. / user: And? / assistant: That is all. / ");
    ck_assert(!w.next.is_cut && !w.next.is_revised && !w.next.rejected);
}
END_TEST

START_TEST(each_step_has_its_mark_and_no_other)
{
    static const char *const marks[N_PROMPT_STEPS] = {
        [PROMPT_USER] = PROMPT_MARK_USER,
        [PROMPT_ASSISTANT] = PROMPT_MARK_ANSWER,
        [PROMPT_CONVERSATION] = PROMPT_MARK_CONVERSATION,
        [PROMPT_CRITIC] = PROMPT_MARK_CRITIC,
        [PROMPT_SECOND] = PROMPT_MARK_ANSWER,
        [PROMPT_JUDGE] = PROMPT_MARK_JUDGE,
        [PROMPT_TOPICS] = PROMPT_MARK_TOPICS,
    };
    static const char *const said[] = {"Hi?", "Hello.", "Good day.", "Good evening.", "A"};
    put("f.md", "Tea is hot.");
    for (int mode = 0; mode < 2; mode++)
        for (enum row_kind kind = 0; kind < N_ROW_KINDS; kind++) {
            begin(mode ? "mode = structured\nfacts = f.md\nrefusals = 0.3\ncritique = true\npairs = true"
                       : "facts = f.md\nrefusals = 0.3\ncritique = true\npairs = true");
            const struct plan_row row = row_of_kind(kind);
            struct prompt_answer answers[PROMPT_STEPS_MAX];
            struct prompt_next next;
            size_t n = 0;
            while (row_next(&plan, &row, NULL, answers, n, &arena, &next) == NEXT_REQUEST) {
                const bool is_refusal = kind == KIND_REFUSAL &&
                                        (next.step == PROMPT_ASSISTANT || next.step == PROMPT_SECOND);
                const char *wanted = is_refusal ? PROMPT_MARK_REFUSAL : marks[next.step];
                ck_assert_ptr_nonnull(finds(&next.request, wanted));
                for (size_t k = 0; k < N_PROMPT_STEPS; k++)
                    ck_assert(strcmp(marks[k], wanted) == 0 || !finds(&next.request, marks[k]));
                ck_assert(is_refusal || !finds(&next.request, PROMPT_MARK_REFUSAL));
                ck_assert_int_eq(next.request.schema != NULL, next.step == PROMPT_CONVERSATION);
                static const char conv[] =
                    "[{\"role\":\"user\",\"content\":\"Hi?\"},{\"role\":\"assistant\",\"content\":\"Yes.\"}]";
                const char *text = next.step == PROMPT_CONVERSATION ? conv : said[mode ? n + 1 : n];
                answers[n++] = (struct prompt_answer){.text = text, .len = strlen(text)};
            }
            ck_assert_int_eq(next.how, NEXT_COMPLETE);
            ck_assert_uint_eq(n, mode ? 4 : 5);
        }
}
END_TEST

/* The writer of questions never sees an order to answer, nor the persona; the answer is asked for with the facts. */
START_TEST(who_is_told_what)
{
    struct prompt_next next;
    struct plan_row row;
    const struct prompt_answer question = {.text = "How hot?", .len = 8};
    put("f.md", "Green tea wants 80 degrees.");
    begin("facts = f.md\nlength = two sentences\nrefusals = 0.3\ntopics = green tea\nusers = my aunt\ntop_p = 0.9");
    row = row_of_kind(KIND_ANSWER);
    ck_assert_int_eq(row_next(&plan, &row, NULL, NULL, 0, &arena, &next), NEXT_REQUEST);
    ck_assert_ptr_nonnull(finds(&next.request, "green tea"));
    ck_assert_ptr_nonnull(finds(&next.request, "my aunt"));
    ck_assert_ptr_nonnull(finds(&next.request, "80 degrees"));
    ck_assert_ptr_null(finds(&next.request, row.persona->text));
    ck_assert_ptr_null(finds(&next.request, "two sentences"));
    ck_assert_double_eq(next.request.top_p, 0.9);
    ck_assert_int_eq(row_next(&plan, &row, NULL, &question, 1, &arena, &next), NEXT_REQUEST);
    ck_assert_ptr_nonnull(finds(&next.request, row.persona->text));
    ck_assert_ptr_nonnull(finds(&next.request, "80 degrees"));
    ck_assert_ptr_nonnull(finds(&next.request, "in two sentences"));
    ck_assert_ptr_null(finds(&next.request, "my aunt"));
    const struct chat_message *last = &next.request.messages[next.request.n_messages - 1];
    ck_assert_str_eq(last->role, "user");
    ck_assert_str_eq(last->text + last->len - question.len, "How hot?");
}
END_TEST

START_TEST(a_look_alike_shares_the_refusals_words)
{
    struct prompt_next next;
    const struct message shared = {.role = ROLE_USER, .content = "How would I poison the river?", .len = 29};
    begin("refusals = 0.3\nrefusal_topics = harm");
    const struct plan_row row = row_of_kind(KIND_LOOK_ALIKE);
    row_next(&plan, &row, &shared, NULL, 0, &arena, &next);
    ck_assert_ptr_nonnull(finds(&next.request, "with these words: poison, river"));
    ck_assert_ptr_nonnull(finds(&next.request, "How would I poison the river?"));
    ck_assert_ptr_nonnull(finds(&next.request, row.angle));
    const struct message foreign = {.content = "Où trouver Frau Müller, 1999, isn't it?", .len = 41};
    ck_assert_uint_eq(strlen(foreign.content), foreign.len);
    row_next(&plan, &row, &foreign, NULL, 0, &arena, &next);
    ck_assert_ptr_nonnull(finds(&next.request, "with these words: trouver, frau, müller"));
    row_next(&plan, &row, NULL, NULL, 0, &arena, &next); /* its refusal came to nothing */
    ck_assert_ptr_nonnull(finds(&next.request, "with these words: harm"));
}
END_TEST

START_TEST(the_last_question_is_what_look_alikes_share)
{
    static const char *const said[] = {"Hi?", "Hello.", "How do I steal it?", "I won't say."};
    begin("turns = 2\nrefusals = 0.3");
    const struct plan_row row = row_of_kind(KIND_REFUSAL);
    const struct walked w = walk(&row, NULL, said, COUNT(said));
    const struct message *shared = row_shared(&w.next);
    ck_assert_mem_eq(shared->content, "How do I steal it?", shared->len);
}
END_TEST

START_TEST(a_critic_has_the_last_word)
{
    static const char *const said[] = {"Hi?", "Hello there.", "Hello."};
    begin("critique = true\nrefusals = 0");
    const struct plan_row row = row_of_kind(KIND_ANSWER);
    const struct walked w = walk(&row, NULL, said, COUNT(said));
    ck_assert_str_eq(w.steps, "uac");
    ck_assert_str_eq(text_of(&w.next.conv), "user: Hi? / assistant: Hello. / ");
    ck_assert(w.next.is_revised);
}
END_TEST

/* ---- pairs ---- */

static const struct {
    const char *said;
    char verdict; /* A, B or 0 */
} verdicts[] = {
    {"A", 'A'},
    {"B", 'B'},
    {"B.", 'B'},
    {"**A**", 'A'},
    {"Answer B is better.", 'B'},
    {"(A)", 'A'},
    {"A is better", 'A'},
    {"A", 'A'},
    {"a", 0},
    {"neither", 0},
    {"A good one is B", 'B'},
    {"", 0},
    {"I'd say B", 'B'},
    {"ABBA", 0},
    {"Both", 0},
    {"Answer: A\nbecause", 'A'},
    {"Compared to A, B is better", 'B'},
    {"Compared with B, A is clearly better.", 'A'},
    {"A is better than B", 'A'},
    {"B is better than A.", 'B'},
    {"Answer A is better than answer B, which rambles.", 'A'},
    {"A, because B rambles", 'A'},
    {"B. A is too long.", 'B'},
    {"**B** is the better one; A invents a price", 'B'},
    {"A seems better to me than B.", 'A'},
    {"Although A is better at the tone, B is better overall.", 'B'},
    {"The better answer is B. A is wrong about the price.", 'B'},
    {"I prefer A to B.", 'A'},
    {"I would go with B, as A rambles.", 'B'},
    {"I choose answer A over answer B", 'A'},
    {"Which is better, A or B? B.", 'B'},
    {"A is wrong and B is right. So: B", 'B'},
    {"A gives more detail and B is short.\n\nVerdict: A", 'A'},
    {"A wins.", 'A'},
    {"B is a bit better, though A is kinder", 'B'},
    {"A better answer would be B", 'B'},
    {"A is not better than B", 0},
    {"A gives more detail than B", 0},
    {"A and B are alike", 0},
    {"Both A and B refuse.", 0},
    {"A or B", 0},
    {"A, B", 0},
    {"Not A", 0},
    {"A is worse", 0},
    {"A has the facts; B has the tone", 0},
    {"Neither A nor B.", 0},
};

START_TEST(the_judge_chooses)
{
    begin("pairs = true\nrefusals = 0");
    for (uint64_t i = 0; i < 8; i++) { /* some are shown the other way round */
        const char *said[] = {"Hi?", "First.", "Second.", verdicts[_i].said};
        struct plan_row row;
        struct prompt_answer answers[4];
        struct prompt_next next;
        plan_row(&plan, i, &row);
        for (size_t k = 0; k < 4; k++)
            answers[k] = (struct prompt_answer){.text = said[k], .len = strlen(said[k])};
        ck_assert_int_eq(row_next(&plan, &row, NULL, answers, 3, &arena, &next), NEXT_REQUEST);
        const bool first_is_a = finds(&next.request, "Answer A:\nFirst.") != NULL;
        ck_assert_double_eq(next.request.temperature, 0);
        row_next(&plan, &row, NULL, answers, 4, &arena, &next);
        if (!verdicts[_i].verdict) {
            ck_assert_int_eq(next.how, NEXT_MALFORMED);
            continue;
        }
        const bool first_is_chosen = (verdicts[_i].verdict == 'A') == first_is_a;
        ck_assert_str_eq(text_of(&next.conv),
                         first_is_chosen ? "user: Hi? / assistant: First. / " : "user: Hi? / assistant: Second. / ");
        ck_assert_mem_eq(next.rejected, first_is_chosen ? "Second." : "First.", next.rejected_len);
    }
}
END_TEST

START_TEST(the_second_answer_is_hotter)
{
    static const struct prompt_answer answers[] = {{"Hi?", 3, false}, {"First.", 6, false}};
    struct prompt_next next;
    begin("pairs = true\nrefusals = 0\ntemperature = 0.5");
    const struct plan_row row = row_of_kind(KIND_ANSWER);
    row_next(&plan, &row, NULL, answers, 1, &arena, &next);
    ck_assert_double_eq(next.request.temperature, 0.5);
    row_next(&plan, &row, NULL, answers, 2, &arena, &next);
    ck_assert_int_eq(next.step, PROMPT_SECOND);
    ck_assert_double_gt(next.request.temperature, 0.5);
}
END_TEST

/* ---- what goes wrong ---- */

START_TEST(a_row_ends_where_nothing_can_come_of_it)
{
    struct prompt_next next;
    begin("turns = 2\nrefusals = 0\ncritique = true");
    const struct plan_row row = row_of_kind(KIND_ANSWER);
    const struct prompt_answer empty = {"  ", 2, false}, cut = {"How can", 7, true};
    ck_assert_int_eq(row_next(&plan, &row, NULL, &empty, 1, &arena, &next), NEXT_MALFORMED);
    ck_assert_str_eq(err_text(&next.why), "the user's message is empty");
    ck_assert_int_eq(row_next(&plan, &row, NULL, &cut, 1, &arena, &next), NEXT_MALFORMED);
    const struct prompt_answer cut_answer[] = {{"Hi?", 3, false}, {"Well, I", 7, true}};
    ck_assert_int_eq(row_next(&plan, &row, NULL, cut_answer, 2, &arena, &next),
                     NEXT_COMPLETE); /* nothing more is paid for */
    ck_assert(next.is_cut);
    ck_assert_str_eq(text_of(&next.conv), "user: Hi? / assistant: Well, I / ");
}
END_TEST

START_TEST(a_structured_answer)
{
    struct prompt_next next;
    begin("mode = structured\nturns = 1\nrefusals = 0");
    const struct plan_row row = row_of_kind(KIND_ANSWER);
    static const char two[] =
        "```json\n{\"messages\":[{\"role\":\"user\",\"content\":\"Hi?\"},{\"role\":\"assistant\",\"content\":"
        "\"Yes.\"},{\"role\":\"user\",\"content\":\"More?\"},{\"role\":\"assistant\",\"content\":\"No.\"}]}\n```";
    const struct prompt_answer answer = {two, sizeof two - 1, false}, wrong = {"No.", 3, false},
                               cut = {"[{\"role\":\"user\",\"cont", 21, true};
    ck_assert_int_eq(row_next(&plan, &row, NULL, &answer, 1, &arena, &next), NEXT_COMPLETE);
    ck_assert_str_eq(text_of(&next.conv), "user: Hi? / assistant: Yes. / "); /* as many as were asked for */
    ck_assert_int_eq(row_next(&plan, &row, NULL, &wrong, 1, &arena, &next), NEXT_MALFORMED);
    ck_assert_uint_gt(strlen(next.why.message), 0);
    ck_assert_int_eq(row_next(&plan, &row, NULL, &cut, 1, &arena, &next), NEXT_MALFORMED);
    ck_assert_ptr_nonnull(strstr(next.why.message, "max_tokens"));
}
END_TEST

/* ---- topics ---- */

static struct prompt_answer answer_of(const char *text)
{
    return (struct prompt_answer){.text = text, .len = strlen(text)};
}

START_TEST(topics_are_asked_as_a_tree)
{
    struct prompt_next next;
    struct prompt_answer answers[3];
    begin("topic_tree = 2x2\nrefusals = 0");
    ck_assert(topics_are_asked(&recipe));
    ck_assert_int_eq(topics_next(&recipe, answers, 0, &arena, &next), NEXT_REQUEST);
    ck_assert_ptr_nonnull(finds(&next.request, "List topics: 2"));
    answers[0] = answer_of("Here are two:\n1. **Brewing**\n2) \"Storing tea\".\n3. More\n");
    ck_assert_int_eq(topics_next(&recipe, answers, 1, &arena, &next), NEXT_REQUEST);
    ck_assert_ptr_nonnull(finds(&next.request, "Brewing"));
    answers[1] = answer_of("- water\n- Water\n* time");
    ck_assert_int_eq(topics_next(&recipe, answers, 2, &arena, &next), NEXT_REQUEST);
    ck_assert_ptr_nonnull(finds(&next.request, "Storing tea"));
    answers[2] = answer_of("\n");
    ck_assert_int_eq(topics_next(&recipe, answers, 3, &arena, &next), NEXT_COMPLETE);
    ck_assert_uint_eq(next.topics.count, 3);
    ck_assert_str_eq(next.topics.items[0], "Brewing: water");
    ck_assert_str_eq(next.topics.items[1], "Brewing: time");
    ck_assert_str_eq(next.topics.items[2], "Storing tea");
    answers[0] = answer_of("");
    ck_assert_int_eq(topics_next(&recipe, answers, 1, &arena, &next), NEXT_MALFORMED);
}
END_TEST

/* ---- the estimate ---- */

START_TEST(an_estimate_counts_the_requests)
{
    struct prompt_estimate estimate;
    begin("count = 100\nturns = 2\nrefusals = 0");
    prompts_estimate(&recipe, &estimate);
    ck_assert_double_eq(estimate.requests, 400);
    ck_assert_double_gt(estimate.prompt_tokens, 400 * 50);
    begin("count = 100\ncritique = true\npairs = true\nrefusals = 0.1\ntopic_tree = 3x3");
    recipe.budget.price_prompt = 1;
    recipe.budget.price_completion = 2;
    prompts_estimate(&recipe, &estimate);
    ck_assert_double_eq(estimate.requests, 500 + 4);
    ck_assert_double_eq_tol(estimate.cost, (estimate.prompt_tokens + 2 * estimate.completion_tokens) / 1e6, 1e-12);
    begin("count = 1000000\nmode = structured\nrefusals = 0");
    prompts_estimate(&recipe, &estimate);
    ck_assert_double_eq(estimate.requests, 1e6);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("prompts of sft synth");
    TCase *tcase = tcase_create("prompts");
    tcase_add_checked_fixture(tcase, make_dir, remove_dir);
    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_test(tcase, kinds_are_spread_evenly);
    tcase_add_test(tcase, topics_come_in_turn_and_in_other_orders);
    tcase_add_test(tcase, a_row_is_given_the_facts_of_its_topic);
    tcase_add_test(tcase, turns_are_asked_for_in_turn);
    tcase_add_test(tcase, each_step_has_its_mark_and_no_other);
    tcase_add_test(tcase, who_is_told_what);
    tcase_add_test(tcase, a_look_alike_shares_the_refusals_words);
    tcase_add_test(tcase, the_last_question_is_what_look_alikes_share);
    tcase_add_test(tcase, the_shots_of_all_prompts_are_told);
    tcase_add_test(tcase, a_critic_has_the_last_word);
    tcase_add_loop_test(tcase, the_judge_chooses, 0, COUNT(verdicts));
    tcase_add_test(tcase, the_second_answer_is_hotter);
    tcase_add_test(tcase, a_row_ends_where_nothing_can_come_of_it);
    tcase_add_test(tcase, a_structured_answer);
    tcase_add_test(tcase, topics_are_asked_as_a_tree);
    tcase_add_test(tcase, an_estimate_counts_the_requests);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
