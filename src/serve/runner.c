#include "serve/runner.h"

#include "base/clock.h"
#include "base/log.h"
#include "serve/turns.h"

#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

/* A job in the engine's hands: one stream of tokens for each of its answers. */
struct run {
    struct job *job;
    struct response response;
    struct runner *runner;
    struct answer_run {
        struct run *run;
        size_t index;
        struct stream *stream; /* NULL: not yet, or no more */
    } * answers;               /* (n_answers) */
    size_t n_answers, n_begun, n_ended;
    bool is_behind; /* its client is */
    bool has_token; /* the first one has come */
    bool has_sent;  /* an error can no longer be the answer */
    bool has_ended; /* nothing of it is left to be done */
};

struct runner {
    const struct runner_options *options;
    struct http *http;
    struct decode *decode;
    struct run **runs; /* (n_runs) in the order in which they came */
    size_t n_runs, runs_capacity;
    struct turn *turns; /* (n_runs) */
    size_t turns_capacity;
    struct strbuf out;
    struct pollfd *polled; /* (n_runs + 1) */
    size_t polled_capacity;
    double looked; /* when late connections were last looked for */
};

/* ---- a run ---- */

static void random_bytes(void *bytes, size_t n)
{
    if (getrandom(bytes, n, 0) != (ssize_t)n)
        SFT_BUG("getrandom(2) fails, which it cannot for so few bytes");
}

static struct run *run_new(struct runner *r, struct job *job)
{
    struct run *run = mem_calloc(1, sizeof *run);
    const struct runner_model *model = &r->options->models[job->request.model_number];
    struct response_about about = {.model = r->http->models[job->request.model_number].id,
                                   .fingerprint = model->fingerprint,
                                   .created = (int64_t)time(NULL)};
    random_bytes(about.random, sizeof about.random);
    if (!job->request.has_seed)
        random_bytes(&job->request.sampling.seed, sizeof job->request.sampling.seed);
    run->job = job;
    run->runner = r;
    run->n_answers = request_answers(&job->request);
    run->answers = mem_calloc(run->n_answers, sizeof *run->answers);
    for (size_t i = 0; i < run->n_answers; i++)
        run->answers[i] = (struct answer_run){.run = run, .index = i};
    response_init(&run->response, &job->request, &about, model->tokenizer);
    return run;
}

/* Its streams are closed, whatever they are at, and what they held is free. */
static void run_end(struct run *run)
{
    for (size_t i = 0; i < run->n_begun; i++)
        if (run->answers[i].stream)
            decode_close(run->runner->decode, run->answers[i].stream);
    run->n_begun = 0;
    run->has_ended = true;
}

static void run_free(struct run *run)
{
    run_end(run);
    response_free(&run->response);
    job_drop(run->job);
    free(run->answers);
    free(run);
}

/* The answer is an error: an HTTP status, or an event where something has been sent. */
static void run_fail(struct run *run, const struct api_error *error)
{
    struct strbuf *out = &run->runner->out;
    if (run->has_sent) {
        response_write_error(&run->response, error, out);
        job_send(run->job, out, JOB_DONE);
    } else {
        job_fail(run->job, error);
    }
    run_end(run);
}

/* ---- answers begin ---- */

static bool take_token(void *context, const struct new_token *token)
{
    struct answer_run *answer = context;
    struct run *run = answer->run;
    if (!run->has_token)
        histogram_add(&run->runner->http->metrics.first_token, clock_seconds() - run->job->received);
    run->has_token = true;
    return response_token(&run->response, answer->index, token);
}

static void begin_answer(struct run *run)
{
    struct runner *r = run->runner;
    struct answer_run *answer = &run->answers[run->n_begun++];
    struct ask ask;
    struct sft_err err = {0};
    struct api_error error;
    request_ask(&run->job->request, answer->index, &ask);
    ask.on_token = take_token;
    ask.context = answer;
    if (ask.max_new_tokens == 0) {
        response_ended(&run->response, answer->index, FINISH_LENGTH, 0);
        run->n_ended++;
        return;
    }
    answer->stream = decode_submit(r->decode, &ask, &err);
    if (!answer->stream) {
        api_error_take(&error, err.status == SFT_ENOMEM ? API_NO_MEMORY : API_INVALID, &err);
        run_fail(run, &error);
    }
}

