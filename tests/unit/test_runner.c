/* The engine's side of the server with a small model that decodes: clients over real sockets ask it, and who waits for
 * whom is seen by what has come and what has not, never by a clock. */
#include "serve/runner.h"

#include "support/test_models.h"

#include "serve_fixture.h"

#include <omp.h>

enum { POSITIONS = 6000, PLACES = 4 };

/* ---- the engine, a thread of its own: OpenMP's team is that of who runs the model ---- */

static struct transformer model;
static struct decode decode;
static volatile sig_atomic_t stopped;
static pthread_t engine;

static void *run_engine(void *unused)
{
    static struct sft_err why;
    static char words[512];
    const struct model_config config = test_model(MODEL_LLAMA, 48, POSITIONS, BYTE_TOKENIZER_SIZE);
    const struct decode_model asked = {.model = &model};
    const struct decode_options places = {.max_streams = PLACES, .kv_bytes = 64 << 20};
    const struct runner_options how = {.decode = &decode,
                                       .models = &(struct runner_model){bundle.files.tokenizer, "fp"},
                                       .stop = &stopped,
                                       .drain_seconds = 0,
                                       .look_seconds = 1e6}; /* nothing goes on for time having passed */
    (void)unused;
    omp_set_num_threads(1); /* it is small, and others test beside us */
    if (transformer_init(&model, &config, kernels_select("fp32", words, sizeof words), NULL, &why))
        SFT_BUG(err_text(&why));
    params_init_random(model.params.values.data, &model.params.table, &config, 1);
    if (decode_init(&decode, &asked, &places, &why))
        SFT_BUG(err_text(&why));
    runner_run(&server, &how);
    return NULL;
}

static void start_engine(void)
{
    ck_assert_int_eq(pthread_create(&engine, NULL, run_engine, NULL), 0);
}

static void begin(void)
{
    start();
    server.http.limits.max_answers = 512;
    start_engine();
}

static void end(void)
{
    stopped = 1;
    job_queue_wake(&server.http.queue);
    pthread_join(engine, NULL);
    stop();
    ck_assert_uint_eq(decode.streams.count, 0);
    ck_assert_uint_eq(decode.counts.pages_used, 0);
    decode_free(&decode);
    transformer_free(&model);
}

/* ---- clients ---- */

/* A request to /v1/completions that is on its way, whose end tokens end nothing. */
static int ask_for(const char *members)
{
    struct strbuf body = {0}, text = {0};
    const int fd = dial(), small = 1 << 17;
    ck_assert_int_ge(fd, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small); /* a system keeps megabytes for who does not read */
    strbuf_printf(&body, "{\"ignore_eos\":true,%s}", members);
    strbuf_printf(&text, "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %zu\r\n\r\n%s", body.len,
                  body.data);
    say(fd, text.data);
    strbuf_free(&body);
    strbuf_free(&text);
    return fd;
}

#define LITTLE "\"prompt\":\"bc\",\"max_tokens\":3"

/* Answers that are long at once, 512 that begin with a prompt of 5000 control characters, which is 30,000 bytes of
 * JSON: sockets hold some 4 MB. */
static int ask_for_much(void)
{
    struct strbuf members = {0};
    strbuf_puts(&members, "\"stream\":true,\"echo\":true,\"n\":16,\"max_tokens\":2,\"prompt\":[");
    for (int prompt = 0; prompt < 32; prompt++) {
        strbuf_puts(&members, prompt ? "],[" : "[");
        for (int i = 0; i < 5000; i++)
            strbuf_puts(&members, i ? ",1" : "1");
    }
    strbuf_puts(&members, "]]");
    const int fd = ask_for(members.data);
    strbuf_free(&members);
    return fd;
}

static void expect_whole(int fd)
{
    char *heard = hear_until(fd, "\"usage\":{");
    EXPECT(heard, "HTTP/1.1 200 ");
    EXPECT(heard, "\"finish_reason\":\"length\"");
    free(heard);
    close(fd);
}

static bool has_something(int fd)
{
    struct pollfd look = {.fd = fd, .events = POLLIN};
    return poll(&look, 1, 0) == 1;
}

/* ---- tests ---- */

