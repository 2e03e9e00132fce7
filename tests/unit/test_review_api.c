/* The page's API without HTTP: lists, decisions, what is refused; every answer is JSON. */
#include "collect/review/api.h"
#include "support/run_suite.h"

#include "scratch.h"

#include <fcntl.h>
#include <stdio.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

#define ROW(user, answer, more)                                                                                        \
    "{\"messages\":[{\"role\":\"user\",\"content\":\"" user "\"},"                                                     \
    "{\"role\":\"assistant\",\"content\":\"" answer "\"}]" more "}\n"

static struct review review;
static char *file, *losses;
static struct strbuf out;
static const char *const *arguments; /* name, value, ..., NULL */

static void begin(void)
{
    make_dir();
    put("rows.jsonl", ROW("Tea?", "Yes.", ",\"kind\":\"answer\"")                      //
                      ROW("Cups?", "Of course.", ",\"kind\":\"answer\"")               //
                      ROW("Poison?", "I can't help with that.", ",\"kind\":\"refusal\"") //
                      "oops\n"                                                         //
                      ROW("Hours?", "Nine.", ""));
    put("losses.jsonl", "{\"source\":\"rows.jsonl:1\",\"loss\":1}\n{\"source\":\"rows.jsonl:2\",\"loss\":3}\n"
                        "{\"source\":\"rows.jsonl:5\",\"loss\":1}\n");
    file = path_join(dir, "rows.jsonl");
    losses = path_join(dir, "losses.jsonl");
    const struct review_options options = {.file = file, .name = "anna", .rows.losses = losses};
    check_ok(review_open(&review, &options, &err));
    out = (struct strbuf){0};
}

static void end(void)
{
    review_close(&review);
    strbuf_free(&out);
    free(file);
    free(losses);
    remove_dir();
}

static const char *argument(void *context, const char *name)
{
    const char *const *list = context;
    for (; list && *list; list += 2)
        if (strcmp(list[0], name) == 0)
            return list[1];
    return NULL;
}

/* The answer is in `out`, and JSON. */
static unsigned ask(bool is_post, const char *path, const char *body)
{
    json *root;
    const struct review_request request = {.is_post = is_post, .path = path, .argument = argument,
                                           .context = (void *)(uintptr_t)arguments, .body = body,
                                           .n_body = strlen(body)};
    strbuf_clear(&out);
    const unsigned status = review_answer(&review, &request, &out);
    ck_assert_msg(json_parse(out.data, out.len, &root, &err) == SFT_OK, "%s: %s", err_text(&err), out.data);
    ck_assert(json_is_object(root) && json_is_strict(root));
    if (is_post) /* a row's own error may stand in an answer to a GET */
        ck_assert_int_eq(json_is_string(json_get(root, "error")), status != 200);
    json_free(root);
    return status;
}

static void decide(const char *members)
{
    char *body = mem_printf("{%s}", members);
    ck_assert_msg(ask(true, "/api/decide", body) == 200, "%s", out.data);
    free(body);
}

/* The rows that a list has, as "3 1 2". */
static const char *list(const char *const *given)
{
    static char numbers[64];
    json *root;
    arguments = given;
    ck_assert_uint_eq(ask(false, "/api/list", ""), 200);
    arguments = NULL;
    check_ok(json_parse(out.data, out.len, &root, &err));
    numbers[0] = '\0';
    for (const json *row = json_first(json_get(root, "rows")); row; row = json_next(row))
        snprintf(numbers + strlen(numbers), sizeof numbers - strlen(numbers), "%s%.0f", *numbers ? " " : "",
                 json_number(json_get(row, "row")));
    json_free(root);
    return numbers;
}
#define LIST(...) list((const char *const[]){__VA_ARGS__, NULL})

