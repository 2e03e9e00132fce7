#include "collect/synth/synth_open.h"

#include "base/io.h"
#include "base/log.h"
#include "base/mem.h"
#include "collect/synth/group.h"
#include "collect/synth/prompt_text.h"
#include "data/readers/reader.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what of the files is there ---- */

static bool has_bytes(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && st.st_size > 0;
}

/* A file that no run has begun is nobody's to go on with. */
static enum sft_status check_is_ours(const char *out, const char *rejected, const char *journal, struct sft_err *err)
{
    struct stat st;
    if (stat(out, &st) == 0 && S_ISDIR(st.st_mode))
        return sft_fail(err, SFT_EUSAGE, "--out %s: is a directory (name a file, such as %s/rows.jsonl)", out, out);
    char *dir = path_dirname(out);
    const bool has_place = path_is_dir(dir);
    if (!has_place)
        sft_fail(err, SFT_EUSAGE, "--out %s: there is no directory %s (mkdir -p %s)", out, dir, dir);
    free(dir);
    if (!has_place)
        return SFT_EUSAGE;
    if (stat(out, &st) == 0 && !S_ISREG(st.st_mode))
        return sft_fail(err, SFT_EUSAGE, "%s: no file, which a run could go on with", out);
    const char *found = has_bytes(out) ? out : rejected;
    if (has_bytes(journal) || !has_bytes(found))
        return SFT_OK;
    return sft_fail(err, SFT_EUSAGE,
                    "%s: is there already, but no journal of a run that could go on (give another --out, or move it "
                    "away)",
                    found);
}

static void note_any(void *user, uint64_t row, const char *reason)
{
    (void)row;
    (void)reason;
    *(bool *)user = true;
}

/* FILE.jsonl was removed, its journal not: the rows are made anew of what was answered, and paid for. */
static enum sft_status make_again(struct run *run, const char *rejected, struct sft_err *err)
{
    bool has_rows = false;
    journal_each_done(run->journal, note_any, &has_rows);
    if (!has_rows || path_exists(run->out))
        return SFT_OK;
    log_notice(
        2,
        "%s is gone: its rows are made again of the answers in its journal, which are not asked for twice (remove "
        "%s.journal too to have others)",
        run->out, run->out);
    if (unlink(rejected) != 0 && path_exists(rejected))
        return sft_fail_errno(err, "%s: cannot remove", rejected);
    return journal_again(run->journal, err);
}

/* ---- rows that are there ---- */

static void note_done(void *user, uint64_t row, const char *reason)
{
    struct run *run = user;
    if (row >= run->recipe->recipe.count)
        run->tally->beyond++;
    else
        run->is_done[row] = true;
    tally_row(run->tally, reason, false);
}

/* The number of a row that this recipe has made, or `count` where it is none. */
static uint64_t number_of(const struct run *run, const json *row)
{
    const json *meta = json_get(row, "meta");
    const char *recipe = json_string(json_get(meta, "recipe"));
    const double number = json_number(json_get(meta, "row"));
    const uint64_t count = run->recipe->recipe.count;
    return recipe && strcmp(recipe, run->hash) == 0 && number >= 0 && number < (double)count ? (uint64_t)number : count;
}

/* The run that wrote it died before it could say so. */
static enum sft_status note_written(struct run *run, uint64_t number, const json *row, int file, struct sft_err *err)
{
    const char *reason = json_string(json_get(row, "reason"));
    if (number >= run->recipe->recipe.count || run->is_done[number])
        return SFT_OK;
    if (file == KEPT_FILE)
        reason = NULL;
    else if (!reason)
        return SFT_OK;
    run->is_done[number] = true;
    tally_row(run->tally, reason, false);
    return journal_done(run->journal, number, reason, err);
}

/* What later rows are compared with: all that is in FILE.jsonl now, whoever wrote it. */
static enum sft_status visit_row(void *user, int file, size_t line, const json *row, struct sft_err *err)
{
    struct run *run = user;
    struct conversation conv;
    char name[48];
    if (!row) {
        log_warning("%s:%zu: no JSON; it is left as it is", run->files.files[file].path, line);
        return SFT_OK;
    }
    const uint64_t number = number_of(run, row);
    if (file == KEPT_FILE) {
        arena_reset(&run->arena);
        if (number < run->recipe->recipe.count)
            snprintf(name, sizeof name, "row %" PRIu64, number);
        else
            snprintf(name, sizeof name, "line %zu", line);
        if (!reader_read_any(row, &run->arena, &conv, NULL))
            filter_add(&run->filter, &conv, name);
    }
    return note_written(run, number, row, file, err);
}

