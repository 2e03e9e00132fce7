#include "serve/job.h"

#include "base/clock.h"
#include "serve/mhd.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* ---- the queue ---- */

enum sft_status job_queue_init(struct job_queue *queue, size_t capacity, struct sft_err *err)
{
    *queue = (struct job_queue){.capacity = capacity, .wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (queue->wake_fd < 0)
        return sft_fail(err, SFT_EIO, "no descriptor for the server's queue: %s", strerror(errno));
    queue->last = &queue->first;
    pthread_mutex_init(&queue->lock, NULL);
    return SFT_OK;
}

void job_queue_free(struct job_queue *queue)
{
    if (!queue->last)
        return;
    for (struct job *job; (job = job_queue_pop(queue));)
        job_drop(job);
    pthread_mutex_destroy(&queue->lock);
    close(queue->wake_fd);
    *queue = (struct job_queue){0};
}

/* Both only fail where there is nothing to do: a counter that is full wakes, too, and one of 0 has been seen. */
void job_queue_wake(const struct job_queue *queue)
{
    const uint64_t one = 1;
    const int before = errno;
    (void)!write(queue->wake_fd, &one, sizeof one);
    errno = before;
}

void job_queue_slept(const struct job_queue *queue)
{
    uint64_t times;
    (void)!read(queue->wake_fd, &times, sizeof times);
}

size_t job_queue_waiting(struct job_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    const size_t n = queue->n_waiting;
    pthread_mutex_unlock(&queue->lock);
    return n;
}

static bool append(struct job_queue *queue, struct job *job)
{
    pthread_mutex_lock(&queue->lock);
    const bool fits = queue->n_waiting < queue->capacity;
    if (fits) {
        *queue->last = job;
        queue->last = &job->next;
        queue->n_waiting++;
    }
    pthread_mutex_unlock(&queue->lock);
    return fits;
}

struct job *job_queue_pop(struct job_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    struct job *job = queue->first;
    if (job) {
        queue->first = job->next;
        job->next = NULL;
        if (!queue->first)
            queue->last = &queue->first;
    }
    pthread_mutex_unlock(&queue->lock);
    return job;
}

/* ---- what needs the job's lock ---- */

static void set_state(struct job *job, enum job_state state)
{
    if (job->state == JOB_WAITING && state != JOB_WAITING) {
        pthread_mutex_lock(&job->queue->lock);
        job->queue->n_waiting--;
        pthread_mutex_unlock(&job->queue->lock);
    }
    job->state = state;
}

static void suspend(struct job *job)
{
    job->suspended = true;
    mhd.suspend_connection(job->connection);
}

static void resume(struct job *job)
{
    if (!job->suspended || !job->connection)
        return;
    job->suspended = false;
    mhd.resume_connection(job->connection);
}

static bool is_over(const struct job *job)
{
    return job->state != JOB_WAITING && job->state != JOB_RUNNING;
}

/* ---- both threads ---- */

struct job *job_new(struct request *request, struct job_queue *queue)
{
    struct job *job = mem_calloc(1, sizeof *job);
    job->request = *request;
    *request = (struct request){0};
    job->queue = queue;
    job->references = 1;
    job->received = clock_seconds();
    pthread_mutex_init(&job->lock, NULL);
    return job;
}

void job_drop(struct job *job)
{
    pthread_mutex_lock(&job->lock);
    const int left = --job->references;
    pthread_mutex_unlock(&job->lock);
    if (left)
        return;
    pthread_mutex_destroy(&job->lock);
    request_free(&job->request);
    strbuf_free(&job->out);
    free(job);
}

/* ---- the HTTP thread ---- */

bool job_queue_push(struct job *job, struct MHD_Connection *connection, int fd)
{
    /* under the lock: the engine's thread may have the answer before the connection is suspended, and must not resume
     * it before that */
    pthread_mutex_lock(&job->lock);
    job->fd = fd;
    const bool fits = append(job->queue, job);
    if (fits) {
        job->references++;
        job->connection = connection;
        suspend(job);
    }
    pthread_mutex_unlock(&job->lock);
    if (fits)
        job_queue_wake(job->queue);
    return fits;
}

enum job_state job_state(struct job *job)
{
    pthread_mutex_lock(&job->lock);
    const enum job_state state = job->state;
    pthread_mutex_unlock(&job->lock);
    return state;
}

void job_take(struct job *job, struct strbuf *out)
{
    pthread_mutex_lock(&job->lock);
    *out = job->out;
    job->out = (struct strbuf){0};
    pthread_mutex_unlock(&job->lock);
}

/* What was sent makes room once it is more than what is left, so that a byte is moved at most once. */
static size_t take_bytes(struct job *job, char *bytes, size_t capacity)
{
    struct strbuf *out = &job->out;
    const size_t unsent = out->len - job->sent, n = unsent < capacity ? unsent : capacity, left = unsent - n;
    if (n)
        memcpy(bytes, out->data + job->sent, n);
    job->sent += n;
    if (n && job->sent >= left) {
        memmove(out->data, out->data + job->sent, left);
        out->len = left;
        job->sent = 0;
    }
    return n;
}

ssize_t job_read(struct job *job, char *bytes, size_t capacity)
{
    ssize_t result = 0;
    bool caught_up = false;
    pthread_mutex_lock(&job->lock);
    if (job->state == JOB_CANCELLED) {
        result = JOB_BROKEN;
    } else if (job->out.len > job->sent) {
        result = (ssize_t)take_bytes(job, bytes, capacity);
        caught_up = job->is_behind && job->out.len - job->sent <= JOB_CAUGHT_UP;
        job->is_behind &= !caught_up;
    } else if (is_over(job)) {
        result = JOB_END;
    } else {
        suspend(job);
    }
    pthread_mutex_unlock(&job->lock);
    if (caught_up)
        job_queue_wake(job->queue);
    return result;
}

bool job_leave(struct job *job)
{
    pthread_mutex_lock(&job->lock);
    job->connection = NULL;
    const bool breaks_off = !is_over(job);
    if (breaks_off)
        set_state(job, JOB_CANCELLED);
    pthread_mutex_unlock(&job->lock);
    if (breaks_off)
        job_queue_wake(job->queue);
    job_drop(job);
    return breaks_off;
}

/* ---- the engine's thread ---- */

void job_begin(struct job *job)
{
    pthread_mutex_lock(&job->lock);
    if (job->state == JOB_WAITING)
        set_state(job, JOB_RUNNING);
    pthread_mutex_unlock(&job->lock);
}

void job_send(struct job *job, struct strbuf *bytes, enum job_state state)
{
    if (!bytes->len && state == JOB_RUNNING)
        return;
    pthread_mutex_lock(&job->lock);
    if (job->state != JOB_CANCELLED) {
        strbuf_add(&job->out, bytes->data, bytes->len);
        set_state(job, state);
        job->is_behind |= job->out.len - job->sent > JOB_BEHIND;
        if (job->request.stream || is_over(job)) /* one that is not streamed is sent whole (job_take) */
            resume(job);
    }
    pthread_mutex_unlock(&job->lock);
    strbuf_clear(bytes);
}

void job_fail(struct job *job, const struct api_error *error)
{
    pthread_mutex_lock(&job->lock);
    if (job->state != JOB_CANCELLED) {
        job->error = *error;
        set_state(job, JOB_FAILED);
        resume(job);
    }
    pthread_mutex_unlock(&job->lock);
}

void job_cancel(struct job *job)
{
    pthread_mutex_lock(&job->lock);
    set_state(job, JOB_CANCELLED);
    resume(job);
    pthread_mutex_unlock(&job->lock);
}

struct job_look job_look(struct job *job)
{
    pthread_mutex_lock(&job->lock);
    const struct job_look look = {.is_wanted = job->state != JOB_CANCELLED,
                                  .is_behind = job->is_behind,
                                  .is_watched = job->suspended && job->connection};
    pthread_mutex_unlock(&job->lock);
    return look;
}
