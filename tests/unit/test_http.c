/* The server's HTTP side: what is answered at once, who may ask, what a request may be, the end. */
#include "serve/access.h"

#include "serve_fixture.h"

/* ---- what needs no engine ---- */

START_TEST(what_is_answered_at_once)
{
    start();
    expect_answer("GET", "/health", "", NULL, 200, "\r\n\r\n{\"status\":\"ok\"}");
    expect_answer("GET", "/v1/models", "", NULL, 200, "\"id\":\"org/tiny\"");
    expect_answer("GET", "/v1/models/org/tiny", "", NULL, 200, "\"max_model_len\":1000");
    expect_answer("GET", "/v1/models/org%2Ftiny", "", NULL, 200, "\"id\":\"org/tiny\"");
    expect_answer("GET", "/v1/models/other", "", NULL, 404, "\"code\":\"model_not_found\"");
    expect_answer("GET", "/metrics", "", NULL, 200, "sft_requests_total{path=\"/v1/models\",code=\"404\"} 1\n");
    expect_answer("GET", "/v1/nothing", "", NULL, 404, "\"error\":{");
    expect_answer("GET", "/nothing", "", NULL, 404, "\"error\":{");
    expect_answer("GET", "/v1/chat/completions", "", NULL, 405, "Allow: POST\r\n");
    expect_answer("DELETE", "/v1/models", "", NULL, 405, "Allow: GET, HEAD\r\n");
    expect_answer("OPTIONS", "/v1/chat/completions", "Origin: http://localhost\r\n", NULL, 405, "\"error\":{");
    char *head = ask("HEAD", "/health", "", NULL);
    EXPECT(head, "HTTP/1.1 200 ");
    EXPECT_NOT(head, "status");
    free(head);
    stop();
}
END_TEST

START_TEST(a_key_is_asked_for)
{
    options.api_key = "secret";
    start();
    expect_answer("GET", "/v1/models", "", NULL, 401, "WWW-Authenticate: Bearer\r\n");
    expect_answer("GET", "/v1/models", "Authorization: Bearer secre\r\n", NULL, 401, "\"code\":\"invalid_api_key\"");
    expect_answer("GET", "/v1/models", "Authorization: Bearer secretsecret\r\n", NULL, 401, "invalid_api_key");
    expect_answer("GET", "/v1/models", "Authorization: Bearer \r\n", NULL, 401, "invalid_api_key");
    expect_answer("GET", "/v1/models", "Authorization: Basic secret\r\n", NULL, 401, "invalid_api_key");
    expect_answer("POST", "/v1/chat/completions", "", CHAT, 401, "invalid_api_key");
    expect_answer("GET", "/v1/models", "Authorization: Bearer secret\r\n", NULL, 200, "org/tiny");
    expect_answer("GET", "/v1/models", "authorization: bearer secret\r\n", NULL, 200, "org/tiny");
    expect_answer("GET", "/health", "", NULL, 200, "ok");
    expect_answer("GET", "/metrics", "", NULL, 200, "{path=\"/v1/models\",code=\"401\"} 5\n");
    stop();
}
END_TEST

START_TEST(pages_of_other_sites_may_not_ask)
{
    start();
    expect_answer("GET", "/health", "Origin: http://localhost\r\n", NULL, 200, "ok");
    expect_answer("GET", "/health", "Origin: http://evil.example\r\n", NULL, 403, "\"error\":{");
    expect_answer("GET", "/health", "Origin: null\r\n", NULL, 403, "\"error\":{");
    const int fd = dial();
    say(fd, "GET /health HTTP/1.1\r\nHost: evil.example:80\r\nConnection: close\r\n\r\n");
    char *answer_ = hear_until(fd, NULL);
    EXPECT(answer_, "HTTP/1.1 403 ");
    free(answer_);
    close(fd);
    ck_assert(access_host_is_local("LOCALHOST:8080", "127.0.0.1") && access_host_is_local("[::1]:80", "::1"));
    ck_assert(access_host_is_local("127.0.0.2", "127.0.0.2") && access_host_is_local("box:1", "box"));
    ck_assert(!access_host_is_local("127.evil.example", "127.0.0.1") && !access_host_is_local("localhost.evil", "::1"));
    ck_assert(!access_host_is_local("", "127.0.0.1") && !access_host_is_local("evil", "127.0.0.1"));
    ck_assert(access_origin_is_host("https://box:8080", "box:8080") && !access_origin_is_host("http://box", NULL));
    stop();
}
END_TEST

/* ---- bodies ---- */