START_TEST(lists_are_filtered_and_ordered)
{
    ck_assert_str_eq(LIST("q", ""), "1 2 3 4 5");
    ck_assert_str_eq(LIST("q", "TEA"), "1");
    ck_assert_str_eq(LIST("kind", "answer"), "1 2");
    ck_assert_str_eq(LIST("label", "full_refusal"), "3");
    ck_assert_str_eq(LIST("kind", "nothing"), "");
    ck_assert_str_eq(LIST("from", "2", "n", "2"), "3 4");
    ck_assert_str_eq(LIST("from", "18446744073709551615"), "");
    ck_assert_str_eq(LIST("from", "7"), "");
    ck_assert_str_eq(LIST("after", "3"), "4 5");
    ck_assert_str_eq(LIST("after", "3", "from", "1"), "5");
    ck_assert_str_eq(LIST("after", "500"), "");
    ck_assert_str_eq(LIST("order", "loss"), "2 1 5 3 4");
    ck_assert_str_eq(LIST("order", "loss", "after", "1"), "5 3 4");
    ck_assert_str_eq(LIST("order", "loss", "after", "3"), "4");
    ck_assert_str_eq(LIST("order", "loss", "after", "4"), "");
    decide("\"row\":2,\"seq\":0,\"decision\":\"accept\",\"tags\":[\"good\",\" \"]");
    decide("\"row\":3,\"seq\":0,\"decision\":\"skip\"");
    ck_assert_str_eq(LIST("decision", "undecided"), "1 3 4 5");
    ck_assert_str_eq(LIST("decision", "undecided", "after", "2"), "3 4 5");
    ck_assert_str_eq(LIST("decision", "skip"), "3");
    ck_assert_str_eq(LIST("decision", "accept"), "2");
    ck_assert_str_eq(LIST("tag", "good"), "2");
    ck_assert_str_eq(LIST("tag", " "), "");
}
END_TEST

START_TEST(reviewers_disagree)
{
    ck_assert_str_eq(LIST("disagree", "1"), "");
    decide("\"row\":1,\"seq\":0,\"decision\":\"accept\"");
    decide("\"row\":2,\"seq\":0,\"decision\":\"edit\",\"messages\":[{\"role\":\"assistant\",\"content\":\"x\"}]");
    decide("\"row\":3,\"seq\":0,\"decision\":\"skip\"");
    decide("\"row\":5,\"seq\":0,\"decision\":\"edit\",\"messages\":[{\"role\":\"assistant\",\"content\":\"x\"}]");
    put("rows.jsonl.review.ben.jsonl",
        "{\"row\":1,\"decision\":\"reject\"}\n{\"row\":3,\"decision\":\"reject\"}\n"
        "{\"row\":2,\"decision\":\"edit\",\"messages\":[{\"role\":\"assistant\",\"content\":\"y\"}]}\n"
        "{\"row\":5,\"decision\":\"edit\",\"messages\":[{\"role\":\"assistant\",\"content\":\"x\"}]}\n");
    ck_assert_str_eq(LIST("disagree", "1"), "1 2");
    ck_assert_str_eq(LIST("disagree", "0"), "1 2 3 4 5");
}
END_TEST

#define EDIT(list) "{\"row\":1,\"seq\":0,\"decision\":\"edit\",\"messages\":" list "}"

