#include "report/report_warnings.h"

#include "report/report_keys.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const double many = 5; /* percent */

/* What the checks look at, and where they write. */
struct finder {
    const struct report *report;
    struct report_warnings found;
};

static void warn(struct finder *w, const char *fmt, ...) SFT_PRINTF(2, 3);
static void warn(struct finder *w, const char *fmt, ...)
{
    char *text = NULL;
    va_list ap;
    va_start(ap, fmt);
    const int len = vasprintf(&text, fmt, ap);
    va_end(ap);
    if (len < 0)
        SFT_BUG("a warning that cannot be formatted");
    w->found.items = mem_realloc(w->found.items, w->found.count + 1, sizeof *w->found.items);
    w->found.items[w->found.count++] = text;
}

/* "WHAT: 3 of 40 conversations (7.5%), first FILE:LINE (REMEDY)"; a remedy may be NULL. */
static void warn_of(struct finder *w, const char *what, uint64_t part, uint64_t whole, const char *unit,
                    const struct dataset_file *file, uint64_t line, const char *remedy)
{
    warn(w, "%s: %llu of %llu %s (%.1f%%), first %s:%llu%s%s%s", what, (unsigned long long)part,
                (unsigned long long)whole, unit, report_percent(part, whole), file->path,
                (unsigned long long)line, remedy ? " (" : "", remedy ? remedy : "", remedy ? ")" : "");
}

/* ---- of a file ---- */

static void check_use(struct finder *w, const struct report_file *f)
{
    const struct dataset_file *file = f->file;
    const char *use = f->is_eval ? "evaluated" : "trained on";
    if (file->store.counts.conversations == 0)
        warn(w, "nothing in %s is %s: all its rows are left out", file->path, use);
    else if (file->n_examples == 0)
        warn(w,
                    "nothing in %s is %s: its conversations are duplicates, or the sample is too small",
                    file->path, use);
}

static void check_bad_rows(struct finder *w, const struct report_file *f)
{
    if (f->unread_bytes)
        warn(w,
                    "%s:%llu: the file is broken here, and %llu bytes after it are not read (mend it)",
                    f->file->path, (unsigned long long)f->unread_line, (unsigned long long)f->unread_bytes);
    const uint64_t bad = f->file->store.counts.dropped[DROP_BAD_ROW], rows = f->file->store.counts.rows;
    const uint64_t line = f->first_dropped[DROP_BAD_ROW];
    if (bad && w->report->of.settings->data.on_bad_row == ON_BAD_ROW_ERROR)
        warn_of(w, "training will stop at bad rows", bad, rows, "rows", f->file, line,
                "mend them, or on_bad_row = skip");
    else if (report_percent(bad, rows) > many)
        warn_of(w, "bad rows, left out", bad, rows, "rows", f->file, line, NULL);
}

/* Whether only another model would take longer conversations. */
static bool is_model_limit(const struct report_of *of)
{
    const size_t n_positions = of->base->config.n_positions;
    return n_positions && of->settings->data.max_length >= n_positions;
}

static void check_cut(struct finder *w, const struct report_file *f)
{
    const char *remedy = is_model_limit(&w->report->of) ? "overlong = drop leaves them out"
                                                     : "raise max_length, or overlong = drop";
    const uint64_t replies = report_file_flagged(f, RECORD_REPLY_CUT);
    char what[128];
    snprintf(what, sizeof what, "cut to the length limit, %llu with a reply cut before its end token",
             (unsigned long long)replies);
    if (report_percent(f->truncated, f->rendered) > many)
        warn_of(w, replies ? what : "cut to the length limit", f->truncated, f->rendered,
                report_unit(f->rendered, f->pairs), f->file, report_file_first_flagged(f, RECORD_TRUNCATED), remedy);
    else if (replies)
        warn_of(w, "a reply cut before its end token", replies, f->rendered,
                report_unit(f->rendered, f->pairs), f->file,
                report_file_first_flagged(f, RECORD_REPLY_CUT), remedy);
}