START_TEST(a_body_has_a_limit)
{
    options.max_body = 2000;
    start();
    char *fits = letters(2000), *more = letters(2001), *much = letters(3 * 2000);
    expect_answer("POST", "/v1/chat/completions", "", fits, 400, "\"type\":\"invalid_request_error\"");
    expect_answer("POST", "/v1/chat/completions", "", more, 413, "2000 bytes");
    expect_answer("POST", "/v1/chat/completions", "", much, 413, "2000 bytes");
    expect_answer("POST", "/v1/chat/completions", "", "{", 400, "\"error\":{");
    expect_answer("POST", "/v1/chat/completions", "", "", 400, "\"error\":{");

    int fd = dial(); /* its length is not announced */
    say(fd, "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 3; i++) {
        say(fd, "3e8\r\n");
        char *chunk = letters(1000);
        say(fd, chunk);
        say(fd, "\r\n");
        free(chunk);
    }
    say(fd, "0\r\n\r\n");
    char *heard = hear_until(fd, NULL);
    EXPECT(heard, "HTTP/1.1 413 ");
    free(heard);
    close(fd);

    fd = dial(); /* who waits for leave to send is told at once */
    say(fd, "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2001\r\nExpect: 100-continue\r\n\r\n");
    heard = hear_until(fd, "\r\n\r\n");
    EXPECT(heard, "HTTP/1.1 413 ");
    free(heard);
    close(fd);

    fd = dial(); /* and who announces no end of it */
    say(fd, "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n");
    heard = hear_until(fd, "\r\n\r\n");
    EXPECT(heard, "HTTP/1.1 413 ");
    free(heard);
    close(fd);
    free(fits);
    free(more);
    free(much);
    stop();
}
END_TEST

/* However many send large ones: what they hold together has a bound, and is free again when they leave. */
START_TEST(bodies_together_have_a_limit)
{
    char *body = letters(1900), head[128];
    int fds[2];
    options.max_body = 2000;
    options.max_bodies = 3000;
    start();
    snprintf(head, sizeof head, "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000\r\n\r\n");
    for (int i = 0; i < 2; i++) {
        fds[i] = dial();
        say(fds[i], head);
        say(fds[i], body);
    }
    UNTIL(server.http.held == 3800);
    expect_answer("POST", "/v1/completions", "", body, 503, "\"code\":\"overloaded\"");
    expect_answer("POST", "/v1/completions", "", body, 503, "Retry-After: 1\r\n");
    expect_answer("POST", "/v1/completions", "", "{}", 400, "\"error\":{"); /* a small one fits */
    close(fds[0]);
    UNTIL(server.http.held == 1900);
    expect_answer("POST", "/v1/completions", "", body, 400, "\"error\":{");

    const int fd = ask_chat(CHAT); /* one that waits is held, too */
    struct job *job = next_job();
    ck_assert_uint_eq(server.http.held, 1900 + strlen(CHAT));
    answer(job, "{}", JOB_DONE);
    job_drop(job);
    free(hear_until(fd, "\r\n\r\n{}"));
    UNTIL(server.http.held == 1900);
    close(fd);
    close(fds[1]);
    UNTIL(server.http.held == 0);
    free(body);
    stop();
}
END_TEST

START_TEST(a_request_that_does_not_end_is_ended)
{
    char byte;
    options.request_seconds = 0.2;
    start();
    const int half = dial(), silent = dial(), slow = dial();
    say(half, "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{");
    say(slow, "GET /health HT");
    UNTIL(server.http.metrics.connections == 3);
    for (double end = clock_seconds() + 0.3; clock_seconds() < end; usleep(10000))
        (void)!send(slow, "T", 1, 0);
    connections_end_late(&server.http.connections);
    ck_assert_int_eq(recv(half, &byte, 1, 0), 0);
    ck_assert_int_eq(recv(silent, &byte, 1, 0), 0);
    UNTIL(server.http.metrics.connections == 0);
    close(half);
    close(silent);
    close(slow);

    /* but one that is being answered has its time */
    const int fd = ask_chat(CHAT);
    struct job *job = next_job();
    usleep(250000);
    connections_end_late(&server.http.connections);
    ck_assert(!has_left(job));
    answer(job, "late", JOB_DONE);
    free(hear_until(fd, "late"));
    close(fd);
    job_drop(job);
    stop();
}
END_TEST

