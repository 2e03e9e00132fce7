/* Requests of OpenAI's API: what is read of them, and what is refused and how. */
#include "openai_requests.h"

#include <math.h>

/* ---- what is there when nothing is said ---- */

START_TEST(a_chat_has_defaults)
{
    struct request r;
    read_good(&r, ENDPOINT_CHAT, "{'messages': [{'role': 'user', 'content': 'Hi'}]}");
    ck_assert(!r.stream && !r.logprobs && !r.include_usage && !r.echo && !r.has_seed && !r.ignore_ends);
    ck_assert_ptr_null(r.model);
    ck_assert_uint_eq(r.n_prompts * r.n * r.best_of, 1);
    ck_assert_uint_eq(r.max_tokens, SIZE_MAX);
    ck_assert_uint_eq(r.stops.count + r.n_biases + r.n_top, 0);
    ck_assert_double_eq(r.sampling.temperature, 1);
    ck_assert_double_eq(r.sampling.top_p, 1);
    ck_assert_double_eq(r.sampling.repetition_penalty, 1);
    ck_assert_uint_eq(r.conversation.count, 1);
    ck_assert_int_eq(r.conversation.messages[0].role, ROLE_USER);
    ck_assert_str_eq(r.conversation.messages[0].content, "Hi");
    request_free(&r);
}
END_TEST

START_TEST(a_completion_has_sixteen_tokens)
{
    struct request r;
    read_good(&r, ENDPOINT_COMPLETIONS, "{'prompt': 'Once'}");
    ck_assert_uint_eq(r.max_tokens, 16);
    ck_assert_uint_eq(r.n_prompts, 1);
    ck_assert_str_eq(r.prompts[0].text, "Once");
    request_free(&r);
}
END_TEST

/* Of several models each has its own vocabulary and sampling, and other names are refused. */
START_TEST(a_request_names_one_of_several_models)
{
    static const struct request_model models[] = {{"base", 10, {.temperature = 1}}, {"ours", 20, {.temperature = 0.5}}};
    static const struct {
        const char *body;
        size_t number;
    } good[] = {{"{\"prompt\": [9]}", 0},
                {"{\"prompt\": [9], \"model\": \"base\"}", 0},
                {"{\"prompt\": [19], \"model\": \"ours\"}", 1}};
    struct request_limits several = *limits();
    struct api_error error;
    struct request r;
    several.models = models;
    several.n_models = 2;
    for (size_t i = 0; i < COUNT(good); i++) {
        struct ask ask;
        const char *body = good[i].body;
        ck_assert_int_eq(request_read(&r, ENDPOINT_COMPLETIONS, body, strlen(body), &several, &error), SFT_OK);
        request_ask(&r, 0, &ask);
        ck_assert_uint_eq(ask.model, good[i].number);
        ck_assert_double_eq(r.sampling.temperature, models[good[i].number].sampling.temperature);
        request_free(&r);
    }
    static const char beyond[] = "{\"prompt\": [19], \"model\": \"base\"}", unknown[] = "{\"model\": \"none\"}";
    ck_assert_int_eq(request_read(&r, ENDPOINT_COMPLETIONS, beyond, strlen(beyond), &several, &error), SFT_EDATA);
    ck_assert_int_eq(error.status, 400);
    ck_assert_int_eq(request_read(&r, ENDPOINT_COMPLETIONS, unknown, strlen(unknown), &several, &error), SFT_EDATA);
    ck_assert_int_eq(error.status, 404);
    ck_assert_str_eq(error.code, "model_not_found");
}
END_TEST

