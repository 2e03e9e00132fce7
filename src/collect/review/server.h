/* The page and its API over HTTP, on this machine alone: a thread of libmicrohttpd's, which all requests go through one
 * after another.
 *
 * Who may ask: who has the token, 128 random bits in the address that is printed (?token= of the page, the header
 * X-Review-Token of the API), by a name of this machine, from no other origin. A page elsewhere can send neither that
 * header nor application/json without asking first, which is refused. */
#ifndef SFT_COLLECT_REVIEW_SERVER_H
#define SFT_COLLECT_REVIEW_SERVER_H

#include "collect/review/api.h"
#include "serve/connections.h"

enum { REVIEW_TOKEN_LEN = 32, REVIEW_MAX_BODY = 4 << 20 };

struct review_server {
    struct review *review;
    char token[REVIEW_TOKEN_LEN + 1];
    char address[64]; /* "http://127.0.0.1:PORT/?token=..." */
    int socket;
    struct connections connections;
    struct MHD_Daemon *daemon;
};

/* Listen on 127.0.0.1 (port 0: a free one) and answer until review_server_stop. The review is the server's
 * meanwhile, and the server stays where it is. */
enum sft_status review_server_start(struct review_server *server, struct review *review, unsigned port,
                                    struct sft_err *err);
/* To be called about every second: ends connections whose request does not come to its end. */
void review_server_look(struct review_server *server);
void review_server_stop(struct review_server *server);

#endif
