/* The client against an endpoint that does what a test wants: retries, pauses, refusals, dialects, the end. */
#include "fake_fixture.h"

#include "base/strbuf.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/time.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))
#define KEY         "sk-aB3dE6gH9-secret"

/* ---- answers ---- */

START_TEST(every_request_has_one_reply)
{
    enum { N = 40 };
    bool has_come[N] = {false};
    char *texts[N];
    start_endpoint("--latency", "2");
    default_options();
    open_client();
    for (size_t i = 0; i < N; i++) {
        char text[32];
        snprintf(text, sizeof text, "question %zu", i);
        send_text(i, text);
    }
    ck_assert_uint_eq(client_pending(client), N);
    for (size_t n = 0; n < N; n++) {
        wait_for_reply();
        expect_how(REPLY_OK);
        ck_assert(!has_come[reply.id]);
        has_come[reply.id] = true;
        texts[reply.id] = mem_strdup(reply.completion.text);
        ck_assert_uint_eq(reply.n_attempts, 1);
        ck_assert_uint_eq(reply.prompt_bytes, reply.id < 10 ? 10 : 11);
        ck_assert_uint_le(client_in_flight(client), 4);
    }
    ck_assert_uint_eq(client_pending(client), 0);
    ck_assert(!client_wait(client, 1, &reply));
    ck_assert_uint_eq(logged("request"), N);
    for (size_t i = 1; i < N; i++)
        ck_assert_str_ne(texts[i - 1], texts[i]);
    for (size_t i = 0; i < N; i++)
        free(texts[i]);
}
END_TEST

/* Shapes that differ from the everyday one have the same text. */
START_TEST(good_answers_of_all_shapes)
{
    static const char *const shapes[] = {"ok", "slow", "drip", "parts", "thoughts", "reasoning", "stream"};
    start_endpoint("--script", "ok,ok,slow,drip,parts,thoughts,reasoning,stream");
    default_options();
    open_client();
    ask("hi");
    char *text = mem_strdup(reply.completion.text);
    for (size_t i = 0; i < COUNT(shapes); i++) {
        ask("hi");
        expect_how(REPLY_OK);
        ck_assert_msg(strcmp(reply.completion.text, text) == 0, "%s: %s", shapes[i], reply.completion.text);
        ck_assert(reply.completion.has_usage && !reply.completion.is_cut);
        ck_assert_uint_eq(reply.completion.len, strlen(text));
        ck_assert_uint_eq(reply.n_lost, 0);
    }
    ck_assert_uint_eq(n_before, COUNT(shapes) + 1);
    free(text);
}
END_TEST

START_TEST(an_answer_says_what_it_lacks)
{
    start_endpoint("--script", "cut_off,empty,usage_missing");
    default_options();
    open_client();
    ask("hi");
    ck_assert(reply.completion.is_cut && reply.completion.len > 0);
    ck_assert_str_eq(reply.completion.model, "m");
    ask("hi");
    ck_assert_uint_eq(reply.completion.len, 0);
    ask("hi");
    ck_assert(!reply.completion.has_usage && reply.completion.len > 0);
}
END_TEST

/* ---- retries ---- */

static const struct {
    const char *fault;
    bool is_lost;
} passing[] = {{"cut", true},         {"half", true}, {"malformed", true}, {"html", true}, {"hostile", true},
               {"stream_half", true}, {"huge", true}, {"429", false},      {"500", false}, {"503", false}};

START_TEST(what_passes_is_asked_again)
{
    char *script = mem_printf("%s,%s,ok", passing[_i].fault, passing[_i].fault);
    start_endpoint("--script", script);
    default_options();
    open_client();
    ask("hi");
    expect_how(REPLY_OK);
    ck_assert_uint_eq(reply.n_attempts, 3);
    ck_assert_uint_eq(reply.n_lost, passing[_i].is_lost ? 2 : 0);
    ck_assert_uint_eq(n_lost_told, reply.n_lost); /* of an answered request all lost attempts were made again */
    ck_assert_uint_eq(n_before, 3);
    ck_assert_uint_eq(n_retries, 2);
    ck_assert_uint_eq(logged("request"), 3);
    free(script);
}
END_TEST

