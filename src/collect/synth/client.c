#include "collect/synth/client.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rng.h"
#include "base/version.h"
#include "collect/synth/curl.h"
#include "collect/synth/endpoint_url.h"
#include "collect/synth/verdict.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_MIN = 8,              /* characters of a key that is a secret */
    BACKOFF_MAX_S = 60,       /* the longest wait of our own */
    RETRY_AFTER_MAX_S = 3600, /* the longest that an endpoint may ask for */
    LONG_WAIT_S = 60,         /* from here on a wait is said */
    CONNECT_MAX_S = 30,
    SLICE_MS = 200, /* of waiting, where a signal may have come just before it */
};

/* A request that has no reply yet. */
struct transfer {
    struct transfer *next;
    uint64_t id;
    struct arena memory; /* of the request */
    struct completion_request request;
    size_t prompt_bytes, n_attempts, n_failed, n_lost;
    double due;             /* when the next attempt may be sent */
    struct dialect dialect; /* of the last attempt */
    struct sft_err err;     /* of the last attempt */

    /* An attempt in flight: */
    CURL *easy; /* NULL: none is */
    double began;
    struct strbuf body, answer; /* body: what is sent; libcurl reads it there */
    bool is_too_long;
    char complaint[CURL_ERROR_SIZE];
};

struct client {
    struct client_options options; /* its strings are the next three */
    struct endpoint_url url;
    char *key;
    struct curl_slist *headers;
    CURLM *multi;
    struct transfer *first, **last; /* pending: the first sent first */
    size_t n_pending, n_in_flight;
    struct ended {
        struct reply reply;
        struct ended *next;
    } * ended, **last_ended;
    double next_start; /* by the pace */
    double held_until; /* by the endpoint's wish */
    struct dialect dialect;
    bool schema_works, has_heard, has_answered, is_stopped;
    int signals_seen;
    struct rng rng;
};

void reply_free(struct reply *reply)
{
    completion_free(&reply->completion);
}

/* ---- the key ---- */

/* In place: what is left is not longer. Hidden is what agrees with the key in its first `least` bytes, as far as it
 * does. */
static size_t hide_key_from(const struct client *client, size_t least, char *text, size_t len)
{
    const size_t key_len = client->key ? strlen(client->key) : 0;
    char *from = text, *to = text, *end = text + len, *found;
    if (key_len < KEY_MIN || len == 0)
        return len;
    while ((found = memmem(from, (size_t)(end - from), client->key, least)) != NULL) {
        size_t n = least;
        while (n < key_len && found + n < end && found[n] == client->key[n])
            n++;
        memmove(to, from, (size_t)(found - from));
        to += found - from;
        memcpy(to, "***", 3);
        to += 3;
        from = found + n;
    }
    memmove(to, from, (size_t)(end - from));
    len = (size_t)(to + (end - from) - text);
    text[len] = '\0';
    return len;
}

static size_t hide_key(const struct client *client, char *text, size_t len)
{
    return hide_key_from(client, client->key ? strlen(client->key) : 0, text, len);
}

/* A message may have been cut within the key. */
static void hide_key_in_message(const struct client *client, char *text)
{
    hide_key_from(client, KEY_MIN, text, strlen(text));
}

static void hide_key_in_string(const struct client *client, char *text)
{
    if (text)
        hide_key(client, text, strlen(text));
}

static enum sft_status check_key(const char *key, struct sft_err *err)
{
    for (const char *p = key; *p; p++)
        if (*p <= ' ' || *p > '~')
            return sft_fail(err, SFT_EUSAGE,
                            "the key has a blank, a line break or another character that no header may hold");
    return SFT_OK;
}

/* ---- life ---- */

static void add_header(struct client *client, const char *line)
{
    struct curl_slist *longer = curl.slist_append(client->headers, line);
    if (!longer)
        SFT_BUG("libcurl takes no header");
    client->headers = longer;
}

