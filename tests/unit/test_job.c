/* Requests that become jobs: what is sent of an answer and when, clients that leave, read slowly, or are many. */
#include "serve_fixture.h"

/* ---- jobs ---- */

START_TEST(an_answer_is_sent_whole)
{
    start();
    const int fd = ask_chat(CHAT);
    struct job *job = next_job();
    ck_assert_uint_eq(job->request.prompts[0].n_ids > 0, 1);
    ck_assert_uint_eq(job_queue_waiting(&server.http.queue), 1);
    job_begin(job);
    ck_assert_uint_eq(job_queue_waiting(&server.http.queue), 0);
    ck_assert(job_look(job).is_wanted && job_look(job).is_watched);
    answer(job, "{\"a\":", JOB_RUNNING);
    ck_assert(job_look(job).is_watched); /* nothing is sent of an answer in one piece before it is all there */
    answer(job, "1}", JOB_DONE);
    char *heard = hear_until(fd, "{\"a\":1}");
    EXPECT(heard, "HTTP/1.1 200 ");
    EXPECT(heard, "Content-Type: application/json\r\n");
    EXPECT(heard, "Content-Length: 7\r\n");
    free(heard);
    job_drop(job);

    say(fd, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"); /* the connection is kept */
    free(hear_until(fd, "{\"status\":\"ok\"}"));
    close(fd);
    stop();
}
END_TEST

START_TEST(an_error_keeps_its_status)
{
    struct api_error error;
    start();
    for (int stream = 0; stream < 2; stream++) {
        const int fd = ask_chat(stream ? STREAM : CHAT);
        struct job *job = next_job();
        api_error_set(&error, API_NO_MEMORY, NULL, "none");
        job_fail(job, &error);
        char *heard = hear_until(fd, "\"message\":\"none\"");
        EXPECT(heard, "HTTP/1.1 503 ");
        free(heard);
        job_drop(job);
        close(fd);
    }
    ck_assert_uint_eq(job_queue_waiting(&server.http.queue), 0);
    stop();
}
END_TEST

START_TEST(a_stream_is_sent_as_it_comes)
{
    start();
    const int fd = ask_chat(STREAM);
    struct job *job = next_job();
    job_begin(job);
    answer(job, "data: one\n\n", JOB_RUNNING);
    char *heard = hear_until(fd, "data: one\n\n"); /* while the rest is still to be said */
    EXPECT(heard, "HTTP/1.1 200 ");
    EXPECT(heard, "Content-Type: text/event-stream; charset=utf-8\r\n");
    EXPECT(heard, "Transfer-Encoding: chunked\r\n");
    free(heard);
    UNTIL(job_look(job).is_watched);
    answer(job, "data: two\n\n", JOB_RUNNING);
    free(hear_until(fd, "data: two\n\n"));
    answer(job, "data: [DONE]\n\n", JOB_DONE);
    free(hear_until(fd, "data: [DONE]\n\n\r\n0\r\n\r\n"));
    UNTIL(server.http.metrics.answering == 0);
    ck_assert_uint_eq(server.http.metrics.disconnects, 0);
    job_drop(job);
    close(fd);

    /* a client of HTTP/1.0, which knows no chunks */
    const int old = dial();
    say(old, "POST /v1/chat/completions HTTP/1.0\r\nContent-Length: 59\r\n\r\n" STREAM);
    job = next_job();
    answer(job, "data: one\n\n", JOB_DONE);
    heard = hear_until(old, NULL);
    EXPECT(heard, "\r\n\r\ndata: one\n\n");
    free(heard);
    job_drop(job);
    close(old);
    stop();
}
END_TEST

START_TEST(more_than_may_wait_are_told_to_come_again)
{
    enum { WAITING = 3 };
    int fds[WAITING];
    options.max_waiting = WAITING;
    start();
    for (int i = 0; i < WAITING; i++)
        fds[i] = ask_chat(CHAT);
    UNTIL(job_queue_waiting(&server.http.queue) == WAITING);
    expect_answer("POST", "/v1/chat/completions", "", CHAT, 429, "Retry-After: 1\r\n");
    expect_answer("POST", "/v1/chat/completions", "", CHAT, 429, "\"code\":\"queue_full\"");
    struct job *job = next_job();
    expect_answer("POST", "/v1/chat/completions", "", CHAT, 429, "queue_full"); /* it has not begun */
    job_begin(job);
    const int other = ask_chat(CHAT);
    UNTIL(job_queue_waiting(&server.http.queue) == WAITING);
    answer(job, "{}", JOB_DONE);
    job_drop(job);
    free(hear_until(fds[0], "\r\n\r\n{}"));
    for (int i = 0; i < WAITING; i++)
        close(fds[i]);
    close(other);
    stop(); /* with three that wait */
}
END_TEST

/* ---- clients that leave ---- */

START_TEST(who_leaves_while_waiting_is_seen)
{
    start();
    for (int half = 0; half < 2; half++) { /* closed, or only no longer to be written to: both are gone */
        const int fd = ask_chat(half ? STREAM : CHAT);
        struct job *job = next_job();
        ck_assert(job_look(job).is_watched && !has_left(job));
        if (half)
            shutdown(fd, SHUT_WR);
        else
            close(fd);
        UNTIL(has_left(job));
        ck_assert(job_look(job).is_wanted); /* nobody but us has seen it */
        job_cancel(job);
        ck_assert(!job_look(job).is_wanted && !job_look(job).is_watched);
        ck_assert_uint_eq(job_queue_waiting(&server.http.queue), 0);
        UNTIL(server.http.metrics.connections == 0);
        ck_assert_uint_eq(server.http.metrics.disconnects, (uint64_t)half + 1);
        answer(job, "for nobody", JOB_DONE);
        job_drop(job);
        if (half)
            close(fd);
    }
    ck_assert_uint_eq(server.http.metrics.answering, 0);
    stop();
}
END_TEST

START_TEST(who_leaves_in_a_stream_is_seen)
{
    start();
    const int fd = ask_chat(STREAM);
    struct job *job = next_job();
    answer(job, "data: one\n\n", JOB_RUNNING);
    free(hear_until(fd, "data: one\n\n"));
    UNTIL(job_look(job).is_watched);
    close(fd);
    UNTIL(has_left(job));
    job_cancel(job);
    UNTIL(server.http.metrics.connections == 0);
    ck_assert_uint_eq(server.http.metrics.disconnects, 1);
    job_drop(job);
    stop();
}
END_TEST

/* One that is being sent to is not watched: then sending fails, and that is seen. */
START_TEST(who_leaves_while_being_sent_to_is_seen)
{
    start();
    const int fd = ask_chat(STREAM);
    struct job *job = next_job();
    char *much = letters(8 << 20);
    answer(job, much, JOB_RUNNING); /* more than sockets hold */
    free(hear_until(fd, "xxxx"));
    ck_assert(!job_look(job).is_watched && job_look(job).is_behind);
    close(fd);
    UNTIL(!job_look(job).is_wanted);
    UNTIL(server.http.metrics.connections == 0);
    ck_assert_uint_eq(server.http.metrics.disconnects, 1);
    free(much);
    job_drop(job);
    stop();
}
END_TEST

START_TEST(a_slow_reader_holds_nobody)
{
    start();
    const int slow = ask_chat(STREAM);
    struct job *job = next_job();
    char *much = letters(64 << 10);
    size_t sent = 0;
    while (sent < 64 << 20) { /* a stream that is made faster than it is read: more than sockets hold */
        answer(job, much, JOB_RUNNING);
        sent += 64 << 10;
    }
    ck_assert(job_look(job).is_behind);
    expect_answer("GET", "/health", "", NULL, 200, "ok");
    ck_assert(job_look(job).is_wanted);
    const int other = ask_chat(CHAT);
    struct job *second = next_job();
    answer(second, "{}", JOB_DONE);
    free(hear_until(other, "\r\n\r\n{}"));
    job_drop(second);
    close(other);

    ck_assert(job_look(job).is_behind);
    char piece[4096];
    while (job_look(job).is_behind) /* it reads on, and the engine hears of it */
        ck_assert_int_gt(recv(slow, piece, sizeof piece, 0), 0);
    struct pollfd wake = {.fd = server.http.queue.wake_fd, .events = POLLIN};
    ck_assert_int_eq(poll(&wake, 1, 10000), 1);
    answer(job, "the end", JOB_DONE);
    free(hear_until(slow, "the end\r\n0\r\n\r\n"));
    free(much);
    job_drop(job);
    close(slow);
    stop();
}
END_TEST

/* ---- many ---- */

START_TEST(many_at_once_each_get_their_own)
{
    enum { CLIENTS = 50, ROUNDS = 4 };
    int fds[CLIENTS];
    char text[64];
    start();
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < CLIENTS; i++) {
            snprintf(text, sizeof text, "{\"stream\":%s,\"prompt\":\"client %02d\"}", i % 2 ? "true" : "false", i);
            char request[256];
            fds[i] = round ? fds[i] : dial();
            ck_assert_int_ge(fds[i], 0);
            snprintf(request, sizeof request,
                     "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n%s", strlen(text),
                     text);
            say(fds[i], request);
        }
        for (int i = 0; i < CLIENTS; i++) {
            struct job *job = next_job();
            answer(job, job->request.prompts[0].text, JOB_RUNNING);
            answer(job, "!", JOB_DONE);
            job_drop(job);
        }
        for (int i = 0; i < CLIENTS; i++) {
            snprintf(text, sizeof text, "client %02d", i);
            char *heard = hear_until(fds[i], i % 2 ? "\r\n0\r\n\r\n" : "!");
            EXPECT(heard, text);
            EXPECT(strstr(heard, text), "!"); /* of a stream perhaps in a chunk of its own */
            free(heard);
        }
        ck_assert_uint_eq(server.http.metrics.connections, CLIENTS);
    }
    UNTIL(server.http.metrics.answering == 0);
    for (int i = 0; i < CLIENTS; i++)
        close(fds[i]);
    UNTIL(server.http.metrics.connections == 0);
    ck_assert_uint_eq(server.http.metrics.requests[METRIC_COMPLETIONS][0], CLIENTS * ROUNDS);
    stop();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_answer_is_sent_whole,
        an_error_keeps_its_status,
        a_stream_is_sent_as_it_comes,
        more_than_may_wait_are_told_to_come_again,
        who_leaves_while_waiting_is_seen,
        who_leaves_in_a_stream_is_seen,
        who_leaves_while_being_sent_to_is_seen,
        a_slow_reader_holds_nobody,
        many_at_once_each_get_their_own,
    };
    return run_server_tests("job", tests, sizeof tests / sizeof *tests);
}
