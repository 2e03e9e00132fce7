/* Bad rows by what is wrong with them: messages that differ only in numbers and quoted values are of one
 * kind, and the first of them stands for it. */
#include "train/report_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_KINDS = 64 }; /* and one more, "other" */

/* The index after the number that begins at text[i], with a 0x in front or not; i itself where none does, as
 * at the 8 of UTF-8 and the 1F of U+001F. */
static size_t skip_number(const char *text, size_t len, size_t i)
{
    if (!isdigit((unsigned char)text[i]) ||
        (i > 0 && (isalnum((unsigned char)text[i - 1]) || strchr("-+.\\", text[i - 1]))))
        return i;
    const bool is_hex = i + 1 < len && text[i] == '0' && text[i + 1] == 'x';
    i += is_hex ? 2 : 1;
    while (i < len && (is_hex ? isxdigit : isdigit)((unsigned char)text[i]))
        i++;
    return i;
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

/* A message with N for each number and '...' for each quoted value: the kind that it is of. */
static char *shape_of(const char *message, size_t len)
{
    struct strbuf shape = {0};
    strbuf_puts(&shape, "");
    for (size_t i = 0; i < len;) {
        const size_t quoted = skip_quoted(message, len, i), number = skip_number(message, len, i);
        if (quoted > i)
            strbuf_printf(&shape, "%c...%c", message[i], message[i]);
        else if (number > i)
            strbuf_putc(&shape, 'N');
        else
            strbuf_putc(&shape, message[i]);
        i = quoted > i ? quoted : number > i ? number : i + 1;
    }
    return shape.data;
}

/* shapes: those of f->bad_rows, in the order in which they were found, as these still are. */
static void count_row(struct report_file *f, char **shapes, const char *message, size_t len, uint64_t line)
{
    char *shape = shape_of(message, len);
    size_t i = 0;
    while (i < f->n_bad_rows && i < MAX_KINDS && strcmp(shapes[i], shape) != 0)
        i++;
    if (i == f->n_bad_rows) {
        f->bad_rows[f->n_bad_rows++] = (struct report_bad_rows){
            .reason = i < MAX_KINDS ? mem_strndup(message, len) : mem_strdup("other"), .first_line = line};
        shapes[i] = shape;
    } else {
        free(shape);
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
    char *shapes[MAX_KINDS + 1];
    if (store->counts.dropped[DROP_BAD_ROW] == 0)
        return;
    f->bad_rows = mem_calloc(MAX_KINDS + 1, sizeof *f->bad_rows);
    for (size_t i = 0; i < store->n_records; i++) {
        const struct record *r = &store->records[i];
        if (r->why == DROP_BAD_ROW)
            count_row(f, shapes, record_message(store, r), r->message_len, r->line);
    }
    for (size_t i = 0; i < f->n_bad_rows; i++)
        free(shapes[i]);
    qsort(f->bad_rows, f->n_bad_rows, sizeof *f->bad_rows, by_count);
}
