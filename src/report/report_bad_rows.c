/* Bad rows by what is wrong with them, data/row_kinds.h says how; the first of a kind stands for it. */
#include "report/report_internal.h"

#include "data/row_kinds.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_KINDS = 64 }; /* and one more, "other" */

/* kinds: those of f->bad_rows, in the order in which they were found, as these still are. */
static void count_row(struct report_file *f, char **kinds, const char *message, size_t len, uint64_t line)
{
    char *kind = message_kind(message, len);
    size_t i = 0;
    while (i < f->n_bad_rows && i < MAX_KINDS && strcmp(kinds[i], kind) != 0)
        i++;
    if (i == f->n_bad_rows) {
        f->bad_rows[f->n_bad_rows++] = (struct report_bad_rows){
            .reason = i < MAX_KINDS ? mem_strndup(message, len) : mem_strdup("other"), .first_line = line};
        kinds[i] = kind;
    } else {
        free(kind);
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
    char *kinds[MAX_KINDS + 1] = {NULL};
    if (store->counts.dropped[DROP_BAD_ROW] == 0)
        return;
    f->bad_rows = mem_calloc(MAX_KINDS + 1, sizeof *f->bad_rows);
    for (size_t i = 0; i < store->n_records; i++) {
        const struct record *r = &store->records[i];
        if (r->why == DROP_BAD_ROW)
            count_row(f, kinds, record_message(store, r), r->message_len, r->line);
    }
    for (size_t i = 0; i < f->n_bad_rows; i++)
        free(kinds[i]);
    qsort(f->bad_rows, f->n_bad_rows, sizeof *f->bad_rows, by_count);
}
