/* The loop: groups are given rows, requests are sent, replies are noted and passed on. */
#include "collect/synth/synth.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "collect/synth/endpoint_url.h"
#include "collect/synth/group.h"
#include "collect/synth/synth_open.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static const double WAIT_SECONDS = 0.25; /* between two looks at the live line */
enum { SHOWN_RETRIES = 3, MORE_FAILURES = 4, LONG_WAIT_S = 61 /* our own are of a minute at most */ };

static struct group *group_of(struct run *run, uint64_t id)
{
    return id < run->n_groups ? &run->groups[id] : &run->topics;
}

/* ---- what the client asks ---- */

/* The budget's answer. One that is taken up only by what is in flight may have room afterwards. */
static bool may_send(struct run *run, bool is_retry)
{
    const struct budget *budget = &run->tally->budget;
    const enum budget_limit limit = budget_ask(budget, is_retry);
    if (limit && (limit == BUDGET_REQUESTS || budget->in_flight == is_retry)) {
        run->tally->ended = limit;
        run_end(run, RUN_OUT_OF_BUDGET);
    }
    return !limit;
}

/* Before the first request: rows of which the journal has all answers have been made by then. */
static void say_asking(struct run *run)
{
    const struct recipe *r = run->recipe;
    const uint64_t open = tally_open(run->tally);
    struct endpoint_url url; /* without a query, which may hold a key */
    if (run->has_told_asking || endpoint_url_read(&url, r->endpoint.url, NULL))
        return;
    run->has_told_asking = true;
    log_info("asking %s at %s for %" PRIu64 " row%s, %" PRIu64 " at a time",
             *r->endpoint.model ? r->endpoint.model : "the model", url.base, open, open == 1 ? "" : "s",
             r->endpoint.concurrency);
    endpoint_url_free(&url);
}

static bool before_attempt(void *user, uint64_t id, size_t attempt)
{
    struct run *run = user;
    const struct group *group = group_of(run, id);
    struct sft_err err;
    if (run->end != RUN_GOES_ON || !may_send(run, attempt > 0))
        return false;
    say_asking(run);
    if (journal_sent(run->journal, group_row(group), (uint32_t)group->n_answers, attempt, &err)) {
        run_fail(run, &err);
        return false;
    }
    budget_sent(&run->tally->budget, attempt > 0);
    return true;
}

/* A wait that somebody would wonder about is told of, but not for each of those who wait alike; the client tells of one
 * that holds back all. */
static bool tells_wait(struct run *run, double wait_s)
{
    const double until = clock_seconds() + wait_s;
    if (wait_s < LONG_WAIT_S || client_holds(run->client) >= LONG_WAIT_S || until < run->told_until + LONG_WAIT_S)
        return false;
    run->told_until = until;
    return true;
}

static void after_failure(void *user, uint64_t id, bool is_lost, const struct sft_err *err, double wait_s)
{
    struct run *run = user;
    char name[GROUP_NAME_MAX], wait[32];
    const uint64_t n = run->tally->retries++;
    run->tally->budget.lost += is_lost; /* at once: the next attempt may be too much */
    group_of(run, id)->n_lost += is_lost;
    if (tells_wait(run, wait_s))
        log_warning("%s: %s; again in %s", group_name(group_of(run, id), name), SFT_ERR_TEXT(err),
                    log_duration(wait, wait_s));
    else if (n < SHOWN_RETRIES)
        log_info("%s: %s; again in %.*fs", group_name(group_of(run, id), name), SFT_ERR_TEXT(err), wait_s < 10, wait_s);
    else if (n == SHOWN_RETRIES)
        log_info("more attempts have failed and are made again; they are only counted");
}

/* ---- replies ---- */

static struct journal_answer answer_of(struct run *run, struct reply *reply)
{
    struct completion *c = &reply->completion;
    const struct token_usage usage = budget_usage(c->has_usage, c->prompt_tokens, c->completion_tokens,
                                                  reply->prompt_bytes, c->len);
    if (usage.is_estimate && !run->has_told_estimate) {
        run->has_told_estimate = true;
        log_notice(2, "the endpoint does not say how many tokens a request had, or not what can be true: they are "
                      "estimated, one for 4 bytes");
    }
    const struct journal_answer answer = {.text = c->text,
                                          .len = c->len,
                                          .is_cut = c->is_cut,
                                          .model = c->model,
                                          .prompt_tokens = usage.prompt_tokens,
                                          .completion_tokens = usage.completion_tokens};
    c->text = c->model = NULL; /* they are the answer's now */
    return answer;
}

