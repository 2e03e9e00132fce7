#include "serve/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- the socket ---- */

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr) >> 24 == 127;
    return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

/* A socket that is bound there; -1, errno: why not. SO_REUSEADDR: connections of a server that has just ended do not
 * keep the port; another one that listens does. */
static int bind_at(const struct addrinfo *at)
{
    const int yes = 1, fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0 &&
        bind(fd, at->ai_addr, at->ai_addrlen) == 0)
        return fd;
    const int why = errno;
    close(fd);
    errno = why;
    return -1;
}

static enum sft_status cannot_listen(const struct server_options *o, struct sft_err *err)
{
    const char *remedy = "";
    if (errno == EADDRINUSE)
        remedy = " (another --port, or --port 0 for a free one)";
    if (errno == EACCES)
        remedy = " (a port from 1024 on)";
    if (errno == EADDRNOTAVAIL)
        remedy = " (--host: an address of this machine, 0.0.0.0 for all of them)";
    return sft_fail(err, SFT_EIO, "cannot listen at %s, port %u: %s%s", o->host, o->port, strerror(errno), remedy);
}

/* HOST:PORT of a socket, in numbers, and whether only this machine reaches it. */
static void name_address(struct server *s)
{
    struct sockaddr_storage bound = {0};
    socklen_t len = sizeof bound;
    char host[NI_MAXHOST] = "?", port[NI_MAXSERV] = "?";
    if (getsockname(s->socket, (struct sockaddr *)&bound, &len) == 0)
        getnameinfo((struct sockaddr *)&bound, len, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV);
    s->http.is_local = is_loopback((struct sockaddr *)&bound);
    snprintf(s->address, sizeof s->address, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
}

enum sft_status server_bind(struct server_options *o, struct sft_err *err)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found;
    char port[16];
    snprintf(port, sizeof port, "%u", o->port);
    const int why = getaddrinfo(o->host, port, &hints, &found);
    if (why)
        return sft_fail(err, SFT_EUSAGE, "--host: '%s' is no host: %s", o->host, gai_strerror(why));
    for (const struct addrinfo *at = found; at && o->socket < 0; at = at->ai_next)
        o->socket = bind_at(at);
    if (o->socket < 0)
        cannot_listen(o, err);
    freeaddrinfo(found);
    return o->socket < 0 ? err->status : SFT_OK;
}

/* Two that are bound to a port before either listens: the second to listen finds it in use. */
static enum sft_status open_socket(struct server *s, const struct server_options *o, struct sft_err *err)
{
    struct server_options mine = *o;
    if (s->socket < 0 && server_bind(&mine, err))
        return err->status;
    s->socket = mine.socket;
    name_address(s);
    return listen(s->socket, SOMAXCONN) ? cannot_listen(o, err) : SFT_OK;
}

/* ---- the daemon ---- */

/* Descriptors for so many connections, beside those that the process needs for itself. */
static enum sft_status check_descriptors(size_t connections, struct sft_err *err)
{
    enum { OWN = 64 };
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= connections + OWN)
        return SFT_OK;
    if (limit.rlim_max < connections + OWN)
        return sft_fail(err, SFT_EUSAGE,
                        "%zu connections need %zu descriptors, the limit is %llu (ulimit -n; or fewer, by "
                        "--max-connections)",
                        connections, connections + OWN, (unsigned long long)limit.rlim_max);
    limit.rlim_cur = connections + OWN;
    return setrlimit(RLIMIT_NOFILE, &limit) ? sft_fail(err, SFT_EIO, "ulimit -n: %s", strerror(errno)) : SFT_OK;
}

/* By poll(2), not by epoll: with that libmicrohttpd 0.9.75 overlooks an end that comes together with bytes, and keeps
 * connections whose client has long left until they time out. */
