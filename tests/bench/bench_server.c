/* Clients of a server of OpenAI's API, many at once: how many requests a second are answered, how long until the
 * first text, how many tokens. It speaks to any such server (llama.cpp's, vLLM's), so that servers can be compared.
 * Each client asks, reads the stream to its end, and asks again on the same connection; the prompts are all
 * different, but for their beginning.
 *
 * usage: bench_server HOST:PORT [--clients N] [--seconds S] [--max-tokens N] [--prompt-words N] [--key KEY]
 *
 * One line: what was measured. Exit code 1 where a request failed: an error, a status other than 200, a stream
 * without an end. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/strbuf.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct load {
    const char *host, *port, *key;
    size_t n_clients, max_tokens, prompt_words;
    double seconds;
    struct addrinfo *address;
    size_t n_asked, n_answered, n_tokens, n_failed;
    double *first, *whole; /* (n_answered) seconds to the first text, and to the end */
    size_t first_capacity, whole_capacity;
    char complaint[512]; /* about the first that failed */
};

struct client {
    struct load *load;
    int fd;            /* -1: none */
    bool kept;         /* it has had an answer before this one */
    size_t number;     /* of the question */
    double asked;      /* when; 0: nothing is asked */
    double heard;      /* the first text; 0: none yet */
    struct strbuf raw; /* what came and was not looked at */
    bool has_head;
    struct strbuf answer; /* the body, without the sizes of its chunks */
    size_t looked;        /* bytes of it */
    size_t n_tokens;      /* as its usage says */
};

/* ---- a request ---- */

static bool fail(struct client *c, const char *what)
{
    struct load *load = c->load;
    if (load->n_failed++ == 0)
        snprintf(load->complaint, sizeof load->complaint, "%s: %.300s", what, c->raw.data ? c->raw.data : "");
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    c->asked = 0;
    return false;
}

static bool dial(struct client *c)
{
    const struct addrinfo *at = c->load->address;
    c->fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return c->fd >= 0 && connect(c->fd, at->ai_addr, at->ai_addrlen) == 0;
}

/* A prompt of its own: words by a number. */
static void write_prompt(struct strbuf *out, size_t number, size_t n_words)
{
    static const char *const words[] = {"the", "river", "of", "light", "and", "stone", "in", "a", "green", "house"};
    strbuf_printf(out, "Tell me of number %zu", number);
    for (size_t i = 0; i < n_words; i++)
        strbuf_printf(out, " %s", words[(number * 7 + i * i + 3 * i) % (sizeof words / sizeof *words)]);
}

static bool send_all(int fd, const struct strbuf *text)
{
    for (size_t sent = 0; sent < text->len;) {
        const ssize_t n = send(fd, text->data + sent, text->len - sent, MSG_NOSIGNAL);
        if (n <= 0)
            return false;
        sent += (size_t)n;
    }
    return true;
}

/* Ask question `number`. */
static bool ask_question(struct client *c, size_t number)
{
    struct load *load = c->load;
    struct strbuf body = {0}, text = {0};
    c->number = number;
    strbuf_printf(&body,
                  "{\"model\":\"any\",\"stream\":true,\"max_tokens\":%zu,\"temperature\":0,"
                  "\"stream_options\":{\"include_usage\":true},\"messages\":[{\"role\":\"user\",\"content\":\"",
                  load->max_tokens);
    write_prompt(&body, number, load->prompt_words);
    strbuf_puts(&body, "\"}]}");
    strbuf_printf(&text,
                  "POST /v1/chat/completions HTTP/1.1\r\nHost: %s:%s\r\nContent-Type: application/json\r\n",
                  load->host, load->port);
    if (load->key)
        strbuf_printf(&text, "Authorization: Bearer %s\r\n", load->key);
    strbuf_printf(&text, "Content-Length: %zu\r\n\r\n%s", body.len, body.data);
    strbuf_clear(&c->answer);
    strbuf_clear(&c->raw);
    c->has_head = false;
    c->heard = 0;
    c->looked = c->n_tokens = 0;
    c->asked = clock_seconds();
    c->kept = c->fd >= 0;
    const bool asked = (c->fd >= 0 || dial(c)) && send_all(c->fd, &text);
    strbuf_free(&body);
    strbuf_free(&text);
    return asked || fail(c, strerror(errno));
}

