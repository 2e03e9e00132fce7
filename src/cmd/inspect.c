#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/pager.h"
#include "cmd/preview.h"
#include "config/settings.h"
#include "train/adapting.h"
#include "report/report_json.h"
#include "report/report_text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint64_t every_row = UINT64_MAX;

struct inspect {
    bool json, report, no_pager;
    const char *base, *source; /* source: FILE:LINE as the user gave it, or NULL */
    uint64_t limit, row;       /* row: the number of the only one that is wanted, or every_row */
    struct string_list words, overrides;

    const char *source_path; /* what `source` means: a path of the data's, and a line */
    uint64_t source_line;
    uint64_t found, shown; /* conversations that `source` lets through; those that were printed; a pair is one */
    bool shows_pair;       /* the pair was printed whose second record comes now */
    struct preview preview;
    struct pager pager;
    const volatile int *stop;
    enum sft_status status; /* of the walk */
    struct sft_err *err;
};

/* ---- what --source means ---- */

static bool ends_in(const char *path, const char *name)
{
    const size_t len = strlen(path), tail = strlen(name);
    return len > tail && path[len - tail - 1] == '/' && strcmp(path + len - tail, name) == 0;
}

/* The path among the data's that is `name`, else the only one that ends in it. */
static enum sft_status find_path(struct inspect *in, const struct train_data *data, const char *name,
                                 struct sft_err *err)
{
    const struct dataset *sets[] = {&data->train, &data->eval};
    const char *other = NULL;
    for (size_t s = 0; s < 2; s++) {
        for (size_t f = 0; f < sets[s]->n_files; f++) {
            const char *path = sets[s]->files[f].path;
            if (strcmp(path, name) == 0) {
                in->source_path = path;
                return SFT_OK;
            }
            if (!ends_in(path, name))
                continue;
            if (in->source_path && strcmp(in->source_path, path) != 0)
                other = path;
            else
                in->source_path = path;
        }
    }
    if (other)
        return sft_fail(err, SFT_EUSAGE, "--source: %s may be %s or %s", name, in->source_path, other);
    return in->source_path ? SFT_OK : sft_fail(err, SFT_EUSAGE, "--source: the data have no file %s", name);
}

/* Whether a row begins at the wanted line. */
static enum sft_status find_line(const struct inspect *in, const struct train_data *data, struct sft_err *err)
{
    const struct dataset *sets[] = {&data->train, &data->eval};
    uint64_t before = 0, rows = 0;
    for (size_t s = 0; s < 2; s++) {
        for (size_t f = 0; f < sets[s]->n_files; f++) {
            const struct dataset_file *file = &sets[s]->files[f];
            if (strcmp(file->path, in->source_path) != 0)
                continue;
            rows = file->store.counts.rows;
            for (size_t i = 0; i < file->store.n_records; i++) {
                const uint64_t line = file->store.records[i].line;
                if (line == in->source_line)
                    return SFT_OK;
                before = line < in->source_line ? line : before;
            }
        }
    }
    return sft_fail(
        err, SFT_EUSAGE,
        "--source: no row begins at %s:%llu (of its %llu rows the one before begins at line %llu)",
        in->source_path, (unsigned long long)in->source_line, (unsigned long long)rows,
        (unsigned long long)before);
}

static enum sft_status find_source(struct inspect *in, const struct train_data *data, struct sft_err *err)
{
    const char *colon = strrchr(in->source, ':');
    char *end = NULL;
    in->source_line = colon ? strtoull(colon + 1, &end, 10) : 0;
    if (!colon || colon == in->source || in->source_line == 0 || *end)
        return sft_fail(err, SFT_EUSAGE, "--source: expected FILE:LINE, found '%s'", in->source);
    char *name = path_tidy(mem_strndup(in->source, (size_t)(colon - in->source)));
    enum sft_status status = find_path(in, data, name, err);
    free(name);
    return status ? status : find_line(in, data, err);
}

/* ---- conversations ---- */

static bool is_wanted(struct inspect *in, const struct dataset_file *file, const struct record *r)
{
    if (r->flags & RECORD_REJECTED)
        return in->shows_pair;
    if (in->source && (r->line != in->source_line || strcmp(file->path, in->source_path) != 0))
        return false;
    in->found++;
    return in->row == every_row || in->found == in->row;
}

/* Whether everything that was asked for has been printed, or the reader has left. */
static bool is_done(const struct inspect *in)
{
    return ferror(stdout) || (in->limit && in->shown == in->limit) || (in->row != every_row && in->shown > 0);
}

