/* The HTTP server of a model, or of several: a socket, libmicrohttpd's thread, and the queue between it and the
 * engine's thread.
 *
 *     server_bind(&options, err);            // if a model is read first; server_start does it, too
 *     server_start(&server, &options, &model, 1, err);
 *     ... the engine's thread answers the jobs of server.http.queue (serve/runner.h) ...
 *     server_drain(&server);                 // no new connections and jobs
 *     ... until server_is_quiet(&server), or there is no more time ...
 *     server_stop(&server);                  // no job may be left that is neither done, failed nor cancelled */
#ifndef SFT_SERVE_SERVER_H
#define SFT_SERVE_SERVER_H

#include "serve/http.h"

#include <netdb.h>

struct server_options {
    const char *host; /* a name or an address; "127.0.0.1" */
    unsigned port;    /* 0: a free one */
    int socket;       /* of server_bind; -1: none so far */
    const char *api_key;
    size_t max_connections, max_waiting, max_body;
    size_t max_bodies; /* bytes of all requests that are not yet answered, above which no further one is read */
    double request_seconds, idle_seconds; /* for a request to become whole; of silence */
};
#define SERVER_OPTIONS_DEFAULT                                                                                         \
    {.host = "127.0.0.1", .port = 8080, .socket = -1, .max_connections = 512, .max_waiting = 256,                      \
     .max_body = 4 << 20, .max_bodies = 64 << 20, .request_seconds = 30, .idle_seconds = 60}

struct server_model {
    struct served_model about;
    struct request_limits limits;
    const struct bundle *bundle;
};

struct server {
    struct http http;
    struct prompt_maker *prompts;  /* (http.n_models), as the next */
    struct request_model *choices; /* where there are several */
    struct MHD_Daemon *daemon;
    int socket;             /* that listens; -1: no more */
    char address[NI_MAXHOST + 16]; /* "127.0.0.1:8080", "[::1]:8080" */
};

/* Set options->socket to one that is bound to host and port: clients are refused until server_start listens. Close it
 * where that is not called. SFT_EUSAGE: the host is unknown; SFT_EIO: the port is in use or not ours. */
enum sft_status server_bind(struct server_options *options, struct sft_err *err);

/* Listen, and answer from then on. The socket is the server's, also where it fails. What `options` and the models (n)
 * point to must outlive it; of the limits the first one's count, but for what is a model's own. SFT_EUSAGE: the host
 * is unknown, or too many connections for ulimit -n; SFT_EIO: the port is in use or not ours, no thread, no
 * libmicrohttpd. Nothing is to be stopped then. */
enum sft_status server_start(struct server *server, const struct server_options *options,
                             const struct server_model *models, size_t n, struct sft_err *err);

void server_drain(struct server *server);
bool server_is_quiet(struct server *server); /* no answer is to be sent any more */
void server_stop(struct server *server);

#endif
