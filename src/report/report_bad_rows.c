/* Bad rows by what is wrong with them, data/row_kinds.h says how; the first of a kind stands for it. */
#include "report/report_bad_rows.h"

#include "base/mem.h"
#include "data/row_kinds.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_KINDS = 64 }; /* and one more, "other" */

/* kinds: those of rows->kinds, in the order in which they were found, as these still are. */
static void count_row(struct report_bad_rows *rows, char **kinds, const char *message, size_t len, uint64_t line)
{
    char *kind = message_kind(message, len);
    size_t i = 0;
    while (i < rows->n && i < MAX_KINDS && strcmp(kinds[i], kind) != 0)
        i++;
    if (i == rows->n) {
        rows->kinds[rows->n++] = (struct report_bad_row_kind){
            .reason = i < MAX_KINDS ? mem_strndup(message, len) : mem_strdup("other"), .first_line = line};
        kinds[i] = kind;
    } else {
        free(kind);
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
    char *kinds[MAX_KINDS + 1];
    if (store->counts.dropped[DROP_BAD_ROW] == 0)
        return rows;
    rows.kinds = mem_calloc(MAX_KINDS + 1, sizeof *rows.kinds);
    for (size_t i = 0; i < store->n_records; i++) {
        const struct record *r = &store->records[i];
        if (r->why == DROP_BAD_ROW)
            count_row(&rows, kinds, record_message(store, r), r->message_len, r->line);
    }
    for (size_t i = 0; i < rows.n; i++)
        free(kinds[i]);
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