/* Every field null, some unknown: as if nothing were said. */
START_TEST(null_is_absent)
{
    static const char *const fields[] = {
        "model", "n", "best_of", "max_tokens", "max_completion_tokens", "temperature", "top_p", "top_k", "min_p",
        "presence_penalty", "frequency_penalty", "repetition_penalty", "repeat_penalty", "seed", "stop", "logit_bias",
        "logprobs", "top_logprobs", "stream", "stream_options", "ignore_eos", "tools", "tool_choice", "functions",
        "function_call", "response_format", "modalities", "suffix", "echo", "user", "metadata", "store"};
    struct strbuf body = {0};
    struct request r, plain;
    strbuf_puts(&body, "{'messages': [{'role': 'user', 'content': 'Hi', 'name': null, 'tool_calls': null}], "
                       "'prompt': 'Hi'");
    for (size_t i = 0; i < COUNT(fields); i++)
        strbuf_printf(&body, ", '%s': null", fields[i]);
    strbuf_puts(&body, "}");
    for (enum endpoint e = ENDPOINT_CHAT; e <= ENDPOINT_COMPLETIONS; e++) {
        read_good(&r, e, body.data);
        read_good(&plain, e, "{'messages': [{'role': 'user', 'content': 'Hi'}], 'prompt': 'Hi'}");
        ck_assert_uint_eq(r.max_tokens, plain.max_tokens);
        ck_assert_mem_eq(&r.sampling, &plain.sampling, sizeof r.sampling);
        ck_assert(!r.stream && !r.logprobs && !r.has_seed && r.n_top == 0 && r.n == 1 && r.best_of == 1);
        request_free(&r);
        request_free(&plain);
    }
    strbuf_free(&body);
}
END_TEST

/* What LangChain and others send beside what we know. */
START_TEST(unknown_fields_are_passed_over)
{
    struct request r;
    read_good(&r, ENDPOINT_CHAT,
              "{'model': 'gpt-4o', 'messages': [{'role': 'user', 'content': 'Hi', 'id': 7, 'weight': 'much', "
              "'additional_kwargs': {}}], 'tools': [{'type': 'function', 'function': {'name': 'f'}}], "
              "'tool_choice': 'auto', "
              "'parallel_tool_calls': true, 'reasoning_effort': 'high', 'store': false, 'metadata': {'a': [1, {}]}, "
              "'service_tier': 'auto', 'user': 'me', 'response_format': {'type': 'text'}, 'modalities': ['text'], "
              "'system': 'not OpenAI\u2019s', 'best_of': 99}");
    ck_assert_str_eq(r.model, "gpt-4o");
    ck_assert_uint_eq(r.conversation.count, 1);
    request_free(&r);
}
END_TEST

/* ---- all that can be said ---- */

START_TEST(fields_are_read)
{
    struct request r;
    struct ask ask;
    read_good(&r, ENDPOINT_CHAT,
              "{'model': 'm', 'messages': [{'role': 'user', 'content': 'Hi'}], 'n': 3, 'max_tokens': 5, "
              "'max_completion_tokens': 7, 'temperature': 0, 'top_p': 0.5, 'top_k': 40, 'min_p': 0.25, "
              "'presence_penalty': -2, "
              "'frequency_penalty': 1.5, 'repetition_penalty': 1.25, 'seed': 9007199254740993, "
              "'stop': ['a', '', 'bc'], "
              "'logit_bias': {'65': -100, '66': 2.5}, 'logprobs': true, 'top_logprobs': 4, 'stream': true, "
              "'stream_options': {'include_usage': true}, 'ignore_eos': true}");
    ck_assert(r.stream && r.include_usage && r.logprobs && r.ignore_ends && r.has_seed);
    ck_assert_uint_eq(r.n, 3);
    ck_assert_uint_eq(request_answers(&r), 3);
    ck_assert_uint_eq(r.max_tokens, 7);
    ck_assert_uint_eq(r.n_top, 4);
    ck_assert_uint_eq(r.stops.count, 2);
    ck_assert_str_eq(r.stops.items[1], "bc");
    request_ask(&r, 2, &ask);
    ck_assert_uint_eq(ask.random_stream, 2);
    ck_assert_uint_eq(ask.max_new_tokens, 7);
    ck_assert_uint_eq(ask.sampling.seed, 9007199254740993U); /* a double has no such number */
    ck_assert_uint_eq(ask.sampling.top_k, 40);
    ck_assert_double_eq(ask.sampling.temperature, 0);
    ck_assert_double_eq(ask.sampling.top_p, 0.5);
    ck_assert_double_eq(ask.sampling.min_p, 0.25);
    ck_assert_double_eq(ask.sampling.presence_penalty, -2);
    ck_assert_double_eq(ask.sampling.frequency_penalty, 1.5);
    ck_assert_double_eq(ask.sampling.repetition_penalty, 1.25);
    ck_assert(ask.ignore_ends && ask.wants_logprob && ask.n_top == 4 && ask.n_bias == 2);
    ck_assert_int_eq(ask.bias[1].id, 66);
    ck_assert_float_eq(ask.bias[1].bias, 2.5F);
    request_free(&r);
}
END_TEST

