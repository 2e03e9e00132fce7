/* Rows that are reviewed: what a file's are, how messages are shown, what an edit may be. */
#include "collect/review/review_messages.h"
#include "text/template_render.h"

#include "byte_tokenizer.h"
#include "review_fixture.h"

#include <math.h>

/* ---- rows ---- */

START_TEST(rows_are_numbered_as_they_come)
{
    open_file("a.jsonl", "{'messages':[{'role':'user','content':'How\\n do I  kill a man?'},"
                         "{'role':'assistant','content':'I can\\u0027t help with that.'}],'meta':{'kind':'refusal'}}\n"
                         "\n"
                         "{'messages':[{'role':'user','content':'a'},{'role':'assistant','content':'b'}]} "
                         "{'messages':[{'role':'user','content':'c'},{'role':'assistant','content':'d'}],'kind':'x'}\n"
                         "{'messages':[{'role':'nobody','content':'a'}]}\n"
                         "oops\n"
                         "{'text':'a document'}\n");
    ck_assert_uint_eq(rows.count, 6);
    const struct review_row *r = rows.items;
    ck_assert_str_eq(r[0].excerpt, "How do I kill a man?");
    ck_assert_str_eq(r[0].kind, "refusal");
    ck_assert_int_eq(r[0].label, JUDGED_FULL_REFUSAL);
    ck_assert(isnan(r[0].loss) && !r[0].error && !r[0].is_preference);
    ck_assert_uint_eq(r[1].line, 3);
    ck_assert_uint_eq(r[2].line, 3);
    ck_assert_str_eq(r[2].kind, "x");
    ck_assert_str_eq(r[2].search, "c\nd\n");
    ck_assert_str_eq(r[3].error, "messages[0].role: unknown role 'nobody' (system, user or assistant; [data] roles = "
                                 "NAME:user maps other names)");
    ck_assert_int_eq(r[3].label, N_JUDGED);
    ck_assert_str_eq(r[4].error, "column 1: 'oops' is no JSON value");
    ck_assert_str_eq(r[4].excerpt, "oops");
    ck_assert_ptr_nonnull(r[5].error); /* the file's rows are messages, as train sees them */
    ck_assert_uint_eq(r[1].hash, xxh64(r[1].text, r[1].len, 0));
    ck_assert(r[1].text[r[1].len - 1] == '}' && r[1].hash != r[2].hash);
}
END_TEST

/* The same in a list, in other lines: the text of a row is its own. */
START_TEST(a_hash_is_of_the_row_alone)
{
    static const char row[] = "{'messages':[{'role':'user','content':'a'},{'role':'assistant','content':'b'}]}";
    char *list = mem_printf("[\n%s ,\n %s\n]\n", row, row), *lines = mem_printf("%s  \r\n%s", row, row);
    open_file("a.json", list);
    ck_assert_uint_eq(rows.count, 2);
    const uint64_t hash = rows.items[0].hash;
    ck_assert_uint_eq(rows.items[1].hash, hash);
    open_file("a.jsonl", lines);
    ck_assert_uint_eq(rows.count, 2);
    ck_assert_uint_eq(rows.items[0].hash, hash);
    ck_assert_uint_eq(rows.items[1].hash, hash);
    free(list);
    free(lines);
}
END_TEST

START_TEST(what_breaks_a_file_is_a_row)
{
    open_file("a.json", "[{'text':'a'}, {'text':'b'}; {'text':'c'}]");
    ck_assert_uint_eq(rows.count, 3);
    ck_assert(!rows.items[0].error && !rows.items[1].error && rows.items[2].error);
    open_file("empty.jsonl", "");
    ck_assert_uint_eq(rows.count, 0);
}
END_TEST

static void put_text(const char *name, const char *text)
{
    char *copy = quoted(text);
    put(name, copy);
    free(copy);
}

#define A "{'messages':[{'role':'user','content':'a'},{'role':'assistant','content':'b'}]}\n"
#define C "{'messages':[{'role':'user','content':'c'},{'role':'assistant','content':'d'}]}\n"