static const struct {
    const char *body;
    unsigned status;
    const char *error; /* in the answer */
} bodies[] = {
    {"", 400, "expected a value"},
    {"[]", 400, "\"expected an object\""},
    {"{}", 400, "\"seq: missing"},
    {"{\"row\":1,\"decision\":\"accept\"}", 400, "\"seq: missing"},
    {"{\"row\":\"1\",\"seq\":0,\"decision\":\"accept\"}", 400, "\"row: expected"},
    {"{\"row\":9,\"seq\":0,\"decision\":\"accept\"}", 404, "no such row"},
    {"{\"row\":0,\"seq\":0,\"decision\":\"accept\"}", 404, "no such row"},
    {"{\"row\":1,\"seq\":1,\"decision\":\"accept\"}", 409, "\"current\":{\"row\":1,"},
    {"{\"row\":1,\"seq\":0,\"hash\":\"12\",\"decision\":\"accept\"}", 409, "\"current\":{\"row\":1,"},
    {"{\"row\":1,\"seq\":0}", 400, "\"decision: expected accept, edit, reject or skip\""},
    {"{\"row\":1,\"seq\":0,\"decision\":\"Accept\"}", 400, "\"decision: expected"},
    {"{\"row\":4,\"seq\":0,\"decision\":\"accept\"}", 400, "a row that nobody can read"},
    {"{\"row\":1,\"seq\":0,\"decision\":\"reject\",\"reason\":5}", 400, "\"reason: expected"},
    {"{\"row\":1,\"seq\":0,\"decision\":\"reject\",\"tags\":\"a\"}", 400, "\"tags: expected an array"},
    {"{\"row\":1,\"seq\":0,\"decision\":\"reject\",\"tags\":[\"a\",5]}", 400, "\"tags[1]: expected a string"},
    {"{\"row\":1,\"seq\":0,\"decision\":\"edit\"}", 400, "\"messages: missing"},
    {EDIT("5"), 400, "\"messages: expected an array, found a number\""},
    {EDIT("[]"), 400, "\"messages: the list is empty\""},
    {EDIT("[{\"role\":\"user\",\"content\":\"a\"}]"), 400, "no message of the assistant"},
    {EDIT("[{\"role\":\"assistant\",\"content\":null}]"), 400, "\"messages[0].content: "},
    {EDIT("[{\"role\":\"assistant\",\"content\":\"a\",\"n\":NaN}]"), 400, "none that JSON has"},
    {EDIT("[{\"role\":\"assistant\",\"content\":\"\\ud800\"}]"), 400, "\"error\""},
    {"{\"row\":1,\"seq\":0,\"decision\":\"accept\",\"messages\":[1]}", 400, "\"messages[0]: expected an object"},
};

START_TEST(what_is_no_decision_changes_nothing)
{
    struct strbuf text = {0};
    ck_assert_msg(ask(true, "/api/decide", bodies[_i].body) == bodies[_i].status, "%s", out.data);
    ck_assert_msg(strstr(out.data, bodies[_i].error), "%s", out.data);
    check_ok(io_read(review.mine.path, &text, &err));
    ck_assert_uint_eq(text.len, 0);
    ck_assert_uint_eq(ask(true, "/api/undo", ""), 409);
    strbuf_free(&text);
}
END_TEST

START_TEST(an_edit_loses_what_only_the_page_knows)
{
    decide("\"row\":1,\"seq\":0,\"decision\":\"accept\",\"messages\":[{\"role\":\"assistant\",\"content\":\"\\u00e4\","
           "\"id\":7,\"pieces\":[{\"text\":\"a\"}]}]");
    const struct decision *d = side_file_last(&review.mine, 1);
    ck_assert_int_eq(d->verdict, VERDICT_EDIT);
    ck_assert_str_eq(d->messages, "[{\"role\":\"assistant\",\"content\":\"\xC3\xA4\",\"id\":7}]");
    ck_assert_ptr_nonnull(d->time);
    ck_assert_uint_eq(d->hash, review.rows.items[0].hash);
}
END_TEST

START_TEST(tags_change_a_decision_that_stands)
{
    decide("\"row\":1,\"seq\":0,\"decision\":\"reject\",\"reason\":\"r\"");
    decide("\"row\":1,\"seq\":1,\"decision\":\"reject\",\"reason\":\"r\",\"tags\":[\"t\"]");
    ck_assert_uint_eq(ask(true, "/api/undo", "{}"), 200);
    ck_assert_ptr_nonnull(strstr(out.data, "\"row\":1,\"line\":1,\"seq\":3"));
    ck_assert_ptr_nonnull(strstr(out.data, "\"decision\":{\"decision\":\"reject\",\"reason\":\"r\",\"tags\":[]"));
    ck_assert_ptr_nonnull(strstr(out.data, "{\"accept\":0,\"edit\":0,\"reject\":1,\"skip\":0,\"undecided\":4}"));
    ck_assert_uint_eq(ask(false, "/api/state", ""), 200);
    ck_assert_ptr_nonnull(strstr(out.data, "\"tags\":[\"t\"],\"reasons\":[\"r\"],\"reviewers\":[\"anna\"]"));
}
END_TEST