START_TEST(words_of_other_servers_are_known)
{
    struct request r;
    read_good(&r, ENDPOINT_COMPLETIONS,
              "{'prompt': 'x', 'max_tokens': -1, 'top_k': -1, 'seed': -1, 'repeat_penalty': 2, 'top_p': 0, "
              "'stop': 'end'}");
    ck_assert_uint_eq(r.max_tokens, SIZE_MAX);
    ck_assert_uint_eq(r.sampling.top_k, 0);
    ck_assert(!r.has_seed);
    ck_assert_double_eq(r.sampling.repetition_penalty, 2);
    ck_assert(r.sampling.top_p > 0 && r.sampling.top_p < 1e-100);
    ck_assert_str_eq(r.stops.items[0], "end");
    request_free(&r);
    read_good(&r, ENDPOINT_COMPLETIONS, "{'prompt': 'x', 'seed': -9223372036854775808, 'max_tokens': 3.0}");
    ck_assert(r.has_seed && r.sampling.seed == (uint64_t)INT64_MIN && r.max_tokens == 3);
    request_free(&r);
}
END_TEST

START_TEST(prompts_are_a_text_texts_ids_or_lists_of_ids)
{
    static const char *const bodies[] = {
        "{'prompt': 'ab'}", "{'prompt': ['ab', 'c']}", "{'prompt': [1, 2, 258]}", "{'prompt': [[1], [2, 3], [4]]}",
        "{'prompt': ['ab', [7, 8]]}"};
    static const size_t n_prompts[] = {1, 2, 1, 3, 2}, n_ids[] = {0, 0, 3, 1, 2};
    struct request r;
    read_good(&r, ENDPOINT_COMPLETIONS, bodies[_i]);
    ck_assert_uint_eq(r.n_prompts, n_prompts[_i]);
    ck_assert_uint_eq(r.prompts[r.n_prompts - 1].n_ids, n_ids[_i]);
    request_free(&r);
}
END_TEST

START_TEST(an_answer_is_a_sample_of_a_prompt)
{
    struct request r;
    struct ask ask;
    read_good(&r, ENDPOINT_COMPLETIONS, "{'prompt': [[1], [2, 3]], 'n': 2, 'best_of': 3, 'seed': 5}");
    ck_assert_uint_eq(request_answers(&r), 6);
    for (size_t i = 0; i < 6; i++) {
        request_ask(&r, i, &ask);
        ck_assert_ptr_eq(ask.prompt, r.prompts[i / 3].ids);
        ck_assert_uint_eq(ask.random_stream, i % 3);
        ck_assert(ask.wants_logprob && ask.n_top == 0); /* for best_of */
    }
    request_free(&r);
}
END_TEST

/* ---- messages ---- */

