/* An endpoint of OpenAI's chat completions for tests, which may be slow, wrong and hostile: HTTP over plain sockets, a
 * thread a connection, loopback only. Equal requests get equal answers; which fault a request meets depends on the
 * seed, on its bytes, and on how often it has come.
 *
 * usage: fake_endpoint [--port N] [--seed N] [--latency MS] [--faults LIST] [--at-most N] [--script LIST]
 *                      [--lacks LIST] [--key KEY] [--log FILE]
 *
 *   --faults NAME=SHARE,...   how often each fault is met (fake_faults.c has their names); all=SHARE: one of those
 *                             that a client may survive
 *   --at-most N               faults that a request meets, however often it comes; then it is answered well
 *   --script NAME,NAME,...    what the first requests meet, one after another ("ok": nothing)
 *   --lacks NAME,...          fields that are refused with 400: json_schema, json_object, tools, seed, max_tokens,
 *                             temperature; "schemas": what has any of the first three, without saying why
 *   --key KEY                 401 for who does not send it
 *
 * It prints "listening at http://127.0.0.1:PORT/v1". A line of the log is written, in one go, when a request has come
 * whole, when its answer has been sent whole, and when the client has closed the connection in order behind that:
 *
 *     request NUMBER HASH
 *     answer NUMBER HASH STATUS FAULT TOKENS
 *     taken NUMBER HASH
 *
 * NUMBER counts requests, HASH is of the body, TOKENS are those of prompt and answer. A request to a path that is none
 * is logged as "stray REQUEST-LINE". The key is in no line. */
#include "fake_faults.h"

#include "base/mem.h"
#include "base/xxh64.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_FAULTS = 64, MAX_BODY = 64 << 20 };

static struct {
    unsigned long port, at_most, latency_ms;
    uint64_t seed;
    const char *faults, *script, *lacks, *key;
    double shares[MAX_FAULTS]; /* by the faults' numbers */
    int log;
} options = {.at_most = ULONG_MAX, .faults = "", .script = "", .lacks = "", .log = -1};

/* What all connections share. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned long n_requests;
static struct seen {
    uint64_t hash;
    unsigned long times, faults;
} * seen;
static size_t n_seen, seen_capacity;

_Noreturn static void die(const char *what)
{
    fprintf(stderr, "fake_endpoint: %s\n", what);
    exit(2);
}

static void write_log(const char *line)
{
    if (options.log >= 0 && write(options.log, line, strlen(line)) < 0)
        die("the log cannot be written");
}

/* ---- HTTP ---- */

struct message {
    struct strbuf raw;
    size_t body; /* where it begins */
};

static const char *header(const struct message *m, const char *name)
{
    const char *line = strcasestr(m->raw.data, name);
    return line && line < m->raw.data + m->body ? line + strlen(name) : NULL;
}

/* A request, whole. false: the client left before. */
static bool receive(int fd, struct message *m)
{
    char piece[16384];
    size_t wanted = SIZE_MAX;
    while (m->raw.len < wanted) {
        const ssize_t n = recv(fd, piece, sizeof piece, 0);
        if (n <= 0)
            return false;
        strbuf_add(&m->raw, piece, (size_t)n);
        const char *end = strstr(m->raw.data, "\r\n\r\n");
        if (!end || m->body)
            continue;
        m->body = (size_t)(end + 4 - m->raw.data);
        const char *length = header(m, "\r\nContent-Length:");
        const size_t len = length ? strtoul(length, NULL, 10) : 0;
        if (len > MAX_BODY)
            return false;
        wanted = m->body + len;
    }
    return true;
}

static char *header_value(const struct message *m, const char *name)
{
    const char *value = header(m, name);
    value = value ? value + strspn(value, " ") : "";
    return mem_strndup(value, strcspn(value, "\r"));
}

static bool has_path(const struct message *m, const char *request_line)
{
    return strncmp(m->raw.data, request_line, strlen(request_line)) == 0;
}

/* ---- which fault ---- */

/* The word of a list by commas that begins at *at, which goes on to the next one. */
static size_t next_word(const char **at, const char **word)
{
    *at += **at == ',';
    *word = *at;
    *at += strcspn(*at, ",");
    return (size_t)(*at - *word);
}

static const struct fault *find_or_die(const char *name, size_t len)
{
    const struct fault *fault = fault_find(name, len);
    if (!fault) {
        fprintf(stderr, "fake_endpoint: unknown fault '%.*s'\n", (int)len, name);
        exit(2);
    }
    return fault;
}