START_TEST(a_file_that_grows_is_read_again)
{
    open_file("a.jsonl", A);
    ck_assert(!review_rows_refresh(&rows) && rows.count == 1);
    put_text("a.jsonl", A A);
    ck_assert(review_rows_refresh(&rows) && rows.count == 2);
    ck_assert_int_eq(unlink(rows.spec.path), 0);
    ck_assert(!review_rows_refresh(&rows)); /* gone: what was read stays */
    ck_assert(rows.count == 2 && strstr(rows.items[1].search, "b"));
    ck_assert_ptr_nonnull(strstr(rows.warning, "a.jsonl: is not there any more"));
    put_text("a.jsonl", A A);
    ck_assert(review_rows_refresh(&rows) && rows.count == 2 && !rows.warning);
}
END_TEST

/* What was read already is not read again; what was written in front of it, is. */
START_TEST(what_was_appended_is_read_alone)
{
    open_file("a.jsonl", A C);
    const char *first = rows.items[0].search;
    const uint64_t hash = rows.items[0].hash;
    put_text("a.jsonl", A C "\n" A "oops\n");
    ck_assert(review_rows_refresh(&rows) && rows.count == 4);
    ck_assert_ptr_eq(rows.items[0].search, first);
    ck_assert(rows.items[2].hash == hash && rows.items[2].line == 4 && rows.items[3].error);
    read_row(0);
    ck_assert_str_eq(content.messages.messages[1].content, "b");
    read_row(2);
    put_text("a.jsonl", A C "\n" A "oops\n" C); /* a bad row may have been half of one */
    ck_assert(review_rows_refresh(&rows) && rows.count == 5);
    ck_assert(rows.items[0].search != first && rows.items[4].line == 6);
    put_text("a.jsonl", C C "\n" A "oops\n" C C); /* the beginning is another, and it has grown */
    ck_assert(review_rows_refresh(&rows) && rows.count == 6 && rows.items[0].hash != hash);
    put_text("a.jsonl", A C "\n" A A); /* it has shrunk */
    ck_assert(review_rows_refresh(&rows) && rows.count == 4 && rows.items[0].hash == hash);
}
END_TEST

/* A list, an object that has its rows in a list, a last line without its end: read as a whole. */
START_TEST(what_is_more_than_lines_is_read_as_a_whole)
{
    static const char *const texts[][2] = {
        {"[{'text':'a'},{'text':'b'}]\n", "[{'text':'a'},{'text':'b'}]\n[{'text':'c'}]\n"},
        {"{'data':[{'text':'a'},{'text':'b'}]}\n", "{'data':[{'text':'a'},{'text':'b'}]}\n{'text':'c'}\n"},
        {"{'text':'a'}\n{'text':'b'}", "{'text':'a'}\n{'text':'b'}{'text':'c'}\n"},
        {"text\na\nb\n", "text\na\nb\nc\n"},
    };
    const char *name = _i == 3 ? "a.csv" : "a.jsonl";
    open_file(name, texts[_i][1]);
    const size_t n = rows.count, line = rows.items[n - 1].line;
    const uint64_t hash = rows.items[n - 1].hash;
    open_file(name, texts[_i][0]);
    put_text(name, texts[_i][1]);
    ck_assert(review_rows_refresh(&rows) && rows.count == n);
    ck_assert(rows.items[n - 1].line == line && rows.items[n - 1].hash == hash);
}
END_TEST

/* Half of a file that somebody is packing: its rows stay, and it is said. */
START_TEST(a_file_that_is_broken_stays_what_it_was)
{
    open_file("a.jsonl", A C);
    put("a.jsonl", "\x1f\x8b\x08");
    ck_assert(!review_rows_refresh(&rows) && rows.count == 2);
    ck_assert_ptr_nonnull(strstr(rows.warning, "a.jsonl"));
    ck_assert(!review_rows_refresh(&rows) && rows.warning);
    read_row(1);
    put_text("a.jsonl", A C A);
    ck_assert(review_rows_refresh(&rows) && rows.count == 3 && !rows.warning);
}
END_TEST