START_TEST(messages_of_every_form)
{
    static const struct {
        const char *message, *content;
        enum role role;
    } forms[] = {
        {"{'role': 'system', 'content': 's'}", "s", ROLE_SYSTEM},
        {"{'role': 'developer', 'content': 'd'}", "d", ROLE_SYSTEM},
        {"{'role': 'assistant', 'content': 'a'}", "a", ROLE_ASSISTANT},
        {"{'role': 'tool', 'tool_call_id': 'x', 'content': '4'}", "4", ROLE_TOOL},
        {"{'role': 'function', 'name': 'f', 'content': '4'}", "4", ROLE_TOOL},
        {"{'role': 'user', 'content': ''}", "", ROLE_USER},
        {"{'role': 'user', 'content': []}", "", ROLE_USER},
        {"{'role': 'user', 'content': [{'type': 'text', 'text': 'a'}, {'text': 'b'}, 'c']}", "abc", ROLE_USER},
        {"{'role': 'assistant', 'content': [{'type': 'refusal', 'refusal': 'no'}]}", "no", ROLE_ASSISTANT},
        {"{'role': 'assistant', 'content': null, 'refusal': 'no'}", "no", ROLE_ASSISTANT},
        {"{'role': 'assistant', 'content': null}", "", ROLE_ASSISTANT},
        {"{'role': 'assistant', 'tool_calls': []}", "", ROLE_ASSISTANT},
        {"{'role': 'assistant', 'content': null, 'tool_calls': [{'id': '1', 'type': 'function', 'function': "
         "{'name': 'f', 'arguments': '{\\'x\\':1}'}}]}",
         "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"x\": 1}}\n</tool_call>", ROLE_ASSISTANT},
    };
    struct request r;
    char *body = mem_printf("{'messages': [%s]}", forms[_i].message);
    read_good(&r, ENDPOINT_CHAT, body);
    const struct message *m = &r.conversation.messages[0];
    ck_assert_int_eq(m->role, forms[_i].role);
    ck_assert_str_eq(m->content, forms[_i].content);
    ck_assert_uint_eq(m->len, strlen(forms[_i].content));
    request_free(&r);
    free(body);
}
END_TEST

/* ---- what is refused ---- */


