/* What clients of OpenAI's API get, to the byte: objects, streams of events, log probabilities, usage. What is expected
 * is written with ' for ". */
#include "base/json.h"
#include "base/mem.h"
#include "serve/openai_answer.h"
#include "serve/openai_response.h"
#include "support/run_suite.h"

#include "byte_tokenizer.h"

#include <check.h>
#include <math.h>
#include <string.h>

enum { END = BYTE_TOKENIZER_EOS, HI = 257 }; /* byte b is token b */

struct talk {
    struct tokenizer *tok;
    struct request request;
    struct response response;
    struct strbuf out;
};

static char *quoted(const char *text)
{
    char *copy = mem_strdup(text);
    for (char *c = copy; (c = strchr(c, '\''));)
        *c = '"';
    return copy;
}

/* A request with these fields beside its prompt (in a completion they may have one), which is two tokens. */
static void talk_open(struct talk *t, enum endpoint endpoint, const char *fields)
{
    static const int32_t ids[] = {'Q', ':'};
    const struct response_about about = {
        .model = "tiny", .fingerprint = "fp_1", .created = 1700000000, .random = {1, 2, 0xFF}};
    const char *prompt = endpoint == ENDPOINT_CHAT   ? "'messages': [{'role': 'user', 'content': 'Q:'}]"
                         : strstr(fields, "'prompt'") ? "'user': 'me'"
                                                      : "'prompt': 'Q:'";
    struct request_limits limits = REQUEST_LIMITS_DEFAULT;
    struct api_error error;
    char *words = mem_printf("{%s%s%s}", prompt, *fields ? ", " : "", fields), *body = quoted(words);
    *t = (struct talk){.tok = byte_tokenizer(NULL)};
    limits.vocab_size = BYTE_TOKENIZER_SIZE;
    ck_assert_msg(request_read(&t->request, endpoint, body, strlen(body), &limits, &error) == SFT_OK, "%s",
                  error.message);
    for (size_t i = 0; i < t->request.n_prompts; i++)
        if (!t->request.prompts[i].ids) {
            t->request.prompts[i].ids = ids;
            t->request.prompts[i].n_ids = 2;
        }
    response_init(&t->response, &t->request, &about, t->tok);
    free(words);
    free(body);
}

static void talk_close(struct talk *t)
{
    response_free(&t->response);
    request_free(&t->request);
    strbuf_free(&t->out);
    tokenizer_free(t->tok);
}

static bool say(struct talk *t, size_t answer, int32_t id, float logprob)
{
    const size_t n_top = t->request.n_top;
    const struct scored_token top[] = {{id, logprob}, {0xE2, -INFINITY}, {0x82, -8}};
    const struct new_token token = {
        .id = id, .ends = id == END, .logprob = logprob, .top = top, .n_top = n_top < 3 ? n_top : 3};
    return response_token(&t->response, answer, &token);
}

static void say_text(struct talk *t, size_t answer, const char *text)
{
    for (; *text; text++)
        ck_assert(say(t, answer, (unsigned char)*text, -0.5F));
}

/* What is written since the last call. */
static const char *written(struct talk *t)
{
    strbuf_clear(&t->out);
    response_write(&t->response, &t->out);
    return t->out.data ? t->out.data : "";
}

static void expect_text(const char *text, const char *expected)
{
    char *copy = quoted(expected);
    ck_assert_str_eq(text, copy);
    free(copy);
}

static void expect_in(const char *text, const char *expected)
{
    char *copy = quoted(expected);
    ck_assert_msg(strstr(text, copy) != NULL, "not there: %s\nin: %s", copy, text);
    free(copy);
}

#define HEAD(id, object)                                                                                               \
    "{'id':'" id "-0102ff000000000000000000','object':'" object "','created':1700000000,'model':'tiny',"               \
    "'system_fingerprint':'fp_1','choices':["
