/* Bad rows by what is wrong with them, as base/err_kind.h has it, so that one cause is told once and not once a row; the
 * first of a kind stands for it. */
#include "report/report_internal.h"

#include <stdlib.h>

enum { MAX_KINDS = 64 }; /* and one more, "other" */

/* kinds: those of f->bad_rows, in the order in which they were found, as these still are. */
static void count_row(struct report_file *f, uint64_t *kinds, const struct record *r)
{
    const struct token_store *store = &f->file->store;
    size_t i = 0;
    while (i < f->n_bad_rows && i < MAX_KINDS && kinds[i] != r->kind)
        i++;
    if (i == f->n_bad_rows) {
        f->bad_rows[f->n_bad_rows++] = (struct report_bad_rows){
            .reason = i < MAX_KINDS ? mem_strndup(record_message(store, r), r->message_len) : mem_strdup("other"),
            .first_line = r->line};
        kinds[i] = r->kind;
    }
    f->bad_rows[i].count++;
}

static int by_count(const void *a, const void *b)
{
    const struct report_bad_rows *x = a, *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return (x->first_line > y->first_line) - (x->first_line < y->first_line);
}

void report_group_bad_rows(struct report_file *f)
{
    const struct token_store *store = &f->file->store;
    uint64_t kinds[MAX_KINDS + 1];
    if (store->counts.dropped[DROP_BAD_ROW] == 0)
        return;
    f->bad_rows = mem_calloc(MAX_KINDS + 1, sizeof *f->bad_rows);
    for (size_t i = 0; i < store->n_records; i++)
        if (store->records[i].why == DROP_BAD_ROW)
            count_row(f, kinds, &store->records[i]);
    qsort(f->bad_rows, f->n_bad_rows, sizeof *f->bad_rows, by_count);
}