static const struct fault *scripted(unsigned long number)
{
    const char *at = options.script, *word;
    while (*at) {
        const size_t len = next_word(&at, &word);
        if (number-- == 0)
            return find_or_die(word, len);
    }
    return NULL;
}

/* The lock is held. */
static struct seen *see(uint64_t hash)
{
    for (size_t i = 0; i < n_seen; i++)
        if (seen[i].hash == hash)
            return &seen[i];
    seen = mem_grow(seen, &seen_capacity, n_seen + 1, sizeof *seen);
    seen[n_seen] = (struct seen){.hash = hash};
    return &seen[n_seen++];
}

/* The fault of a request that has come; *hash becomes that of this time. */
static const struct fault *choose_fault(uint64_t *hash, unsigned long *number)
{
    struct rng rng;
    pthread_mutex_lock(&lock);
    struct seen *s = see(*hash);
    const struct fault *script = scripted(*number = n_requests++), *chosen = fault_number(0);
    rng_seed(&rng, options.seed ^ *hash, s->times++);
    double u = rng_uniform(&rng);
    for (size_t i = 0; fault_number(i) && s->faults < options.at_most; i++) {
        if (u < options.shares[i]) {
            chosen = fault_number(i);
            s->faults++;
            break;
        }
        u -= options.shares[i];
    }
    pthread_mutex_unlock(&lock);
    *hash = rng_u64(&rng);
    return script ? script : chosen;
}

static void read_faults(void)
{
    size_t n = 0;
    const char *at = options.faults, *word;
    for (size_t i = 0; fault_number(i); i++)
        n += fault_number(i)->is_passing;
    while (*at) {
        const size_t len = next_word(&at, &word), name = strcspn(word, "=");
        const double share = name < len ? strtod(word + name + 1, NULL) : 1;
        const bool is_all = name == 3 && memcmp(word, "all", 3) == 0;
        for (size_t i = 0; is_all && fault_number(i); i++)
            options.shares[i] += fault_number(i)->is_passing ? share / (double)n : 0;
        for (size_t i = 0; !is_all && fault_number(i); i++)
            options.shares[i] += fault_number(i) == find_or_die(word, name) ? share : 0;
    }
}

/* ---- what is lacking ---- */

static bool lacks(const char *name)
{
    const char *at = options.lacks, *word;
    while (*at) {
        const size_t len = next_word(&at, &word);
        if (len == strlen(name) && memcmp(word, name, len) == 0)
            return true;
    }
    return false;
}

static bool refuses(struct exchange *e, const char *name, bool is_asked, const char *message)
{
    if (is_asked && lacks(name))
        exchange_refuse(e, 400, "", "unsupported_parameter", message);
    return is_asked && lacks(name);
}

static bool refuses_a_field(struct exchange *e)
{
    const json *r = e->request, *format = json_get(r, "response_format"), *type = json_get(format, "type");
    const bool is_schema = json_string(type) && strcmp(json_string(type), "json_schema") == 0;
    return refuses(e, "schemas", format || json_get(r, "tools"), "Bad request.") ||
           refuses(e, "json_schema", is_schema, "response_format: 'json_schema' is not supported") ||
           refuses(e, "json_object", format && !is_schema, "response_format: answers are text here") ||
           refuses(e, "tools", json_get(r, "tools"), "'tools' are not supported by this model") ||
           refuses(e, "seed", json_get(r, "seed"), "Unrecognized request argument supplied: seed") ||
           refuses(e, "max_tokens", json_get(r, "max_tokens"),
                   "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
                   "'max_completion_tokens' instead.") ||
           refuses(e, "temperature", json_get(r, "temperature"),
                   "Unsupported value: 'temperature' does not support 0.8 with this model.");
}

/* ---- a connection ---- */

/* What is asked at most is said at most, a token being four bytes. */
static void keep_to_length(struct exchange *e)
{
    const json *max = json_get(e->request, "max_tokens");
    max = max ? max : json_get(e->request, "max_completion_tokens");
    const double most = json_is_number(max) ? 4 * json_number(max) : 1e9;
    if (most >= 1 && (double)e->answer.text.len > most) {
        e->answer.text.len = (size_t)most;
        e->answer.text.data[e->answer.text.len] = '\0';
        e->is_cut = true;
    }
}

static void sleep_ms(unsigned long ms)
{
    const struct timespec t = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000) * 1000000};
    nanosleep(&t, NULL);
}