START_TEST(a_retry_says_why)
{
    start_endpoint("--script", "500,stall,ok");
    default_options();
    client_options.timeout_s = 0.3;
    client_options.max_retries = 20; /* on a busy machine more than the one that stalls may take longer */
    open_client();
    ask("hi");
    expect_how(REPLY_OK);
    ck_assert_uint_ge(reply.n_lost, 1);
    ck_assert_ptr_nonnull(strstr(troubles.data, "/v1: status 500: it broke\n"));
    ck_assert_ptr_nonnull(strstr(troubles.data, "/v1: no answer within 0.3 s (timeout_s)\n"));
}
END_TEST

START_TEST(retries_end)
{
    start_endpoint("--faults", "500=1");
    default_options();
    open_client();
    ask("hi");
    expect_how(REPLY_FAILED);
    expect_trouble("/v1: status 500: it broke");
    ck_assert_uint_eq(reply.n_attempts, 4);
    ck_assert_uint_eq(logged("request"), 4);
}
END_TEST

/* The waits double, and are spread; where all must wait they are longer. */
static const struct {
    const char *faults;
    double first;
} growing[] = {{"500=1", 0.001}, {"429=1", 0.004}};

START_TEST(waits_grow)
{
    start_endpoint("--faults", growing[_i].faults);
    default_options();
    client_options.max_retries = 6;
    open_client();
    ask("hi");
    ck_assert_uint_eq(n_retries, 6);
    for (size_t i = 0; i < 6; i++) {
        const double most = growing[_i].first * (double)(1 << i);
        ck_assert(waits[i] >= most / 2 && waits[i] <= most);
        ck_assert(i == 0 || waits[i] / most != waits[0] / growing[_i].first);
    }
}
END_TEST

/* ---- what the endpoint asks for ---- */

static void expect_wait(const char *fault, double low, double high)
{
    start_endpoint("--script", fault);
    default_options();
    open_client();
    send_text(1, "hi");
    while (n_retries < 1)
        ck_assert(!client_wait(client, 0.01, &reply));
    ck_assert_msg(waits[0] >= low && waits[0] <= high, "%s: %g", fault, waits[0]);
    ck_assert(client_holds(client) > 0);
}

START_TEST(retry_after_is_obeyed)
{
    expect_wait("429_seconds", 1, 1.01);
    wait_for_reply();
    expect_how(REPLY_OK);
    ck_assert_uint_eq(reply.n_attempts, 2);
}
END_TEST

START_TEST(retry_after_may_be_a_date)
{
    expect_wait("429_date", 1, 2.01);
}
END_TEST

static void expect_told_wait(const char *why)
{
    double wait_s = 0;
    const struct sft_err *told = client_waits(client, &wait_s);
    ck_assert_ptr_nonnull(told);
    ck_assert_ptr_nonnull(strstr(SFT_ERR_TEXT(told), why));
    ck_assert(wait_s > 3500 && wait_s <= 3600.01);
}

/* After 500 nobody else waits; that all do is told while nothing is in flight. */
START_TEST(one_request_waits)
{
    start_endpoint("--script", "500_days");
    default_options();
    open_client();
    double wait_s;
    send_text(1, "hey");
    ck_assert_ptr_null(client_waits(client, &wait_s));
    while (n_retries < 1)
        ck_assert(!client_wait(client, 0.01, &reply));
    expect_told_wait("status 500: we are rebuilding");
    send_text(2, "ho");
    ck_assert_ptr_null(client_waits(client, &wait_s));
    wait_for_reply();
    expect_how(REPLY_OK);
    expect_told_wait("status 500: we are rebuilding");
}
END_TEST