START_TEST(losses_stand_with_their_lines)
{
    put("losses.jsonl", "{\"source\":\"elsewhere/a.jsonl:2\",\"loss\":1.5}\n{\"source\":\"b.jsonl:1\",\"loss\":9}\n"
                        "{\"source\":\"a.jsonl:2\",\"loss\":2.5}\n{\"source\":\"a.jsonl:2\",\"loss\":0.5}\n"
                        "{\"source\":\"a.jsonl:7\",\"loss\":0.5}\n{\"source\":\"a.jsonl:1\",\"loss\":null}\n");
    put("a.jsonl", "{\"text\":\"a\"}\n{\"text\":\"b\"}\n");
    char *path = path_join(dir, "a.jsonl"), *losses = path_join(dir, "losses.jsonl");
    check_ok(review_rows_open(&rows, path, &(struct review_rows_options){.losses = losses}, &err));
    ck_assert(isnan(rows.items[0].loss));
    ck_assert_double_eq(rows.items[1].loss, 2.5);
    free(path);
    free(losses);
}
END_TEST

/* A list on one line: a row is known by its number. */
START_TEST(losses_are_told_apart_on_one_line)
{
    put_text("losses.jsonl", "{'row':1,'source':'a.json:1','loss':1}\n{'row':3,'source':'a.json:1','loss':3}\n"
                             "{'row':3,'source':'a.json:2','loss':9}\n{'row':4,'source':'a.json:1','loss':9}\n"
                             "{'row':-1,'source':'a.json:1','loss':9}\n");
    put("a.json", "[{\"text\":\"a\"},{\"text\":\"b\"},{\"text\":\"c\"}]");
    char *path = path_join(dir, "a.json"), *losses = path_join(dir, "losses.jsonl");
    check_ok(review_rows_open(&rows, path, &(struct review_rows_options){.losses = losses}, &err));
    ck_assert_double_eq(rows.items[0].loss, 1);
    ck_assert(isnan(rows.items[1].loss));
    ck_assert_double_eq(rows.items[2].loss, 3);
    free(path);
    free(losses);
}
END_TEST

/* sft eval had two files of one name. */
START_TEST(losses_of_another_file_of_that_name_are_not_its_own)
{
    char *path = path_join(dir, "a.jsonl"), *sub = path_join(dir, "sub"), *losses = path_join(dir, "losses.jsonl");
    char *lines = mem_printf("{\"source\":\"%s:1\",\"loss\":1}\n{\"source\":\"%s/a.jsonl:1\",\"loss\":9}\n", path, sub);
    check_ok(io_mkdirs(sub, &err));
    put("losses.jsonl", lines);
    put("a.jsonl", "{\"text\":\"a\"}\n");
    put("sub/a.jsonl", "{\"text\":\"b\"}\n");
    check_ok(review_rows_open(&rows, path, &(struct review_rows_options){.losses = losses}, &err));
    ck_assert_double_eq(rows.items[0].loss, 1);
    free(path);
    free(sub);
    free(losses);
    free(lines);
}
END_TEST

/* ---- messages ---- */