static bool ask(struct client *c)
{
    return ask_question(c, c->load->n_asked++);
}

/* A server may close a connection between two requests, which is seen only when the second has been sent: ask on a new
 * one, once. */
static bool ask_again(struct client *c)
{
    close(c->fd);
    c->fd = -1;
    return ask_question(c, c->number);
}

/* ---- its answer ---- */

/* Drop the first n bytes. */
static void drop(struct strbuf *text, size_t n)
{
    text->len -= n;
    memmove(text->data, text->data + n, text->len + 1);
}

/* The bytes before the next line's end, "\r\n"; -1: it has not come. */
static ssize_t line_length(const struct strbuf *text, const char *end)
{
    const char *found = text->len ? memmem(text->data, text->len, end, strlen(end)) : NULL;
    return found ? found - text->data : -1;
}

/* Chunks that are whole go from raw to answer; true behind the last one. */
static bool take_chunks(struct client *c)
{
    for (ssize_t line; (line = line_length(&c->raw, "\r\n")) >= 0;) {
        const size_t size = strtoul(c->raw.data, NULL, 16), begin = (size_t)line + 2;
        if (c->raw.len < begin + size + 2)
            return false;
        strbuf_add(&c->answer, c->raw.data + begin, size);
        drop(&c->raw, begin + size + 2);
        if (size == 0)
            return true;
    }
    return false;
}

static bool take_head(struct client *c)
{
    const ssize_t head = line_length(&c->raw, "\r\n\r\n");
    if (head >= 0)
        drop(&c->raw, (size_t)head + 4);
    return head >= 0;
}

/* Whether an event has text: a delta whose content is not empty. */
static bool has_text(const char *event, size_t len)
{
    static const char key[] = "\"content\":\"";
    const char *content = memmem(event, len, key, sizeof key - 1);
    return content && content + sizeof key - 1 < event + len && content[sizeof key - 1] != '"';
}

/* Look at the events that are whole; true where the last of all is. */
static bool look(struct client *c)
{
    static const char end[] = "data: [DONE]", tokens[] = "\"completion_tokens\":";
    for (ssize_t len;;) {
        const struct strbuf rest = {.data = c->answer.data + c->looked, .len = c->answer.len - c->looked};
        if (!c->answer.len || (len = line_length(&rest, "\n\n")) < 0)
            return false;
        if (strncmp(rest.data, end, sizeof end - 1) == 0)
            return true;
        if (c->heard == 0 && has_text(rest.data, (size_t)len))
            c->heard = clock_seconds();
        const char *usage = memmem(rest.data, (size_t)len, tokens, sizeof tokens - 1);
        if (usage)
            c->n_tokens = strtoul(usage + sizeof tokens - 1, NULL, 10);
        c->looked += (size_t)len + 2;
    }
}

static void count(struct client *c)
{
    struct load *load = c->load;
    const double now = clock_seconds();
    load->first = mem_grow(load->first, &load->first_capacity, load->n_answered + 1, sizeof *load->first);
    load->whole = mem_grow(load->whole, &load->whole_capacity, load->n_answered + 1, sizeof *load->whole);
    load->first[load->n_answered] = (c->heard > 0 ? c->heard : now) - c->asked;
    load->whole[load->n_answered++] = now - c->asked;
    load->n_tokens += c->n_tokens;
    c->asked = 0;
}

/* Read what is there. Returns whether the answer goes on. */
static bool hear(struct client *c)
{
    static const char ok[] = "HTTP/1.1 200 ";
    char piece[16384];
    const ssize_t n = recv(c->fd, piece, sizeof piece, 0);
    if (n <= 0 && c->kept && c->raw.len == 0 && !c->has_head)
        return ask_again(c);
    if (n <= 0)
        return fail(c, n == 0 ? "the server closed the connection" : strerror(errno));
    strbuf_add(&c->raw, piece, (size_t)n);
    if (!c->has_head && c->raw.len >= sizeof ok - 1 && strncmp(c->raw.data, ok, sizeof ok - 1) != 0)
        return fail(c, "not 200");
    c->has_head = c->has_head || take_head(c);
    const bool is_over = c->has_head && take_chunks(c), is_done = look(c);
    if (!is_over)
        return true;
    if (!is_done)
        return fail(c, "the stream ends without [DONE]");
    count(c);
    return false;
}

