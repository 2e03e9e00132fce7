/* A server whose engine is the test: it takes jobs from the queue and says what it likes, so that each moment in a
 * request's life can be looked at, and nothing waits for a time to pass. And a client, over real sockets. */
#ifndef SFT_TESTS_SERVE_FIXTURE_H
#define SFT_TESTS_SERVE_FIXTURE_H

#include "base/clock.h"
#include "serve/server.h"

#include "byte_tokenizer.h"
#include "support/err_text.h"

#include <check.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sft_err err;
static struct server server;
static struct bundle bundle;
static struct server_options options;
static unsigned port;
static size_t n_positions = 1000; /* that the model sees */

/* ---- the server ---- */

static inline void make_bundle(void)
{
    bundle = (struct bundle){.files.tokenizer = byte_tokenizer_with("")};
    const struct template_options own = {0};
    ck_assert_int_eq(template_init(&bundle.template, &own, bundle.files.tokenizer, &err), SFT_OK);
    options = (struct server_options)SERVER_OPTIONS_DEFAULT;
    options.port = 0;
    signal(SIGPIPE, SIG_IGN);
}

static inline void start(void)
{
    struct server_model model = {.about = {.id = "org/tiny", .created = 17, .n_positions = n_positions},
                                 .limits = REQUEST_LIMITS_DEFAULT,
                                 .bundle = &bundle};
    model.limits.vocab_size = tokenizer_vocab_size(bundle.files.tokenizer);
    ck_assert_msg(server_start(&server, &options, &model, 1, &err) == SFT_OK, "%s", err_text(&err));
    port = (unsigned)atoi(strrchr(server.address, ':') + 1);
    ck_assert_uint_gt(port, 0);
}

static inline void stop(void)
{
    server_stop(&server);
    template_free(&bundle.template);
    tokenizer_free(bundle.files.tokenizer);
}

/* Until `condition` holds; ten seconds are for ever. */
#define UNTIL(condition)                                                                                               \
    for (double end_ = clock_seconds() + 10; !(condition); usleep(1000))                                               \
    ck_assert_msg(clock_seconds() < end_, "never: %s", #condition)

/* ---- a client ---- */

static inline int dial(void)
{
    const struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const struct timeval patience = {.tv_sec = 20};
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (connect(fd, (const struct sockaddr *)&at, sizeof at) == 0)
        return fd;
    close(fd);
    return -1;
}

static inline void say(int fd, const char *text)
{
    const size_t len = strlen(text);
    ck_assert_int_eq(send(fd, text, len, 0), (ssize_t)len);
}

/* What comes until the text is in it, or until the end (NULL); the caller's. */
static inline char *hear_until(int fd, const char *text)
{
    struct strbuf heard = {0};
    char piece[4096];
    strbuf_puts(&heard, "");
    while (!text || !strstr(heard.data ? heard.data : "", text)) {
        const ssize_t n = recv(fd, piece, sizeof piece, 0);
        if (n <= 0) {
            ck_assert_msg(!text, "the end came before '%s': %s", text, heard.data ? heard.data : "");
            break;
        }
        strbuf_add(&heard, piece, (size_t)n);
    }
    return heard.data ? heard.data : mem_strdup("");
}

/* One request, one answer, with `head` among the headers. */
static inline char *ask(const char *method, const char *path, const char *head, const char *body)
{
    struct strbuf text = {0};
    const int fd = dial();
    ck_assert_int_ge(fd, 0);
    strbuf_printf(&text, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n%s", method, path, head);
    if (body)
        strbuf_printf(&text, "Content-Length: %zu\r\n", strlen(body));
    strbuf_printf(&text, "\r\n%s", body ? body : "");
    say(fd, text.data);
    char *answer = hear_until(fd, NULL);
    close(fd);
    strbuf_free(&text);
    return answer;
}

#define EXPECT(answer, text) ck_assert_msg(strstr(answer, text) != NULL, "no '%s' in: %s", text, answer)
#define EXPECT_NOT(answer, text) ck_assert_msg(strstr(answer, text) == NULL, "'%s' in: %s", text, answer)

static inline void expect_answer(const char *method, const char *path, const char *head, const char *body,
                                 unsigned status, const char *text)
{
    char begin[32];
    char *answer = ask(method, path, head, body);
    snprintf(begin, sizeof begin, "HTTP/1.1 %u ", status);
    ck_assert_msg(strncmp(answer, begin, strlen(begin)) == 0, "%s %s: no %u: %s", method, path, status, answer);
    EXPECT(answer, text);
    free(answer);
}

#define CHAT "{\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"
#define STREAM "{\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"

/* A client that has asked for a completion and does not wait. */
static inline int ask_chat(const char *body)
{
    char text[512];
    const int fd = dial();
    ck_assert_int_ge(fd, 0);
    snprintf(text, sizeof text,
             "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n%s", strlen(body),
             body);
    say(fd, text);
    return fd;
}

/* ---- the engine ---- */

static inline struct job *next_job(void)
{
    struct job *job;
    UNTIL((job = job_queue_pop(&server.http.queue)) != NULL);
    return job;
}

static inline void answer(struct job *job, const char *text, enum job_state state)
{
    struct strbuf bytes = {0};
    strbuf_puts(&bytes, text);
    job_send(job, &bytes, state);
    ck_assert_uint_eq(bytes.len, 0);
    strbuf_free(&bytes);
}

static inline bool has_left(const struct job *job)
{
    struct pollfd look = {.fd = job->fd, .events = POLLRDHUP};
    return poll(&look, 1, 0) == 1 && look.revents & JOB_GONE;
}

static inline char *letters(size_t n)
{
    char *text = mem_alloc(n + 1);
    memset(text, 'x', n);
    text[n] = '\0';
    return text;
}

static inline int run_server_tests(const char *name, const TTest *const *tests, size_t n)
{
    Suite *suite = suite_create(name);
    TCase *tc = tcase_create(name);
    tcase_add_checked_fixture(tc, make_bundle, NULL);
    tcase_set_timeout(tc, 60);
    for (size_t i = 0; i < n; i++)
        tcase_add_test(tc, tests[i]);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}

#endif