static void add_headers(struct client *client)
{
    add_header(client, "Content-Type: application/json");
    add_header(client, "Accept: application/json");
    add_header(client, "Expect:"); /* no waiting for 100 Continue */
    if (!client->key)
        return;
    char *line = mem_printf("Authorization: Bearer %s", client->key);
    add_header(client, line);
    explicit_bzero(line, strlen(line));
    free(line);
}

static enum sft_status set_up(struct client *client, const struct client_options *options, struct sft_err *err)
{
    if (endpoint_url_read(&client->url, options->url, err))
        return SFT_EUSAGE;
    if (options->api_key && *options->api_key) {
        if (check_key(options->api_key, err))
            return SFT_EUSAGE;
        client->key = mem_strdup(options->api_key);
    }
    if (curl_load(err))
        return SFT_EIO;
    if (!(client->multi = curl.multi_init()))
        return sft_fail(err, SFT_EIO, "libcurl does not start");
    add_headers(client);
    if (client->key && strlen(client->key) >= KEY_MIN && !client->url.is_tls && !client->url.is_local)
        log_warning("%s is plain HTTP: the key can be read by everyone on the way (https:// would hide it)",
                    client->url.base);
    return SFT_OK;
}

enum sft_status client_open(struct client **client, const struct client_options *options, struct sft_err *err)
{
    struct client *c = mem_calloc(1, sizeof *c);
    c->options = *options;
    c->options.url = c->options.api_key = NULL;
    c->options.concurrency += c->options.concurrency == 0;
    c->last = &c->first;
    c->last_ended = &c->ended;
    c->signals_seen = options->signals ? *options->signals : 0;
    rng_seed(&c->rng, options->seed, 0);
    const enum sft_status status = set_up(c, options, err);
    if (status) {
        client_close(c);
        c = NULL;
    }
    *client = c;
    return status;
}

static void end_attempt(struct client *client, struct transfer *t)
{
    if (!t->easy)
        return;
    curl.multi_remove_handle(client->multi, t->easy);
    curl.easy_cleanup(t->easy);
    t->easy = NULL;
    client->n_in_flight--;
}

static void transfer_free(struct transfer *t)
{
    arena_free(&t->memory);
    strbuf_free(&t->body);
    strbuf_free(&t->answer);
    free(t);
}

void client_close(struct client *client)
{
    struct reply reply;
    if (!client)
        return;
    for (struct transfer *t = client->first, *next; t; t = next) {
        next = t->next;
        end_attempt(client, t);
        transfer_free(t);
    }
    for (struct ended *e = client->ended, *next; e; e = next) {
        next = e->next;
        reply = e->reply;
        reply_free(&reply);
        free(e);
    }
    if (client->multi)
        curl.multi_cleanup(client->multi);
    if (client->headers)
        curl.slist_free_all(client->headers);
    if (client->key)
        explicit_bzero(client->key, strlen(client->key));
    free(client->key);
    endpoint_url_free(&client->url);
    free(client);
}

/* ---- requests ---- */

static char *copy_string(struct arena *memory, const char *s)
{
    return s ? arena_strndup(memory, s, strlen(s)) : NULL;
}

static void copy_request(struct transfer *t, const struct completion_request *request)
{
    struct chat_message *messages = arena_calloc(&t->memory, request->n_messages + 1, sizeof *messages);
    for (size_t i = 0; i < request->n_messages; i++) {
        const struct chat_message *m = &request->messages[i];
        messages[i] = (struct chat_message){copy_string(&t->memory, m->role),
                                            arena_strndup(&t->memory, m->text, m->len), m->len};
        t->prompt_bytes += m->len;
    }
    t->request = *request;
    t->request.messages = messages;
    t->request.model = copy_string(&t->memory, request->model);
    t->request.schema = copy_string(&t->memory, request->schema);
    t->request.schema_name = copy_string(&t->memory, request->schema_name);
}