static bool print_record(void *context, struct dataset_file *file, const struct record *r,
                         const char *dropped)
{
    struct inspect *in = context;
    const bool is_wanted_now = is_wanted(in, file, r), is_first = r->flags & RECORD_PAIR;
    in->shows_pair = is_wanted_now && is_first;
    if (!is_wanted_now)
        return true;
    in->status = *in->stop ? sft_fail(in->err, SFT_EINTERRUPTED, "stopped")
                           : dataset_check_record(file, &r, in->err);
    if (in->status)
        return false;
    if (in->json) {
        preview_json(file, r, dropped);
    } else {
        const bool is_begin = in->shown == 0 && !(r->flags & RECORD_REJECTED);
        if (is_begin && !in->no_pager)
            pager_start(&in->pager);
        if (is_begin)
            preview_legend(&in->preview);
        preview_text(&in->preview, file, r, dropped);
    }
    in->shown += !is_first; /* its second one counts */
    return !is_done(in);
}

static enum sft_status print_conversations(struct inspect *in, const struct base_model *base,
                                           const struct train_data *data, struct sft_err *err)
{
    in->err = err;
    in->preview.tok = base->tokenizer;
    in->preview.tpl = &base->template;
    if (in->source && find_source(in, data, err))
        return err->status;
    dataset_walk(&data->train, print_record, in);
    if (!in->status && !is_done(in))
        dataset_walk(&data->eval, print_record, in);
    if (in->status)
        return in->status;
    if (in->row != every_row && in->shown == 0)
        return sft_fail(err, SFT_EUSAGE, "--row %llu: there are only %llu conversations",
                        (unsigned long long)in->row, (unsigned long long)in->found);
    return SFT_OK;
}

/* ---- the report ---- */

static void add_warnings(struct strbuf *text, const struct report_warnings *warnings, bool colour)
{
    static const char warning[] = "\033[1;35m", plain[] = "\033[0m";
    for (size_t i = 0; i < warnings->count; i++)
        strbuf_printf(text, "%swarning: %s%s\n", colour ? warning : "", warnings->items[i], colour ? plain : "");
}

static void print_report(struct inspect *in, const struct report_of *of)
{
    struct report report;
    struct strbuf text = {0};
    report_make(&report, of);
    struct report_warnings warnings = report_warnings_find(&report);
    if (in->json) {
        report_json(&report, &warnings, &text);
    } else {
        report_text(&report, &text);
        add_warnings(&text, &warnings, in->preview.colour);
        if (!in->no_pager)
            pager_start(&in->pager);
    }
    fwrite(text.data, 1, text.len, stdout);
    strbuf_free(&text);
    report_warnings_free(&warnings);
    report_free(&report);
}

/* ---- the command ---- */

static enum sft_status gather_settings(const struct inspect *in, struct settings *settings,
                                       struct sft_err *err)
{
    const char *path = in->base ? NULL : in->words.count == 1 ? in->words.items[0] : NULL;
    settings_init(settings);
    if (in->base && in->words.count) {
        settings->model.base = in->base;
        settings->data.train = in->words;
        settings_given(settings, "base");
        settings_given(settings, "train");
    } else if (!path) {
        return sft_fail(err, SFT_EUSAGE,
                        "expected a configuration file, or --base DIR and files of conversations "
                        "(sft inspect --help)");
    }
    if (read_settings(settings, path, &in->overrides, false, true, err)) {
        if (path && !str_has_ending(path, ".ini"))
            sft_remark(err, "; the conversations of a file: sft inspect --base DIR %s", path);
        return err->status;
    }
    if (!settings->model.base || !settings->data.train.count)
        return sft_fail(err, SFT_EUSAGE, "%s: [model] base and [data] train are needed to inspect",
                        in->words.items[0]);
    return SFT_OK;
}

static enum sft_status check_options(const struct inspect *in, struct sft_err *err)
{
    if (in->row == 0)
        return sft_fail(err, SFT_EUSAGE, "--row: conversations are counted from 1");
    if (in->report && (in->preview.tokens || in->source || in->limit || in->row != every_row))
        return sft_fail(
            err, SFT_EUSAGE,
            "--report is of all conversations: it goes without --tokens, --row, --source, --limit");
    return SFT_OK;
}

/* How many rows of a file must be read at most: each gives a conversation or more, or is told as left out. */
static size_t rows_needed(const struct inspect *in)
{
    if (in->source)
        return 0; /* all */
    return in->row != every_row ? (size_t)in->row : (size_t)in->limit;
}

/* What is inspected: a run's data, and of its base what they need. */
struct inspected {
    struct base_model base;
    struct adapting adapting;
    struct train_data data;
    struct train_plan plan;
};

