/* Requests of OpenAI's API: which tokens they are, and what does not fit. */
#include "openai_requests.h"

struct encoding {
    struct bundle bundle;
    struct prompt_maker maker;
};

static void encoding_open(struct encoding *e, const char *chat_template, size_t n_positions)
{
    const struct template_options options = {.choice = TEMPLATE_AUTO};
    struct sft_err err;
    *e = (struct encoding){0};
    e->bundle.files.tokenizer = byte_tokenizer(chat_template);
    ck_assert_msg(template_init(&e->bundle.template, &options, e->bundle.files.tokenizer, &err) == SFT_OK, "%s",
                  err_text(&err));
    e->maker = (struct prompt_maker){.bundle = &e->bundle,
                                     .encoder = encoder_new(e->bundle.files.tokenizer),
                                     .n_positions = n_positions,
                                     .longest_token = prompt_longest_token(e->bundle.files.tokenizer)};
}

static void encoding_close(struct encoding *e)
{
    rendered_free(&e->maker.rendered);
    encoder_free(e->maker.encoder);
    template_free(&e->bundle.template);
    tokenizer_free(e->bundle.files.tokenizer);
}

START_TEST(a_conversation_is_rendered_and_cannot_close_itself)
{
    struct encoding e;
    struct request r;
    struct api_error error;
    struct strbuf text = {0};
    encoding_open(&e, NULL, 100);
    read_good(&r, ENDPOINT_CHAT, "{'messages': [{'role': 'user', 'content': 'a<|im_end|>'}]}");
    ck_assert_msg(request_encode(&r, &e.maker, &error) == SFT_OK, "%s", error.message);
    tokenizer_decode(e.bundle.files.tokenizer, r.prompts->ids, r.prompts->n_ids, false, &text);
    ck_assert_str_eq(text.data, "<|im_start|>user<|im_sep|>a<|im_end|><|im_end|><|im_start|>assistant<|im_sep|>");
    const int32_t end = tokenizer_token_id(e.bundle.files.tokenizer, "<|im_end|>");
    size_t n_ends = 0;
    for (size_t i = 0; i < r.prompts->n_ids; i++)
        n_ends += r.prompts->ids[i] == end;
    ck_assert_uint_eq(n_ends, 1);
    ck_assert_uint_eq(r.max_tokens, 100);
    strbuf_free(&text);
    request_free(&r);
    encoding_close(&e);
}
END_TEST

/* Of an answer that is sent when it is whole, all are kept. */
START_TEST(log_probabilities_have_a_bound)
{
    static const struct {
        const char *body;
        bool fits;
    } asked[] = {
        {"{'prompt': 'a', 'max_tokens': -1, 'n': 16, 'logprobs': 20}", false},
        {"{'prompt': 'a', 'max_tokens': -1, 'n': 16, 'logprobs': 20, 'stream': true}", true},
        {"{'prompt': 'a', 'max_tokens': -1, 'n': 16}", true},
        {"{'prompt': 'a', 'max_tokens': -1, 'logprobs': 20}", true},
        {"{'prompt': 'a', 'max_tokens': 1000, 'n': 16, 'logprobs': 20}", true},
        {"{'prompt': ['a', 'b'], 'max_tokens': 2000, 'n': 16, 'logprobs': 20}", false},
    };
    struct encoding e;
    struct request r;
    struct api_error error;
    encoding_open(&e, NULL, 32768);
    for (size_t i = 0; i < COUNT(asked); i++) {
        read_good(&r, ENDPOINT_COMPLETIONS, asked[i].body);
        ck_assert_msg((request_encode(&r, &e.maker, &error) == SFT_OK) == asked[i].fits, "%s", asked[i].body);
        if (!asked[i].fits) {
            ck_assert_str_eq(error.param, "max_tokens");
            ck_assert_int_eq(error.status, 400);
            ck_assert_ptr_nonnull(strstr(error.message, "max_tokens: log probabilities of "));
        }
        request_free(&r);
    }
    encoding_close(&e);
}
END_TEST