static const struct {
    const char *row, *messages;
    bool is_native;
} shown[] = {
    {"{'messages':[{'role':'user','content':'a','name':'Ann','x':[1]},"
     "{'role':'assistant','content':'b','weight':0.5}]}",
     "[{'role':'user','content':'a','name':'Ann','x':[1]},{'role':'assistant','content':'b','weight':0.5}]", true},
    {"{'system':'s','messages':[{'role':'user','content':'a','id':1},{'role':'assistant','content':'b','id':2}]}",
     "[{'role':'system','content':'s'},{'role':'user','content':'a','id':1},{'role':'assistant','content':'b','id':2}]",
     true},
    {"{'messages':[{'role':'user','content':[{'type':'text','text':'a'},{'type':'text','text':'b'}]},"
     "{'role':'assistant','content':'c','train':false}]}",
     "[{'role':'user','content':'ab'},{'role':'assistant','content':'c','weight':0}]", true},
    {"{'messages':[{'role':'user','content':'a','pieces':5},{'role':'assistant','content':'b','n':NaN}]}",
     "[{'role':'user','content':'a'},{'role':'assistant','content':'b'}]", true},
    {"{'conversations':[{'from':'human','value':'a','id':1},{'from':'gpt','value':'b'}]}",
     "[{'role':'user','content':'a','id':1},{'role':'assistant','content':'b'}]", false},
    {"{'instruction':'a','input':'i','output':'b'}",
     "[{'role':'user','content':'a\\n\\ni'},{'role':'assistant','content':'b'}]", false},
    {"{'text':'a'}", "[{'role':'text','content':'a'}]", true},
    {"{'prompt':'a','completion':'b'}", "[{'role':'user','content':'a'},{'role':'assistant','content':'b'}]", false},
};

START_TEST(messages_are_what_the_row_says)
{
    open_file("a.jsonl", shown[_i].row);
    read_row(0);
    review_messages_print(&content, &content.messages, 0, content.messages.count, NULL, &out);
    expect_out(shown[_i].messages);
    ck_assert_int_eq(content.is_native, shown[_i].is_native);
}
END_TEST

static const struct {
    const char *row, *chosen, *rejected, *error;
    size_t n_prompt;
} preferences[] = {
    {"{'prompt':[{'role':'user','content':'q','id':1}],'chosen':[{'role':'assistant','content':'g','k':2}],"
     "'rejected':[{'role':'assistant','content':'b','k':3}]}",
     "[{'role':'user','content':'q','id':1},{'role':'assistant','content':'g','k':2}]",
     "[{'role':'user','content':'q','id':1},{'role':'assistant','content':'b','k':3}]", NULL, 1},
    {"{'prompt':'q','chosen':'g','rejected':'b'}", "[{'role':'user','content':'q'},{'role':'assistant','content':'g'}]",
     "[{'role':'user','content':'q'},{'role':'assistant','content':'b'}]", NULL, 1},
    {"{'chosen':'\\n\\nHuman: a\\n\\nAssistant: b\\n\\nHuman: c\\n\\nAssistant: d',"
     "'rejected':'\\n\\nHuman: a\\n\\nAssistant: b\\n\\nHuman: c\\n\\nAssistant: e'}",
     "[{'role':'user','content':'a'},{'role':'assistant','content':'b','weight':1},{'role':'user','content':'c'},"
     "{'role':'assistant','content':'d'}]",
     "[{'role':'user','content':'a'},{'role':'assistant','content':'b','weight':1},{'role':'user','content':'c'},"
     "{'role':'assistant','content':'e'}]",
     NULL, 3},
    {"{'prompt':[{'role':'system','content':'s','id':1},{'role':'user','content':'q','id':2}],'chosen':'g',"
     "'rejected':'b'}",
     "[{'role':'system','content':'s','id':1},{'role':'user','content':'q','id':2},{'role':'assistant','content':'g'}]",
     "[{'role':'system','content':'s','id':1},{'role':'user','content':'q','id':2},{'role':'assistant','content':'b'}]",
     NULL, 2},
    {"{'prompt':'q','chosen':[{'role':'assistant','content':'g','k':2}],'rejected':'b'}",
     "[{'role':'user','content':'q'},{'role':'assistant','content':'g','k':2}]",
     "[{'role':'user','content':'q'},{'role':'assistant','content':'b'}]", NULL, 1},
    {"{'prompt':'q','chosen':'g','rejected':'g'}", "[{'role':'user','content':'q'},{'role':'assistant','content':'g'}]",
     "[{'role':'user','content':'q'},{'role':'assistant','content':'g'}]", NULL, 1},
    {"{'prompt':'q','chosen':'g','rejected':5}", NULL, NULL, "rejected: expected a string or an array, found a number",
     0},
    {"{'prompt':'q','chosen':[{'role':'assistant','content':'g'}],'rejected':[{'role':'assistant'}]}", NULL, NULL,
     "rejected[0].content: missing", 0},
};