/* ---- all of them ---- */

static void run(struct load *load)
{
    struct client *clients = mem_calloc(load->n_clients, sizeof *clients);
    struct pollfd *polled = mem_calloc(load->n_clients, sizeof *polled);
    const double end = clock_seconds() + load->seconds;
    for (size_t i = 0; i < load->n_clients; i++) {
        clients[i] = (struct client){.load = load, .fd = -1};
        ask(&clients[i]);
    }
    for (size_t open = load->n_clients; open > 0;) {
        open = 0;
        for (size_t i = 0; i < load->n_clients; i++) {
            polled[i] = (struct pollfd){.fd = clients[i].asked > 0 ? clients[i].fd : -1, .events = POLLIN};
            open += clients[i].asked > 0;
        }
        if (open == 0 || poll(polled, load->n_clients, 120000) <= 0)
            break;
        for (size_t i = 0; i < load->n_clients; i++)
            if (polled[i].revents && !hear(&clients[i]) && clock_seconds() < end)
                ask(&clients[i]);
    }
    for (size_t i = 0; i < load->n_clients; i++) {
        if (clients[i].asked > 0)
            fail(&clients[i], "no answer for two minutes");
        if (clients[i].fd >= 0)
            close(clients[i].fd);
        strbuf_free(&clients[i].answer);
        strbuf_free(&clients[i].raw);
    }
    free(clients);
    free(polled);
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(double *values, size_t n, double q)
{
    qsort(values, n, sizeof *values, by_size);
    return n ? values[(size_t)(q * (double)(n - 1) + 0.5)] : 0;
}

static void report(struct load *load, double seconds)
{
    const size_t n = load->n_answered;
    printf("%3zu clients  %6zu answers  %zu failed  %8.2f requests/s  %8.1f tokens/s", load->n_clients, n,
           load->n_failed, (double)n / seconds, (double)load->n_tokens / seconds);
    printf("  first text %7.1f ms (median) %7.1f ms (95%%)", 1e3 * quantile(load->first, n, 0.5),
           1e3 * quantile(load->first, n, 0.95));
    printf("  whole %8.1f ms (median) %8.1f ms (95%%)\n", 1e3 * quantile(load->whole, n, 0.5),
           1e3 * quantile(load->whole, n, 0.95));
    if (load->n_failed)
        fprintf(stderr, "%s\n", load->complaint);
}

static bool read_arguments(struct load *load, int argc, char **argv)
{
    char *colon = argc > 1 ? strrchr(argv[1], ':') : NULL;
    if (!colon || argc % 2)
        return false;
    *colon = '\0';
    load->host = argv[1];
    load->port = colon + 1;
    for (int i = 2; i < argc; i += 2) {
        const double number = atof(argv[i + 1]);
        if (strcmp(argv[i], "--clients") == 0)
            load->n_clients = (size_t)number;
        else if (strcmp(argv[i], "--seconds") == 0)
            load->seconds = number;
        else if (strcmp(argv[i], "--max-tokens") == 0)
            load->max_tokens = (size_t)number;
        else if (strcmp(argv[i], "--prompt-words") == 0)
            load->prompt_words = (size_t)number;
        else if (strcmp(argv[i], "--key") == 0)
            load->key = argv[i + 1];
        else
            return false;
    }
    return load->n_clients > 0;
}

int main(int argc, char **argv)
{
    struct load load = {.n_clients = 8, .seconds = 10, .max_tokens = 64, .prompt_words = 20};
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    if (!read_arguments(&load, argc, argv) || getaddrinfo(load.host, load.port, &hints, &load.address)) {
        fputs("usage: bench_server HOST:PORT [--clients N] [--seconds S] [--max-tokens N] [--prompt-words N] [--key "
              "KEY]\n",
              stderr);
        return 2;
    }
    const double begin = clock_seconds();
    run(&load);
    report(&load, clock_seconds() - begin);
    freeaddrinfo(load.address);
    free(load.first);
    free(load.whole);
    return load.n_failed ? 1 : 0;
}
