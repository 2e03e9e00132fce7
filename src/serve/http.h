/* Requests and answers over HTTP: what is answered at once (the page, models, health, metrics, refusals), and what
 * becomes a job for the engine. All of it runs on libmicrohttpd's thread. */
#ifndef SFT_SERVE_HTTP_H
#define SFT_SERVE_HTTP_H

#include "serve/connections.h"
#include "serve/job.h"
#include "serve/mhd.h"
#include "serve/metrics.h"
#include "serve/openai_prompt.h"
#include "serve/openai_response.h"

#include <stdatomic.h>

struct http {
    struct served_model *models; /* (n_models) the first is what the page and the metrics name */
    size_t n_models;
    struct request_limits limits;
    struct prompt_maker *prompts; /* (n_models) */
    const char *api_key; /* that a client of /v1 must name; NULL: none */
    const char *host;    /* that it was bound to, as given */
    bool is_local;       /* to a loopback address: then Host must be one, or a page elsewhere could be the client */
    size_t max_body;     /* bytes */
    size_t max_held;     /* bytes of the bodies of all requests that are not yet answered */
    _Atomic size_t held; /* of them; only the HTTP thread changes it */
    double idle_seconds; /* between two requests */
    struct job_queue queue;
    struct metrics metrics;
    struct connections connections;
    atomic_bool drains; /* no new jobs */
};

/* libmicrohttpd's callbacks; the context is a struct http. */
enum MHD_Result http_handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                            const char *version, const char *data, size_t *n_data, void **state);
void http_completed(void *context, struct MHD_Connection *connection, void **state,
                    enum MHD_RequestTerminationCode why);
void http_connection(void *context, struct MHD_Connection *connection, void **socket_state,
                     enum MHD_ConnectionNotificationCode what);

#endif
