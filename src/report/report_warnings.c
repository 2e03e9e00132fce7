/* What would surprise: few warnings, each with the place where to look and the remedy. */
#include "report/report_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const double many = 5; /* percent */

void report_warn(struct report *report, const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;
    va_start(ap, fmt);
    const int len = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (len < 0)
        SFT_BUG("a warning that cannot be formatted");
    report->warnings = mem_realloc(report->warnings, report->n_warnings + 1, sizeof *report->warnings);
    report->warnings[report->n_warnings++] = text;
}

/* "WHAT: 3 of 40 conversations (7.5%), first FILE:LINE (REMEDY)"; a remedy may be NULL. */
static void warn_of(struct report *report, const char *what, uint64_t part, uint64_t whole, const char *unit,
                    const struct dataset_file *file, uint64_t line, const char *remedy)
{
    report_warn(report, "%s: %llu of %llu %s (%.1f%%), first %s:%llu%s%s%s", what, (unsigned long long)part,
                (unsigned long long)whole, unit, report_percent(part, whole), file->path,
                (unsigned long long)line, remedy ? " (" : "", remedy ? remedy : "", remedy ? ")" : "");
}

/* ---- of a file ---- */

static void check_use(struct report *report, const struct report_file *f)
{
    const struct dataset_file *file = f->file;
    const char *use = f->is_eval ? "evaluated" : "trained on";
    if (file->store.counts.conversations == 0)
        report_warn(report, "nothing in %s is %s: all its rows are left out", file->path, use);
    else if (file->n_examples == 0)
        report_warn(report,
                    "nothing in %s is %s: its conversations are duplicates, or the sample is too small",
                    file->path, use);
}

static void check_bad_rows(struct report *report, const struct report_file *f)
{
    if (f->unread_bytes)
        report_warn(report,
                    "%s:%llu: the file is broken here, and %llu bytes after it are not read (mend it)",
                    f->file->path, (unsigned long long)f->unread_line, (unsigned long long)f->unread_bytes);
    const uint64_t bad = f->file->store.counts.dropped[DROP_BAD_ROW], rows = f->file->store.counts.rows;
    const uint64_t line = f->first_dropped[DROP_BAD_ROW];
    if (bad && report->run->settings->data.on_bad_row == ON_BAD_ROW_ERROR)
        warn_of(report, "training will stop at bad rows", bad, rows, "rows", f->file, line,
                "mend them, or on_bad_row = skip");
    else if (report_percent(bad, rows) > many)
        warn_of(report, "bad rows, left out", bad, rows, "rows", f->file, line, NULL);
}

/* Whether only another model would take longer conversations. */
static bool is_model_limit(const struct run *run)
{
    return run->config.n_positions && run->settings->data.max_length >= run->config.n_positions;
}

static void check_cut(struct report *report, const struct report_file *f)
{
    const char *remedy = is_model_limit(report->run) ? "overlong = drop leaves them out"
                                                     : "raise max_length, or overlong = drop";
    const uint64_t replies = report_flagged(f, RECORD_REPLY_CUT);
    char what[128];
    snprintf(what, sizeof what, "cut to the length limit, %llu with a reply cut before its end token",
             (unsigned long long)replies);
    if (report_percent(f->truncated, f->rendered) > many)
        warn_of(report, replies ? what : "cut to the length limit", f->truncated, f->rendered,
                "conversations", f->file, f->first_flagged[report_flag_index(RECORD_TRUNCATED)], remedy);
    else if (replies)
        warn_of(report, "a reply cut before its end token", replies, f->rendered, "conversations", f->file,
                f->first_flagged[report_flag_index(RECORD_REPLY_CUT)], remedy);
}

static void check_overlong(struct report *report, const struct report_file *f)
{
    const bool is_fixed = is_model_limit(report->run);
    const uint64_t n = f->file->store.counts.dropped[DROP_OVERLONG], line = f->first_dropped[DROP_OVERLONG];
    if (n && report->run->settings->data.overlong == OVERLONG_ERROR)
        warn_of(report, "training will stop at rows over the length limit", n, f->rendered, "conversations",
                f->file, line,
                is_fixed ? "overlong = truncate or drop" : "raise max_length, or overlong = drop");
    else if (report_percent(n, f->rendered) > many)
        warn_of(report, "over the length limit, left out", n, f->rendered, "conversations", f->file, line,
                is_fixed ? "overlong = truncate cuts them" : "raise max_length, or overlong = truncate");
}

