/* What is asked of an endpoint, and what is read of its answers: every shape that somebody sends. */
#include "base/json.h"
#include "base/mem.h"
#include "collect/synth/completion.h"

#include "support/err_text.h"
#include "support/run_suite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))

static struct sft_err err;

/* ---- requests ---- */

#define SCHEMA "{\"type\":\"object\"}"

static const struct chat_message messages[] = {{"system", "Be \"brief\".", 11}, {"user", "Hi\n\xff", 4}};
static const struct completion_request request = {.model = "m/1",
                                                  .messages = messages,
                                                  .n_messages = 2,
                                                  .temperature = 0.8,
                                                  .max_tokens = 99,
                                                  .seed = (UINT64_C(1) << 31) + 7};

#define HEAD                                                                                                           \
    "{\"model\":\"m/1\",\"messages\":[{\"role\":\"system\",\"content\":\"Be \\\"brief\\\".\"},"                        \
    "{\"role\":\"user\",\"content\":\"Hi\\n\xEF\xBF\xBD\"}]"
#define TOOLS                                                                                                          \
    ",\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"talk\",\"description\":\"Hand in what was asked "     \
    "for.\",\"parameters\":" SCHEMA "}}],\"tool_choice\":{\"type\":\"function\",\"function\":{\"name\":\"talk\"}}"

static const struct {
    struct dialect dialect;
    bool has_schema;
    const char *tail;
} printed[] = {
    {{0}, false, ",\"temperature\":0.8,\"max_tokens\":99,\"seed\":7"},
    {{.long_name = true}, false, ",\"temperature\":0.8,\"max_completion_tokens\":99,\"seed\":7"},
    {{.no_temperature = true, .no_seed = true}, false, ",\"max_tokens\":99"},
    {{.form = SCHEMA_IN_WORDS}, false, ",\"temperature\":0.8,\"max_tokens\":99,\"seed\":7"},
    {{0},
     true,
     ",\"temperature\":0.8,\"max_tokens\":99,\"seed\":7,\"response_format\":{\"type\":\"json_schema\",\"json_schema\":"
     "{\"name\":\"talk\",\"strict\":true,\"schema\":" SCHEMA "}}"},
    {{.form = SCHEMA_TOOL}, true, ",\"temperature\":0.8,\"max_tokens\":99,\"seed\":7" TOOLS},
    {{.form = JSON_FORMAT},
     true,
     ",\"temperature\":0.8,\"max_tokens\":99,\"seed\":7,\"response_format\":{\"type\":\"json_object\"}"},
    {{.form = SCHEMA_IN_WORDS}, true, ",\"temperature\":0.8,\"max_tokens\":99,\"seed\":7"},
};

START_TEST(a_request_is_printed_in_a_dialect)
{
    struct completion_request r = request;
    struct strbuf out = {0};
    char *expected = mem_printf("%s%s,\"stream\":false}", HEAD, printed[_i].tail);
    json *root;
    r.schema = printed[_i].has_schema ? SCHEMA : NULL;
    r.schema_name = "talk";
    completion_request_print(&r, &printed[_i].dialect, &out);
    ck_assert_str_eq(out.data, expected);
    ck_assert_msg(json_parse(out.data, out.len, &root, &err) == SFT_OK, "%s", err_text(&err));
    json_free(root);
    strbuf_free(&out);
    free(expected);
}
END_TEST

static const struct {
    double top_p;
    bool is_refused;
    const char *printed;
} top_ps[] = {{0, false, ""}, {1, false, ""}, {0.95, true, ""}, {0.95, false, ",\"top_p\":0.95"}};

START_TEST(top_p_is_sent_where_it_cuts)
{
    struct completion_request r = {.temperature = 1, .top_p = top_ps[_i].top_p};
    const struct dialect dialect = {.no_seed = true, .no_top_p = top_ps[_i].is_refused};
    struct strbuf out = {0};
    char *expected = mem_printf("{\"messages\":[],\"temperature\":1%s,\"stream\":false}", top_ps[_i].printed);
    completion_request_print(&r, &dialect, &out);
    ck_assert_str_eq(out.data, expected);
    strbuf_free(&out);
    free(expected);
}
END_TEST

