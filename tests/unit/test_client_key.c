/* The key: where it goes, and that it is never told. */
#include "fake_fixture.h"

#define COUNT(list) (sizeof(list) / sizeof *(list))
#define KEY         "sk-aB3dE6gH9-secret"

START_TEST(the_key_is_sent_and_never_told)
{
    start_endpoint("--script", "echo_error,echo_answer,echo_error,echo_error", "--key", KEY);
    default_options();
    client_options.api_key = KEY;
    client_options.max_retries = 1;
    open_client();
    ask("hi");
    expect_how(REPLY_OK);
    ck_assert_ptr_nonnull(strstr(troubles.data, "you sent 'Bearer ***', Bearer ***"));
    ck_assert_ptr_nonnull(strstr(reply.completion.text, " Bearer ***."));
    ck_assert_ptr_null(strstr(reply.completion.text, KEY));
    ck_assert_uint_eq(reply.completion.len, strlen(reply.completion.text));
    ask("hi");
    expect_how(REPLY_FAILED);
    expect_trouble("you sent 'Bearer ***', Bearer ***");
    ck_assert_ptr_null(memmem(&reply.err, sizeof reply.err, KEY, strlen(KEY)));
}
END_TEST

/* Nor what is left of it where a message is cut. */
START_TEST(no_part_of_the_key_is_told)
{
    start_endpoint("--script", "echo_escaped,ok", "--key", KEY);
    default_options();
    client_options.api_key = KEY;
    open_client();
    ask("hi");
    expect_how(REPLY_OK);
    ck_assert_ptr_nonnull(strstr(troubles.data, "Bearer ***"));
    ck_assert_ptr_null(strstr(troubles.data, "sk-a"));
}
END_TEST

START_TEST(a_wrong_key_is_refused)
{
    start_endpoint("--key", KEY);
    default_options();
    client_options.api_key = "sk-another-key";
    open_client();
    ask("hi");
    expect_how(REPLY_FATAL);
    expect_trouble("/v1: status 401, the key is refused: Incorrect API key provided");
}
END_TEST

START_TEST(a_key_must_fit_a_header)
{
    static const char *const keys[] = {"two words", "line\n", "a\r\nX: y", "umlaut\xC3\xA4", "\x7f"};
    default_options();
    client_options.url = "http://127.0.0.1:1/v1";
    for (size_t i = 0; i < COUNT(keys); i++) {
        client_options.api_key = keys[i];
        ck_assert_int_eq(client_open(&client, &client_options, &err), SFT_EUSAGE);
        ck_assert_ptr_null(client);
        ck_assert_ptr_null(strstr(err_text(&err), keys[i]));
    }
}
END_TEST

/* It would go along. */
START_TEST(redirects_are_not_followed)
{
    char *place;
    start_endpoint("--script", "redirect", "--key", KEY);
    default_options();
    client_options.api_key = KEY;
    open_client();
    ask("hi");
    expect_how(REPLY_FATAL);
    place = mem_printf("%s: status 307, redirects to %.*s/elsewhere/v1/chat/completions, which is not followed: give "
                       "that as url",
                       endpoint_address, (int)strlen(endpoint_address) - 3, endpoint_address);
    ck_assert_str_eq(err_text(&reply.err), place);
    ck_assert_uint_eq(logged("stray"), 0);
    free(place);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client_key");
    TCase *tc = tcase_create("client_key");
    tcase_add_test(tc, the_key_is_sent_and_never_told);
    tcase_add_test(tc, no_part_of_the_key_is_told);
    tcase_add_test(tc, a_wrong_key_is_refused);
    tcase_add_test(tc, a_key_must_fit_a_header);
    tcase_add_test(tc, redirects_are_not_followed);
    return run_fixture_suite(suite, tc);
}