#define CHAT(choices, usage) HEAD("chatcmpl", "chat.completion") choices "]," usage "}"
#define CHUNK(choice) "data: " HEAD("chatcmpl", "chat.completion.chunk") choice "]}\n\n"
#define TEXTS(choices, usage) HEAD("cmpl", "text_completion") choices "]," usage "}"
#define PIECE(choice) "data: " HEAD("cmpl", "text_completion") choice "]}\n\n"
#define USAGE(prompt, completion, total, cached)                                                                       \
    "'usage':{'prompt_tokens':" prompt ",'completion_tokens':" completion ",'total_tokens':" total                     \
    ",'prompt_tokens_details':{'cached_tokens':" cached "}}"
#define DONE "data: [DONE]\n\n"

/* Choices without log probabilities, which go on or have ended. */
#define MESSAGE(index, content, reason)                                                                                \
    "{'index':" index ",'message':{'role':'assistant','content':'" content "','refusal':null},'logprobs':null,"        \
    "'finish_reason':'" reason "'}"
#define DELTA(members) "{'index':0,'delta':{" members "},'logprobs':null,'finish_reason':null}"
#define DELTA_END(reason) "{'index':0,'delta':{},'logprobs':null,'finish_reason':'" reason "'}"
#define TEXT(index, text) "{'index':" index ",'text':'" text "','logprobs':null,'finish_reason':null}"
#define TEXT_END(index, text, reason)                                                                          \
    "{'index':" index ",'text':'" text "','logprobs':null,'finish_reason':'" reason "'}"
#define ROLE "'role':'assistant','content':''"

/* ---- one object ---- */

START_TEST(a_chat_completion)
{
    struct talk t;
    talk_open(&t, ENDPOINT_CHAT, "");
    say_text(&t, 0, "a\\\n");
    expect_text(written(&t), "");
    ck_assert(say(&t, 0, END, -1));
    response_ended(&t.response, 0, FINISH_STOP, 1);
    ck_assert(!response_is_done(&t.response));
    expect_text(written(&t), CHAT(MESSAGE("0", "a\\\\\\n", "stop"), USAGE("2", "4", "6", "1")));
    ck_assert(response_is_done(&t.response));
    expect_text(written(&t), "");
    talk_close(&t);
}
END_TEST

START_TEST(several_choices_in_one_object)
{
    struct talk t;
    talk_open(&t, ENDPOINT_CHAT, "'n': 2");
    say_text(&t, 1, "b");
    response_ended(&t.response, 1, FINISH_LENGTH, 2);
    expect_text(written(&t), "");
    response_ended(&t.response, 0, FINISH_LENGTH, 0); /* said nothing */
    expect_text(written(&t), CHAT(MESSAGE("0", "", "length") "," MESSAGE("1", "b", "length"),
                                  USAGE("2", "1", "3", "0")));
    talk_close(&t);
}
END_TEST

START_TEST(a_completion_that_echoes)
{
    struct talk t;
    talk_open(&t, ENDPOINT_COMPLETIONS, "'echo': true, 'prompt': ['Q:', [257]]");
    say_text(&t, 0, " x");
    say_text(&t, 1, "y");
    response_ended(&t.response, 0, FINISH_STOP, 0);
    response_ended(&t.response, 1, FINISH_LENGTH, 0);
    expect_text(written(&t), TEXTS(TEXT_END("0", "Q: x", "stop") "," TEXT_END("1", "hiy", "length"),
                                   USAGE("3", "3", "6", "0")));
    talk_close(&t);
}
END_TEST

START_TEST(the_best_of_several_are_given)
{
    static const float logprobs[] = {-3, -1, -4, -2};
    struct talk t;
    talk_open(&t, ENDPOINT_COMPLETIONS, "'n': 2, 'best_of': 4");
    for (size_t i = 0; i < 4; i++) {
        say(&t, i, (int32_t)('a' + i), logprobs[i]);
        say(&t, i, END, logprobs[i]);
        response_ended(&t.response, i, FINISH_STOP, 0);
    }
    expect_text(written(&t), TEXTS(TEXT_END("0", "b", "stop") "," TEXT_END("1", "d", "stop"),
                                   USAGE("2", "8", "10", "0")));
    talk_close(&t);
}
END_TEST

/* ---- streams ---- */