static const struct {
    enum endpoint endpoint;
    const char *body, *param, *message;
} refused[] = {
    {ENDPOINT_CHAT, "", NULL, "the body: column 1: expected a value, but the text ends here"},
    {ENDPOINT_CHAT, "{'messages': [}", NULL, "the body: column 15: expected a value, found '}'"},
    {ENDPOINT_CHAT, "{'n': 1, 'n': 2}", NULL, "the body: column 10: duplicate key \"n\""},
    {ENDPOINT_CHAT, "{'a': '\\ud83d'}", NULL, "the body: column 8: lone high surrogate \\ud83d in a string"},
    {ENDPOINT_CHAT, "[]", NULL, "the body: expected an object, found an array"},
    {ENDPOINT_CHAT, "{}", "messages", "missing"},
    {ENDPOINT_CHAT, "{'messages': null}", "messages", "missing"},
    {ENDPOINT_CHAT, "{'messages': 'Hi'}", "messages", "expected a list of messages, found a string"},
    {ENDPOINT_CHAT, "{'messages': []}", "messages", "the list is empty"},
    {TURNS("'Hi'"), "messages[0]", "expected an object, found a string"},
    {TURNS("{'content': 'x'}"), "messages[0].role", "missing"},
    {TURNS("{'role': 1, 'content': 'x'}"), "messages[0].role", "expected a string, found a number"},
    {TURNS("{'role': 'user', 'content': 'x'}, {'role': 'bot', 'content': 'x'}"), "messages[1].role",
     "unknown role 'bot' (system, developer, user, assistant or tool)"},
    {TURNS("{'role': 'user'}"), "messages[0].content", "missing"},
    {TURNS("{'role': 'user', 'content': 3}"), "messages[0].content",
     "expected a string or a list of parts, found a number"},
    {TURNS("{'role': 'user', 'content': [{'type': 'image_url', 'image_url': {'url': 'x'}}]}"),
     "messages[0].content[0].type",
     "a part of type 'image_url' cannot be read here, only text"},
    {TURNS("{'role': 'user', 'content': [{'type': 'text'}]}"), "messages[0].content[0].text", "missing"},
    {TURNS("{'role': 'user', 'content': [1]}"), "messages[0].content[0]", "expected an object, found a number"},
    {TURNS("{'role': 'assistant', 'tool_calls': [{'type': 'function', 'function': {}}]}"),
     "messages[0].tool_calls[0].function.name",
     "missing"},
    {CHAT("'model': 1"), "model", "expected a string, found a number"},
    {CHAT("'n': 0"), "n", "expected a whole number from 1 to 16, found 0"},
    {CHAT("'n': 17"), "n", "expected a whole number from 1 to 16, found 17"},
    {CHAT("'n': 1.5"), "n", "expected a whole number from 1 to 16, found 1.5"},
    {CHAT("'n': '1'"), "n", "expected a whole number, found a string"},
    {CHAT("'max_tokens': 0"), "max_tokens",
     "expected a whole number from 1 to 2147483647, or -1 for as many as fit, found 0"},
    {CHAT("'max_completion_tokens': -2"), "max_completion_tokens",
     "expected a whole number from 1 to 2147483647, or -1 for as many as fit, found -2"},
    {CHAT("'max_tokens': 1e300"), "max_tokens",
     "expected a whole number from 1 to 2147483647, or -1 for as many as fit, found 1e300"},
    {COMPLETION("'prompt': 'a', 'max_tokens': -2"), "max_tokens",
     "expected a whole number from 0 to 2147483647, or -1 for as many as fit, found -2"},
    {CHAT("'max_tokens': '1'"), "max_tokens", "expected a whole number, found a string"},
    {CHAT("'temperature': 2.5"), "temperature", "expected a number from 0 to 2, found 2.5"},
    {CHAT("'temperature': '1'"), "temperature", "expected a number, found a string"},
    {CHAT("'temperature': NaN"), "temperature", "expected a number, found NaN"},
    {CHAT("'top_p': -0.1"), "top_p", "expected a number from 0 to 1, found -0.1"},
    {CHAT("'repetition_penalty': 0"), "repetition_penalty", "expected a number from 0.01 to 100, found 0"},
    {CHAT("'seed': 18446744073709551616"), "seed",
     "expected a whole number from -9223372036854775808 to 9223372036854775807, found 18446744073709551616"},
    {CHAT("'seed': 'x'"), "seed", "expected a whole number, found a string"},
    {CHAT("'stop': 1"), "stop", "expected a string or a list of strings, found a number"},
    {CHAT("'stop': ['a', null]"), "stop[1]", "expected a string, found null"},
    {CHAT("'logit_bias': []"), "logit_bias", "expected an object, found an array"},
    {CHAT("'logit_bias': {'259': 1}"), "logit_bias", "'259' is no token's id (0 to 258)"},
    {CHAT("'logit_bias': {'-1': 1}"), "logit_bias", "'-1' is no token's id (0 to 258)"},
    {CHAT("'logit_bias': {'hi': 1}"), "logit_bias", "'hi' is no token's id (0 to 258)"},
    {CHAT("'logit_bias': {'1': 101}"), "logit_bias.1", "expected a number from -100 to 100, found 101"},
    {CHAT("'logit_bias': {'1': '1'}"), "logit_bias.1", "expected a number, found a string"},
    {CHAT("'logprobs': 3"), "logprobs", "expected true or false, found a number"},
    {CHAT("'top_logprobs': 3"), "top_logprobs", "only with \"logprobs\": true"},
    {CHAT("'logprobs': true, 'top_logprobs': 21"), "top_logprobs", "expected a whole number from 0 to 20, found 21"},
    {CHAT("'stream': 'yes'"), "stream", "expected true or false, found a string"},
    {CHAT("'stream_options': true"), "stream_options", "expected an object, found a boolean"},
    {CHAT("'stream_options': {'include_usage': 1}"), "stream_options.include_usage",
     "expected true or false, found a number"},
    {CHAT("'tool_choice': 'required'"), "tool_choice", "an answer cannot be made to call a tool here (auto or none)"},
    {CHAT("'function_call': {'name': 'f'}"), "function_call",
     "an answer cannot be made to call a tool here (auto or none)"},
    {CHAT("'response_format': {'type': 'json_object'}"), "response_format",
     "answers are text here, of no other format ({\"type\": \"text\"})"},
    {CHAT("'modalities': ['text', 'audio']"), "modalities", "answers are text here ([\"text\"])"},
    {COMPLETION(""), "prompt", "missing"},
    {COMPLETION("'prompt': {}"), "prompt", "expected a string or a list of token ids, found an object"},
    {COMPLETION("'prompt': []"), "prompt", "the list is empty"},
    {COMPLETION("'prompt': [1, 'a']"), "prompt[1]", "expected a whole number, found a string"},
    {COMPLETION("'prompt': [[1], [1, 259]]"), "prompt[1][1]", "expected a whole number from 0 to 258, found 259"},
    {COMPLETION("'prompt': ['a', 1]"), "prompt[1]", "expected a string or a list of token ids, found a number"},
    {COMPLETION("'prompt': ['a','a','a','a','a','a','a','a','a'], 'n': 16"), "prompt",
     "9 prompts, 16 answers each (128 answers at most)"},
    {COMPLETION("'prompt': 'a', 'n': 3, 'best_of': 2"), "best_of", "expected n (3) or more, found 2"},
    {COMPLETION("'prompt': 'a', 'best_of': 2, 'stream': true"), "best_of",
     "which answers are the best is known at the end only: not in a stream"},
    {COMPLETION("'prompt': 'a', 'suffix': 'b'"), "suffix", "text cannot be filled in before a suffix here"},
    {COMPLETION("'prompt': 'a', 'echo': true, 'logprobs': 0"), "echo",
     "log probabilities of the prompt are not made here: echo and logprobs exclude each other"},
    {COMPLETION("'prompt': 'a', 'logprobs': true"), "logprobs", "expected a whole number, found a boolean"},
};