static enum sft_status show_conversations(struct inspect *in, struct inspected *of, const struct settings *settings,
                                          struct sft_err *err)
{
    const struct train_data_options options = {.max_rows = rows_needed(in), .stop = in->stop};
    if (train_data_load(&of->data, &of->base, settings, &options, err))
        return err->status;
    return print_conversations(in, &of->base, &of->data, err);
}

/* What train would report, also of data that would stop it; the output_dir is only looked at. */
static enum sft_status show_report(struct inspect *in, struct inspected *of, const struct settings *settings,
                                   struct sft_err *err)
{
    const struct train_data_options options = {.lenient = true, .stop = in->stop};
    struct strbuf unused = {0}; /* train tells */
    struct train_plan *plan = &of->plan;
    struct report_of report = {.settings = settings,
                               .base = &of->base,
                               .data = &of->data,
                               .output_dir = settings->train.output_dir};
    if (train_data_load(&of->data, &of->base, settings, &options, err) ||
        train_data_split(&of->data, &of->base, settings->data.eval_fraction, err))
        return err->status;
    if (of->base.config.family && of->data.train.n_examples > 0) {
        if (adapting_take_tokens(&of->adapting, settings, &of->base, err) ||
            train_plan_choose_kernels(plan, settings, err))
            return err->status;
        train_plan_make(plan, settings, &of->data);
        const enum sft_status status =
            adapting_table(&of->adapting, settings, &of->base, plan->kernels, &plan->table, &unused, err);
        strbuf_free(&unused);
        if (status)
            return status;
        report.plan = plan;
    }
    print_report(in, &report);
    return SFT_OK;
}

static enum sft_status inspect(struct inspect *in, struct settings *settings, struct inspected *of,
                               struct sft_err *err)
{
    if (check_options(in, err) || gather_settings(in, settings, err))
        return err->status;
    in->stop = stop_on_signals();
    if (base_model_open_for_data(&of->base, settings, err))
        return err->status;
    if (of->base.config.family && adapting_open(&of->adapting, settings, &of->base, err))
        return err->status;
    return in->report ? show_report(in, of, settings, err) : show_conversations(in, of, settings, err);
}

int cmd_inspect(int argc, char **argv)
{
    struct inspect in = {.row = every_row, .preview.colour = log_is_terminal(STDOUT_FILENO)};
    const struct option table[] = {
        {"base", OPTION_STRING, &in.base, "DIR", "the base whose tokenizer and template are used"},
        {"json", OPTION_FLAG, &in.json, NULL,
         "one JSON object per conversation, or the report as one object"},
        {"tokens", OPTION_FLAG, &in.preview.tokens, NULL,
         "one line per token: position, id, weight, text (--json always has them)"},
        {"row", OPTION_SIZE, &in.row, "N", "only the N-th conversation"},
        {"source", OPTION_STRING, &in.source, "FILE:LINE", "only the row that begins there"},
        {"limit", OPTION_SIZE, &in.limit, "N", "only the first N conversations; the rest is not read"},
        {"report", OPTION_FLAG, &in.report, NULL,
         "counts, lengths, what is left out and why, memory, disk, steps, warnings"},
        {"no-pager", OPTION_FLAG, &in.no_pager, NULL,
         "start no pager on a terminal ($SFT_PAGER, $PAGER, else less)"},
        {"set", OPTION_LIST, &in.overrides, "SECTION.KEY=VALUE",
         "override a setting, such as data.train_on; may be repeated; paths are relative to the current directory"},
    };
    const struct usage usage = {
        "sft inspect CONFIG.ini | sft inspect --base DIR FILE... [options]",
        "Shows each conversation as the model will see it, turn by turn, and which "
        "tokens are trained on: highlighted on a terminal, [[between brackets]] elsewhere. "
        "With --report: what train reports before its first step.",
        table, sizeof table / sizeof *table, NULL};
    int code = options_parse(argc, argv, &usage, &in.words);
    if (code >= 0) {
        words_free(&in.overrides);
        return code;
    }
    struct settings settings = {0};
    struct inspected of = {0};
    struct sft_err err = {0};
    const enum sft_status status = inspect(&in, &settings, &of, &err);
    code = pager_finish(&in.pager);
    if (status)
        code = report_error(&err);
    train_plan_free(&of.plan);
    train_data_free(&of.data);
    adapting_close(&of.adapting);
    base_model_close(&of.base);
    settings_free(&settings);
    words_free(&in.words);
    words_free(&in.overrides);
    return code;
}
