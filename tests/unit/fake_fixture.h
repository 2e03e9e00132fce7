/* A fake endpoint (tests/support/fake_endpoint.c) for each test, and a client that asks it. */
#ifndef SFT_TESTS_FAKE_FIXTURE_H
#define SFT_TESTS_FAKE_FIXTURE_H

#include "base/path.h"
#include "collect/synth/client.h"

#include "scratch.h"

#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static pid_t endpoint_pid;
static char *endpoint_address, *endpoint_log; /* "http://127.0.0.1:PORT/v1" */

/* It is built beside the test program. */
static inline char *beside_this_program(const char *name)
{
    char own[4096];
    const ssize_t n = readlink("/proc/self/exe", own, sizeof own - 1);
    ck_assert_int_gt(n, 0);
    own[n] = '\0';
    *strrchr(own, '/') = '\0';
    return path_join(own, name);
}

_Noreturn static inline void become_endpoint(int out, const char *const *options, size_t n)
{
    char *path = beside_this_program("fake_endpoint");
    char *argv[32] = {path, (char *)(uintptr_t) "--log", endpoint_log};
    for (size_t i = 0; i < n; i++)
        argv[3 + i] = (char *)(uintptr_t)options[i];
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing behind */
    dup2(out, STDOUT_FILENO);
    execv(path, argv);
    perror(path);
    _exit(127);
}

static inline void start_endpoint_with(const char *const *options, size_t n)
{
    static const char before[] = "listening at ";
    char line[128] = "";
    int pipe_fds[2];
    endpoint_log = path_join(dir, "log");
    put("log", "");
    ck_assert_int_eq(pipe(pipe_fds), 0);
    ck_assert_uint_lt(n, 28);
    if ((endpoint_pid = fork()) == 0)
        become_endpoint(pipe_fds[1], options, n);
    close(pipe_fds[1]);
    FILE *out = fdopen(pipe_fds[0], "r");
    ck_assert_msg(fgets(line, sizeof line, out) && strncmp(line, before, sizeof before - 1) == 0, "no endpoint: %s",
                  line);
    line[strcspn(line, "\n")] = '\0';
    endpoint_address = mem_strdup(line + sizeof before - 1);
    fclose(out);
}

/* start_endpoint("--script", "429,ok"): its options. */
#define start_endpoint(...)                                                                                            \
    start_endpoint_with((const char *const[]){__VA_ARGS__}, sizeof(const char *const[]){__VA_ARGS__} / sizeof(char *))

static inline void stop_endpoint(void)
{
    if (endpoint_pid > 0) {
        kill(endpoint_pid, SIGKILL);
        waitpid(endpoint_pid, NULL, 0);
    }
    endpoint_pid = 0;
    free(endpoint_address);
    free(endpoint_log);
    endpoint_address = endpoint_log = NULL;
}

/* How many lines of its log begin with the word. */
static inline size_t logged(const char *word)
{
    struct strbuf log = {0};
    size_t n = 0;
    check_ok(io_read_file(endpoint_log, &log, &err));
    for (const char *line = log.data; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        n += strncmp(line, word, strlen(word)) == 0;
    strbuf_free(&log);
    return n;
}

/* ---- the client ---- */

static struct client *client;
static struct client_options client_options;
static size_t n_before, n_retries, n_lost_told, allowed;
static double waits[64];       /* (n_retries) */
static struct strbuf troubles; /* what they were for, a line each */

static inline bool count_attempt(void *user, uint64_t id, size_t attempt)
{
    (void)user, (void)id, (void)attempt;
    if (n_before == allowed)
        return false;
    n_before++;
    return true;
}

static inline void count_retry(void *user, uint64_t id, bool is_lost, const struct sft_err *trouble, double wait_s)
{
    (void)user, (void)id;
    n_lost_told += is_lost;
    ck_assert_uint_lt(n_retries, 64);
    waits[n_retries++] = wait_s;
    strbuf_printf(&troubles, "%s\n", err_text(trouble));
}

/* client_options as most tests have them: quick retries, any number of attempts. */
static inline void default_options(void)
{
    n_before = n_retries = n_lost_told = 0;
    strbuf_puts(&troubles, "");
    allowed = SIZE_MAX;
    client_options = (struct client_options){.url = endpoint_address,
                                             .concurrency = 4,
                                             .timeout_s = 20,
                                             .max_retries = 3,
                                             .backoff_s = 0.001,
                                             .before = count_attempt,
                                             .retry = count_retry};
}

static inline void open_client(void)
{
    check_ok(client_open(&client, &client_options, &err));
}

/* A request whose text tells it from others. */
static inline void send_text(uint64_t id, const char *text)
{
    const struct chat_message message = {"user", text, strlen(text)};
    client_send(client, id,
                &(struct completion_request){
                    .model = "m", .messages = &message, .n_messages = 1, .temperature = 0.8, .max_tokens = 512});
}

/* The reply to one request; the fixture frees it. */
static struct reply reply;

static inline void wait_for_reply(void)
{
    reply_free(&reply);
    reply = (struct reply){0};
    while (!client_wait(client, 1, &reply))
        ck_assert_uint_gt(client_pending(client), 0);
}

static inline void ask(const char *text)
{
    send_text(1, text);
    wait_for_reply();
    ck_assert_uint_eq(reply.id, 1);
}

static inline void close_client(void)
{
    reply_free(&reply);
    reply = (struct reply){0};
    client_close(client);
    client = NULL;
}

static inline void remove_all(void)
{
    close_client();
    strbuf_free(&troubles);
    stop_endpoint();
    remove_dir();
}

static inline void expect_how(enum reply_how how)
{
    ck_assert_msg(reply.how == how, "%d, not %d: %s", reply.how, how, err_text(&reply.err));
}

static inline void expect_trouble(const char *text)
{
    ck_assert_msg(strstr(err_text(&reply.err), text) != NULL, "no '%s' in: %s", text, err_text(&reply.err));
}

/* The program's exit code. */
static inline int run_fixture_suite(Suite *suite, TCase *tc)
{
    signal(SIGPIPE, SIG_IGN); /* as the program does */
    tcase_add_checked_fixture(tc, make_dir, remove_all);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed ? 1 : 0;
}

#endif
