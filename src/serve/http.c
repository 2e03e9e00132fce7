#include "serve/http.h"

#include "serve/access.h"
#include "serve/page.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define JSON_TYPE  "application/json"
#define PAGE_TYPE  "text/html; charset=utf-8"
#define EVENT_TYPE "text/event-stream; charset=utf-8"

/* A body that is refused is read all the same, up to so many times what is allowed: who is still sending does not
 * read the answer, and a connection that is closed meanwhile may lose it. */
enum { SWALLOWED_BODIES = 8 };

/* A request on its way. */
struct exchange {
    struct http *http;
    struct connection *connection;
    const struct route *route;  /* NULL: there is none */
    const char *rest;           /* of the path, behind the route's: a model's id */
    struct api_error refused;   /* status 0: not so far */
    struct strbuf url, body;
    size_t n_body, held; /* bytes of the body: that came, that count as held until the answer is sent */
    bool is_whole;
    struct job *job;
};

struct route {
    const char *path; /* one that ends in "/" (but "/" itself) is the beginning of many */
    const char *method;
    enum metric_path metric;
    enum MHD_Result (*answer)(struct exchange *x, struct MHD_Connection *c);
    enum endpoint endpoint;
};

static const char *header(struct MHD_Connection *c, const char *name)
{
    return mhd.lookup_connection_value(c, MHD_HEADER_KIND, name);
}

/* ---- answers ---- */

static struct MHD_Response *make_response(struct strbuf *body, const char *type)
{
    struct MHD_Response *response = mhd.create_response_from_buffer(body->len, body->data, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        strbuf_free(body);
        return NULL;
    }
    *body = (struct strbuf){0};
    mhd.add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    return response;
}

/* Send it, and count it. MHD_NO, which closes the connection, where there is no memory. */
static enum MHD_Result send_response(struct exchange *x, struct MHD_Connection *c, unsigned status,
                                     struct MHD_Response *response)
{
    if (!response)
        return MHD_NO;
    mhd.add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    mhd.add_response_header(response, "X-Content-Type-Options", "nosniff");
    if (x->http->drains)
        mhd.add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    const enum MHD_Result result = mhd.queue_response(c, status, response);
    mhd.destroy_response(response);
    if (result == MHD_YES)
        metrics_count(&x->http->metrics, x->route ? x->route->metric : METRIC_OTHER, status);
    return result;
}

static enum MHD_Result send_body(struct exchange *x, struct MHD_Connection *c, unsigned status, struct strbuf *body,
                                 const char *type)
{
    return send_response(x, c, status, make_response(body, type));
}

static enum MHD_Result send_error(struct exchange *x, struct MHD_Connection *c, const struct api_error *error)
{
    struct strbuf body = {0};
    api_error_print(error, &body);
    struct MHD_Response *response = make_response(&body, JSON_TYPE);
    if (response && error->status == MHD_HTTP_UNAUTHORIZED)
        mhd.add_response_header(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    if (response && error->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        mhd.add_response_header(response, MHD_HTTP_HEADER_ALLOW,
                                strcmp(x->route->method, "GET") ? "POST" : "GET, HEAD");
    if (response &&
        (error->status == MHD_HTTP_TOO_MANY_REQUESTS || error->status == MHD_HTTP_SERVICE_UNAVAILABLE))
        mhd.add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, "1");
    return send_response(x, c, (unsigned)error->status, response);
}

static enum MHD_Result send_page(struct exchange *x, struct MHD_Connection *c)
{
    uint8_t random[PAGE_NONCE_BYTES];
    struct strbuf html = {0}, policy = {0};
    if (getrandom(random, sizeof random, 0) != sizeof random)
        return MHD_NO;
    page_print(x->http->models[0].id, random, &html, &policy);
    struct MHD_Response *response = make_response(&html, PAGE_TYPE);
    if (response) {
        mhd.add_response_header(response, "Content-Security-Policy", policy.data);
        mhd.add_response_header(response, "Referrer-Policy", "no-referrer");
    }
    strbuf_free(&policy);
    return send_response(x, c, MHD_HTTP_OK, response);
}

static enum MHD_Result send_health(struct exchange *x, struct MHD_Connection *c)
{
    struct strbuf body = {0};
    const bool drains = x->http->drains;
    strbuf_printf(&body, "{\"status\":\"%s\"}", drains ? "shutting down" : "ok");
    return send_body(x, c, drains ? MHD_HTTP_SERVICE_UNAVAILABLE : MHD_HTTP_OK, &body, JSON_TYPE);
}

static enum MHD_Result send_metrics(struct exchange *x, struct MHD_Connection *c)
{
    struct strbuf body = {0};
    x->http->metrics.waiting = job_queue_waiting(&x->http->queue);
    metrics_print(&x->http->metrics, x->http->models[0].id, &body);
    return send_body(x, c, MHD_HTTP_OK, &body, METRICS_TYPE);
}

static enum MHD_Result send_models(struct exchange *x, struct MHD_Connection *c)
{
    struct strbuf body = {0};
    models_print(x->http->models, x->http->n_models, &body);
    return send_body(x, c, MHD_HTTP_OK, &body, JSON_TYPE);
}

static enum MHD_Result send_model(struct exchange *x, struct MHD_Connection *c)
{
    struct strbuf body = {0};
    const struct http *http = x->http;
    size_t i = 0;
    while (i < http->n_models && strcmp(x->rest, http->models[i].id) != 0)
        i++;
    if (i == http->n_models) {
        struct api_error error;
        api_error_set(&error, API_NO_MODEL, "model", "there is no model '%s' here ('%s' is served%s)", x->rest,
                      http->models[0].id, http->n_models > 1 ? ", and others, which GET /v1/models lists" : "");
        return send_error(x, c, &error);
    }
    model_print(&http->models[i], &body);
    return send_body(x, c, MHD_HTTP_OK, &body, JSON_TYPE);
}

/* ---- jobs ---- */

static ssize_t read_job(void *context, uint64_t position, char *bytes, size_t capacity)
{
    (void)position;
    const ssize_t n = job_read(context, bytes, capacity);
    return n == JOB_END ? MHD_CONTENT_READER_END_OF_STREAM : n == JOB_BROKEN ? MHD_CONTENT_READER_END_WITH_ERROR : n;
}

static enum MHD_Result send_stream(struct exchange *x, struct MHD_Connection *c)
{
    enum { BLOCK = 4096 };
    struct MHD_Response *response =
        mhd.create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_job, x->job, NULL);
    if (response) {
        mhd.add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, EVENT_TYPE);
        mhd.add_response_header(response, "X-Accel-Buffering", "no"); /* nginx would collect events */
    }
    return send_response(x, c, MHD_HTTP_OK, response);
}