/* The request has ended: its reply is ready, and it is no more. */
static void conclude(struct client *client, struct transfer *t, enum reply_how how, struct completion *completion)
{
    struct ended *e = mem_calloc(1, sizeof *e);
    struct transfer **at = &client->first;
    e->reply = (struct reply){.id = t->id,
                              .how = how,
                              .err = t->err,
                              .n_attempts = t->n_attempts,
                              .n_lost = t->n_lost,
                              .prompt_bytes = t->prompt_bytes,
                              .seconds = t->n_attempts ? clock_seconds() - t->began : 0};
    if (completion)
        e->reply.completion = *completion;
    *client->last_ended = e;
    client->last_ended = &e->next;
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    if (client->last == &t->next)
        client->last = at;
    client->n_pending--;
    transfer_free(t);
}

void client_send(struct client *client, uint64_t id, const struct completion_request *request)
{
    struct transfer *t = mem_calloc(1, sizeof *t);
    t->id = id;
    copy_request(t, request);
    t->dialect = client->dialect;
    *client->last = t;
    client->last = &t->next;
    client->n_pending++;
    if (client->is_stopped)
        conclude(client, t, REPLY_UNSENT, NULL);
}

static bool take_ended(struct client *client, struct reply *reply)
{
    struct ended *e = client->ended;
    if (!e)
        return false;
    *reply = e->reply;
    client->ended = e->next;
    if (!e->next)
        client->last_ended = &client->ended;
    free(e);
    return true;
}

/* ---- an attempt's beginning ---- */

static size_t take_bytes(char *bytes, size_t size, size_t n, void *user)
{
    struct transfer *t = user;
    t->is_too_long = n * size > CLIENT_BODY_MAX - t->answer.len;
    if (t->is_too_long)
        return 0;
    strbuf_add(&t->answer, bytes, n * size);
    return n * size;
}