/* Readers that have stopped: their answers have all the places, and would have them for ever. */
START_TEST(slow_readers_hold_nobody)
{
    begin();
    const int slow[] = {ask_for_much(), ask_for_much()};
    uint64_t made;
    do { /* until their sockets are full: then the little answers are all that is made */
        UNTIL(server.http.metrics.running == 2 && server.http.metrics.behind == 2);
        made = server.http.metrics.made_tokens + 3;
        expect_whole(ask_for(LITTLE));
        UNTIL(server.http.metrics.running == 2);
    } while (server.http.metrics.made_tokens != made);
    ck_assert_uint_eq(server.http.metrics.disconnects, 0);
    close(slow[0]);
    char piece[1 << 14];
    while (server.http.metrics.made_tokens < made + 20) /* one reads on: its answers go on, wherever they were */
        ck_assert_int_gt(recv(slow[1], piece, sizeof piece, 0), 0);
    close(slow[1]);
    UNTIL(server.http.metrics.running == 0);
    end();
}
END_TEST

/* Who reads nothing for as long as a connection may be silent has left. */
START_TEST(a_reader_that_never_reads_on_is_ended)
{
    options.idle_seconds = 1;
    begin();
    const int slow = ask_for_much();
    UNTIL(server.http.metrics.behind == 1);
    UNTIL(server.http.metrics.running == 0);
    ck_assert_uint_eq(server.http.metrics.disconnects, 1);
    close(slow);
    end();
}
END_TEST

/* One of 32 answers with every place, one of a single token. */
START_TEST(a_small_request_does_not_wait_for_a_large_one)
{
    begin();
    const int large = ask_for("\"prompt\":[\"a\",\"b\",\"c\",\"d\"],\"n\":8,\"max_tokens\":900");
    UNTIL(server.http.metrics.made_tokens > 40);
    expect_whole(ask_for(LITTLE));
    UNTIL(server.http.metrics.running == 1);
    ck_assert(!has_something(large));
    ck_assert_uint_lt(server.http.metrics.made_tokens, 4 * 900); /* before the first of its answers could have ended */
    close(large);
    UNTIL(server.http.metrics.running == 0);
    end();
}
END_TEST

/* All that wait are answered, though nothing wakes the engine but they themselves. */
START_TEST(everybody_has_a_turn)
{
    enum { CLIENTS = 3 * PLACES };
    int fds[CLIENTS];
    begin();
    for (int i = 0; i < CLIENTS; i++)
        fds[i] = ask_for(i % 3 ? LITTLE : "\"prompt\":[\"a\",\"b\"],\"n\":3,\"max_tokens\":20");
    for (int i = 0; i < CLIENTS; i++)
        expect_whole(fds[i]);
    UNTIL(server.http.metrics.running == 0);
    ck_assert_uint_eq(server.http.metrics.made_tokens, (uint64_t)PLACES * (2 * 3 + 6 * 20));
    end();
}
END_TEST

/* Nothing is computed for a client that left before its turn came. */
START_TEST(who_left_before_its_turn_costs_nothing)
{
    start();
    for (int half = 0; half < 2; half++) {
        const int fd = ask_for(LITTLE);
        UNTIL(job_queue_waiting(&server.http.queue) == (size_t)half + 1);
        if (half)
            shutdown(fd, SHUT_WR);
        else
            close(fd);
    }
    start_engine();
    UNTIL(server.http.metrics.disconnects == 2);
    ck_assert_uint_eq(server.http.metrics.prompt_tokens, 0);
    expect_whole(ask_for(LITTLE));
    UNTIL(server.http.metrics.running == 0);
    ck_assert_uint_eq(server.http.metrics.prompt_tokens, 2);
    end();
}
END_TEST

/* A prompt alone, echoed: no answer, no place, no pass. */
START_TEST(no_tokens_are_an_answer)
{
    begin();
    int fd = ask_for("\"prompt\":\"xyz\",\"echo\":true,\"max_tokens\":0");
    char *heard = hear_until(fd, "\"usage\":{");
    EXPECT(heard, "\"text\":\"xyz\"");
    EXPECT(heard, "\"finish_reason\":\"length\"");
    free(heard);
    close(fd);
    fd = ask_for("\"prompt\":\"xyz\",\"echo\":true,\"stream\":true,\"max_tokens\":0");
    heard = hear_until(fd, "data: [DONE]");
    EXPECT(heard, "\"text\":\"xyz\"");
    free(heard);
    close(fd);
    UNTIL(server.http.metrics.running == 0);
    ck_assert_uint_eq(server.http.metrics.made_tokens + server.http.metrics.prompt_tokens, 0);
    end();
}
END_TEST

int main(void)
{
    n_positions = POSITIONS;
    const TTest *const tests[] = {
        slow_readers_hold_nobody,
        a_reader_that_never_reads_on_is_ended,
        a_small_request_does_not_wait_for_a_large_one,
        everybody_has_a_turn,
        who_left_before_its_turn_costs_nothing,
        no_tokens_are_an_answer,
    };
    return run_server_tests("runner", tests, sizeof tests / sizeof *tests);
}
