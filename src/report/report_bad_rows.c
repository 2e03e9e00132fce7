/* Bad rows by what is wrong with them, as base/err_kind.h has it, so that one cause is told once and not once a row;
 * the first of a kind stands for it. */
#include "report/report_bad_rows.h"

#include "base/mem.h"

#include <stdlib.h>

enum { MAX_KINDS = 64 }; /* and one more, "other" */

/* kinds: those of rows->kinds, in the order in which they were found, as these still are. */
static void count_row(struct report_bad_rows *rows, uint64_t *kinds, const struct token_store *store,
                      const struct record *r)
{
    size_t i = 0;
    while (i < rows->n && i < MAX_KINDS && kinds[i] != r->kind)
        i++;
    if (i == rows->n) {
        rows->kinds[rows->n++] = (struct report_bad_row_kind){
            .reason = i < MAX_KINDS ? mem_strndup(record_message(store, r), r->message_len) : mem_strdup("other"),
            .first_line = r->line};
        kinds[i] = r->kind;
    }
    rows->kinds[i].count++;
}

static int by_count(const void *a, const void *b)
{
    const struct report_bad_row_kind *x = a, *y = b;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return (x->first_line > y->first_line) - (x->first_line < y->first_line);
}

struct report_bad_rows report_bad_rows_group(const struct token_store *store)
{
    struct report_bad_rows rows = {0};
    uint64_t kinds[MAX_KINDS + 1];
    if (store->counts.dropped[DROP_BAD_ROW] == 0)
        return rows;
    rows.kinds = mem_calloc(MAX_KINDS + 1, sizeof *rows.kinds);
    for (size_t i = 0; i < store->n_records; i++)
        if (store->records[i].why == DROP_BAD_ROW)
            count_row(&rows, kinds, store, &store->records[i]);
    qsort(rows.kinds, rows.n, sizeof *rows.kinds, by_count);
    return rows;
}

void report_bad_rows_free(struct report_bad_rows *rows)
{
    for (size_t i = 0; i < rows->n; i++)
        free(rows->kinds[i].reason);
    free(rows->kinds);
    *rows = (struct report_bad_rows){0};
}