/* An hour at most; nobody else is sent meanwhile. */
START_TEST(all_requests_wait)
{
    expect_wait("429_days", 3600, 3600.01);
    send_text(2, "ho");
    ck_assert(!client_wait(client, 0.05, &reply));
    ck_assert_uint_eq(n_before, 1);
    ck_assert_uint_eq(client_in_flight(client), 0);
    ck_assert_uint_eq(client_pending(client), 2);
    expect_told_wait("status 429: come again next week");
    client_stop(client);
    ck_assert(client_wait(client, 0, &reply));
    expect_how(REPLY_UNSENT);
    expect_trouble("status 429: come again next week");
    wait_for_reply();
    expect_how(REPLY_UNSENT);
    ck_assert_uint_eq(reply.n_attempts, 0);
}
END_TEST

START_TEST(a_pace_is_kept)
{
    start_endpoint("--latency", "0");
    default_options();
    client_options.requests_per_minute = 1;
    open_client();
    send_text(1, "a");
    send_text(2, "b");
    wait_for_reply();
    ck_assert_uint_eq(reply.id, 1);
    ck_assert(!client_wait(client, 0.05, &reply));
    ck_assert_uint_eq(n_before, 1);
}
END_TEST

/* ---- what no retry mends ---- */

static const struct {
    const char *fault;
    enum reply_how how;
    const char *message;
} final[] = {
    {"400", REPLY_REFUSED, "/v1: status 400: the prompt is longer than 4 tokens"},
    {"withheld", REPLY_REFUSED, "the endpoint's content filter withholds the answer"},
    {"401", REPLY_FATAL,
     "/v1: status 401, a key is wanted (api_key_env names the environment variable that holds it): "},
    {"404", REPLY_FATAL, "/v1: status 404: The model does not exist (is the model's name right, and the url?)"},
    {"quota", REPLY_FATAL, "/v1: status 429: You exceeded your current quota"},
};

START_TEST(some_errors_are_final)
{
    start_endpoint("--script", final[_i].fault);
    default_options();
    open_client();
    ask("hi");
    expect_how(final[_i].how);
    expect_trouble(final[_i].message);
    ck_assert_uint_eq(reply.n_attempts, 1);
    ask("ho"); /* others may go on */
    expect_how(REPLY_OK);
}
END_TEST

/* A port that was free a moment ago. */
static unsigned free_port(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof at;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (const struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &size), 0);
    close(fd);
    return ntohs(at.sin_port);
}

START_TEST(where_nobody_listens)
{
    const unsigned port = free_port();
    char *url = mem_printf("http://127.0.0.1:%u", port);
    char *message = mem_printf("%s/v1: nobody listens there (is the server running? sft serve DIR --port %u)", url,
                               port);
    setenv("http_proxy", "http://192.0.2.1:1", 1); /* it is of no matter on loopback */
    default_options();
    client_options.url = url;
    open_client();
    ask("hi");
    expect_how(REPLY_FATAL);
    ck_assert_str_eq(err_text(&reply.err), message);
    ck_assert_uint_eq(reply.n_lost, 0);
    free(url);
    free(message);
}
END_TEST

START_TEST(a_server_may_come_back)
{
    start_endpoint("--latency", "0");
    default_options();
    open_client();
    ask("hi");
    expect_how(REPLY_OK);
    kill(endpoint_pid, SIGKILL);
    waitpid(endpoint_pid, NULL, 0);
    endpoint_pid = 0;
    ask("hi");
    expect_how(REPLY_FAILED);
    expect_trouble("nobody listens there any more");
    ck_assert_uint_eq(reply.n_attempts, 4);
    ck_assert_uint_eq(reply.n_lost, 0);
}
END_TEST