static void check_overlong(struct finder *w, const struct report_file *f)
{
    const bool is_fixed = is_model_limit(&w->report->of);
    const uint64_t n = f->file->store.counts.dropped[DROP_OVERLONG], line = f->first_dropped[DROP_OVERLONG];
    if (n && w->report->of.settings->data.overlong == OVERLONG_ERROR)
        warn_of(w, "training will stop at rows over the length limit", n, f->rendered,
                report_unit(f->rendered, f->pairs), f->file, line,
                is_fixed ? "overlong = truncate or drop" : "raise max_length, or overlong = drop");
    else if (report_percent(n, f->rendered) > many)
        warn_of(w, "over the length limit, left out", n, f->rendered,
                report_unit(f->rendered, f->pairs), f->file, line,
                is_fixed ? "overlong = truncate cuts them" : "raise max_length, or overlong = truncate");
}

static void check_left_out(struct finder *w, const struct report_file *f)
{
    static const struct {
        enum drop why;
        const char *what;
    } reasons[] = {{DROP_NO_ASSISTANT, "no assistant turn, left out"},
                   {DROP_NOTHING_LEFT, "nothing left to train, left out"},
                   {DROP_SAME_ANSWERS, "chosen and rejected are the same, left out"}};
    const struct store_counts *c = &f->file->store.counts;
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        const uint64_t n = c->dropped[reasons[i].why];
        if (c->conversations > 0 && report_percent(n, f->rendered) > many)
            warn_of(w, reasons[i].what, n, f->rendered, report_unit(f->rendered, f->pairs), f->file,
                    f->first_dropped[reasons[i].why], NULL);
    }
}

static void check_turns(struct finder *w, const struct report_file *f)
{
    static const struct {
        enum record_flag flag;
        const char *what, *remedy;
    } surprises[] = {
        {RECORD_EMPTY_SYSTEM, "an empty system turn", "system_policy = replace or drop"},
        {RECORD_SAME_ROLE, "two turns of one role in a row", "sft inspect --source shows them"},
    };
    for (size_t i = 0; i < sizeof surprises / sizeof *surprises; i++) {
        const struct store_counts *c = &f->file->store.counts;
        const uint64_t n = report_file_flagged(f, surprises[i].flag);
        if (n)
            warn_of(w, surprises[i].what, n, c->conversations, report_unit(c->conversations, c->pairs), f->file,
                    report_file_first_flagged(f, surprises[i].flag), surprises[i].remedy);
    }
}

static void check_duplicates(struct finder *w, const struct report_file *f)
{
    const uint64_t n = f->file->duplicates, all = f->file->store.counts.conversations;
    if (w->report->of.settings->data.dedupe == DEDUPE_NONE && report_percent(n, all) > many)
        warn_of(w, "duplicates", n, all, report_unit(all, f->file->store.counts.pairs), f->file, f->first_duplicate,
                "dedupe = exact leaves them out");
}

static void check_keys(struct finder *w, const struct report_file *f)
{
    const bool trains_all = w->report->of.settings->data.train_on == TRAIN_ON_ALL;
    const struct {
        report_keys_fn *kind;
        const char *what, *remedy;
    } kinds[] = {
        {report_keys_flag, "training will stop at keys that speak of training, but not in words that are known",
         "weight, train, trainable, loss and masked are; [data] columns = KEY:train or KEY:masked says what one "
         "means, KEY:ignore passes it over"},
        {trains_all ? NULL : report_keys_refused,
         "turns that are not the assistant's are marked to be trained, and are not",
         "train_on = all trains every turn"},
        {report_keys_verdict, "answers that their row calls bad, and that are trained on as all others",
         "[data] columns = KEY:train leaves them out, KEY:ignore says that it means something else"},
        {report_keys_reasoning, "reasoning that is not shown to the model", NULL},
        {report_keys_unknown, "keys that nobody reads",
         "[data] columns = KEY:OURS says what one is, KEY:ignore that it is not needed"},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct strbuf list = {0};
        const struct key_count *first = NULL;
        if (kinds[i].kind && report_keys_list(&f->file->keys, kinds[i].kind, &list, &first))
            warn(w, "%s: %s, first %s:%llu%s%s%s", kinds[i].what, list.data, f->file->path,
                        (unsigned long long)first->line, kinds[i].remedy ? " (" : "",
                        kinds[i].remedy ? kinds[i].remedy : "",
                        kinds[i].remedy ? ")" : "");
        strbuf_free(&list);
    }
    if (f->file->keys.others)
        warn(w, "%s: more keys than are told apart (%d); %llu times a row had another",
                    f->file->path, KEYS_MAX, (unsigned long long)f->file->keys.others);
}

