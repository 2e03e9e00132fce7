#include "collect/synth/group.h"

#include "base/log.h"
#include "base/mem.h"
#include "collect/synth/row_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SHOWN_FAILURES = 5 };

uint64_t group_id(const struct run *run, const struct group *group)
{
    return group->is_topics ? run->n_groups : (uint64_t)(group - run->groups);
}

int64_t group_row(const struct group *group)
{
    return group->is_topics ? TOPICS_ROW : (int64_t)(group->first + group->at);
}

const char *group_name(const struct group *group, char name[GROUP_NAME_MAX])
{
    if (group->is_topics)
        snprintf(name, GROUP_NAME_MAX, "topics");
    else
        snprintf(name, GROUP_NAME_MAX, "row %" PRId64, group_row(group));
    return name;
}

static void forget_answers(struct group *group)
{
    while (group->n_answers)
        journal_answer_free(&group->answers[--group->n_answers]);
}

/* It takes the answer over. */
static void add_answer(struct group *group, struct journal_answer *answer)
{
    const size_t n = group->n_answers++;
    group->answers = mem_grow(group->answers, &group->capacity, n + 1, sizeof *group->answers);
    group->views = mem_grow(group->views, &group->views_capacity, n + 1, sizeof *group->views);
    group->answers[n] = *answer;
    group->views[n] = (struct prompt_answer){answer->text, answer->len, answer->is_cut};
    *answer = (struct journal_answer){0};
}

void group_free(struct group *group)
{
    forget_answers(group);
    free(group->answers);
    free(group->views);
    free(group->shared);
    arena_free(&group->arena);
    *group = (struct group){0};
}

/* ---- a row is done ---- */

static enum sft_status write_row(struct run *run, const struct strbuf *line, const char *reason, uint64_t row,
                                 struct sft_err *err)
{
    const int file = reason ? REJECTED_FILE : KEPT_FILE;
    if (row_files_add(&run->files, file, line->data, line->len, err))
        return err->status;
    return journal_done(run->journal, row, reason, err);
}

static const char *last_model(const struct group *group, const struct recipe *recipe)
{
    for (size_t i = group->n_answers; i-- > 0;)
        if (group->answers[i].model)
            return group->answers[i].model;
    return recipe->endpoint.model && *recipe->endpoint.model ? recipe->endpoint.model : NULL;
}

static struct filter_verdict check_row(struct run *run, const struct group *group, const struct prompt_next *next)
{
    const bool is_cut = group->n_answers && group->answers[group->n_answers - 1].is_cut;
    struct filter_verdict verdict = {.reason = is_cut ? FILTER_CUT_OFF : FILTER_MALFORMED};
    const struct filter_row row = {.conv = &next->conv,
                                   .rejected = next->rejected,
                                   .rejected_len = next->rejected_len,
                                   .due = group->row.kind == KIND_REFUSAL ? DUE_REFUSAL : DUE_ANSWER,
                                   .is_cut = next->is_cut,
                                   .may_say_it_is_ai = group->row.persona->may_say_it_is_ai};
    if (next->how == NEXT_COMPLETE)
        filter_check(&run->filter, &row, &verdict);
    return verdict;
}

/* Kept or rejected, it is written before anything else is done with it. */
static void end_row(struct run *run, struct group *group, const struct prompt_next *next, enum filter_reason why,
                    const char *detail)
{
    const char *reason = why == FILTER_KEPT ? NULL : filter_reason_name(why);
    const struct row_meta meta = {&group->row, run->hash, last_model(group, run->recipe), next->is_revised};
    struct strbuf line = {0};
    struct sft_err err;
    char name[GROUP_NAME_MAX];
    if (reason)
        row_line_rejected(&line, next, group->views, group->n_answers, &meta, reason, detail);
    else
        row_line_kept(&line, next, &meta);
    if (write_row(run, &line, reason, group->row.row, &err)) {
        run_fail(run, &err);
    } else {
        if (!reason)
            filter_add(&run->filter, &next->conv, group_name(group, name));
        run->is_done[group->row.row] = true;
        tally_row(run->tally, reason, true);
    }
    strbuf_free(&line);
}

static void judge_row(struct run *run, struct group *group, const struct prompt_next *next)
{
    const struct filter_verdict verdict = check_row(run, group, next);
    end_row(run, group, next, verdict.reason, next->how == NEXT_MALFORMED ? SFT_ERR_TEXT(&next->why) : verdict.text);
}

/* What look-alikes are made like is kept for them, whatever becomes of the refusal's row. */
static void keep_shared(struct group *group, const struct prompt_next *next)
{
    if (next->how != NEXT_COMPLETE || group->row.kind != KIND_REFUSAL)
        return;
    const struct message *shared = row_shared(next);
    if (!shared)
        return;
    group->shared = mem_strndup(shared->content, shared->len);
    group->shared_len = shared->len;
}

/* ---- from step to step ---- */

static enum next_how ask_next(const struct run *run, struct group *group, struct prompt_next *next)
{
    const size_t n = group->n_answers;
    const struct message shared = {.role = ROLE_USER, .content = group->shared, .len = group->shared_len};
    arena_reset(&group->arena);
    return group->is_topics ? topics_next(run->recipe, group->views, n, &group->arena, next)
                            : row_next(&run->plan, &group->row, group->shared ? &shared : NULL, group->views, n,
                                       &group->arena, next);
}