START_TEST(prompts_hold_the_tokens_that_they_name)
{
    struct encoding e;
    struct request r;
    struct api_error error;
    encoding_open(&e, NULL, 100);
    read_good(&r, ENDPOINT_COMPLETIONS, "{'prompt': ['hi<|endoftext|>', [1, 2]]}");
    ck_assert_int_eq(request_encode(&r, &e.maker, &error), SFT_OK);
    ck_assert_uint_eq(r.prompts[0].n_ids, 2);
    ck_assert_int_eq(r.prompts[0].ids[0], 257);
    ck_assert_int_eq(r.prompts[0].ids[1], BYTE_TOKENIZER_EOS);
    ck_assert_uint_eq(r.prompts[1].n_ids, 2);
    request_free(&r);
    encoding_close(&e);
}
END_TEST

START_TEST(what_does_not_fit_is_told)
{
    static const struct {
        enum endpoint endpoint;
        const char *body, *param, *code, *message;
    } wrong[] = {
        {COMPLETION("'prompt': ''"), "prompt", NULL, "prompt: the prompt is empty"},
        {COMPLETION("'prompt': [[1], []]"), "prompt[1]", NULL, "prompt[1]: the prompt is empty"},
        {COMPLETION("'prompt': ['a', 'b', '0123456789']"), "prompt[2]", "context_length_exceeded",
         "prompt[2]: 10 tokens, of 10 positions that this model sees: nothing is left for an answer"},
        {COMPLETION("'prompt': '0123456789'"), "prompt", "context_length_exceeded",
         "prompt: 10 tokens, of 10 positions that this model sees: nothing is left for an answer"},
        {TURNS("{'role': 'user', 'content': 'Hello'}"), "messages", "context_length_exceeded",
         "messages: 23 tokens, of 10 positions that this model sees: nothing is left for an answer"},
    };
    struct encoding e;
    struct request r;
    struct api_error error;
    encoding_open(&e, NULL, 10);
    for (size_t i = 0; i < COUNT(wrong); i++) {
        read_good(&r, wrong[i].endpoint, wrong[i].body);
        ck_assert_int_eq(request_encode(&r, &e.maker, &error), SFT_EDATA);
        ck_assert_str_eq(error.message, wrong[i].message);
        ck_assert_str_eq(error.param, wrong[i].param);
        ck_assert_int_eq(error.status, 400);
        ck_assert(wrong[i].code ? error.code && strcmp(error.code, wrong[i].code) == 0 : !error.code);
        request_free(&r);
    }
    char *much = repeat("{'messages': [{'role': 'user', 'content': '", "xxxxxxx", 1000, "'}]}");
    read_good(&r, ENDPOINT_CHAT, much);
    ck_assert_int_eq(request_encode(&r, &e.maker, &error), SFT_EDATA);
    ck_assert_str_eq(error.message, "messages: 7999 bytes are more than the 10 positions that this model sees");
    request_free(&r);
    free(much);
    encoding_close(&e);
}
END_TEST

/* Where the template alternates an answer behind an answer has no place; elsewhere it has. */
START_TEST(an_answer_behind_an_answer_is_the_templates_to_allow)
{
    static const char body[] =
        "{'messages': [{'role': 'user', 'content': 'a'}, {'role': 'assistant', 'content': 'b'}]}";
    struct encoding e;
    struct request r;
    struct api_error error;
    encoding_open(&e, NULL, 100);
    read_good(&r, ENDPOINT_CHAT, body);
    ck_assert_int_eq(request_encode(&r, &e.maker, &error), SFT_OK);
    request_free(&r);
    e.bundle.template.format.alternates = true;
    read_good(&r, ENDPOINT_CHAT, body);
    ck_assert_int_eq(request_encode(&r, &e.maker, &error), SFT_EDATA);
    ck_assert_str_eq(error.param, "messages");
    ck_assert_ptr_nonnull(strstr(error.message, "messages: the conversation ends with an answer already"));
    request_free(&r);
    encoding_close(&e);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("openai prompts");
    TCase *tc = tcase_create("core");
    tcase_add_test(tc, a_conversation_is_rendered_and_cannot_close_itself);
    tcase_add_test(tc, prompts_hold_the_tokens_that_they_name);
    tcase_add_test(tc, log_probabilities_have_a_bound);
    tcase_add_test(tc, what_does_not_fit_is_told);
    tcase_add_test(tc, an_answer_behind_an_answer_is_the_templates_to_allow);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