#define SET(option, value)                                                                                             \
    if (curl.easy_setopt(t->easy, CURLOPT_##option, value) != CURLE_OK)                                                \
    SFT_BUG("libcurl takes no " #option)

/* What is not set is off, or on, as it should be: redirects and ~/.netrc are off, the check of certificates is on. */
static void set_options(const struct client *client, struct transfer *t)
{
    const double timeout_s = client->options.timeout_s;
    SET(URL, client->url.requests);
    SET(HTTPHEADER, client->headers);
    SET(USERAGENT, "sft/" SFT_VERSION);
    SET(POSTFIELDS, t->body.data);
    SET(POSTFIELDSIZE_LARGE, (curl_off_t)t->body.len);
    SET(HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    SET(FRESH_CONNECT, 1L);
    SET(FORBID_REUSE, 1L);
    SET(NOSIGNAL, 1L);
    SET(TIMEOUT_MS, (long)ceil(1e3 * timeout_s));
    SET(CONNECTTIMEOUT_MS, (long)ceil(1e3 * fmin(timeout_s, CONNECT_MAX_S)));
    SET(WRITEFUNCTION, take_bytes);
    SET(WRITEDATA, t);
    SET(PRIVATE, t);
    SET(ERRORBUFFER, t->complaint);
    if (client->url.is_local) /* whatever the environment says of proxies */
        SET(PROXY, "");
}
#undef SET

static void begin_attempt(struct client *client, struct transfer *t)
{
    const double pace = client->options.requests_per_minute;
    t->dialect = dialect_join(&t->dialect, &client->dialect);
    strbuf_clear(&t->body);
    strbuf_clear(&t->answer);
    completion_request_print(&t->request, &t->dialect, &t->body);
    t->is_too_long = false;
    t->complaint[0] = '\0';
    t->began = clock_seconds();
    if (!(t->easy = curl.easy_init()))
        SFT_BUG("libcurl gives no handle");
    set_options(client, t);
    if (curl.multi_add_handle(client->multi, t->easy) != CURLM_OK)
        SFT_BUG("libcurl takes no request");
    t->n_attempts++;
    client->n_in_flight++;
    if (pace > 0)
        client->next_start = t->began + 60 / pace;
}

static bool is_allowed(const struct client *client, const struct transfer *t)
{
    return !client->options.before || client->options.before(client->options.user, t->id, t->n_attempts);
}

/* When the next attempt of those that wait may begin; infinity: when another has ended. */
static double next_due(const struct client *client)
{
    double due = INFINITY;
    if (client->is_stopped || client->n_in_flight >= client->options.concurrency)
        return INFINITY;
    for (const struct transfer *t = client->first; t; t = t->next)
        if (!t->easy)
            due = fmin(due, t->due);
    return fmax(due, fmax(client->next_start, client->held_until));
}

static struct transfer *find_due(const struct client *client, double now)
{
    struct transfer *t = client->first;
    while (t && (t->easy || t->due > now))
        t = t->next;
    return t;
}

static void begin_what_is_due(struct client *client)
{
    for (double now; next_due(client) <= (now = clock_seconds());) {
        struct transfer *t = find_due(client, now);
        if (is_allowed(client, t))
            begin_attempt(client, t);
        else
            conclude(client, t, REPLY_UNSENT, NULL);
    }
}

/* ---- an attempt's end ---- */

/* How long until the next attempt; an endpoint's Retry-After (0: none came) is obeyed, but no longer than an hour.
 * Limits are mostly of requests a minute: five waits after 429 reach over one. */
static double choose_wait(struct client *client, const struct transfer *t, bool holds_all, double retry_after)
{
    const double first = (client->options.backoff_s > 0 ? client->options.backoff_s : 1) * (holds_all ? 4 : 1);
    const double doubled = ldexp(first, (int)(t->n_failed < 30 ? t->n_failed : 30) - 1);
    const double own = fmin(doubled, BACKOFF_MAX_S) * (0.5 + 0.5 * rng_uniform(&client->rng));
    return retry_after > 0 ? fmin(retry_after, RETRY_AFTER_MAX_S) + fmin(own, 1) : own;
}

static void hold_all(struct client *client, double until, double wait_s)
{
    char text[32];
    if (wait_s >= LONG_WAIT_S && until > client->held_until + LONG_WAIT_S / 2.0)
        log_warning("%s wants no requests for %s: nothing is sent before", client->url.base,
                    log_duration(text, wait_s));
    client->held_until = fmax(client->held_until, until);
}

static void ask_again(struct client *client, struct transfer *t, const struct attempt_verdict *v, double retry_after)
{
    t->n_failed++;
    if (client->is_stopped || t->n_failed > client->options.max_retries) {
        conclude(client, t, client->is_stopped ? REPLY_UNSENT : REPLY_FAILED, NULL);
        return;
    }
    const double wait_s = choose_wait(client, t, v->holds_all, retry_after);
    t->due = clock_seconds() + wait_s;
    if (v->holds_all)
        hold_all(client, t->due, wait_s);
    if (client->options.retry)
        client->options.retry(client->options.user, t->id, v->is_lost, &t->err, wait_s);
}

static void take_answer(struct client *client, struct transfer *t, struct completion *completion)
{
    client->dialect = dialect_join(&client->dialect, &t->dialect);
    client->has_answered = true;
    client->schema_works = client->schema_works || t->request.schema;
    completion->len = hide_key(client, completion->text, completion->len);
    hide_key_in_string(client, completion->model);
    conclude(client, t, REPLY_OK, completion);
}

static void obey(struct client *client, struct transfer *t, const struct attempt_verdict *v, double retry_after,
                 struct completion *completion)
{
    t->n_lost += v->is_lost;
    hide_key_in_message(client, t->err.message);
    switch (v->verdict) {
    case ANSWERED:
        take_answer(client, t, completion);
        return;
    case ASK_AGAIN:
        ask_again(client, t, v, retry_after);
        return;
    case ASK_OTHERWISE:
        if (client->is_stopped)
            conclude(client, t, REPLY_UNSENT, NULL);
        return;
    case REFUSED:
        conclude(client, t, REPLY_REFUSED, NULL);
        return;
    case HOPELESS:
        conclude(client, t, REPLY_FATAL, NULL);
        return;
    }
}

static double read_retry_after(CURL *easy)
{
    curl_off_t seconds = 0;
    curl.easy_getinfo(easy, CURLINFO_RETRY_AFTER, &seconds);
    return (double)seconds;
}

static void finish_attempt(struct client *client, struct transfer *t, CURLcode result)
{
    struct attempt_end end = {.result = result, .is_too_long = t->is_too_long};
    struct completion completion = {0};
    long n_sent = 0;
    char *redirect = NULL;
    const double retry_after = read_retry_after(t->easy);
    curl.easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &end.status);
    curl.easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &n_sent);
    curl.easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &redirect);
    end.complaint = t->complaint[0] ? t->complaint : curl.easy_strerror(result);
    end.was_sent = n_sent > 0;
    end.says_when = retry_after > 0;
    end.redirect = redirect = redirect ? mem_strdup(redirect) : NULL; /* the handle's is gone before it is told */
    end.len = hide_key(client, t->answer.data, t->answer.len);
    end.body = end.len ? t->answer.data : "";
    client->has_heard = client->has_heard || result == CURLE_OK;
    end_attempt(client, t);
    const struct verdict_context context = {.url = &client->url,
                                            .timeout_s = client->options.timeout_s,
                                            .has_key = client->key != NULL,
                                            .has_heard = client->has_heard,
                                            .has_answered = client->has_answered,
                                            .n_failed = t->n_failed,
                                            .may_guess = !client->schema_works,
                                            .request = &t->request};
    const struct attempt_verdict v = verdict_of(&end, &context, &t->dialect, &completion, &t->err);
    free(redirect);
    obey(client, t, &v, retry_after, &completion);
}

static void collect_finished(struct client *client)
{
    int n_left;
    for (CURLMsg *message; (message = curl.multi_info_read(client->multi, &n_left)) != NULL;) {
        struct transfer *t = NULL;
        const CURLcode result = message->data.result; /* the message is gone with its handle */
        curl.easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &t);
        finish_attempt(client, t, result);
    }
}