/* Two tabs: the one takes back only what it knows to be the last. */
START_TEST(an_undo_is_of_the_decision_that_was_shown)
{
    decide("\"row\":1,\"seq\":0,\"decision\":\"accept\"");
    ck_assert_ptr_nonnull(strstr(out.data, "\"can_undo\":true,\"seq_total\":1}"));
    decide("\"row\":2,\"seq\":0,\"decision\":\"accept\"");
    ck_assert_uint_eq(ask(true, "/api/undo", "{\"seq_total\":1}"), 409);
    ck_assert_ptr_nonnull(strstr(out.data, "another tab has decided meanwhile"));
    ck_assert_int_eq(review_verdict(&review, 2, NULL), VERDICT_ACCEPT);
    ck_assert_uint_eq(ask(true, "/api/undo", "{\"seq_total\":\"2\"}"), 400);
    ck_assert_uint_eq(ask(true, "/api/undo", "[2]"), 400);
    ck_assert_uint_eq(ask(true, "/api/undo", "{\"seq_total\":2}"), 200);
    ck_assert_ptr_nonnull(strstr(out.data, "\"seq_total\":3}"));
    ck_assert_int_eq(review_verdict(&review, 2, NULL), VERDICT_NONE);
    ck_assert_uint_eq(ask(true, "/api/undo", "{\"seq_total\":2}"), 409);
    ck_assert_uint_eq(ask(true, "/api/undo", "{}"), 200);
    ck_assert_int_eq(review_verdict(&review, 1, NULL), VERDICT_NONE);
}
END_TEST

/* The file goes, or breaks, while one reviews it: decisions go on. */
START_TEST(a_broken_file_stops_no_decision)
{
    put("rows.jsonl", "\x1f\x8b\x08");
    decide("\"row\":1,\"seq\":0,\"decision\":\"accept\"");
    ck_assert_uint_eq(ask(false, "/api/state", ""), 200);
    ck_assert_ptr_nonnull(strstr(out.data, "\"warning\":\""));
    ck_assert_int_eq(unlink(file), 0);
    decide("\"row\":2,\"seq\":0,\"decision\":\"accept\"");
    ck_assert_uint_eq(ask(false, "/api/state", ""), 200);
    ck_assert_ptr_nonnull(strstr(out.data, "is not there any more\",\"counts\""));
    put("rows.jsonl", ROW("Tea?", "Yes.", ""));
    ck_assert_uint_eq(ask(false, "/api/state", ""), 200);
    ck_assert_ptr_nonnull(strstr(out.data, "\"warning\":null"));
}
END_TEST

START_TEST(a_list_of_no_decision_is_refused)
{
    arguments = (const char *const[]){"decision", "bogus", NULL};
    ck_assert_uint_eq(ask(false, "/api/list", ""), 400);
    ck_assert_str_eq(out.data, "{\"error\":\"decision: expected accept, edit, reject, skip or undecided\"}");
    arguments = NULL;
}
END_TEST

/* Its line would be none when it is read again. */
START_TEST(a_row_behind_the_last_number_is_not_decided)
{
    const size_t count = review.rows.count;
    char *body = mem_printf("{\"row\":%d,\"seq\":0,\"decision\":\"reject\"}", ROWS_MAX + 1);
    review.rows.count = ROWS_MAX + 1;
    ck_assert_uint_eq(ask(true, "/api/decide", body), 400);
    ck_assert_ptr_nonnull(strstr(out.data, "behind the last one that can be decided"));
    review.rows.count = count;
    free(body);
}
END_TEST