START_TEST(preferences_are_two_conversations)
{
    open_file("a.jsonl", preferences[_i].row);
    if (preferences[_i].error) {
        ck_assert_str_eq(rows.items[0].error, preferences[_i].error);
        return;
    }
    ck_assert(rows.items[0].is_preference);
    read_row(0);
    ck_assert_uint_eq(content.n_prompt, preferences[_i].n_prompt);
    review_messages_print(&content, &content.messages, 0, content.messages.count, NULL, &out);
    expect_out(preferences[_i].chosen);
    review_messages_print(&content, &content.rejected, 0, content.rejected.count, NULL, &out);
    expect_out(preferences[_i].rejected);
}
END_TEST

/* ---- the mask ---- */

START_TEST(without_a_base_answers_are_trained)
{
    const struct review_mask mask = {.train_on = TRAIN_ON_ASSISTANT}, last = {.train_on = TRAIN_ON_LAST_ASSISTANT};
    open_file("a.jsonl", "{'messages':[{'role':'assistant','content':'a'},{'role':'user','content':''},"
                         "{'role':'assistant','content':'b'},{'role':'assistant','content':'c','weight':0}]}");
    read_row(0);
    review_messages_print(&content, &content.messages, 0, 3, &mask, &out);
    expect_out("[{'role':'assistant','content':'a','pieces':[{'text':'a','trained':true}]},"
               "{'role':'user','content':'','pieces':[]},"
               "{'role':'assistant','content':'b','pieces':[{'text':'b','trained':true}]}]");
    review_messages_print(&content, &content.messages, 2, 4, &last, &out);
    expect_out("[{'role':'assistant','content':'b','pieces':[{'text':'b','trained':false}]},"
               "{'role':'assistant','content':'c','weight':0,'pieces':[{'text':'c','trained':false}]}]");
}
END_TEST

/* All text of the pieces, and what of it is trained. */
static void join_pieces(const char *text, struct strbuf *all, struct strbuf *trained)
{
    json *list;
    check_ok(json_parse(text, strlen(text), &list, &err));
    for (const json *message = json_first(list); message; message = json_next(message))
        for (const json *p = json_first(json_get(message, "pieces")); p; p = json_next(p)) {
            strbuf_puts(all, json_string(json_get(p, "text")));
            if (json_is_true(json_get(p, "trained")))
                strbuf_puts(trained, json_string(json_get(p, "text")));
        }
    json_free(list);
}

static void join_tokens(const struct tokenizer *tok, const struct rendered *rendered, bool trained, struct strbuf *all)
{
    for (size_t i = 0; i < rendered->tokens.count; i++) {
        size_t len;
        const char *bytes = tokenizer_token_bytes(tok, rendered->tokens.ids[i], &len);
        if (!trained || rendered->weights[i] > 0)
            strbuf_add(all, bytes, len);
    }
}

