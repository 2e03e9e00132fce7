#include "collect/review/server.h"

#include "collect/review/review_page.h"
#include "serve/access.h"
#include "serve/mhd.h"
#include "serve/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST       "127.0.0.1"
#define JSON_TYPE  "application/json"
#define PAGE_TYPE  "text/html; charset=utf-8"
#define TEXT_TYPE  "text/plain; charset=utf-8"
#define API_POLICY "default-src 'none'; frame-ancestors 'none'"

/* A body that is refused is read all the same, up to so many times what is allowed: who is still sending does not read
 * the answer. */
enum { SWALLOWED_BODIES = 8, CONNECTIONS = 64, IDLE_SECONDS = 10 };

/* A request that does not come to its end would hold a connection, and a few of them all. */
static const double request_seconds = 5;

/* A request on its way. */
struct exchange {
    bool is_post, is_api;
    unsigned refused; /* HTTP's status; 0: not so far */
    const char *why;
    struct strbuf url, body;
    size_t n_body; /* bytes that came */
    struct connection *connection;
};

/* ---- answers ---- */

static enum MHD_Result respond(struct MHD_Connection *c, unsigned status, struct strbuf *body, const char *type,
                               const char *policy)
{
    struct MHD_Response *response = mhd.create_response_from_buffer(body->len, body->data, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        strbuf_free(body);
        return MHD_NO;
    }
    mhd.add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    mhd.add_response_header(response, "Content-Security-Policy", policy);
    mhd.add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    mhd.add_response_header(response, "X-Content-Type-Options", "nosniff");
    mhd.add_response_header(response, "Referrer-Policy", "no-referrer");
    mhd.add_response_header(response, "Cross-Origin-Resource-Policy", "same-origin");
    const enum MHD_Result result = mhd.queue_response(c, status, response);
    mhd.destroy_response(response);
    return result;
}

/* To a person as text, to the page as it reads errors. */
static enum MHD_Result send_refusal(const struct exchange *x, struct MHD_Connection *c)
{
    struct strbuf body = {0};
    if (x->is_api)
        review_error_print(x->why, &body);
    else
        strbuf_printf(&body, "%s\n", x->why);
    return respond(c, x->refused, &body, x->is_api ? JSON_TYPE : TEXT_TYPE, API_POLICY);
}

static enum MHD_Result send_page(struct MHD_Connection *c)
{
    uint8_t random[PAGE_NONCE_BYTES];
    struct strbuf html = {0}, policy = {0};
    if (getrandom(random, sizeof random, 0) != sizeof random)
        return MHD_NO;
    review_page_print(random, &html, &policy);
    const enum MHD_Result result = respond(c, MHD_HTTP_OK, &html, PAGE_TYPE, policy.data);
    strbuf_free(&policy);
    return result;
}

static const char *argument(void *connection, const char *name)
{
    return mhd.lookup_connection_value(connection, MHD_GET_ARGUMENT_KIND, name);
}

static enum MHD_Result send_answer(struct review_server *server, const struct exchange *x, struct MHD_Connection *c)
{
    const struct review_request request = {.is_post = x->is_post,
                                           .path = x->url.data,
                                           .argument = argument,
                                           .context = c,
                                           .body = x->body.len ? x->body.data : "",
                                           .n_body = x->body.len};
    struct strbuf body = {0};
    const unsigned status = review_answer(server->review, &request, &body);
    return respond(c, status, &body, JSON_TYPE, API_POLICY);
}

/* ---- who may ask ---- */

static const char *header(struct MHD_Connection *c, const char *name)
{
    return mhd.lookup_connection_value(c, MHD_HEADER_KIND, name);
}

static bool has_token(const struct review_server *server, const struct exchange *x, struct MHD_Connection *c)
{
    const char *given = x->is_api ? header(c, "X-Review-Token") : argument(c, "token");
    return given && access_is_key(given, server->token);
}

static bool is_json(const char *type)
{
    static const char json_type[] = JSON_TYPE;
    return type && strncasecmp(type, json_type, sizeof json_type - 1) == 0 &&
           strchr("; ", type[sizeof json_type - 1]); /* '\0' is found, too */
}

static void refuse(struct exchange *x, unsigned status, const char *why)
{
    if (x->refused)
        return;
    x->refused = status;
    x->why = why;
}

/* How long the body will be, as its header says; 0 where it does not. */
static uint64_t announced_length(struct MHD_Connection *c)
{
    const char *length = header(c, MHD_HTTP_HEADER_CONTENT_LENGTH);
    return length ? strtoull(length, NULL, 10) : 0;
}

/* What the head of a request shows to be wrong; the first of it is told. */
static void check_head(const struct review_server *server, struct exchange *x, struct MHD_Connection *c,
                       const char *method)
{
    const char *host = header(c, MHD_HTTP_HEADER_HOST), *origin = header(c, MHD_HTTP_HEADER_ORIGIN);
    const bool is_get = strcmp(method, "GET") == 0;
    if (!host || !access_host_is_local(host, HOST))
        refuse(x, MHD_HTTP_FORBIDDEN, "this server is only asked by a name of this machine: " HOST " or localhost");
    if (origin && !access_origin_is_host(origin, host))
        refuse(x, MHD_HTTP_FORBIDDEN, "pages of other sites may not ask this server");
    if (!has_token(server, x, c))
        refuse(x, MHD_HTTP_FORBIDDEN, "the token is missing or an old one: open the address that sft review printed");
    if (!is_get && !x->is_post)
        refuse(x, MHD_HTTP_METHOD_NOT_ALLOWED, "GET or POST is expected");
    if (!x->is_api && strcmp(x->url.data, "/") != 0)
        refuse(x, MHD_HTTP_NOT_FOUND, "there is nothing at this address");
    if (!x->is_api && !is_get)
        refuse(x, MHD_HTTP_METHOD_NOT_ALLOWED, "GET is expected here");
    if (x->is_post && !is_json(header(c, MHD_HTTP_HEADER_CONTENT_TYPE)))
        refuse(x, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE, "Content-Type: application/json is expected");
    if (announced_length(c) > REVIEW_MAX_BODY)
        refuse(x, MHD_HTTP_CONTENT_TOO_LARGE, "the request has more than 4 MB");
}

