/* Requests to an endpoint, many at once, by one thread: retries, a pace, a pause where the endpoint asks for one.
 *
 *     client_open(&client, &options, err);
 *     client_send(client, id, &request);              // as many as are wanted; each ends in one reply
 *     while (client_pending(client) > 0)
 *         if (client_wait(client, 1, &reply)) {       // ... which comes in any order
 *             ...reply.id, reply.how, reply.completion...
 *             reply_free(&reply);
 *         }
 *     client_close(client);
 *
 * An *attempt* is one HTTP request that is sent. What failed and may go better is sent again, after a while that
 * doubles each time and is spread at random: 408, 409, 425, 429, 5xx, a cut connection, a time-out, an answer that is
 * none. After 429, and after 503 with Retry-After, all requests wait, not only the one that was told so, and four times
 * as long where nobody says how long. Each attempt has a connection of its own, because libcurl would silently send a
 * request twice where one that it uses again has died: then the number of attempts would not be the number of requests
 * that the endpoint sees, and may bill.
 *
 * The key is sent in the Authorization header of requests to the url's host and nowhere else: redirects are not
 * followed, ~/.netrc is not read. It is in no message, and where an endpoint repeats it, in an error or in a
 * completion, there is *** instead. (A word of less than 8 characters is no secret: "none" stays "none".) */
#ifndef SFT_COLLECT_SYNTH_CLIENT_H
#define SFT_COLLECT_SYNTH_CLIENT_H

#include "base/err.h"
#include "collect/synth/completion.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CLIENT_BODY_MAX = 16 << 20 }; /* bytes; a longer answer is cut off and none */

struct client_options {
    const char *url;            /* endpoint_url.h says which */
    const char *api_key;        /* NULL or "": none */
    size_t concurrency;         /* attempts in flight, at most; 0: 1 */
    double requests_per_minute; /* attempts, one after another at an even pace; 0: no limit */
    double timeout_s;           /* of an attempt, from its beginning to the last byte; above 0 */
    size_t max_retries;         /* of a request: it has 1 + max_retries attempts */
    double backoff_s;           /* before the first retry; doubled each time, 60 at most; 0: 1 */
    uint64_t seed;              /* of the spread */

    /* Right before an attempt is sent. false: it is not, and the request ends as REPLY_UNSENT. attempt counts from 0
     * within the request. NULL: always. It must not call the client. */
    bool (*before)(void *user, uint64_t id, size_t attempt);
    /* An attempt has failed and the next will follow in wait_s seconds; err says why. is_lost: it may be billed (it is
     * one of reply.n_lost). NULL: nobody asks. */
    void (*retry)(void *user, uint64_t id, bool is_lost, const struct sft_err *err, double wait_s);
    void *user;

    /* Changes when a signal has come (a counter that the handler raises); client_wait returns early then. May be
     * NULL. */
    const volatile int *signals;
};

enum reply_how {
    REPLY_OK,      /* a completion */
    REPLY_UNSENT,  /* no attempt of it is in flight, and before() forbade the next, or client_stop came */
    REPLY_REFUSED, /* this request is wrong (400, 413, 422, ...), or its answer is withheld: others may do */
    REPLY_FAILED,  /* the last retry failed too */
    REPLY_FATAL,   /* none will do: 401, 402, 403, 404, a redirect, TLS, no such host, nobody listens, no credit */
};

struct reply {
    uint64_t id;
    enum reply_how how;
    struct completion completion; /* of REPLY_OK */
    struct sft_err err;           /* of all but REPLY_OK; of UNSENT: why its last attempt failed, if it had one */
    size_t n_attempts;            /* that were sent */
    size_t n_lost; /* of these: what gave no text and may be billed: timed out, cut, malformed, too long, withheld */
    size_t prompt_bytes; /* of the messages' texts: to estimate tokens by, and to doubt a usage by */
    double seconds;      /* of the last attempt */
};
void reply_free(struct reply *reply);

struct client;

/* SFT_EUSAGE: the url, or a key that no header can hold. SFT_EIO: libcurl cannot be loaded. Warns of a key that would
 * go over plain HTTP to another machine. Nothing is sent. What the options point to is copied, but user and signals. */
enum sft_status client_open(struct client **client, const struct client_options *options, struct sft_err *err);

/* What is in flight is broken off; there are no more replies. NULL is fine. */
void client_close(struct client *client);

/* The request is copied. id is the caller's name for it: of those that pend, no two may be equal. Beyond the
 * concurrency they wait, the first first. Nothing is sent before client_wait. */
void client_send(struct client *client, uint64_t id, const struct completion_request *request);

/* Work until a request has ended: true, and *reply is the caller's, to be freed with reply_free. false: timeout_s
 * seconds have passed, or a signal has come, or nothing pends. */
bool client_wait(struct client *client, double timeout_s, struct reply *reply);

/* From now on nothing is sent: what is in flight is waited for and replied to, all else that pends ends as UNSENT, and
 * so does what is in flight and would need a retry. */
void client_stop(struct client *client);

size_t client_pending(const struct client *client);   /* requests without a reply */
size_t client_in_flight(const struct client *client); /* attempts that have been sent and not ended */
double client_holds(const struct client *client);     /* seconds for which the endpoint wants peace; 0: none */

/* Why nothing is in flight but what failed waits for its next attempt, in *wait_s seconds; NULL: that is not so. Lives
 * until the client is called again. */
const struct sft_err *client_waits(const struct client *client, double *wait_s);

#endif