/* Of a reply's lost attempts those that the budget does not know of. */
static uint64_t newly_lost(struct group *group, const struct reply *reply)
{
    const uint64_t known = group->n_lost;
    group->n_lost = 0;
    return reply->n_lost - known;
}

static void on_answer(struct run *run, struct group *group, struct reply *reply)
{
    struct sft_err err;
    struct journal_answer answer = answer_of(run, reply);
    budget_answered(&run->tally->budget, answer.prompt_tokens, answer.completion_tokens, newly_lost(group, reply));
    run->n_failed_in_a_row = 0;
    if (journal_answered(run->journal, group_row(group), (uint32_t)group->n_answers, &answer, reply->n_lost, &err))
        run_fail(run, &err);
    else
        group_answered(run, group, &answer);
    journal_answer_free(&answer);
}

/* An endpoint of which nothing comes any more: the rows that are left would fail one by one. What one refuses that has
 * answered in this run is about single rows. (In an earlier run: it may be another one now.) */
static void note_failure(struct run *run, const struct reply *reply)
{
    struct sft_err err = reply->err;
    if (reply->how != REPLY_REFUSED || run->tally->budget.answers == run->tally->before.answers)
        run->n_failed_in_a_row++;
    if (reply->how == REPLY_FATAL) {
        run_fail(run, &err);
    } else if (run->n_failed_in_a_row >= run->n_groups + MORE_FAILURES) {
        sft_context(&err, "%zu requests have failed one after another, the last so", run->n_failed_in_a_row);
        run_fail(run, &err);
    }
}

static void on_failure(struct run *run, struct group *group, const struct reply *reply)
{
    struct sft_err err;
    if (reply->n_attempts) {
        budget_ended(&run->tally->budget, newly_lost(group, reply));
        if (journal_ended(run->journal, group_row(group), (uint32_t)group->n_answers, reply->n_lost, &err))
            run_fail(run, &err);
    }
    if (reply->how == REPLY_UNSENT) {
        group->state = GROUP_HELD;
        return;
    }
    note_failure(run, reply);
    if (reply->how == REPLY_FATAL)
        group->state = GROUP_HELD;
    else if (reply->how == REPLY_REFUSED && !group->is_topics && run->tally->budget.answers > 0)
        group_refused(run, group, &reply->err);
    else
        group_failed(run, group, &reply->err);
}

static void on_reply(struct run *run, struct reply *reply)
{
    struct group *group = group_of(run, reply->id);
    run->may_retry |= reply->how != REPLY_UNSENT || reply->n_attempts;
    if (reply->how == REPLY_OK)
        on_answer(run, group, reply);
    else
        on_failure(run, group, reply);
}

/* ---- the loop ---- */

static void look_for_signal(struct run *run)
{
    if (!run->stop || !*run->stop || run->tally->was_stopped)
        return;
    run_end(run, RUN_INTERRUPTED);
    run->tally->was_stopped = true;
    const size_t n = client_in_flight(run->client);
    if (n)
        log_info("stopping: %zu answer%s on the way, which %s waited for (Ctrl-C again leaves %s)", n,
                 n == 1 ? " is" : "s are", n == 1 ? "is" : "are", n == 1 ? "it" : "them");
}

/* Those that were held back are asked for again when something has ended: there may be room in the budget now. */
static void retry_held(struct run *run)
{
    if (!run->may_retry && client_pending(run->client))
        return;
    run->may_retry = false;
    for (uint64_t i = 0; i <= run->n_groups; i++)
        if (group_of(run, i)->state == GROUP_HELD && run->end == RUN_GOES_ON)
            group_retry(run, group_of(run, i));
}

static bool are_done(const struct run *run, uint64_t first, uint64_t n)
{
    uint64_t i = 0;
    while (i < n && run->is_done[first + i])
        i++;
    return i == n;
}