/* ---- of the run ---- */

static void check_overlap(struct finder *w)
{
    const struct train_data *data = w->report->of.data;
    const size_t all = data->eval.n_examples;
    if (all == 0 || data->train.n_examples == 0)
        return;
    const struct dataset_overlap o = dataset_overlap(&data->train, &data->eval);
    const struct dataset_file *files = data->eval.files;
    const char *remedy = "take them out of one of the two";
    const size_t n_pairs = data->eval.n_pairs;
    const char *unit = n_pairs == 0 ? "eval conversations" : n_pairs == all ? "eval pairs"
                                                                            : "eval pairs and conversations";
    if (o.same)
        warn_of(w, "evaluated and trained on", o.same, all, unit,
                &files[o.first_same.file], o.first_same.line, remedy);
    if (o.same_prompt)
        warn_of(w, "evaluated on a prompt that is trained on with another reply", o.same_prompt, all,
                unit, &files[o.first_same_prompt.file], o.first_same_prompt.line, remedy);
}

static void check_resources(struct finder *w)
{
    const struct report *report = w->report;
    const size_t available = mem_available(), needed = report->memory.total - report->memory.data;
    if (report->of.plan && needed > available)
        warn(w,
             "the run needs %.0f MB of memory and %.0f MB are available (lower micro_batch_tokens or max_length, or "
             "take a smaller model)",
             (double)needed / 1e6, (double)available / 1e6);
    if (report->has_disk && report->disk.needed > report->disk.free)
        warn(w,
             "the checkpoints need %.0f MB more in %s and %.0f MB are free (lower save_total_limit, or choose another "
             "output_dir)",
             (double)report->disk.needed / 1e6, report->of.output_dir, (double)report->disk.free / 1e6);
}

static void check_template(struct finder *w)
{
    const struct report_of *of = &w->report->of;
    const struct chat_template *tpl = &of->base->template;
    if (!tpl->name || tpl->end_is_trained || of->settings->data.train_on == TRAIN_ON_ALL)
        return;
    size_t len;
    warn(w,
         "the base's chat template ends its {%% generation %%} before %s, which ends an answer: the model does not "
         "learn to end one (move the token into the block)",
         tokenizer_token_bytes(of->base->tokenizer, tpl->end_of_turn, &len));
}

static void check_schedule(struct finder *w)
{
    const struct settings *s = w->report->of.settings;
    if (s->train.lr_scheduler_type == LR_CONSTANT && s->train.warmup_steps > 0)
        warn(w, "lr_scheduler_type = constant has no warmup: warmup_steps is not used");
}

struct report_warnings report_warnings_find(const struct report *report)
{
    struct finder w = {.report = report};
    for (size_t i = 0; i < report->n_files; i++) {
        const struct report_file *f = &report->files[i];
        check_use(&w, f);
        check_bad_rows(&w, f);
        check_cut(&w, f);
        check_overlong(&w, f);
        check_left_out(&w, f);
        check_turns(&w, f);
        check_duplicates(&w, f);
        check_keys(&w, f);
    }
    check_overlap(&w);
    check_resources(&w);
    check_template(&w);
    check_schedule(&w);
    return w.found;
}

void report_warnings_free(struct report_warnings *warnings)
{
    for (size_t i = 0; i < warnings->count; i++)
        free(warnings->items[i]);
    free(warnings->items);
    *warnings = (struct report_warnings){0};
}