START_TEST(a_stream_of_a_chat)
{
    struct talk t;
    talk_open(&t, ENDPOINT_CHAT, "'stream': true");
    expect_text(written(&t), "");
    say_text(&t, 0, "\xE2");
    expect_text(written(&t), CHUNK(DELTA(ROLE)));
    say_text(&t, 0, "\x82");
    expect_text(written(&t), "");
    say_text(&t, 0, "\xAC 5");
    expect_text(written(&t), CHUNK(DELTA("'content':'\xE2\x82\xAC 5'")));
    say(&t, 0, END, -1);
    response_ended(&t.response, 0, FINISH_STOP, 0);
    expect_text(written(&t), CHUNK(DELTA_END("stop")) DONE);
    ck_assert(response_is_done(&t.response));
    talk_close(&t);
}
END_TEST

START_TEST(a_stream_with_usage)
{
    struct talk t;
    talk_open(&t, ENDPOINT_CHAT, "'stream': true, 'stream_options': {'include_usage': true}");
    response_ended(&t.response, 0, FINISH_STOP, 0); /* not one token: still a role and an end */
    expect_text(written(&t), "data: " HEAD("chatcmpl", "chat.completion.chunk") DELTA(ROLE) "],'usage':null}\n\n"
                             "data: " HEAD("chatcmpl", "chat.completion.chunk") DELTA_END("stop") "],'usage':null}\n\n"
                             "data: " HEAD("chatcmpl", "chat.completion.chunk") "],"
                             USAGE("2", "0", "2", "0") "}\n\n" DONE);
    talk_close(&t);
}
END_TEST

START_TEST(choices_of_a_stream_are_interleaved)
{
    struct talk t;
    talk_open(&t, ENDPOINT_COMPLETIONS, "'stream': true, 'n': 2, 'echo': true");
    say_text(&t, 1, "b");
    expect_text(written(&t), PIECE(TEXT("1", "Q:")) PIECE(TEXT("1", "b")));
    response_ended(&t.response, 1, FINISH_LENGTH, 0);
    expect_text(written(&t), PIECE(TEXT_END("1", "", "length")));
    say_text(&t, 0, "a");
    response_ended(&t.response, 0, FINISH_STOP, 0);
    expect_text(written(&t), PIECE(TEXT("0", "Q:")) PIECE(TEXT("0", "a")) PIECE(TEXT_END("0", "", "stop")) DONE);
    talk_close(&t);
}
END_TEST

START_TEST(a_stop_string_is_not_shown)
{
    struct talk t;
    talk_open(&t, ENDPOINT_CHAT, "'stream': true, 'stop': ['STOP']");
    say_text(&t, 0, "aST");
    expect_text(written(&t), CHUNK(DELTA(ROLE)) CHUNK(DELTA("'content':'a'")));
    ck_assert(say(&t, 0, 'O', -1));
    expect_text(written(&t), "");
    ck_assert(!say(&t, 0, 'P', -1));
    response_ended(&t.response, 0, FINISH_STOP, 0);
    expect_text(written(&t), CHUNK(DELTA_END("stop")) DONE);
    talk_close(&t);
}
END_TEST

START_TEST(what_was_held_back_is_text_at_the_end)
{
    struct talk t;
    talk_open(&t, ENDPOINT_CHAT, "'stream': true, 'stop': ['STOP']");
    say_text(&t, 0, "aST\xE2");
    written(&t);
    response_ended(&t.response, 0, FINISH_LENGTH, 0);
    expect_text(written(&t), CHUNK(DELTA("'content':'ST\xEF\xBF\xBD'")) CHUNK(DELTA_END("length")) DONE);
    talk_close(&t);
}
END_TEST

START_TEST(an_error_in_a_stream_ends_it)
{
    struct talk t;
    struct api_error error;
    talk_open(&t, ENDPOINT_CHAT, "'stream': true");
    say_text(&t, 0, "a");
    written(&t);
    response_error(&t.response, &error);
    ck_assert_int_eq(error.status, 0);
    response_ended(&t.response, 0, FINISH_CANCELLED, 0);
    response_error(&t.response, &error);
    ck_assert_int_eq(error.status, 503);
    strbuf_clear(&t.out);
    response_write_error(&t.response, &error, &t.out);
    expect_text(t.out.data, "data: {'error':{'message':'the server is shutting down',"
                            "'type':'server_error','param':null,"
                            "'code':'shutting_down'}}\n\n");
    ck_assert(response_is_done(&t.response));
    expect_text(written(&t), "");
    talk_close(&t);
}
END_TEST