/* Whether a budget's end is so near that what is left of it is needed for rows that are begun. */
static bool must_finish_first(const struct run *run)
{
    double needed = 0;
    for (size_t i = 0; i < run->n_groups; i++)
        if (run->groups[i].state != GROUP_IDLE)
            needed += fmax(1, run->row_needs - (double)run->groups[i].n_answers);
    return needed > 0 && budget_left(&run->tally->budget) < needed + run->row_needs;
}

/* Rows for those that have none. Where the journal has all answers, a group is idle again at once. */
static void give_rows(struct run *run)
{
    for (size_t i = 0; i < run->n_groups; i++) {
        struct group *group = &run->groups[i];
        while (group->state == GROUP_IDLE && run->end == RUN_GOES_ON && run->next_row < run->recipe->recipe.count &&
               !must_finish_first(run)) {
            uint64_t first, n;
            plan_group(&run->plan, run->next_row, &first, &n);
            const uint64_t left = run->recipe->recipe.count - first, made = n < left ? n : left;
            run->next_row = first + n;
            if (are_done(run, first, made)) /* planning them takes its time */
                continue;
            group_begin(run, group, first, made);
            look_for_signal(run);
            tally_progress(run->tally, NULL, 0);
        }
    }
}

/* A reply, or a moment of waiting. */
static void take_reply(struct run *run)
{
    struct reply reply;
    const struct sft_err *why;
    double wait_s = 0;
    if (run->end != RUN_GOES_ON)
        client_stop(run->client);
    if (client_wait(run->client, WAIT_SECONDS, &reply)) {
        on_reply(run, &reply);
        reply_free(&reply);
    }
    look_for_signal(run);
    why = client_waits(run->client, &wait_s);
    tally_progress(run->tally, why, wait_s);
}

static void ask_topics(struct run *run)
{
    if (!topics_are_asked(run->recipe)) {
        plan_init(&run->plan, run->recipe, NULL);
        return;
    }
    group_begin_topics(run, &run->topics);
    while (retry_held(run), client_pending(run->client))
        take_reply(run);
}

static void make_rows(struct run *run)
{
    while (retry_held(run), give_rows(run), client_pending(run->client))
        take_reply(run);
}

static enum sft_status outcome(const struct run *run, struct sft_err *err)
{
    if (run->end == RUN_FAILED) {
        *err = run->err;
        return err->status;
    }
    if (run->end == RUN_INTERRUPTED)
        return sft_fail(err, SFT_EINTERRUPTED, "stopped: what was answered is kept; run it again to go on");
    return SFT_OK;
}

static enum sft_status open_client(struct run *run, struct sft_err *err)
{
    const struct recipe *r = run->recipe;
    const struct client_options options = {.url = r->endpoint.url,
                                           .api_key = run->api_key,
                                           .concurrency = run->n_groups,
                                           .requests_per_minute = r->endpoint.requests_per_minute,
                                           .timeout_s = r->endpoint.timeout_s,
                                           .max_retries = r->endpoint.max_retries,
                                           .backoff_s = r->endpoint.backoff_s,
                                           .seed = r->recipe.seed,
                                           .before = before_attempt,
                                           .retry = after_failure,
                                           .user = run,
                                           .signals = run->stop};
    return client_open(&run->client, &options, err);
}

enum sft_status synth_run(const struct synth_options *options, struct tally *tally, struct sft_err *err)
{
    struct run run = {.recipe = options->recipe,
                      .out = options->out,
                      .api_key = options->api_key,
                      .stop = options->stop,
                      .tally = tally};
    tally->began = tally->said = clock_seconds();
    run.n_groups = (size_t)options->recipe->endpoint.concurrency;
    run.groups = mem_calloc(run.n_groups, sizeof *run.groups);
    enum sft_status status = open_client(&run, err);
    if (!status)
        status = synth_open(&run, err);
    if (!status) {
        look_for_signal(&run);
        ask_topics(&run);
        if (run.end == RUN_GOES_ON)
            make_rows(&run);
        log_progress("%s", "");
        status = outcome(&run, err);
    }
    tally->seconds = clock_seconds() - tally->began;
    client_close(run.client);
    synth_close(&run);
    return status;
}