START_TEST(wrong_requests_are_refused_with_their_place)
{
    struct request r;
    struct api_error error;
    ck_assert_int_eq(read_request(&r, refused[_i].endpoint, refused[_i].body, &error), SFT_EDATA);
    const char *param = refused[_i].param ? refused[_i].param : "";
    char *message = mem_printf("%s%s%s", param, *param ? ": " : "", refused[_i].message);
    ck_assert_str_eq(error.message, message);
    ck_assert_str_eq(error.param, param);
    free(message);
    ck_assert_int_eq(error.status, 400);
    ck_assert_str_eq(error.type, "invalid_request_error");
    ck_assert_ptr_null(error.code);
    ck_assert_ptr_null(r.arena.head);
}
END_TEST

START_TEST(much_is_refused_before_it_takes_memory)
{
    struct request r;
    struct api_error error;
    const struct {
        char *body;
        const char *message;
    } much[] = {
        {repeat("{'messages': [", "{'role': 'user', 'content': 'x'}", 4097, "]}"),
         "messages: 4097 messages (4096 at most)"},
        {repeat("{'messages': [", "{}", 1000000, "]}"), "the body holds more than 200000 values"},
        {repeat("{'prompt': [", "0", 1000000, "]}"), "the body holds more than 200000 values"},
        {repeat("{" USER ", 'stop': [", "'a'", 17, "]}"), "stop: 17 stop strings (16 at most)"},
        {repeat("{" USER ", 'stop': '", "aaaa", 52, "'}"), "stop: 259 bytes (256 at most)"},
        {repeat("{'messages': [{'role': 'assistant', "
                "'tool_calls': [{'function': {'name': 'f', 'arguments': '", "0", 200001, "'}}]}]}"),
         "messages[0].tool_calls[0].function.arguments: more than 200000 values"},
    };
    for (size_t i = 0; i < COUNT(much); i++) {
        ck_assert_int_eq(read_request(&r, ENDPOINT_CHAT, much[i].body, &error), SFT_EDATA);
        ck_assert_str_eq(error.message, much[i].message);
        free(much[i].body);
    }
    char *deep = mem_alloc(1000001);
    memset(deep, '[', 1000000);
    deep[1000000] = '\0';
    ck_assert_int_eq(read_request(&r, ENDPOINT_CHAT, deep, &error), SFT_EDATA);
    free(deep);
}
END_TEST