static enum sft_status start_daemon(struct server *s, const struct server_options *o, struct sft_err *err)
{
    const unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL | MHD_ALLOW_SUSPEND_RESUME;
    s->daemon = mhd.start_daemon(flags, 0, NULL, NULL, http_handle, &s->http,                    //
                                 MHD_OPTION_LISTEN_SOCKET, s->socket,                            //
                                 MHD_OPTION_CONNECTION_LIMIT, (unsigned)o->max_connections,      //
                                 MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)ceil(o->idle_seconds), //
                                 MHD_OPTION_NOTIFY_COMPLETED, http_completed, &s->http,          //
                                 MHD_OPTION_NOTIFY_CONNECTION, http_connection, &s->http, MHD_OPTION_END);
    return s->daemon ? SFT_OK : sft_fail(err, SFT_EIO, "the server's thread does not start: %s", strerror(errno));
}

static void free_rooms(struct server *s)
{
    if (s->socket >= 0)
        close(s->socket);
    job_queue_free(&s->http.queue);
    connections_free(&s->http.connections);
    for (size_t i = 0; i < s->http.n_models; i++) {
        rendered_free(&s->prompts[i].rendered);
        encoder_free(s->prompts[i].encoder);
    }
    free(s->prompts);
    free(s->choices);
    free(s->http.models);
}

static void init_models(struct server *s, const struct server_model *models, size_t n)
{
    s->prompts = s->http.prompts = mem_calloc(n, sizeof *s->prompts);
    s->choices = mem_calloc(n, sizeof *s->choices);
    s->http.models = mem_calloc(n, sizeof *s->http.models);
    s->http.n_models = n;
    s->http.limits = models[0].limits;
    for (size_t i = 0; i < n; i++) {
        const struct server_model *m = &models[i];
        struct tokenizer *tokenizer = m->bundle->files.tokenizer;
        s->prompts[i] = (struct prompt_maker){.bundle = m->bundle,
                                              .encoder = encoder_new(tokenizer),
                                              .n_positions = m->about.n_positions,
                                              .longest_token = prompt_longest_token(tokenizer)};
        s->choices[i] = (struct request_model){m->about.id, m->limits.vocab_size, m->limits.sampling};
        s->http.models[i] = m->about;
    }
    if (n > 1) {
        s->http.limits.models = s->choices;
        s->http.limits.n_models = n;
    }
}

enum sft_status server_start(struct server *s, const struct server_options *o, const struct server_model *models,
                             size_t n, struct sft_err *err)
{
    *s = (struct server){.socket = o->socket,
                         .http = {.api_key = o->api_key,
                                  .host = o->host,
                                  .max_body = o->max_body,
                                  .max_held = o->max_bodies + o->max_body, /* one always fits beside them */
                                  .idle_seconds = o->idle_seconds}};
    init_models(s, models, n);
    metrics_init(&s->http.metrics);
    connections_init(&s->http.connections, o->request_seconds);
    if (mhd_load(err) || check_descriptors(o->max_connections, err) ||
        job_queue_init(&s->http.queue, o->max_waiting, err) || open_socket(s, o, err) || start_daemon(s, o, err)) {
        free_rooms(s);
        return err->status;
    }
    return SFT_OK;
}

/* A socket that nobody accepts from any more would let clients wait: shut down, it refuses them. It is
 * libmicrohttpd's to be closed after the end of its thread. */
void server_drain(struct server *s)
{
    s->http.drains = true;
    if (mhd.quiesce_daemon(s->daemon) != MHD_INVALID_SOCKET)
        shutdown(s->socket, SHUT_RDWR);
}

bool server_is_quiet(struct server *s)
{
    return s->http.metrics.answering == 0;
}

/* One that still waits is resumed: libmicrohttpd does not end with a connection that is suspended. */
void server_stop(struct server *s)
{
    for (struct job *job; (job = job_queue_pop(&s->http.queue));) {
        job_cancel(job);
        job_drop(job);
    }
    mhd.stop_daemon(s->daemon);
    if (!s->http.drains)
        s->socket = -1; /* closed with it */
    free_rooms(s);
}
