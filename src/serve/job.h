/* A request as both threads of the server see it: the HTTP thread, which reads it and sends the answer, and the
 * engine's thread, which answers. Each holds a reference; the last one that drops it frees it.
 *
 *     HTTP     job_new, job_queue_push (its connection is suspended) ... job_state, job_read or job_take, job_leave
 *     engine   job_queue_pop, job_begin, job_send ..., job_send(JOB_DONE) or job_fail, job_drop
 *
 * A connection with nothing to send is suspended, and resumed by who has something for it. While it is suspended
 * libmicrohttpd sees neither that its client has left nor that time passes, but does not close its socket either:
 * then the engine's thread looks (job_look).
 *
 * Locks: a job's before the queue's and before libmicrohttpd's own, never the other way. */
#ifndef SFT_SERVE_JOB_H
#define SFT_SERVE_JOB_H

#include "serve/openai_request.h"

#include <poll.h>
#include <pthread.h>
#include <sys/types.h>

struct MHD_Connection;

enum job_state {
    JOB_WAITING,
    JOB_RUNNING,
    JOB_DONE,     /* all of the answer is in `out` */
    JOB_FAILED,   /* before anything was sent: `error` says why */
    JOB_CANCELLED /* nobody wants the answer */
};

struct job {
    struct request request; /* the job's; read only once it is queued */
    int fd;                 /* of the connection; not to be touched but while that is suspended */
    double received;        /* clock_seconds() */
    struct job_queue *queue;
    struct job *next; /* the queue's */

    pthread_mutex_t lock; /* of what follows */
    int references;
    enum job_state state;
    struct MHD_Connection *connection; /* NULL: gone, and never to be resumed */
    bool suspended;
    bool is_behind; /* the client is: the engine wants to know when it has caught up */
    struct strbuf out;
    size_t sent; /* bytes of `out` that are in libmicrohttpd's hands */
    struct api_error error;
};

/* Jobs from one thread to the other, in the order in which they came. A job counts as waiting from the push until it
 * begins or nobody wants it any more: more than `capacity` may not wait. */
struct job_queue {
    pthread_mutex_t lock;
    struct job *first, **last;
    size_t n_waiting, capacity;
    int wake_fd; /* an eventfd: readable where there may be news for the engine's thread */
};

/* SFT_EIO where the system has no descriptor left. Free with job_queue_free, which accepts a zeroed struct. */
enum sft_status job_queue_init(struct job_queue *queue, size_t capacity, struct sft_err *err);
void job_queue_free(struct job_queue *queue);

void job_queue_wake(const struct job_queue *queue); /* safe in a signal's handler */
void job_queue_slept(const struct job_queue *queue); /* what woke the engine's thread has been seen */
size_t job_queue_waiting(struct job_queue *queue);

/* ---- the HTTP thread ---- */

/* A job with one reference, the caller's. It takes what is in *request and leaves that empty. */
struct job *job_new(struct request *request, struct job_queue *queue);

/* Queue a job, with a reference for the engine's thread, and suspend its connection until there is something to send.
 * False where too many wait: then nothing happened. */
bool job_queue_push(struct job *job, struct MHD_Connection *connection, int fd);

enum job_state job_state(struct job *job);
void job_take(struct job *job, struct strbuf *out); /* of one that is JOB_DONE: all of the answer, the caller's */

/* Up to `capacity` bytes of the answer: how many there are; 0: none yet, and the connection is suspended; JOB_END
 * behind the last; JOB_BROKEN where it is cancelled. */
enum { JOB_END = -1, JOB_BROKEN = -2 };
ssize_t job_read(struct job *job, char *bytes, size_t capacity);

/* The connection is gone, or has the whole answer; what is still to come of that is cancelled. Drops the caller's
 * reference. Returns whether something was broken off. */
bool job_leave(struct job *job);

/* ---- the engine's thread ---- */

struct job *job_queue_pop(struct job_queue *queue); /* NULL: none; the caller's reference */
void job_drop(struct job *job);

/* It is being answered: JOB_RUNNING, and no longer one that waits. */
void job_begin(struct job *job);

/* Add *bytes to the answer, which leaves them empty; the last ones with JOB_DONE, else JOB_RUNNING. A connection
 * that waits for them is resumed: a stream's once a step, with all that the step gave, another one's with JOB_DONE. */
void job_send(struct job *job, struct strbuf *bytes, enum job_state state);

/* The answer is this error. Only where nothing was sent: in the middle of a stream an error is an event like others. */
void job_fail(struct job *job, const struct api_error *error);

/* Nobody wants the answer any more. A suspended connection is resumed, and then closed by libmicrohttpd. */
void job_cancel(struct job *job);

/* What is known of it without asking the system. */
struct job_look {
    bool is_wanted;  /* not cancelled */
    bool is_behind;  /* its client has not read JOB_BEHIND bytes, nor come back to JOB_CAUGHT_UP since */
    bool is_watched; /* its connection is suspended and stays so: JOB_GONE at `fd` says that the client left */
};
enum { JOB_BEHIND = 256 << 10, JOB_CAUGHT_UP = JOB_BEHIND / 2 };
enum { JOB_GONE = POLLRDHUP | POLLHUP | POLLERR | POLLNVAL };
struct job_look job_look(struct job *job);

#endif