/* ---- errors as they are sent ---- */

START_TEST(errors_have_openais_shape)
{
    static const struct {
        enum api_error_kind kind;
        int status;
        const char *type, *code;
    } kinds[] = {
        {API_INVALID, 400, "invalid_request_error", "null"},
        {API_TOO_LONG, 400, "invalid_request_error", "\"context_length_exceeded\""},
        {API_NO_KEY, 401, "invalid_request_error", "\"invalid_api_key\""},
        {API_NO_MODEL, 404, "invalid_request_error", "\"model_not_found\""},
        {API_QUEUE_FULL, 429, "rate_limit_exceeded", "\"queue_full\""},
        {API_FAILED, 500, "server_error", "null"},
    };
    struct api_error error;
    struct strbuf out = {0};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        strbuf_clear(&out);
        api_error_set(&error, kinds[i].kind, "p[0]", "a \"%s\" %d", "b", 7);
        api_error_print(&error, &out);
        ck_assert_int_eq(error.status, kinds[i].status);
        char *expected = mem_printf("{\"error\":{\"message\":\"a \\\"b\\\" 7\",\"type\":\"%s\",\"param\":\"p[0]\","
                                "\"code\":%s}}",
                                kinds[i].type, kinds[i].code);
        ck_assert_str_eq(out.data, expected);
        free(expected);
    }
    for (enum api_error_kind kind = 0; kind < API_ERROR_KINDS; kind++) {
        api_error_set(&error, kind, NULL, "x");
        ck_assert(error.status >= 400 && error.status < 600 && error.type && !error.param[0]);
    }
    strbuf_free(&out);
}
END_TEST

/* The prompt is echoed, and nothing is added to it. */
START_TEST(a_completion_may_be_of_no_tokens)
{
    struct request r;
    struct ask ask;
    read_good(&r, ENDPOINT_COMPLETIONS, "{'prompt': 'x', 'max_tokens': 0, 'echo': true}");
    ck_assert(r.echo && r.max_tokens == 0);
    request_ask(&r, 0, &ask);
    ck_assert_uint_eq(ask.max_new_tokens, 0);
    request_free(&r);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("openai requests");
    TCase *tc = tcase_create("core");
    tcase_add_test(tc, a_chat_has_defaults);
    tcase_add_test(tc, a_completion_has_sixteen_tokens);
    tcase_add_test(tc, a_request_names_one_of_several_models);
    tcase_add_test(tc, null_is_absent);
    tcase_add_test(tc, unknown_fields_are_passed_over);
    tcase_add_test(tc, fields_are_read);
    tcase_add_test(tc, words_of_other_servers_are_known);
    tcase_add_loop_test(tc, prompts_are_a_text_texts_ids_or_lists_of_ids, 0, 5);
    tcase_add_test(tc, an_answer_is_a_sample_of_a_prompt);
    tcase_add_loop_test(tc, messages_of_every_form, 0, 13);
    tcase_add_loop_test(tc, wrong_requests_are_refused_with_their_place, 0, COUNT(refused));
    tcase_add_test(tc, much_is_refused_before_it_takes_memory);
    tcase_add_test(tc, errors_have_openais_shape);
    tcase_add_test(tc, a_completion_may_be_of_no_tokens);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
