/* The server of a review: requests that do not come to their end do not keep others out. */
#include "base/strbuf.h"
#include "collect/review/server.h"
#include "scratch.h"
#include "support/run_suite.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS = 64 }; /* as many as the server takes */

static struct review review;
static struct review_server server;
static char *file;

static void begin(void)
{
    make_dir();
    put("rows.jsonl", "{\"text\":\"a\"}\n");
    file = path_join(dir, "rows.jsonl");
    check_ok(review_open(&review, &(struct review_options){.file = file, .name = "anna"}, &err));
    check_ok(review_server_start(&server, &review, 0, &err));
    server.connections.seconds = 0;
}

static void end(void)
{
    review_server_stop(&server);
    review_close(&review);
    free(file);
    remove_dir();
}

static int dial(void)
{
    const unsigned long port = strtoul(strrchr(server.address, ':') + 1, NULL, 10);
    const struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {.tv_sec = 20};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    ck_assert_int_eq(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static size_t n_open(void)
{
    size_t n = 0;
    pthread_mutex_lock(&server.connections.lock);
    for (const struct connection *c = server.connections.first; c; c = c->next)
        n++;
    pthread_mutex_unlock(&server.connections.lock);
    return n;
}

START_TEST(half_requests_keep_nobody_out)
{
    int half[CONNECTIONS];
    char byte, answer[13] = {0}, request[200];
    for (size_t i = 0; i < CONNECTIONS; i++) {
        half[i] = dial();
        say(half[i],
            i % 2 ? "GET /api/state HT" : "POST /api/undo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n{");
    }
    while (n_open() < CONNECTIONS)
        usleep(1000);
    const int fd = dial();
    snprintf(request, sizeof request, "GET /api/state HTTP/1.1\r\nHost: localhost\r\nX-Review-Token: %s\r\n\r\n",
             server.token);
    review_server_look(&server);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        ck_assert_int_le(recv(half[i], &byte, 1, 0), 0);
        close(half[i]);
    }
    say(fd, request);
    ck_assert_int_eq(recv(fd, answer, sizeof answer - 1, MSG_WAITALL), sizeof answer - 1);
    ck_assert_str_eq(answer, "HTTP/1.1 200");
    review_server_look(&server); /* it may send the next one */
    say(fd, request);
    ck_assert_int_gt(recv(fd, answer, sizeof answer - 1, 0), 0);
    close(fd);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("review_server");
    TCase *tc = tcase_create("server");
    tcase_add_checked_fixture(tc, begin, end);
    tcase_add_test(tc, half_requests_keep_nobody_out);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