START_TEST(a_host_that_is_none)
{
    default_options();
    client_options.url = "http://nobody.invalid/v1";
    open_client();
    ask("hi");
    expect_how(REPLY_FATAL);
    expect_trouble("http://nobody.invalid/v1: ");
    expect_trouble("nobody.invalid");
}
END_TEST

/* ---- what an endpoint does not take ---- */

static void ask_for_schema(const char *text)
{
    const struct chat_message message = {"user", text, strlen(text)};
    client_send(client, 1,
                &(struct completion_request){.model = "m",
                                             .messages = &message,
                                             .n_messages = 1,
                                             .temperature = 0.8,
                                             .max_tokens = 512,
                                             .schema = "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":"
                                                       "\"string\"}}}",
                                             .schema_name = "answer"});
    wait_for_reply();
}

static const struct {
    const char *lacks;
    size_t n_attempts; /* of the first request */
    bool is_json;      /* its answer */
} lacking[] = {
    {"none", 1, true},
    {"json_schema", 2, true},
    {"json_schema,tools", 3, false},
    {"json_schema,tools,json_object", 4, false},
    {"schemas", 4, false},
    {"seed", 2, true},
    {"seed,max_tokens,temperature", 4, true},
    {"seed,max_tokens,temperature,json_schema", 5, true},
};

START_TEST(a_dialect_is_found_once)
{
    start_endpoint("--lacks", lacking[_i].lacks);
    default_options();
    client_options.max_retries = 0; /* it is no retry */
    open_client();
    ask_for_schema("one");
    expect_how(REPLY_OK);
    ck_assert_uint_eq(reply.n_attempts, lacking[_i].n_attempts);
    ck_assert_msg((reply.completion.text[0] == '{') == lacking[_i].is_json, "%s", reply.completion.text);
    ask_for_schema("two");
    expect_how(REPLY_OK);
    ck_assert_uint_eq(reply.n_attempts, 1);
    ck_assert_uint_eq(n_before, lacking[_i].n_attempts + 1);
    ck_assert_uint_eq(logged("request"), n_before);
}
END_TEST

/* A request that is refused for itself teaches nothing. */
START_TEST(a_refused_request_changes_no_dialect)
{
    start_endpoint("--script", "400,400,400,400");
    default_options();
    open_client();
    ask_for_schema("one");
    expect_how(REPLY_REFUSED);
    ck_assert_uint_eq(reply.n_attempts, 4);
    ask_for_schema("two");
    expect_how(REPLY_OK);
    ck_assert_uint_eq(reply.n_attempts, 1);
    ck_assert_int_eq(reply.completion.text[0], '{');
}
END_TEST

/* ---- what is allowed ---- */

START_TEST(what_is_not_allowed_is_not_sent)
{
    start_endpoint("--script", "500,ok");
    default_options();
    allowed = 1;
    open_client();
    ask("hi"); /* the retry would be the second attempt */
    expect_how(REPLY_UNSENT);
    ck_assert_uint_eq(reply.n_attempts, 1);
    expect_trouble("status 500");
    ask("ho");
    expect_how(REPLY_UNSENT);
    ck_assert_uint_eq(reply.n_attempts, 0);
    ck_assert_str_eq(err_text(&reply.err), "");
    ck_assert_uint_eq(logged("request"), 1);
}
END_TEST

START_TEST(a_stop_waits_for_what_is_in_flight)
{
    size_t n_ok = 0, n_unsent = 0;
    start_endpoint("--script", "slow,slow,slow,slow");
    default_options();
    open_client();
    for (uint64_t i = 0; i < 9; i++)
        send_text(i, "hi");
    ck_assert(!client_wait(client, 0, &reply));
    ck_assert_uint_eq(client_in_flight(client), 4);
    client_stop(client);
    send_text(9, "too late");
    for (size_t i = 0; i < 10; i++) {
        wait_for_reply();
        n_ok += reply.how == REPLY_OK;
        n_unsent += reply.how == REPLY_UNSENT;
    }
    ck_assert_uint_eq(n_ok, 4);
    ck_assert_uint_eq(n_unsent, 6);
    ck_assert_uint_eq(logged("request"), 4);
}
END_TEST

