/* Bad rows by what is wrong with them: messages that differ only in numbers and quoted values are one kind.
 */
#include "train/report_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_KINDS = 64 }; /* and one more, "other" */

/* Whether a number begins at text[i], and not the 8 of UTF-8 or the 1F of U+001F. */
static bool begins_number(const char *text, size_t i)
{
    return isdigit((unsigned char)text[i]) &&
           (i == 0 || (!isalnum((unsigned char)text[i - 1]) && !strchr("-+.\\", text[i - 1])));
}

/* The index after the quoted value that begins at text[i]; i itself where none does. */
static size_t skip_quoted(const char *text, size_t len, size_t i)
{
    const char quote = text[i];
    if ((quote != '\'' && quote != '"') || (i > 0 && isalnum((unsigned char)text[i - 1]))) /* don't */
        return i;
    const char *end = memchr(text + i + 1, quote, len - i - 1);
    return end ? (size_t)(end - text) + 1 : i;
}

static void put_shape(const char *message, size_t len, struct strbuf *shape)
{
    strbuf_clear(shape);
    for (size_t i = 0; i < len;) {
        const size_t after = skip_quoted(message, len, i);
        if (after > i) {
            strbuf_printf(shape, "%c...%c", message[i], message[i]);
            i = after;
        } else if (begins_number(message, i)) {
            strbuf_putc(shape, 'N');
            while (i < len && isdigit((unsigned char)message[i]))
                i++;
        } else {
            strbuf_putc(shape, message[i++]);
        }
    }
}

static void count_row(struct report_file *f, const char *shape, uint64_t line)
{
    size_t i = 0;
    while (i < f->n_bad_rows && i < MAX_KINDS && strcmp(f->bad_rows[i].reason, shape) != 0)
        i++;
    if (i == f->n_bad_rows)
        f->bad_rows[f->n_bad_rows++] = (struct report_bad_rows){
            .reason = mem_strdup(i < MAX_KINDS ? shape : "other"), .first_line = line};
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
    struct strbuf shape = {0};
    if (store->counts.dropped[DROP_BAD_ROW] == 0)
        return;
    f->bad_rows = mem_calloc(MAX_KINDS + 1, sizeof *f->bad_rows);
    for (size_t i = 0; i < store->n_records; i++) {
        const struct record *r = &store->records[i];
        if (r->why != DROP_BAD_ROW)
            continue;
        put_shape(record_message(store, r), r->message_len, &shape);
        count_row(f, shape.data ? shape.data : "", r->line);
    }
    qsort(f->bad_rows, f->n_bad_rows, sizeof *f->bad_rows, by_count);
    strbuf_free(&shape);
}