static void check_left_out(struct report *report, const struct report_file *f)
{
    static const struct {
        enum drop why;
        const char *what;
    } reasons[] = {{DROP_NO_ASSISTANT, "no assistant turn, left out"},
                   {DROP_NOTHING_LEFT, "nothing left to train, left out"}};
    const struct store_counts *c = &f->file->store.counts;
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        const uint64_t n = c->dropped[reasons[i].why];
        if (c->conversations > 0 && report_percent(n, f->rendered) > many)
            warn_of(report, reasons[i].what, n, f->rendered, "conversations", f->file,
                    f->first_dropped[reasons[i].why], NULL);
    }
}

static void check_turns(struct report *report, const struct report_file *f)
{
    static const struct {
        enum record_flag flag;
        const char *what, *remedy;
    } surprises[] = {
        {RECORD_EMPTY_SYSTEM, "an empty system turn", "system_policy = replace or drop"},
        {RECORD_SAME_ROLE, "two turns of one role in a row", "sft inspect --source shows them"},
    };
    for (size_t i = 0; i < sizeof surprises / sizeof *surprises; i++) {
        const uint64_t n = report_flagged(f, surprises[i].flag);
        if (n)
            warn_of(report, surprises[i].what, n, f->file->store.counts.conversations, "conversations",
                    f->file, f->first_flagged[report_flag_index(surprises[i].flag)], surprises[i].remedy);
    }
}

static void check_duplicates(struct report *report, const struct report_file *f)
{
    const uint64_t n = f->file->duplicates, all = f->file->store.counts.conversations;
    if (report->run->settings->data.dedupe == DEDUPE_NONE && report_percent(n, all) > many)
        warn_of(report, "duplicates", n, all, "conversations", f->file, f->first_duplicate,
                "dedupe = exact leaves them out");
}

/* ---- of the run ---- */

static void check_overlap(struct report *report)
{
    const struct run *run = report->run;
    const size_t all = run->eval.n_examples;
    if (all == 0 || run->train.n_examples == 0)
        return;
    const struct dataset_overlap o = dataset_overlap(&run->train, &run->eval);
    const struct dataset_file *files = run->eval.files;
    const char *remedy = "take them out of one of the two";
    if (o.same)
        warn_of(report, "evaluated and trained on", o.same, all, "eval conversations",
                &files[o.first_same.file], o.first_same.line, remedy);
    if (o.same_prompt)
        warn_of(report, "evaluated on a prompt that is trained on with another reply", o.same_prompt, all,
                "eval conversations", &files[o.first_same_prompt.file], o.first_same_prompt.line, remedy);
}

static void check_resources(struct report *report)
{
    const size_t available = mem_available(), needed = report->memory.total - report->memory.data;
    if (report->has_memory && needed > available)
        report_warn(report,
                    "the run needs %.0f MB of memory and %.0f MB are available (lower micro_batch_tokens or "
                    "max_length, or take a smaller model)",
                    (double)needed / 1e6, (double)available / 1e6);
    if (report->has_disk && report->disk.needed > report->disk.free)
        report_warn(
            report,
            "the checkpoints need %.0f MB more in %s and %.0f MB are free (lower save_total_limit, or choose "
            "another output_dir)",
            (double)report->disk.needed / 1e6, report->run->output_dir, (double)report->disk.free / 1e6);
}

void report_find_warnings(struct report *report)
{
    const struct settings *s = report->run->settings;
    for (size_t i = 0; i < report->n_files; i++) {
        const struct report_file *f = &report->files[i];
        check_use(report, f);
        check_bad_rows(report, f);
        check_cut(report, f);
        check_overlong(report, f);
        check_left_out(report, f);
        check_turns(report, f);
        check_duplicates(report, f);
        report_warn_of_keys(report, f);
    }
    check_overlap(report);
    check_resources(report);
    if (s->train.lr_scheduler_type == LR_CONSTANT && s->train.warmup_steps > 0)
        report_warn(report, "lr_scheduler_type = constant has no warmup: warmup_steps is not used");
}