/* The engine's thread has resumed the connection: there is an answer, or the beginning of one. */
static enum MHD_Result send_job(struct exchange *x, struct MHD_Connection *c)
{
    struct strbuf body = {0};
    switch (job_state(x->job)) {
    case JOB_FAILED: return send_error(x, c, &x->job->error);
    case JOB_CANCELLED: return MHD_NO;
    default: break;
    }
    if (x->job->request.stream)
        return send_stream(x, c);
    job_take(x->job, &body);
    return send_body(x, c, MHD_HTTP_OK, &body, JSON_TYPE);
}

static bool make_job(struct exchange *x, struct MHD_Connection *c, struct api_error *error)
{
    const char *body = x->body.len ? x->body.data : "";
    struct request request = {0};
    if (request_read(&request, x->route->endpoint, body, x->body.len, &x->http->limits, error) ||
        request_encode(&request, &x->http->prompts[request.model_number], error)) {
        request_free(&request);
        return false;
    }
    strbuf_free(&x->body);
    struct job *job = job_new(&request, &x->http->queue);
    if (!job_queue_push(job, c, x->connection->fd)) {
        job_drop(job);
        api_error_set(error, API_QUEUE_FULL, NULL, "as many requests wait as may (%zu): ask again later",
                      x->http->queue.capacity);
        return false;
    }
    x->job = job;
    return true;
}

static enum MHD_Result begin_job(struct exchange *x, struct MHD_Connection *c)
{
    struct api_error error = {0};
    if (x->http->drains)
        api_error_set(&error, API_DRAINING, NULL, "the server is shutting down");
    if (error.status || !make_job(x, c, &error))
        return send_error(x, c, &error);
    return MHD_YES;
}

/* ---- what is asked ---- */

static const struct route routes[] = {
    {"/", "GET", METRIC_PAGE, send_page, 0},
    {"/health", "GET", METRIC_HEALTH, send_health, 0},
    {"/metrics", "GET", METRIC_METRICS, send_metrics, 0},
    {"/v1/models", "GET", METRIC_MODELS, send_models, 0},
    {"/v1/models/", "GET", METRIC_MODELS, send_model, 0},
    {"/v1/chat/completions", "POST", METRIC_CHAT, begin_job, ENDPOINT_CHAT},
    {"/v1/completions", "POST", METRIC_COMPLETIONS, begin_job, ENDPOINT_COMPLETIONS},
};

static const struct route *find_route(const char *url, const char **rest)
{
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) {
        const size_t len = strlen(routes[i].path);
        const bool is_beginning = len > 1 && routes[i].path[len - 1] == '/';
        if (strncmp(url, routes[i].path, len) == 0 && (is_beginning || !url[len])) {
            *rest = url + len;
            return &routes[i];
        }
    }
    return NULL;
}

static bool is_method(const char *method, const char *allowed)
{
    return strcmp(method, allowed) == 0 || (strcmp(method, "HEAD") == 0 && strcmp(allowed, "GET") == 0);
}

/* Whether the path is the API's, where a key is asked for. */
static bool is_api(const char *url)
{
    return strncmp(url, "/v1", 3) == 0;
}

