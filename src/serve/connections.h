/* The connections of the server, to end those whose request does not: a byte a second would keep libmicrohttpd's own
 * time out, which counts silence, away for ever. */
#ifndef SFT_SERVE_CONNECTIONS_H
#define SFT_SERVE_CONNECTIONS_H

#include <pthread.h>

struct connection {
    int fd;
    double deadline; /* clock_seconds() when a request must be whole; INFINITY while one is being answered */
    struct connection *next, **here;
};

struct connections {
    pthread_mutex_t lock;
    struct connection *first;
    double seconds; /* for a request to become whole */
};

void connections_init(struct connections *list, double seconds);
void connections_free(struct connections *list); /* all of them must be closed */

/* The HTTP thread: a socket that was accepted, and one that is about to be closed (*connection is freed). */
struct connection *connection_open(struct connections *list, int fd);
void connection_close(struct connections *list, struct connection *connection);

void connection_answers(struct connections *list, struct connection *connection); /* its request is whole */
/* It may send the next one, after `idle` seconds of silence at most. */
void connection_reads(struct connections *list, struct connection *connection, double idle);

/* Any thread: shut the sockets down whose time is over; libmicrohttpd then closes them. */
void connections_end_late(struct connections *list);

#endif