/* So many of its answers go on, the first first, or begin; the others rest. */
static void use_places(struct run *run, size_t places)
{
    for (size_t i = 0; i < run->n_begun; i++)
        if (run->answers[i].stream) {
            stream_rest(run->answers[i].stream, places == 0);
            places -= places > 0;
        }
    while (places > 0 && !run->has_ended && run->n_begun < run->n_answers) {
        job_begin(run->job);
        begin_answer(run);
        places--;
    }
}

static void deal_places(struct runner *r)
{
    r->turns = mem_grow(r->turns, &r->turns_capacity, r->n_runs + 1, sizeof *r->turns);
    for (size_t i = 0; i < r->n_runs; i++) {
        const struct run *run = r->runs[i];
        r->turns[i].wanted = run->has_ended || run->is_behind ? 0 : run->n_answers - run->n_ended;
    }
    turns_deal(r->turns, r->n_runs, r->decode->options.max_streams);
    for (size_t i = 0; i < r->n_runs; i++)
        if (!r->runs[i]->has_ended)
            use_places(r->runs[i], r->turns[i].places);
}

/* ---- answers go on, and end ---- */

static void end_answer(struct run *run, struct answer_run *answer)
{
    struct metrics *m = &run->runner->http->metrics;
    const struct stream *s = answer->stream;
    response_ended(&run->response, answer->index, s->reason, s->n_cached);
    if (s->n_made > 1)
        histogram_add(&m->per_token, (s->ended - s->first_token) / (double)(s->n_made - 1));
    decode_close(run->runner->decode, answer->stream);
    answer->stream = NULL;
    run->n_ended++;
}

/* What the last step gave goes to its client. */
static void hand_out(struct run *run)
{
    struct runner *r = run->runner;
    struct api_error error;
    for (size_t i = 0; i < run->n_begun; i++)
        if (run->answers[i].stream && run->answers[i].stream->state == STREAM_DONE)
            end_answer(run, &run->answers[i]);
    response_error(&run->response, &error);
    if (error.status) {
        run_fail(run, &error);
        return;
    }
    response_write(&run->response, &r->out);
    run->has_sent |= r->out.len > 0;
    const bool is_done = response_is_done(&run->response);
    job_send(run->job, &r->out, is_done ? JOB_DONE : JOB_RUNNING);
    if (is_done) {
        histogram_add(&r->http->metrics.duration, clock_seconds() - run->job->received);
        run_end(run);
    }
}

/* Returns whether a request has come to its end: what it had is for those who wait. */
static bool hand_out_all(struct runner *r)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->n_runs; i++) {
        struct run *run = r->runs[i];
        if (!run->has_ended)
            hand_out(run);
        if (run->has_ended)
            run_free(run);
        else
            r->runs[kept++] = run;
    }
    const bool any = kept < r->n_runs;
    r->n_runs = kept;
    return any;
}

static void publish(struct runner *r)
{
    struct metrics *m = &r->http->metrics;
    const struct decode_counts *c = &r->decode->counts;
    uint64_t running = 0, behind = 0;
    for (size_t i = 0; i < r->n_runs; i++) {
        running += r->runs[i]->n_begun > 0;
        behind += r->runs[i]->is_behind;
    }
    m->running = running;
    m->behind = behind;
    m->prompt_tokens = c->prompt_tokens;
    m->cached_tokens = c->cached_tokens;
    m->made_tokens = c->made_tokens;
    m->pages_used = c->pages_used;
    m->pages_cached = c->pages_cached;
    m->pages_free = c->pages - c->pages_used - c->pages_cached;
}

/* ---- what happens outside ---- */