/* No memory for one token is an error; for more of them the answer is cut. */
START_TEST(what_an_answer_failed_of)
{
    struct talk t;
    struct api_error error;
    talk_open(&t, ENDPOINT_CHAT, "'n': 2");
    response_ended(&t.response, 0, FINISH_NO_MEMORY, 0);
    response_error(&t.response, &error);
    ck_assert_int_eq(error.status, 503);
    talk_close(&t);
    talk_open(&t, ENDPOINT_CHAT, "'n': 2");
    say_text(&t, 0, "a");
    response_ended(&t.response, 0, FINISH_NO_MEMORY, 0);
    response_error(&t.response, &error);
    ck_assert_int_eq(error.status, 0);
    response_ended(&t.response, 1, FINISH_NOT_FINITE, 0);
    response_error(&t.response, &error);
    ck_assert_int_eq(error.status, 500);
    talk_close(&t);
}
END_TEST

/* ---- log probabilities ---- */

#define BAD "\xEF\xBF\xBD"
#define SCORED(token, logprob, bytes) "{'token':'" token "','logprob':" logprob ",'bytes':[" bytes "]}"
#define SAID(token, logprob, bytes, top)                                                                               \
    "{'token':'" token "','logprob':" logprob ",'bytes':[" bytes "],'top_logprobs':[" top "]}"

START_TEST(logprobs_of_a_chat)
{
    struct talk t;
    talk_open(&t, ENDPOINT_CHAT, "'logprobs': true, 'top_logprobs': 2");
    say(&t, 0, HI, -0.25F);
    say(&t, 0, 0xE2, -1);
    say(&t, 0, END, -3);
    response_ended(&t.response, 0, FINISH_STOP, 0);
    expect_in(written(&t),
              "'content':'hi" BAD "','refusal':null},'logprobs':{'content':["
              SAID("hi", "-0.25", "104,105", SCORED("hi", "-0.25", "104,105") "," SCORED(BAD, "-9999", "226")) ","
              SAID(BAD, "-1", "226", SCORED(BAD, "-1", "226") "," SCORED(BAD, "-9999", "226"))
              "],'refusal':null},'finish_reason':'stop'");
    talk_close(&t);
}
END_TEST

START_TEST(logprobs_without_likeliest_have_empty_lists)
{
    struct talk t;
    talk_open(&t, ENDPOINT_CHAT, "'logprobs': true");
    say(&t, 0, 'a', -0.0F);
    response_ended(&t.response, 0, FINISH_LENGTH, 0);
    expect_in(written(&t), "'logprobs':{'content':[" SAID("a", "0", "97", "") "],'refusal':null}");
    talk_close(&t);
}
END_TEST

START_TEST(logprobs_in_a_stream_come_with_their_text)
{
    struct talk t;
    talk_open(&t, ENDPOINT_CHAT, "'stream': true, 'logprobs': true, 'stop': 'STOP'");
    say(&t, 0, 'a', -1);
    say(&t, 0, 'S', -2);
    expect_in(written(&t), "{'content':'a'},'logprobs':{'content':[" SAID("a", "-1", "97", "") "],'refusal':null}");
    say(&t, 0, 'x', -3);
    expect_in(written(&t), "{'content':'Sx'},'logprobs':{'content':[" SAID("S", "-2", "83", "") ","
                           SAID("x", "-3", "120", "") "],'refusal':null}");
    for (const char *c = "STOP"; *c; c++)
        say(&t, 0, *c, -4);
    response_ended(&t.response, 0, FINISH_STOP, 0);
    expect_text(written(&t), CHUNK(DELTA_END("stop")) DONE);
    talk_close(&t);
}
END_TEST

