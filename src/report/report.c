#include "report/report_internal.h"

#include "base/io.h"
#include "train/checkpoint.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

/* ---- files ---- */

size_t report_flag_index(enum record_flag flag)
{
    return (size_t)__builtin_ctz(flag);
}

uint64_t report_flagged(const struct report_file *f, enum record_flag flag)
{
    return f->file->store.counts.flags[report_flag_index(flag)];
}

double report_percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

void report_histogram_range(const struct store_counts *c, size_t *first, size_t *end)
{
    *end = HISTOGRAM_BINS;
    while (*end > 0 && c->histogram[*end - 1] == 0)
        --*end;
    *first = 0;
    while (*first < *end && c->histogram[*first] == 0)
        ++*first;
}

uint64_t report_bin_end(const struct store_counts *c, size_t i)
{
    return i < HISTOGRAM_BINS - 1 ? (uint64_t)1 << i : c->longest;
}

static void note_first(uint64_t *first, uint64_t line)
{
    if (*first == 0)
        *first = line;
}

/* Of those that are trained on; but cut is cut, whatever is left. */
static bool flag_counts(const struct record *r, size_t bit)
{
    return r->flags >> bit & 1 && (r->why == DROP_NO || 1U << bit == RECORD_TRUNCATED);
}

static void look_at_records(struct report_file *f)
{
    const struct token_store *store = &f->file->store;
    for (size_t i = 0; i < store->n_records; i++) {
        const struct record *r = &store->records[i];
        f->rendered += r->why != DROP_BAD_ROW;
        f->truncated += (r->flags & RECORD_TRUNCATED) != 0;
        if (r->why != DROP_NO)
            note_first(&f->first_dropped[r->why], r->line);
        if (r->flags & RECORD_UNREAD) {
            f->unread_line = r->line;
            f->unread_bytes = r->row_len;
        }
        if (record_is_duplicate(f->file, i))
            note_first(&f->first_duplicate, r->line);
        for (size_t bit = 0; bit < RECORD_FLAGS; bit++)
            if (flag_counts(r, bit))
                note_first(&f->first_flagged[bit], r->line);
    }
}

static void add_files(struct report *report, const struct dataset *ds, bool is_eval)
{
    for (size_t i = 0; !ds->borrows && i < ds->n_files; i++) {
        struct report_file *f = &report->files[report->n_files++];
        *f = (struct report_file){.file = &ds->files[i], .is_eval = is_eval};
        look_at_records(f);
        report_group_bad_rows(f);
    }
}

/* ---- disk ---- */

/* Of the file system that `path` lies on, or will: its nearest parent that exists says. */
static uint64_t free_bytes(const char *path)
{
    struct statvfs fs;
    char *place = mem_strdup(path);
    while (statvfs(place, &fs) != 0) {
        char *parent = path_dirname(place);
        const bool is_top = strcmp(parent, place) == 0;
        free(place);
        place = parent;
        if (is_top) {
            free(place);
            return 0;
        }
    }
    free(place);
    return (uint64_t)fs.f_bavail * fs.f_frsize;
}

static uint64_t gcd(uint64_t a, uint64_t b)
{
    return b ? gcd(b, a % b) : a;
}

/* Checkpoints that the run makes at most: after each save interval, each evaluation (it may be the best so
 * far), and at its end. Those that save_interval_s brings before an epoch's end are not foreseen. */
static uint64_t checkpoints_made(const struct run *run)
{
    const struct settings *s = run->settings;
    const uint64_t total = run->total_steps, epoch = run->steps_per_epoch;
    const uint64_t save = s->train.save_steps ? s->train.save_steps : epoch;
    const uint64_t eval = run->eval.n_examples == 0 ? save
                          : s->train.eval_steps     ? s->train.eval_steps
                                                    : epoch;
    const uint64_t saves = eval / gcd(save, eval); /* from one common step to the next; a product may be too large */
    const double both = (double)save * (double)saves;
    const uint64_t common = both <= (double)total ? (uint64_t)((double)total / both) : 0;
    const bool end_is_extra = total % save != 0 && total % eval != 0;
    return total / save + total / eval - common + end_is_extra;
}

static uint64_t checkpoints_at_once(const struct run *run)
{
    const uint64_t made = checkpoints_made(run), limit = run->settings->train.save_total_limit;
    const uint64_t best = run->eval.n_examples > 0,
                   written = 1; /* the oldest goes when the new one is there */
    return limit == 0 || made < limit + best + written ? made : limit + best + written;
}

static struct report_disk plan_disk(const struct run *run)
{
    struct tensor_table table;
    tensor_table_init(&table, &run->config);
    struct report_disk d = {.checkpoint_bytes = 3 * sizeof(float) * table.n_parameters, /* and both moments */
                            .checkpoints = checkpoints_at_once(run),
                            .existing = checkpoint_count(run->output_dir),
                            .free = free_bytes(run->output_dir)};
    tensor_table_free(&table);
    d.needed = d.checkpoint_bytes * (d.checkpoints > d.existing ? d.checkpoints - d.existing : 1);
    return d;
}

/* ---- the report ---- */

void report_make(struct report *report, const struct run *run)
{
    *report = (struct report){.run = run, .has_memory = run->kernels != NULL};
    report->has_disk = report->has_memory && run->output_dir;
    report->files = mem_calloc(run->train.n_files + run->eval.n_files, sizeof *report->files);
    add_files(report, &run->train, false);
    add_files(report, &run->eval, true);
    if (report->has_memory)
        report->memory = run_memory(run);
    if (report->has_disk)
        report->disk = plan_disk(run);
    report_find_warnings(report);
}

void report_free(struct report *report)
{
    for (size_t i = 0; i < report->n_files; i++) {
        for (size_t k = 0; k < report->files[i].n_bad_rows; k++)
            free(report->files[i].bad_rows[k].reason);
        free(report->files[i].bad_rows);
    }
    for (size_t i = 0; i < report->n_warnings; i++)
        free(report->warnings[i]);
    free(report->files);
    free(report->warnings);
    *report = (struct report){0};
}