/* How long the body will be, as its header says; 0 where it does not. */
static uint64_t announced_length(struct MHD_Connection *c)
{
    const char *length = header(c, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return length ? strtoull(length, NULL, 10) : 0;
}

static void refuse_size(struct exchange *x)
{
    api_error_set(&x->refused, API_TOO_LARGE, NULL, "the request has more than %zu bytes", x->http->max_body);
}

/* What the head of a request shows to be wrong; the first of it is told. */
static void check_head(struct exchange *x, struct MHD_Connection *c, const char *url, const char *method)
{
    const struct http *http = x->http;
    const char *host = header(c, MHD_HTTP_HEADER_HOST), *origin = header(c, MHD_HTTP_HEADER_ORIGIN);
    if (http->is_local && host && !access_host_is_local(host, http->host))
        api_error_set(&x->refused, API_FORBIDDEN, NULL,
                      "this server is not '%.100s' (a name of this machine: localhost)", host);
    else if (origin && !access_origin_is_host(origin, host))
        api_error_set(&x->refused, API_FORBIDDEN, NULL, "pages of '%.100s' may not ask this server", origin);
    else if (http->api_key && is_api(url) && !access_has_key(header(c, MHD_HTTP_HEADER_AUTHORIZATION), http->api_key))
        api_error_set(&x->refused, API_NO_KEY, NULL, "the right key is missing (a header 'Authorization: Bearer KEY')");
    else if (!x->route)
        api_error_set(&x->refused, API_NO_URL, NULL, "there is no %.100s here (/, /v1/chat/completions, "
                      "/v1/completions, /v1/models, /health, /metrics)", url);
    else if (!is_method(method, x->route->method))
        api_error_set(&x->refused, API_METHOD, NULL, "%.20s is not for %s: use %s", method, x->route->path,
                      x->route->method);
    else if (announced_length(c) > http->max_body)
        refuse_size(x);
}

static struct exchange *begin_exchange(struct http *http, struct MHD_Connection *c, const char *url, const char *method)
{
    struct exchange *x = mem_calloc(1, sizeof *x);
    x->http = http;
    x->connection = mhd.get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    strbuf_puts(&x->url, url);
    x->route = find_route(x->url.data, &x->rest);
    check_head(x, c, url, method);
    return x;
}

/* Whether the refusal cannot wait for the body: its sender waits for us, or would send too much of it. */
static bool is_refused_at_once(struct exchange *x, struct MHD_Connection *c)
{
    return x->refused.status && (header(c, MHD_HTTP_HEADER_EXPECT) ||
                                 announced_length(c) > (uint64_t)x->http->max_body * SWALLOWED_BODIES);
}

/* Count n more bytes as held, unless all requests together hold too many: what they are read into lives as long. */
static bool hold(struct exchange *x, size_t n)
{
    if (x->http->held + n > x->http->max_held)
        return false;
    x->http->held += n;
    x->held += n;
    return true;
}

static void release(struct exchange *x)
{
    strbuf_free(&x->body);
    x->http->held -= x->held;
    x->held = 0;
}

/* False where it is too much even to be passed over. */
static bool take_body(struct exchange *x, const char *data, size_t n)
{
    x->n_body += n;
    if (!x->refused.status && x->n_body > x->http->max_body)
        refuse_size(x);
    if (!x->refused.status && !hold(x, n))
        api_error_set(&x->refused, API_OVERLOADED, NULL,
                      "the requests that are here hold %zu bytes already: ask again later", (size_t)x->http->held);
    if (x->refused.status)
        release(x);
    else
        strbuf_add(&x->body, data, n);
    return x->n_body <= x->http->max_body * SWALLOWED_BODIES;
}

static void set_whole(struct exchange *x)
{
    x->is_whole = true;
    x->http->metrics.answering++;
    connection_answers(&x->http->connections, x->connection);
}

enum MHD_Result http_handle(void *context, struct MHD_Connection *c, const char *url, const char *method,
                            const char *version, const char *data, size_t *n_data, void **state)
{
    struct exchange *x = *state;
    (void)version;
    if (!x) {
        *state = x = begin_exchange(context, c, url, method);
        if (!is_refused_at_once(x, c))
            return MHD_YES;
    }
    if (*n_data) {
        const bool go_on = take_body(x, data, *n_data);
        *n_data = 0;
        return go_on ? MHD_YES : MHD_NO;
    }
    if (x->job)
        return send_job(x, c);
    set_whole(x);
    return x->refused.status ? send_error(x, c, &x->refused) : x->route->answer(x, c);
}

void http_completed(void *context, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode why)
{
    struct http *http = context;
    struct exchange *x = *state;
    (void)c;
    if (!x)
        return;
    if (x->job && why != MHD_REQUEST_TERMINATED_COMPLETED_OK)
        http->metrics.disconnects++;
    if (x->job)
        job_leave(x->job);
    if (x->is_whole)
        http->metrics.answering--;
    connection_reads(&http->connections, x->connection, http->idle_seconds);
    release(x);
    strbuf_free(&x->url);
    free(x);
    *state = NULL;
}

void http_connection(void *context, struct MHD_Connection *c, void **socket_state,
                     enum MHD_ConnectionNotificationCode what)
{
    struct http *http = context;
    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        const int fd = mhd.get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
        *socket_state = connection_open(&http->connections, fd);
        http->metrics.connections++;
    } else {
        connection_close(&http->connections, *socket_state);
        http->metrics.connections--;
    }
}