/* A full disk: the decision is refused, and the file is what it was. */
START_TEST(a_decision_that_cannot_be_written_is_none)
{
    decide("\"row\":1,\"seq\":0,\"decision\":\"accept\"");
    const int good = review.mine.fd;
    review.mine.fd = open(review.mine.path, O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(review.mine.fd, 0);
    ck_assert_uint_eq(ask(true, "/api/decide", "{\"row\":2,\"seq\":0,\"decision\":\"accept\"}"), 500);
    ck_assert_ptr_nonnull(strstr(out.data, "the decision cannot be written: "));
    ck_assert_uint_eq(ask(true, "/api/undo", "{}"), 500);
    close(review.mine.fd);
    review.mine.fd = good;
    ck_assert_int_eq(review_verdict(&review, 1, NULL), VERDICT_ACCEPT);
    ck_assert_int_eq(review_verdict(&review, 2, NULL), VERDICT_NONE);
    decide("\"row\":2,\"seq\":0,\"decision\":\"reject\"");
    ck_assert_uint_eq(ask(true, "/api/undo", "{}"), 200);
    ck_assert_int_eq(review_verdict(&review, 2, NULL), VERDICT_NONE);
}
END_TEST

/* ---- samples ---- */

START_TEST(a_sample_is_a_sample)
{
    size_t n, hits[20] = {0};
    for (uint64_t seed = 0; seed < 4000; seed++) {
        size_t *sample = review_sample(20, 5, seed, &n);
        ck_assert_uint_eq(n, 5);
        for (size_t i = 0; i < n; i++) {
            ck_assert(sample[i] >= 1 && sample[i] <= 20 && (i == 0 || sample[i] > sample[i - 1]));
            hits[sample[i] - 1]++;
        }
        free(sample);
    }
    for (size_t i = 0; i < 20; i++) /* 1000 expected, with a standard deviation of 27 */
        ck_assert(hits[i] > 860 && hits[i] < 1140);
    size_t *all = review_sample(3, 5, 1, &n);
    ck_assert(n == 3 && all[0] == 1 && all[2] == 3);
    free(all);
}
END_TEST

START_TEST(a_sample_that_grows_keeps_its_rows)
{
    size_t n, m, kept = 0;
    size_t *before = review_sample(100, 20, 1, &n), *after = review_sample(120, 20, 1, &m);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < m; k++)
            kept += before[i] == after[k];
    for (size_t k = 0; k < m; k++)
        kept += after[k] > 100; /* the others are new */
    ck_assert_uint_eq(kept, 20);
    free(before);
    free(after);
}
END_TEST

/* A directory where another reviewer's file is expected. */
START_TEST(a_file_of_another_that_cannot_be_read_stops_nobody)
{
    char *other = path_join(dir, "rows.jsonl.review.ben.jsonl");
    check_ok(io_mkdirs(other, &err));
    decide("\"row\":1,\"seq\":0,\"decision\":\"accept\"");
    ck_assert_uint_eq(ask(false, "/api/state", ""), 200);
    free(other);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("review_api");
    TCase *tc = tcase_create("api"), *samples = tcase_create("samples");
    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, lists_are_filtered_and_ordered);
    tcase_add_test(tc, reviewers_disagree);
    tcase_add_loop_test(tc, what_is_no_decision_changes_nothing, 0, COUNT(bodies));
    tcase_add_test(tc, an_edit_loses_what_only_the_page_knows);
    tcase_add_test(tc, tags_change_a_decision_that_stands);
    tcase_add_test(tc, an_undo_is_of_the_decision_that_was_shown);
    tcase_add_test(tc, a_row_behind_the_last_number_is_not_decided);
    tcase_add_test(tc, a_broken_file_stops_no_decision);
    tcase_add_test(tc, a_list_of_no_decision_is_refused);
    tcase_add_test(tc, a_decision_that_cannot_be_written_is_none);
    tcase_add_test(tc, a_file_of_another_that_cannot_be_read_stops_nobody);
    tcase_add_test(samples, a_sample_is_a_sample);
    tcase_add_test(samples, a_sample_that_grows_keeps_its_rows);
    suite_add_tcase(suite, tc);
    suite_add_tcase(suite, samples);
    return run_suite(suite);
}