START_TEST(what_is_not_said_is_not_sent)
{
    struct completion_request r = {.temperature = -1};
    struct strbuf out = {0};
    completion_request_print(&r, &(struct dialect){.no_seed = true}, &out);
    ck_assert_str_eq(out.data, "{\"messages\":[],\"stream\":false}");
    strbuf_free(&out);
}
END_TEST

/* ---- answers ---- */

#define CHOICE(message)  "{\"choices\":[{\"index\":0,\"message\":" message ",\"finish_reason\":\"stop\"}]}"
#define CONTENT(content) CHOICE("{\"role\":\"assistant\",\"content\":" content "}")
#define DELTA(content)   "data: {\"choices\":[{\"delta\":{\"content\":\"" content "\"},\"finish_reason\":null}]}\n\n"

static const struct {
    const char *body, *text;
    bool is_cut;
} answers[] = {
    {CONTENT("\"Hello.\""), "Hello.", false},
    {"\xEF\xBB\xBF \n" CONTENT("\"Hello.\"") "\r\n", "Hello.", false},
    {CONTENT("\"  \\n Hello, \\u00e4 \\ud83d\\ude00\\n\\n\""), "Hello, \xC3\xA4 \xF0\x9F\x98\x80", false},
    {CONTENT("\"\""), "", false},
    {CONTENT("null"), "", false},
    {CHOICE("{\"role\":\"assistant\"}"), "", false},
    {CHOICE("{\"content\":\"x\",\"tool_calls\":null,\"refusal\":null,\"reasoning_content\":\"hm\"}"), "x", false},
    {"{\"choices\":[{\"message\":{\"content\":\"Hel\"},\"finish_reason\":\"length\"}]}", "Hel", true},
    {"{\"choices\":[{\"message\":{\"content\":\"Hel\"},\"finish_reason\":\"max_tokens\"}]}", "Hel", true},
    {"{\"choices\":[{\"message\":{\"content\":\"Hel\"},\"finish_reason\":\"content_filter\"}]}", "Hel", true},
    {"{\"choices\":[{\"message\":{\"content\":\"Hel\"},\"finish_reason\":null}]}", "Hel", false},
    {"{\"choices\":[{\"message\":{\"content\":\"a\"}},{\"message\":{\"content\":\"b\"}}]}", "a", false},
    {"{\"choices\":[{\"text\":\"Hello.\"}]}", "Hello.", false},
    {"{\"error\":null,\"choices\":[{\"message\":{\"content\":\"x\"}}]}", "x", false},
    /* parts */
    {CONTENT("[{\"type\":\"text\",\"text\":\"Hel\"},{\"type\":\"text\",\"text\":\"lo.\"}]"), "Hello.", false},
    {CONTENT("[\"Hel\",{\"text\":\"lo.\"},{\"type\":\"image_url\"}]"), "Hello.", false},
    {CONTENT("[{\"type\":\"thinking\",\"text\":\"hm\"},{\"type\":\"text\",\"text\":\"x\"}]"), "x", false},
    {CONTENT("[]"), "", false},
    /* calls and refusals */
    {CHOICE("{\"content\":null,\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}}]}"),
     "{\"a\":1}", false},
    {CHOICE("{\"content\":\"\",\"tool_calls\":[{\"function\":{\"arguments\":{\"a\":1}}}]}"), "{\"a\":1}", false},
    {CHOICE("{\"content\":\" \",\"function_call\":{\"arguments\":\"{}\"}}"), "{}", false},
    {CHOICE("{\"content\":null,\"tool_calls\":[]}"), "", false},
    {CHOICE("{\"content\":\"text\",\"tool_calls\":[{\"function\":{\"arguments\":\"{}\"}}]}"), "text", false},
    {CHOICE("{\"content\":null,\"refusal\":\"I cannot.\"}"), "I cannot.", false},
    /* thoughts */
    {CONTENT("\"<think>\\nSo: <b> </b>\\n</think>\\n\\nHello.\""), "Hello.", false},
    {CONTENT("\"\\n<think></think>Hello.\""), "Hello.", false},
    {CONTENT("\"It thinks.</think>\\nHello.\""), "Hello.", false},
    {CONTENT("\"<think>and thinks\""), "", true},
    {CONTENT("\"Write <think> and </think>.\""), "Write <think> and </think>.", false},
    {CONTENT("\"<think>a</think>\""), "", false},
    /* streams, for which nobody asked */
    {DELTA("Hel") DELTA("lo.") "data: [DONE]\n\n", "Hello.", false},
    {": comment\n\n" DELTA("Hel") "event: x\r\ndata:{\"choices\":[{\"delta\":{\"content\":\"lo.\"}}]}\r\n\r\n"
                                  "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n",
     "Hello.", false},
    {DELTA("Hel") "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}\n\ndata: [DONE]", "Hel", true},
    {"data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":{\"arguments\":\"{\\\"a\"}}]}}]}\n"
     "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":{\"arguments\":\"\\\":1}\"}}]}}]}\ndata: [DONE]",
     "{\"a\":1}", false},
};

START_TEST(a_text_is_found_in_every_shape)
{
    struct completion c;
    const char *body = answers[_i].body;
    ck_assert_msg(completion_read(&c, body, strlen(body), &err) == SFT_OK, "%s: %s", body, err_text(&err));
    ck_assert_str_eq(c.text, answers[_i].text);
    ck_assert_uint_eq(c.len, strlen(c.text));
    ck_assert_msg(c.is_cut == answers[_i].is_cut, "%s", body);
    ck_assert(!c.is_withheld);
    completion_free(&c);
}
END_TEST

static const struct {
    const char *body, *message;
} no_answers[] = {
    {"", "the answer is empty"},
    {"null", "expected an object, found null"},
    {"[]", "expected an object, found an array"},
    {"{\"choices\":[]}", "choices: expected a list with a choice, found an empty one"},
    {"{\"choices\":null}", "choices: expected a list with a choice, found null"},
    {"{\"choices\":{\"a\":1}}", "choices: expected a list with a choice, found an object"},
    {"{\"choices\":[null]}", "choices[0]: expected an object, found null"},
    {"{\"choices\":[{}]}", "choices[0].message: expected an object, found missing"},
    {CHOICE("[]"), "choices[0].message: expected an object, found an array"},
    {CONTENT("17"), "choices[0].message.content: expected a string or a list of parts, found a number"},
    {CONTENT("{}"), "choices[0].message.content: expected a string or a list of parts, found an object"},
    {CONTENT("[\"a\",1]"), "choices[0].message.content[1]: expected a string or an object, found a number"},
    {"{\"error\":{\"message\":\"it\\n broke\",\"code\":500}}", "the endpoint says: it\\n broke"},
    {"{\"error\":\"overloaded\"}", "the endpoint says: overloaded"},
    {"{\"detail\":\"Not Found\"}", "the endpoint says: Not Found"},
    {"{\"object\":\"error\",\"message\":\"no\"}", "the endpoint says: no"},
    {"{}", "the endpoint says: {}"},
    {DELTA("Hel"), "the stream ends before the answer does"},
    {"data: [DONE]", "the stream holds no choice"},
    {DELTA("Hel") "data: {\"error\":{\"message\":\"broke\"}}\n", "the endpoint says: broke"},
    {"{\"choices\":[{\"message\":{\"content\":null},\"finish_reason\":\"content_filter\"}]}",
     "the endpoint's content filter withholds the answer"},
};

START_TEST(what_is_no_completion_says_why)
{
    struct completion c;
    const char *body = no_answers[_i].body;
    ck_assert_int_eq(completion_read(&c, body, strlen(body), &err), SFT_EDATA);
    ck_assert_str_eq(err_text(&err), no_answers[_i].message);
    ck_assert(c.is_withheld == (strstr(body, "content_filter") != NULL));
    completion_free(&c);
}
END_TEST

/* Broken at any byte an answer is none: nothing of it is taken for a whole one. */
START_TEST(a_part_of_an_answer_is_none)
{
    static const char object[] = CONTENT("[{\"type\":\"text\",\"text\":\"Hello, \\u00e4\"}]");
    static const char stream[] = DELTA("Hel") DELTA("lo.") "data: [DONE]";
    struct completion c;
    for (size_t len = 0; len < sizeof object - 1; len++) {
        char *part = mem_strndup(object, len); /* of its exact size, so that reading past it is caught */
        ck_assert_int_eq(completion_read(&c, part, len, &err), SFT_EDATA);
        completion_free(&c);
        free(part);
    }
    for (size_t len = 0; len < sizeof stream - 1; len++) {
        ck_assert_int_eq(completion_read(&c, stream, len, &err), SFT_EDATA);
        completion_free(&c);
    }
}
END_TEST

/* Strings that other readers would cut, and values by the million. */
START_TEST(hostile_json_is_refused)
{
    static const char *const bodies[] = {CONTENT("\"a\\u0000b\""), CONTENT("\"\\ud800\""), CONTENT("\"\xff\""),
                                         CONTENT("\"a\",\"content\":\"b\""), CONTENT("\"a\"") "{}"};
    struct completion c;
    struct strbuf many = {0};
    for (size_t i = 0; i < COUNT(bodies); i++)
        ck_assert_msg(completion_read(&c, bodies[i], strlen(bodies[i]), &err) == SFT_EDATA, "%s", bodies[i]);
    strbuf_puts(&many, "{\"choices\":[0");
    for (size_t i = 0; i < 600000; i++)
        strbuf_puts(&many, ",{}");
    strbuf_puts(&many, "]}");
    ck_assert_int_eq(completion_read(&c, many.data, many.len, &err), SFT_EDATA);
    ck_assert_str_eq(err_text(&err), "the answer has more than 1000000 values");
    strbuf_free(&many);
}
END_TEST

/* ---- model and usage ---- */

static const struct {
    const char *members;
    bool has_usage;
    uint64_t prompt, completion;
    const char *model;
} usages[] = {
    {"\"model\":\"a/b\",\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":0}", true, 5, 0, "a/b"},
    {"\"usage\":{\"prompt_tokens\":5.0,\"completion_tokens\":7,\"total_tokens\":\"x\"}", true, 5, 7, NULL},
    {"\"usage\":{\"prompt_tokens\":5}", false, 0, 0, NULL},
    {"\"usage\":{\"prompt_tokens\":-5,\"completion_tokens\":1}", false, 0, 0, NULL},
    {"\"usage\":{\"prompt_tokens\":5.5,\"completion_tokens\":1}", false, 0, 0, NULL},
    {"\"usage\":{\"prompt_tokens\":1e300,\"completion_tokens\":1}", false, 0, 0, NULL},
    {"\"usage\":{\"prompt_tokens\":NaN,\"completion_tokens\":1}", false, 0, 0, NULL},
    {"\"usage\":{\"prompt_tokens\":\"5\",\"completion_tokens\":1}", false, 0, 0, NULL},
    {"\"usage\":[5,1]", false, 0, 0, NULL},
    {"\"usage\":null,\"model\":null", false, 0, 0, NULL},
    {"\"model\":\"a\\nb\"", false, 0, 0, NULL},
    {"\"model\":17", false, 0, 0, NULL},
    {"\"x\":1", false, 0, 0, NULL},
};

START_TEST(usage_is_told_only_where_it_can_be)
{
    struct completion c;
    char *body = mem_printf("{%s,\"choices\":[{\"message\":{\"content\":\"x\"}}]}", usages[_i].members);
    ck_assert_int_eq(completion_read(&c, body, strlen(body), &err), SFT_OK);
    ck_assert(c.has_usage == usages[_i].has_usage);
    ck_assert_uint_eq(c.prompt_tokens, usages[_i].prompt);
    ck_assert_uint_eq(c.completion_tokens, usages[_i].completion);
    if (usages[_i].model)
        ck_assert_str_eq(c.model, usages[_i].model);
    else
        ck_assert_ptr_null(c.model);
    completion_free(&c);
    free(body);
}
END_TEST

START_TEST(usage_and_model_come_with_a_stream)
{
    static const char body[] = "data: {\"model\":\"a\",\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n"
                               "data: {\"model\":\"a\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,"
                               "\"completion_tokens\":4}}\ndata: [DONE]\n";
    struct completion c;
    ck_assert_int_eq(completion_read(&c, body, strlen(body), &err), SFT_OK);
    ck_assert_str_eq(c.model, "a");
    ck_assert_uint_eq(c.prompt_tokens + c.completion_tokens, 7);
    completion_free(&c);
}
END_TEST

/* ---- errors ---- */

static const struct {
    const char *body, *text;
    unsigned status;
    bool is_there, is_final;
} errors[] = {
    {"{\"error\":{\"message\":\"too long\",\"code\":\"x\"}}", "too long", 0, true, false},
    {"{\"error\":{\"message\":\"wait\",\"code\":429}}", "wait", 429, true, false},
    {"{\"error\":{\"message\":\"wait\",\"code\":200}}", "wait", 0, true, false},
    {"{\"error\":{\"message\":\"no money\",\"code\":\"insufficient_quota\"}}", "no money", 0, true, true},
    {"{\"error\":{\"message\":\"no money\",\"code\":null,\"type\":\"insufficient_quota\"}}", "no money", 0, true, true},
    {"{\"error\":\"model 'x' not found\"}", "model 'x' not found", 0, true, false},
    {"{\"error\":{\"reason\":\"odd\"}}", "{\"reason\":\"odd\"}", 0, true, false},
    {"[{\"error\":{\"message\":\"Google's\",\"code\":400}}]", "Google's", 400, true, false},
    {"{\"detail\":[{\"loc\":[\"body\",\"seed\"],\"msg\":\"extra\"}]}",
     "[{\"loc\":[\"body\",\"seed\"],\"msg\":\"extra\"}]", 0, true, false},
    {"{\"object\":\"error\",\"message\":\"vLLM's\",\"code\":404}", "vLLM's", 404, true, false},
    {"{\"choices\":[]}", "{\"choices\":[]}", 0, false, false},
    {"<html>\n<h1>502</h1>", "<html>\\n<h1>502</h1>", 0, false, false},
    {"\x1b[2J\xff", "\\x1b[2J\xEF\xBF\xBD", 0, false, false},
    {"overloaded\r\n", "overloaded", 0, false, false},
    {"", "(nothing)", 0, false, false},
};

START_TEST(an_error_has_a_line_of_text)
{
    struct endpoint_error error;
    endpoint_error_read(&error, errors[_i].body, strlen(errors[_i].body));
    ck_assert_str_eq(error.text.data, errors[_i].text);
    ck_assert_uint_eq(error.status, errors[_i].status);
    ck_assert(error.is_there == errors[_i].is_there && error.is_final == errors[_i].is_final);
    endpoint_error_free(&error);
}
END_TEST

START_TEST(an_error_is_short)
{
    struct endpoint_error error;
    char *body = mem_alloc(1 << 20);
    memset(body, 'x', 1 << 20);
    endpoint_error_read(&error, body, 1 << 20);
    ck_assert_uint_lt(error.text.len, 320);
    ck_assert_str_eq(error.text.data + error.text.len - 6, " [...]");
    endpoint_error_free(&error);
    free(body);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("completion");
    TCase *tc = tcase_create("completion");
    tcase_add_loop_test(tc, a_request_is_printed_in_a_dialect, 0, COUNT(printed));
    tcase_add_loop_test(tc, top_p_is_sent_where_it_cuts, 0, COUNT(top_ps));
    tcase_add_test(tc, what_is_not_said_is_not_sent);
    tcase_add_loop_test(tc, a_text_is_found_in_every_shape, 0, COUNT(answers));
    tcase_add_loop_test(tc, what_is_no_completion_says_why, 0, COUNT(no_answers));
    tcase_add_test(tc, a_part_of_an_answer_is_none);
    tcase_add_test(tc, hostile_json_is_refused);
    tcase_add_loop_test(tc, usage_is_told_only_where_it_can_be, 0, COUNT(usages));
    tcase_add_test(tc, usage_and_model_come_with_a_stream);
    tcase_add_loop_test(tc, an_error_has_a_line_of_text, 0, COUNT(errors));
    tcase_add_test(tc, an_error_is_short);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