/* Answers a completion's request; returns what it met. */
static const char *respond(struct exchange *e, const struct message *m, const struct fault *fault, uint64_t hash)
{
    json *request = NULL;
    char *wanted = mem_printf("Bearer %s", options.key ? options.key : "");
    const bool is_known = !options.key || strcmp(e->authorization, wanted) == 0;
    const char *met = "-";
    free(wanted);
    if (!is_known) {
        exchange_refuse(e, 401, "", "invalid_api_key", "Incorrect API key provided");
    } else if (json_parse(m->raw.data + m->body, m->raw.len - m->body, &request, NULL)) {
        exchange_refuse(e, 400, "", "invalid_json", "the request is no JSON");
    } else {
        e->request = request;
        if (!refuses_a_field(e)) {
            met = fault->name;
            fake_answer(&e->answer, request, options.seed ^ hash);
            keep_to_length(e);
            sleep_ms(options.latency_ms);
            fault->answer(e);
        }
    }
    json_free(request);
    strbuf_free(&e->answer.text);
    return met;
}

/* Whether the client closes its side in order, as it does when it has read all. */
static bool is_taken(int fd)
{
    char byte;
    shutdown(fd, SHUT_WR);
    return recv(fd, &byte, 1, 0) == 0;
}

static void serve(int fd, const struct message *m)
{
    const uint64_t body = xxh64(m->raw.data + m->body, m->raw.len - m->body, 0);
    struct exchange e = {.fd = fd, .hash = body, .latency_s = (double)options.latency_ms / 1e3};
    unsigned long number;
    char line[160];
    if (!has_path(m, "POST /v1/chat/completions ")) {
        snprintf(line, sizeof line, "stray %.80s\n", m->raw.data);
        line[strcspn(line, "\r\n")] = '\0';
        write_log(strcat(line, "\n"));
        exchange_refuse(&e, 404, "", "not_found", "there is nothing here");
        return;
    }
    const struct fault *fault = choose_fault(&e.hash, &number);
    snprintf(line, sizeof line, "request %lu %016" PRIx64 "\n", number, body);
    write_log(line);
    e.authorization = header_value(m, "\r\nAuthorization:");
    const char *met = respond(&e, m, fault, body);
    free(e.authorization);
    if (!e.is_whole)
        return;
    snprintf(line, sizeof line, "answer %lu %016" PRIx64 " %u %s %lu\n", number, body, e.status, met, e.tokens);
    write_log(line);
    snprintf(line, sizeof line, "taken %lu %016" PRIx64 "\n", number, body);
    if (is_taken(fd))
        write_log(line);
}

static void *run_connection(void *argument)
{
    const int fd = (int)(intptr_t)argument;
    struct message m = {0};
    if (receive(fd, &m))
        serve(fd, &m);
    strbuf_free(&m.raw);
    close(fd);
    return NULL;
}

/* ---- the program ---- */

static void read_option(const char *name, const char *value)
{
    if (strcmp(name, "--port") == 0)
        options.port = strtoul(value, NULL, 10);
    else if (strcmp(name, "--seed") == 0)
        options.seed = strtoull(value, NULL, 10);
    else if (strcmp(name, "--latency") == 0)
        options.latency_ms = strtoul(value, NULL, 10);
    else if (strcmp(name, "--faults") == 0)
        options.faults = value;
    else if (strcmp(name, "--at-most") == 0)
        options.at_most = strtoul(value, NULL, 10);
    else if (strcmp(name, "--script") == 0)
        options.script = value;
    else if (strcmp(name, "--lacks") == 0)
        options.lacks = value;
    else if (strcmp(name, "--key") == 0)
        options.key = value;
    else if (strcmp(name, "--log") == 0)
        options.log = open(value, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    else
        die("unknown option; its first comment says which there are");
}

static int listen_on_loopback(void)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)options.port)};
    socklen_t size = sizeof at;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&at, sizeof at) || listen(fd, 256) ||
        getsockname(fd, (struct sockaddr *)&at, &size))
        die("cannot listen");
    printf("listening at http://127.0.0.1:%u/v1\n", ntohs(at.sin_port));
    fflush(stdout);
    return fd;
}

int main(int argc, char **argv)
{
    pthread_attr_t detached;
    signal(SIGPIPE, SIG_IGN);
    for (int i = 1; i < argc; i += 2)
        read_option(argv[i], i + 1 < argc ? argv[i + 1] : (die("an option lacks its value"), ""));
    read_faults();
    scripted(ULONG_MAX); /* its words are known */
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    const int listening = listen_on_loopback();
    for (;;) {
        pthread_t thread;
        const int fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
        if (fd >= 0 && pthread_create(&thread, &detached, run_connection, (void *)(intptr_t)fd))
            close(fd);
    }
}