static void take_jobs(struct runner *r)
{
    for (struct job *job; (job = job_queue_pop(&r->http->queue));) {
        r->runs = mem_grow(r->runs, &r->runs_capacity, r->n_runs + 1, sizeof *r->runs);
        r->runs[r->n_runs++] = run_new(r, job);
    }
}

/* What polled[i + 1] says of run i's client: only where nobody else watches its connection. */
static int poll_clients(struct runner *r, short wake_events, double seconds)
{
    r->polled = mem_grow(r->polled, &r->polled_capacity, r->n_runs + 1, sizeof *r->polled);
    r->polled[0] = (struct pollfd){.fd = r->http->queue.wake_fd, .events = wake_events};
    for (size_t i = 0; i < r->n_runs; i++) /* poll(2) passes over descriptors below 0 */
        r->polled[i + 1] = (struct pollfd){.fd = job_look(r->runs[i]->job).is_watched ? r->runs[i]->job->fd : -1,
                                           .events = POLLRDHUP};
    return poll(r->polled, r->n_runs + 1, (int)(seconds * 1000));
}

/* At most so long. */
static void wait_for_news(struct runner *r, double seconds)
{
    if (poll_clients(r, POLLIN, seconds) > 0 && r->polled[0].revents)
        job_queue_slept(&r->http->queue);
}

/* Before anything is computed for them: which clients have left, and which are behind. */
static void look_at_clients(struct runner *r)
{
    if (poll_clients(r, 0, 0) > 0)
        for (size_t i = 0; i < r->n_runs; i++)
            if (r->polled[i + 1].revents & JOB_GONE)
                job_cancel(r->runs[i]->job);
    for (size_t i = 0; i < r->n_runs; i++) {
        const struct job_look look = job_look(r->runs[i]->job);
        r->runs[i]->is_behind = look.is_behind;
        if (!look.is_wanted)
            run_end(r->runs[i]);
    }
}

static void end_late_connections(struct runner *r)
{
    const double now = clock_seconds();
    if (now < r->looked + 1)
        return;
    connections_end_late(&r->http->connections);
    r->looked = now;
}

static void fail_all(struct runner *r)
{
    struct api_error error;
    api_error_set(&error, API_DRAINING, NULL, "the server is shutting down");
    for (size_t i = 0; i < r->n_runs; i++)
        if (!r->runs[i]->has_ended)
            run_fail(r->runs[i], &error);
}

/* From the signal on: false where all has been said, or time is over. What is left then is told so, and has a second to
 * be sent. */
static bool drain(struct runner *r, struct server *server, double *until)
{
    if (!r->http->drains) {
        server_drain(server);
        *until = clock_seconds() + r->options->drain_seconds;
        if (r->n_runs > 0)
            log_info("answering %zu more request%s, for at most %g s (a second signal ends at once)", r->n_runs,
                     r->n_runs == 1 ? "" : "s", r->options->drain_seconds);
    }
    if (clock_seconds() > *until)
        fail_all(r);
    return !server_is_quiet(server) && clock_seconds() < *until + 1;
}

static void runner_loop(struct runner *r, struct server *server)
{
    double until = 0;
    bool works = false;
    while (!*r->options->stop || drain(r, server, &until)) {
        if (!works)
            wait_for_news(r, *r->options->stop ? 0.1 : r->options->look_seconds);
        end_late_connections(r);
        take_jobs(r);
        look_at_clients(r);
        deal_places(r);
        works = decode_step(r->decode);
        works |= hand_out_all(r);
        publish(r);
    }
}

void runner_run(struct server *server, const struct runner_options *options)
{
    struct runner r = {.options = options, .http = &server->http, .decode = options->decode};
    runner_loop(&r, server);
    for (size_t i = 0; i < r.n_runs; i++) {
        if (!r.runs[i]->has_ended)
            job_cancel(r.runs[i]->job);
        run_free(r.runs[i]);
    }
    free(r.runs);
    free(r.turns);
    free(r.polled);
    strbuf_free(&r.out);
}