static bool is_row_done(const struct run *run, const struct group *group)
{
    return !group->is_topics && run->is_done[group->row.row];
}

/* The next answer from the journal, or a request for it; a row that is done, as it was refused, has none. True: there
 * is one, go on. */
static bool get_answer(struct run *run, struct group *group, const struct prompt_next *next)
{
    bool found;
    struct sft_err err;
    struct journal_answer answer;
    if (journal_find(run->journal, group_row(group), (uint32_t)group->n_answers, &answer, &found, &err)) {
        run_fail(run, &err);
        return false;
    }
    if (found) {
        add_answer(group, &answer);
        return true;
    }
    if (run->end == RUN_GOES_ON && !is_row_done(run, group)) {
        client_send(run->client, group_id(run, group), &next->request);
        group->state = GROUP_ASKS;
    }
    return false;
}

/* A row that is done already is gone through again only where others wait for what its user asks. */
static bool is_needed(const struct run *run, const struct group *group)
{
    if (!is_row_done(run, group))
        return true;
    bool is_waited_for = false;
    for (uint64_t i = group->at + 1; group->row.kind == KIND_REFUSAL && i < group->n; i++)
        is_waited_for |= !run->is_done[group->first + i];
    return is_waited_for;
}

/* The row that `at` stands at. False: all rows are done. */
static bool find_row(const struct run *run, struct group *group)
{
    for (; group->at < group->n; group->at++) {
        plan_row(&run->plan, group->first + group->at, &group->row);
        if (is_needed(run, group))
            return true;
    }
    return false;
}

/* As far as the answers go. False: it waits for one. */
static bool walk_row(struct run *run, struct group *group, struct prompt_next *next)
{
    while (ask_next(run, group, next) == NEXT_REQUEST)
        if (!get_answer(run, group, next))
            return is_row_done(run, group) && run->end != RUN_FAILED;
    return true;
}

/* On to the next row. */
static void leave_row(struct group *group)
{
    forget_answers(group);
    group->at++;
}

static void advance_rows(struct run *run, struct group *group)
{
    struct prompt_next next;
    while (run->end != RUN_FAILED && find_row(run, group)) {
        if (!walk_row(run, group, &next))
            return;
        keep_shared(group, &next);
        if (!is_row_done(run, group))
            judge_row(run, group, &next);
        leave_row(group);
    }
}

/* The topics outlive their group: the plan takes what the answers and the group's arena hold. */
static void advance_topics(struct run *run, struct group *group)
{
    struct prompt_next next;
    enum next_how how;
    while ((how = ask_next(run, group, &next)) == NEXT_REQUEST)
        if (!get_answer(run, group, &next))
            return;
    if (how == NEXT_MALFORMED) {
        sft_context(&next.why, "topics");
        sft_remark(&next.why, "; or remove %s.journal, which has what it said, to ask again", run->out);
        run_fail(run, &next.why);
        return;
    }
    plan_init(&run->plan, run->recipe, &next.topics);
}

static void advance(struct run *run, struct group *group)
{
    group->state = GROUP_IDLE;
    if (group->is_topics) {
        advance_topics(run, group);
        return;
    }
    advance_rows(run, group);
    if (group->state == GROUP_IDLE)
        group_free(group);
}

void group_begin(struct run *run, struct group *group, uint64_t first, uint64_t n)
{
    group->first = first;
    group->n = n;
    group->at = 0;
    advance(run, group);
}

void group_begin_topics(struct run *run, struct group *group)
{
    group->is_topics = true;
    advance(run, group);
}

void group_answered(struct run *run, struct group *group, struct journal_answer *answer)
{
    add_answer(group, answer);
    advance(run, group);
}

void group_retry(struct run *run, struct group *group)
{
    advance(run, group);
}

/* ---- a row without answers ---- */

void group_refused(struct run *run, struct group *group, const struct sft_err *err)
{
    struct prompt_next next;
    ask_next(run, group, &next);
    end_row(run, group, &next, FILTER_ENDPOINT_REFUSES, SFT_ERR_TEXT(err));
    leave_row(group);
    advance(run, group);
}

static void tell_failure(const struct run *run, const struct group *group, const struct sft_err *err)
{
    char name[GROUP_NAME_MAX];
    if (run->tally->failed < SHOWN_FAILURES)
        log_warning("%s: %s", group_name(group, name), SFT_ERR_TEXT(err));
    else if (run->tally->failed == SHOWN_FAILURES)
        log_warning("more rows have failed; they are only counted");
}

void group_failed(struct run *run, struct group *group, const struct sft_err *err)
{
    if (group->is_topics) { /* without them there are no rows */
        struct sft_err placed = *err;
        sft_context(&placed, "topics");
        run_fail(run, &placed);
        return;
    }
    tell_failure(run, group, err);
    const bool others_wait = group->row.kind == KIND_REFUSAL;
    for (uint64_t i = group->at; i < (others_wait ? group->n : group->at + 1); i++)
        run->tally->failed += !run->is_done[group->first + i];
    forget_answers(group);
    group->at = others_wait ? group->n : group->at + 1;
    advance(run, group);
}