/* Not only when its time is over. */
START_TEST(who_leaves_with_the_last_bytes_is_seen)
{
    static const char *const said[] = {"", "GET /hea", "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\n\r\n",
                                       "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{",
                                       "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"};
    start();
    for (size_t i = 0; i < 20 * (sizeof said / sizeof *said); i++) {
        const int fd = dial();
        say(fd, said[i / 20]);
        close(fd);
    }
    expect_answer("GET", "/health", "", NULL, 200, "ok"); /* they were all accepted before it */
    UNTIL(server.http.metrics.connections == 0);
    for (int i = 0; i < 20; i++) {
        const int fd = dial();
        say(fd, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
        shutdown(fd, SHUT_WR);
        char *heard = hear_until(fd, NULL);
        EXPECT(heard, "{\"status\":\"ok\"}");
        free(heard);
        close(fd);
    }
    UNTIL(server.http.metrics.connections == 0);
    stop();
}
END_TEST

/* ---- the end, and the beginning ---- */

START_TEST(it_drains)
{
    start();
    const int kept = dial(), running = ask_chat(STREAM);
    say(kept, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    free(hear_until(kept, "{\"status\":\"ok\"}"));
    struct job *job = next_job();
    answer(job, "data: one\n\n", JOB_RUNNING);
    server_drain(&server);
    ck_assert_int_eq(dial(), -1);
    ck_assert(!server_is_quiet(&server));
    say(kept, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
    char *heard = hear_until(kept, NULL);
    EXPECT(heard, "HTTP/1.1 503 ");
    EXPECT(heard, "Connection: close\r\n");
    free(heard);
    answer(job, "data: two\n\n", JOB_DONE);
    free(hear_until(running, "data: two\n\n\r\n0\r\n\r\n"));
    UNTIL(server_is_quiet(&server));
    job_drop(job);
    close(kept);
    close(running);
    stop();
}
END_TEST

START_TEST(a_request_that_arrives_while_it_drains_is_refused)
{
    start();
    const int fd = dial();
    say(fd, "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 45\r\n\r\n{");
    UNTIL(server.http.metrics.connections == 1);
    server_drain(&server);
    say(fd, &CHAT[1]);
    char *heard = hear_until(fd, NULL);
    EXPECT(heard, "HTTP/1.1 503 ");
    EXPECT(heard, "\"code\":\"shutting_down\"");
    free(heard);
    close(fd);
    stop();
}
END_TEST

START_TEST(a_port_in_use)
{
    struct server second;
    struct server_model model = {.about = {.id = "b", .n_positions = 9}, .bundle = &bundle};
    start();
    options.port = port;
    ck_assert_int_eq(server_start(&second, &options, &model, 1, &err), SFT_EIO);
    char want[128];
    snprintf(want, sizeof want,
             "cannot listen at 127.0.0.1, port %u: Address already in use (another --port, or --port 0 for a free one)",
             port);
    ck_assert_str_eq(err_text(&err), want);
    options.host = "no host";
    ck_assert_int_eq(server_start(&second, &options, &model, 1, &err), SFT_EUSAGE);
    stop();
}
END_TEST

/* ---- figures ---- */

START_TEST(histograms_count_up)
{
    static struct metrics m;
    struct strbuf page = {0};
    metrics_init(&m);
    histogram_add(&m.first_token, 0.005);
    histogram_add(&m.first_token, 0.3);
    histogram_add(&m.first_token, 1000);
    metrics_count(&m, METRIC_OTHER, 404);
    metrics_print(&m, "a\"b", &page);
    EXPECT(page.data, "# TYPE sft_time_to_first_token_seconds histogram\n"
                      "sft_time_to_first_token_seconds_bucket{le=\"0.005\"} 1\n"
                      "sft_time_to_first_token_seconds_bucket{le=\"0.01\"} 1\n");
    EXPECT(page.data, "_bucket{le=\"0.25\"} 1\nsft_time_to_first_token_seconds_bucket{le=\"0.5\"} 2\n");
    EXPECT(page.data, "_bucket{le=\"60\"} 2\nsft_time_to_first_token_seconds_bucket{le=\"+Inf\"} 3\n"
                      "sft_time_to_first_token_seconds_sum 1000.305000\nsft_time_to_first_token_seconds_count 3\n");
    EXPECT(page.data, "sft_requests_total{path=\"other\",code=\"404\"} 1\n");
    EXPECT(page.data, "model=\"a\\\"b\"} 1\n");
    strbuf_free(&page);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_is_answered_at_once,
        a_key_is_asked_for,
        pages_of_other_sites_may_not_ask,
        a_body_has_a_limit,
        bodies_together_have_a_limit,
        a_request_that_does_not_end_is_ended,
        who_leaves_with_the_last_bytes_is_seen,
        it_drains,
        a_request_that_arrives_while_it_drains_is_refused,
        a_port_in_use,
        histograms_count_up,
    };
    return run_server_tests("http", tests, sizeof tests / sizeof *tests);
}