/* However long it is. */
START_TEST(a_stream_keeps_no_logprobs_that_are_written)
{
    struct talk t;
    talk_open(&t, ENDPOINT_COMPLETIONS, "'stream': true, 'logprobs': 2");
    for (int i = 0; i < 3000; i++) {
        ck_assert(say(&t, 0, i % 3 ? 'a' : 0xC3, -0.5F)); /* with half a character now and then */
        ck_assert(say(&t, 0, i % 3 ? 'b' : 0xA9, -0.5F));
        expect_in(written(&t), i % 3 ? "'tokens':['a','b']" : "'text':'\xC3\xA9'");
    }
    ck_assert_uint_lt(t.response.answers[0].said_capacity, 100);
    ck_assert_uint_lt(t.response.answers[0].tops_capacity, 200);
    response_ended(&t.response, 0, FINISH_LENGTH, 0);
    expect_in(written(&t), "'finish_reason':'length'");
    talk_close(&t);
}
END_TEST

START_TEST(logprobs_of_a_completion)
{
    struct talk t;
    talk_open(&t, ENDPOINT_COMPLETIONS, "'logprobs': 3, 'prompt': '\xE2\x82\xAC:'");
    say(&t, 0, 0xC3, -1);
    say(&t, 0, 0xA9, -2);
    say(&t, 0, 'x', -0.5F);
    response_ended(&t.response, 0, FINISH_LENGTH, 0);
    expect_in(written(&t), "'text':'\xC3\xA9x','logprobs':{'tokens':['" BAD "','" BAD "','x'],"
                           "'token_logprobs':[-1,-2,-0.5],"
                           "'top_logprobs':[{'" BAD "':-1},{'" BAD "':-2},{'x':-0.5,'" BAD "':-9999}],"
                           "'text_offset':[2,2,3]}");
    talk_close(&t);
}
END_TEST

START_TEST(logprobs_of_a_completion_hold_the_token_itself)
{
    struct talk t;
    talk_open(&t, ENDPOINT_COMPLETIONS, "'logprobs': 0");
    say(&t, 0, 'x', -1.5F);
    response_ended(&t.response, 0, FINISH_LENGTH, 0);
    expect_in(written(&t), "'logprobs':{'tokens':['x'],'token_logprobs':[-1.5],'top_logprobs':[{'x':-1.5}],"
                           "'text_offset':[2]}");
    talk_close(&t);
}
END_TEST

/* ---- models ---- */

START_TEST(models_are_listed)
{
    const struct served_model models[] = {{"a/b\\c", 7, 1024}, {"d", 8, 2}};
    struct strbuf out = {0};
    models_print(models, 2, &out);
    expect_text(out.data, "{'object':'list','data':["
                          "{'id':'a/b\\\\c','object':'model','created':7,'owned_by':'sft','max_model_len':1024},"
                          "{'id':'d','object':'model','created':8,'owned_by':'sft','max_model_len':2}]}");
    strbuf_free(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("openai responses");
    TCase *tc = tcase_create("core");
    tcase_add_test(tc, a_chat_completion);
    tcase_add_test(tc, several_choices_in_one_object);
    tcase_add_test(tc, a_completion_that_echoes);
    tcase_add_test(tc, the_best_of_several_are_given);
    tcase_add_test(tc, a_stream_of_a_chat);
    tcase_add_test(tc, a_stream_with_usage);
    tcase_add_test(tc, choices_of_a_stream_are_interleaved);
    tcase_add_test(tc, a_stop_string_is_not_shown);
    tcase_add_test(tc, what_was_held_back_is_text_at_the_end);
    tcase_add_test(tc, an_error_in_a_stream_ends_it);
    tcase_add_test(tc, what_an_answer_failed_of);
    tcase_add_test(tc, logprobs_of_a_chat);
    tcase_add_test(tc, logprobs_without_likeliest_have_empty_lists);
    tcase_add_test(tc, logprobs_in_a_stream_come_with_their_text);
    tcase_add_test(tc, a_stream_keeps_no_logprobs_that_are_written);
    tcase_add_test(tc, logprobs_of_a_completion);
    tcase_add_test(tc, logprobs_of_a_completion_hold_the_token_itself);
    tcase_add_test(tc, models_are_listed);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