/* ---- in order ---- */

static enum sft_status open_journal(struct run *run, const char *path, struct sft_err *err)
{
    struct strbuf keys = {0};
    bool is_new;
    recipe_hash(run->recipe, run->hash);
    recipe_keys(run->recipe, &keys);
    const struct journal_head head = {run->hash, keys.data};
    const enum sft_status status = journal_open(&run->journal, path, &head, &is_new, err);
    strbuf_free(&keys);
    return status;
}

static void add_shot(void *user, const char *text)
{
    filter_add_shot(user, text);
}

static enum sft_status open_filter(struct run *run, struct sft_err *err)
{
    const struct recipe *r = run->recipe;
    const struct filter_options options = {.min_chars = (size_t)r->filter.min_chars,
                                           .max_chars = (size_t)r->filter.max_chars,
                                           .near_duplicate = r->filter.near_duplicate,
                                           .examples = r->recipe.examples,
                                           .eval = r->filter.eval,
                                           .stop = run->stop};
    const enum sft_status status = filter_open(&run->filter, &options, err);
    if (!status)
        prompt_shots(add_shot, &run->filter);
    if (!status || status == SFT_EINTERRUPTED)
        return status;
    recipe_place(run->recipe, "eval", err); /* the examples have been read already */
    return err->status = SFT_EUSAGE;
}

/* What was spent by runs before this one. */
static void begin_budget(struct run *run)
{
    const struct recipe *r = run->recipe;
    const struct journal_totals totals = journal_totals(run->journal);
    struct prompt_estimate estimate;
    prompts_estimate(r, &estimate);
    const double requests = estimate.requests > 0 ? estimate.requests : 1;
    run->tally->budget = (struct budget){.options = {.max_requests = r->budget.max_requests,
                                                     .max_tokens_total = r->budget.max_tokens_total,
                                                     .max_cost = r->budget.max_cost,
                                                     .price_prompt = r->budget.price_prompt,
                                                     .price_completion = r->budget.price_completion,
                                                     .guess_prompt = estimate.prompt_tokens / requests,
                                                     .guess_completion = estimate.completion_tokens / requests},
                                         .requests = totals.sent,
                                         .answers = totals.answers,
                                         .lost = totals.lost,
                                         .prompt_tokens = totals.prompt_tokens,
                                         .completion_tokens = totals.completion_tokens};
    run->tally->before = run->tally->budget;
    run->row_needs = ceil(requests / (double)r->recipe.count);
    run->tally->count = r->recipe.count;
}

static void say_where(const struct run *run)
{
    const struct tally *t = run->tally;
    if (t->before.answers)
        log_info("goes on: %" PRIu64 " of %" PRIu64 " rows are done, %" PRIu64
                 " kept; answers that are there: %" PRIu64,
                 tally_done(t), t->count, t->kept.all, t->before.answers);
}

static enum sft_status open_files(struct run *run, const char *rejected, struct sft_err *err)
{
    if (make_again(run, rejected, err))
        return err->status;
    run->is_done = mem_calloc((size_t)run->recipe->recipe.count, sizeof *run->is_done);
    journal_each_done(run->journal, note_done, run);
    return row_files_open(&run->files, run->out, visit_row, run, err);
}

enum sft_status synth_open(struct run *run, struct sft_err *err)
{
    char *rejected = row_files_rejected_path(run->out), *journal = row_files_journal_path(run->out);
    enum sft_status status = check_is_ours(run->out, rejected, journal, err);
    if (!status)
        status = open_filter(run, err); /* it may find files wrong: before any of ours is begun */
    if (!status)
        status = open_journal(run, journal, err);
    if (!status)
        begin_budget(run);
    if (!status)
        status = open_files(run, rejected, err);
    if (!status)
        say_where(run);
    free(rejected);
    free(journal);
    return status;
}

/* A start that failed, of which nothing is worth going on with, leaves no files. */
static void remove_traces(struct run *run)
{
    const struct budget *budget = &run->tally->budget;
    if (run->end != RUN_FAILED || !run->journal || budget->answers || budget->lost || budget->in_flight)
        return;
    row_files_remove_new(&run->files);
    journal_remove_new(run->journal);
}

void synth_close(struct run *run)
{
    remove_traces(run);
    for (size_t i = 0; i < run->n_groups; i++)
        group_free(&run->groups[i]);
    group_free(&run->topics);
    free(run->groups);
    row_files_close(&run->files);
    filter_close(&run->filter);
    journal_close(run->journal);
    arena_free(&run->arena);
    free(run->is_done);
}