/* ---- waiting ---- */

static bool has_signal_come(struct client *client)
{
    const int seen = client->signals_seen;
    if (client->options.signals)
        client->signals_seen = *client->options.signals;
    return client->signals_seen != seen;
}

/* Until something may have to be done, `end` at the latest. */
static void rest(const struct client *client, double end)
{
    const double seconds = fmin(end, next_due(client)) - clock_seconds();
    const double most = client->options.signals ? SLICE_MS : 10 * SLICE_MS;
    const double ms = fmin(most, ceil(1e3 * seconds));
    if (ms > 0 && curl.multi_poll(client->multi, NULL, 0, (int)ms, NULL) != CURLM_OK)
        SFT_BUG("libcurl does not wait");
}

bool client_wait(struct client *client, double timeout_s, struct reply *reply)
{
    const double end = clock_seconds() + timeout_s;
    for (int n_running;;) {
        begin_what_is_due(client);
        if (curl.multi_perform(client->multi, &n_running) != CURLM_OK)
            SFT_BUG("libcurl does not go on");
        collect_finished(client);
        if (take_ended(client, reply))
            return true;
        if (has_signal_come(client) || client->n_pending == 0 || clock_seconds() >= end)
            return false;
        rest(client, end);
    }
}

void client_stop(struct client *client)
{
    client->is_stopped = true;
    for (struct transfer *t = client->first, *next; t; t = next) {
        next = t->next;
        if (!t->easy)
            conclude(client, t, REPLY_UNSENT, NULL);
    }
}

size_t client_pending(const struct client *client)
{
    size_t n = client->n_pending;
    for (const struct ended *e = client->ended; e; e = e->next)
        n++;
    return n;
}

size_t client_in_flight(const struct client *client)
{
    return client->n_in_flight;
}

double client_holds(const struct client *client)
{
    return fmax(0, client->held_until - clock_seconds());
}

const struct sft_err *client_waits(const struct client *client, double *wait_s)
{
    const struct transfer *first = NULL;
    for (const struct transfer *t = client->first; t; t = t->next)
        if (t->n_failed > 0 && (!first || t->due < first->due))
            first = t;
    *wait_s = next_due(client) - clock_seconds();
    if (client->n_in_flight > 0 || client->is_stopped || !first || *wait_s <= 0)
        return NULL;
    return &first->err;
}