/* ---- libmicrohttpd's callbacks ---- */

static struct exchange *begin(const struct review_server *server, struct MHD_Connection *c, const char *url,
                              const char *method)
{
    static const char api[] = "/api/";
    struct exchange *x = mem_calloc(1, sizeof *x);
    x->connection = mhd.get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
    strbuf_puts(&x->url, url);
    x->is_post = strcmp(method, "POST") == 0;
    x->is_api = strncmp(url, api, sizeof api - 1) == 0;
    check_head(server, x, c, method);
    return x;
}

/* False where it is too much even to be passed over. */
static bool take_body(struct exchange *x, const char *data, size_t n)
{
    x->n_body += n;
    if (x->n_body > REVIEW_MAX_BODY)
        refuse(x, MHD_HTTP_CONTENT_TOO_LARGE, "the request has more than 4 MB");
    if (x->refused)
        strbuf_free(&x->body);
    else
        strbuf_add(&x->body, data, n);
    return x->n_body <= (size_t)REVIEW_MAX_BODY * SWALLOWED_BODIES;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *c, const char *url, const char *method,
                              const char *version, const char *data, size_t *n_data, void **state)
{
    struct review_server *server = context;
    struct exchange *x = *state;
    (void)version;
    if (!x) {
        *state = x = begin(server, c, url, method);
        const bool cannot_wait = x->refused && (header(c, MHD_HTTP_HEADER_EXPECT) ||
                                                announced_length(c) > (uint64_t)REVIEW_MAX_BODY * SWALLOWED_BODIES);
        if (!cannot_wait)
            return MHD_YES;
    }
    if (*n_data) {
        const bool go_on = take_body(x, data, *n_data);
        *n_data = 0;
        return go_on ? MHD_YES : MHD_NO;
    }
    connection_answers(&server->connections, x->connection);
    if (x->refused)
        return send_refusal(x, c);
    return x->is_api ? send_answer(server, x, c) : send_page(c);
}

static void completed(void *context, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode why)
{
    struct review_server *server = context;
    struct exchange *x = *state;
    (void)c;
    (void)why;
    if (!x)
        return;
    connection_reads(&server->connections, x->connection, IDLE_SECONDS);
    strbuf_free(&x->url);
    strbuf_free(&x->body);
    free(x);
    *state = NULL;
}

static void take_connection(void *context, struct MHD_Connection *c, void **state,
                            enum MHD_ConnectionNotificationCode what)
{
    struct review_server *server = context;
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        *state = connection_open(&server->connections,
                                 mhd.get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
    else
        connection_close(&server->connections, *state);
}

/* ---- the daemon ---- */

static enum sft_status make_token(struct review_server *server, struct sft_err *err)
{
    uint8_t random[REVIEW_TOKEN_LEN / 2];
    if (getrandom(random, sizeof random, 0) != sizeof random)
        return sft_fail_errno(err, "no random numbers for the token");
    for (size_t i = 0; i < sizeof random; i++)
        snprintf(server->token + 2 * i, 3, "%02x", random[i]);
    return SFT_OK;
}

static enum sft_status open_socket(struct review_server *server, unsigned port, struct sft_err *err)
{
    struct server_options options = SERVER_OPTIONS_DEFAULT;
    struct sockaddr_in bound = {0};
    socklen_t len = sizeof bound;
    options.host = HOST;
    options.port = port;
    if (server_bind(&options, err))
        return err->status;
    server->socket = options.socket;
    if (listen(server->socket, SOMAXCONN) || getsockname(server->socket, (struct sockaddr *)&bound, &len))
        return sft_fail_errno(err, "cannot listen at " HOST ", port %u", port);
    snprintf(server->address, sizeof server->address, "http://" HOST ":%u/?token=%s", ntohs(bound.sin_port),
             server->token);
    return SFT_OK;
}

/* By poll(2), as serve/server.c says. */
static enum sft_status start_daemon(struct review_server *server, struct sft_err *err)
{
    server->daemon = mhd.start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL, NULL, handle, server, //
                                      MHD_OPTION_LISTEN_SOCKET, server->socket,                                      //
                                      MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS,                            //
                                      MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS,                         //
                                      MHD_OPTION_NOTIFY_COMPLETED, completed, server,                                //
                                      MHD_OPTION_NOTIFY_CONNECTION, take_connection, server, MHD_OPTION_END);
    return server->daemon ? SFT_OK : sft_fail_errno(err, "the server's thread does not start");
}

enum sft_status review_server_start(struct review_server *server, struct review *review, unsigned port,
                                    struct sft_err *err)
{
    *server = (struct review_server){.review = review, .socket = -1};
    connections_init(&server->connections, request_seconds);
    if (!mhd_load(err) && !make_token(server, err) && !open_socket(server, port, err) && !start_daemon(server, err))
        return SFT_OK;
    if (server->socket >= 0)
        close(server->socket);
    connections_free(&server->connections);
    return err->status;
}

void review_server_look(struct review_server *server)
{
    connections_end_late(&server->connections);
}

void review_server_stop(struct review_server *server)
{
    mhd.stop_daemon(server->daemon); /* closes the socket, too */
    connections_free(&server->connections);
    *server = (struct review_server){.socket = -1};
}