/* The mask is what inspect shows: of every format the same text, and the same of it is trained. */
START_TEST(with_a_base_pieces_are_its_tokens)
{
    const enum template_choice choice = (enum template_choice)(_i / 2);
    const struct review_mask mask = {.train_on = _i % 2 ? TRAIN_ON_LAST_ASSISTANT : TRAIN_ON_ASSISTANT};
    struct tokenizer *tok = byte_tokenizer(NULL);
    struct chat_template tpl = {0};
    struct rendered rendered = {0};
    struct strbuf all = {0}, trained = {0}, tokens = {0}, trained_tokens = {0};
    if (template_init(&tpl, &(struct template_options){.choice = choice}, tok, &err)) {
        ck_assert_int_eq(choice, TEMPLATE_SMOLLM3); /* parts of it are the base's own */
        tokenizer_free(tok);
        return;
    }
    struct encoder *enc = encoder_new(tok);
    struct review_mask with_base = mask;
    with_base.template = &tpl;
    open_file("a.jsonl", "{'messages':[{'role':'user','content':' one '},{'role':'assistant','content':' two'},"
                         "{'role':'user','content':'three'},{'role':'assistant','content':'fo\\nur'}]}");
    read_row(0);
    template_render(&tpl, enc, &content.messages, mask.train_on, &rendered);
    join_tokens(tok, &rendered, false, &tokens);
    join_tokens(tok, &rendered, true, &trained_tokens);
    review_messages_print(&content, &content.messages, 0, content.messages.count, &with_base, &out);
    join_pieces(out.data, &all, &trained);
    ck_assert_str_eq(all.data, tokens.data);
    ck_assert_str_eq(trained.data, trained_tokens.data);
    ck_assert_ptr_nonnull(strstr(trained.data, "fo\nur"));
    strbuf_free(&all);
    strbuf_free(&trained);
    strbuf_free(&tokens);
    strbuf_free(&trained_tokens);
    rendered_free(&rendered);
    encoder_free(enc);
    template_free(&tpl);
    tokenizer_free(tok);
}
END_TEST

/* ---- edits ---- */

static const struct {
    const char *list, *error;
    bool is_document;
} edits[] = {
    {"[{'role':'user','content':'a'},{'role':'assistant','content':'b','x':1}]", NULL, false},
    {"[{'role':'assistant','content':''}]", NULL, false},
    {"[{'role':'text','content':'a'}]", NULL, true},
    {"null", "chosen: expected an array, found null", false},
    {"[]", "chosen: the list is empty", false},
    {"[{'role':'user','content':'a'}]", "chosen: no message of the assistant is in it, which would be trained on",
     false},
    {"[{'role':'user','content':'a'},5]", "chosen[1]: expected an object, found a number", false},
    {"[{'role':'user'},{'role':'assistant','content':'b'}]", "chosen[0].content: missing", false},
    {"[{'role':'text','content':'a'},{'role':'text','content':'a'}]",
     "chosen: expected one message of role \"text\": the row is a document", true},
};

START_TEST(an_edit_is_a_conversation)
{
    char *copy = quoted(edits[_i].list);
    json *list;
    check_ok(json_parse(copy, strlen(copy), &list, &err));
    const enum sft_status status = review_messages_check(list, "chosen", edits[_i].is_document, &err);
    ck_assert_int_eq(status, edits[_i].error ? SFT_EDATA : SFT_OK);
    if (edits[_i].error)
        ck_assert_str_eq(err_text(&err), edits[_i].error);
    json_free(list);
    free(copy);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("review_rows");
    TCase *tc = tcase_create("rows");
    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, rows_are_numbered_as_they_come);
    tcase_add_test(tc, a_hash_is_of_the_row_alone);
    tcase_add_test(tc, what_breaks_a_file_is_a_row);
    tcase_add_test(tc, a_file_that_grows_is_read_again);
    tcase_add_test(tc, what_was_appended_is_read_alone);
    tcase_add_loop_test(tc, what_is_more_than_lines_is_read_as_a_whole, 0, 4);
    tcase_add_test(tc, a_file_that_is_broken_stays_what_it_was);
    tcase_add_test(tc, losses_stand_with_their_lines);
    tcase_add_test(tc, losses_are_told_apart_on_one_line);
    tcase_add_test(tc, losses_of_another_file_of_that_name_are_not_its_own);
    tcase_add_loop_test(tc, messages_are_what_the_row_says, 0, COUNT(shown));
    tcase_add_loop_test(tc, preferences_are_two_conversations, 0, COUNT(preferences));
    tcase_add_test(tc, without_a_base_answers_are_trained);
    tcase_add_loop_test(tc, with_a_base_pieces_are_its_tokens, 2 * TEMPLATE_IM_SEP, 2 * TEMPLATE_CUSTOM);
    tcase_add_loop_test(tc, an_edit_is_a_conversation, 0, COUNT(edits));
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
