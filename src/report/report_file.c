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

const char *report_unit(uint64_t n, uint64_t n_pairs)
{
    return n_pairs == 0 ? "conversations" : n_pairs == n ? "pairs" : "pairs and conversations";
}

static void put_amount(struct strbuf *out, uint64_t n, const char *what)
{
    strbuf_printf(out, "%llu %s%s", (unsigned long long)n, what, n == 1 ? "" : "s");
}

void report_put_items(struct strbuf *out, uint64_t n, uint64_t n_pairs)
{
    if (n_pairs > 0)
        put_amount(out, n_pairs, "pair");
    strbuf_puts(out, n_pairs > 0 && n > n_pairs ? " and " : "");
    if (n_pairs == 0 || n > n_pairs)
        put_amount(out, n - n_pairs, "conversation");
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

/* A pair's two records have their flags as one. */
static unsigned flags_of(const struct record *r)
{
    return r[0].flags | (r->flags & RECORD_PAIR ? r[1].flags : 0U);
}

/* Of those that are trained on; but cut is cut, whatever is left. */
static bool flag_counts(const struct record *r, size_t bit)
{
    return flags_of(r) >> bit & 1 && (r->why == DROP_NO || 1U << bit == RECORD_TRUNCATED);
}

static void look_at_records(struct report_file *f)
{
    const struct token_store *store = &f->file->store;
    for (size_t i = 0; i < store->n_records; i++) {
        const struct record *r = &store->records[i];
        if (r->flags & RECORD_REJECTED)
            continue;
        f->rendered += r->why != DROP_BAD_ROW;
        f->pairs += (r->flags & RECORD_PAIR) != 0;
        f->truncated += (flags_of(r) & RECORD_TRUNCATED) != 0;
        if (r->why != DROP_NO)
            note_first(&f->first_dropped[r->why], r->line);
        if (r->flags & RECORD_UNREAD) {
            f->unread_line = r->line;
            f->unread_bytes = r->row_len;
        }
        if (flags_of(r) & RECORD_EMPTY_ANSWER && r->why == DROP_NO) {
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