static volatile int n_signals;

static void on_alarm(int signal_number)
{
    (void)signal_number;
    n_signals++;
}

/* Without it this would wait for ten minutes, and Check ends it. */
START_TEST(a_signal_wakes_it)
{
    const struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    const struct itimerval soon = {.it_value.tv_usec = 50000};
    start_endpoint("--faults", "stall=1");
    default_options();
    client_options.timeout_s = 1000;
    client_options.signals = &n_signals;
    open_client();
    send_text(1, "hi");
    sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &soon, NULL);
    ck_assert(!client_wait(client, 600, &reply));
    ck_assert_int_eq(n_signals, 1);
    ck_assert_uint_eq(client_in_flight(client), 1);
    n_signals++; /* one that comes between two waits */
    ck_assert(!client_wait(client, 600, &reply));
}
END_TEST

/* ---- all at once ---- */

START_TEST(any_faults_end_in_one_reply_each)
{
    enum { N = 60 };
    char seed[16]; /* of the faults */
    bool has_come[N] = {false};
    size_t n_attempts = 0;
    snprintf(seed, sizeof seed, "%d", _i);
    start_endpoint("--faults", "all=0.5", "--at-most", "3", "--seed", seed, "--key", KEY);
    default_options();
    client_options.api_key = KEY;
    client_options.concurrency = 8;
    client_options.seed = (uint64_t)_i;
    open_client();
    for (size_t i = 0; i < N; i++) {
        char text[32];
        snprintf(text, sizeof text, "question %zu", i);
        send_text(i, text);
    }
    for (size_t n = 0; n < N; n++) {
        wait_for_reply();
        expect_how(REPLY_OK);
        ck_assert(!has_come[reply.id]);
        has_come[reply.id] = true;
        n_attempts += reply.n_attempts;
        ck_assert_ptr_null(strstr(reply.completion.text, KEY));
    }
    ck_assert_uint_eq(n_attempts, n_before);
    ck_assert_uint_eq(n_retries, n_before - N);
    ck_assert_uint_eq(logged("request"), n_before);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client");
    TCase *tc = tcase_create("client");
    tcase_add_test(tc, every_request_has_one_reply);
    tcase_add_test(tc, good_answers_of_all_shapes);
    tcase_add_test(tc, an_answer_says_what_it_lacks);
    tcase_add_loop_test(tc, what_passes_is_asked_again, 0, COUNT(passing));
    tcase_add_test(tc, a_retry_says_why);
    tcase_add_test(tc, retries_end);
    tcase_add_loop_test(tc, waits_grow, 0, COUNT(growing));
    tcase_add_test(tc, retry_after_is_obeyed);
    tcase_add_test(tc, retry_after_may_be_a_date);
    tcase_add_test(tc, all_requests_wait);
    tcase_add_test(tc, one_request_waits);
    tcase_add_test(tc, a_pace_is_kept);
    tcase_add_loop_test(tc, some_errors_are_final, 0, COUNT(final));
    tcase_add_test(tc, where_nobody_listens);
    tcase_add_test(tc, a_server_may_come_back);
    tcase_add_test(tc, a_host_that_is_none);
    tcase_add_loop_test(tc, a_dialect_is_found_once, 0, COUNT(lacking));
    tcase_add_test(tc, a_refused_request_changes_no_dialect);
    tcase_add_test(tc, what_is_not_allowed_is_not_sent);
    tcase_add_test(tc, a_stop_waits_for_what_is_in_flight);
    tcase_add_test(tc, a_signal_wakes_it);
    tcase_add_loop_test(tc, any_faults_end_in_one_reply_each, 0, 4);
    return run_fixture_suite(suite, tc);
}
