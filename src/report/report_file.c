#include "report/report_file.h"

static size_t flag_index(enum record_flag flag)
{
    return (size_t)__builtin_ctz(flag);
}

uint64_t report_file_flagged(const struct report_file *f, enum record_flag flag)
{
    return f->file->store.counts.flags[flag_index(flag)];
}

uint64_t report_file_first_flagged(const struct report_file *f, enum record_flag flag)
{
    return f->first_flagged[flag_index(flag)];
}

/* ---- lengths ---- */

void report_file_histogram_range(const struct store_counts *c, size_t *first, size_t *end)
{
    *end = HISTOGRAM_BINS;
    while (*end > 0 && c->histogram[*end - 1] == 0)
        --*end;
    *first = 0;
    while (*first < *end && c->histogram[*first] == 0)
        ++*first;
}

uint64_t report_file_histogram_bin_end(const struct store_counts *c, size_t i)
{
    return i < HISTOGRAM_BINS - 1 ? (uint64_t)1 << i : c->longest;
}

/* ---- looking ---- */

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
        if (r->flags & RECORD_EMPTY_ANSWER && r->why == DROP_NO) {
            f->empty_answers++;
            note_first(&f->first_empty_answer, r->line);
        }
        if (dataset_is_duplicate(f->file, i))
            note_first(&f->first_duplicate, r->line);
        for (size_t bit = 0; bit < RECORD_FLAGS; bit++)
            if (flag_counts(r, bit))
                note_first(&f->first_flagged[bit], r->line);
    }
}

void report_file_make(struct report_file *f, const struct dataset_file *file, bool is_eval)
{
    *f = (struct report_file){.file = file, .is_eval = is_eval, .bad_rows = report_bad_rows_group(&file->store)};
    look_at_records(f);
}

void report_file_free(struct report_file *f)
{
    report_bad_rows_free(&f->bad_rows);
}
