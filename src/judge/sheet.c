#include "judge/sheet.h"

#include "base/nearest.h"
#include "data/readers/reader_fields.h"
#include "data/rows/rows_json.h"
#include "data/source/encoding.h"

#include <stdlib.h>
#include <string.h>

/* ---- columns ---- */

/* Which of the names may have been meant for a column that is not there, or NULL. An optional one may just be absent:
 * only what is a slip of the keyboard counts there. */
static const char *find_meant(const char *column, const char *const *names, size_t n_names, bool is_optional)
{
    const char *near = nearest_word(column, names, n_names);
    return near && (!is_optional || word_is_slip(near, column)) ? near : NULL;
}

/* 'a', 'b' */
static void add_quoted(struct strbuf *out, const char *name)
{
    strbuf_printf(out, "%s'%s'", out->len ? ", " : "", name);
}

/* `meant`: what may stand there for the only one that is missing, or NULL. */
static enum sft_status fail_no_columns(const struct strbuf *missing, size_t n_missing, const char *meant,
                                       const struct rows *rows, struct sft_err *err)
{
    const char *s = n_missing == 1 ? "" : "s";
    struct strbuf names = {0};
    for (size_t i = 0; i < rows->n_names; i++)
        if (rows->names[i])
            add_quoted(&names, rows->names[i]);
    if (n_missing == 1 && meant)
        sft_fail(err, SFT_EDATA, "no column %s (there is '%s')", missing->data, meant);
    else if (names.len)
        sft_fail(err, SFT_EDATA, "no column%s %s (its columns are %s)", s, missing->data, names.data);
    else
        sft_fail(err, SFT_EDATA, "no column%s %s: the file is empty", s, missing->data);
    strbuf_free(&names);
    return SFT_EDATA;
}

/* A table's columns are the same in all rows: what is missing is told once, and together. */
static enum sft_status check_columns(const struct sheet *s, const struct sheet_column *columns, size_t n_columns,
                                     struct sft_err *err)
{
    const char **names = mem_alloc((s->rows.n_names + 1) * sizeof *names), *meant = NULL;
    size_t n = 0, n_missing = 0;
    struct strbuf missing = {0};
    for (size_t i = 0; i < s->rows.n_names; i++)
        if (s->rows.names[i])
            names[n++] = s->rows.names[i];
    for (size_t i = 0; i < n_columns; i++) {
        const struct sheet_column *column = &columns[i];
        if (str_is_one_of(column->name, strlen(column->name), names, n))
            continue;
        const char *near = find_meant(column->name, names, n, !column->is_required);
        if (!column->is_required && !near)
            continue;
        add_quoted(&missing, column->name);
        meant = near;
        n_missing++;
    }
    free(names);
    const enum sft_status status = n_missing ? fail_no_columns(&missing, n_missing, meant, &s->rows, err) : SFT_OK;
    strbuf_free(&missing);
    return status;
}

enum sft_status sheet_check_header(const struct sheet *s, const struct sheet_column *columns, size_t n_columns,
                                   struct sft_err *err)
{
    return s->has_header && check_columns(s, columns, n_columns, err) ? sft_in_file(err, s->spec.text, 0) : SFT_OK;
}

/* Of one row's own keys; NULL where none is near. */
static const char *meant_in_row(const json *row, const char *column, bool is_optional)
{
    const char **keys = mem_alloc((json_size(row) + 1) * sizeof *keys);
    size_t n = 0;
    for (const json *child = json_first(row); child; child = json_next(child))
        keys[n++] = json_key(child);
    const char *meant = find_meant(column, keys, n, is_optional);
    free(keys);
    return meant;
}

static enum sft_status fail_missing(const char *column, const char *meant, struct sft_err *err)
{
    return meant ? sft_fail_in(err, SFT_EDATA, column, "missing (there is '%s')", meant)
                 : sft_fail_in(err, SFT_EDATA, column, "missing");
}

static enum sft_status read_value(const struct sheet_column *column, const json *row, const char **value,
                                  struct sft_err *err)
{
    const json *node = json_get(row, column->name);
    *value = json_string(node);
    if (*value || (node && json_is_null(node) && !column->is_required))
        return SFT_OK;
    if (node) {
        reader_fail_type(node, "a string", err);
        return sft_in_key(err, "%s", column->name);
    }
    const char *meant = meant_in_row(row, column->name, !column->is_required);
    return column->is_required || meant ? fail_missing(column->name, meant, err) : SFT_OK;
}

static enum sft_status read_values(struct sheet *s, struct sft_err *err)
{
    if (!json_is_object(s->root))
        return reader_fail_type(s->root, "an object", err);
    enum sft_status status = SFT_OK;
    for (size_t i = 0; i < s->n_columns && !status; i++)
        status = read_value(&s->columns[i], s->root, &s->values[i], err);
    return status;
}

/* ---- rows ---- */

static bool is_text(const char *s, size_t len)
{
    size_t width = 1;
    for (size_t i = 0; i < len && width > 0; i += width)
        width = s[i] == '\0' ? 0 : utf8_decode(s + i, len - i, NULL, NULL);
    return width > 0;
}

/* The next line of plain text that is not blank; its blanks at the end are left out. */
static enum sft_status next_line(struct sheet *s, struct sheet_row *row, struct sft_err *err)
{
    const char *end = s->source.bytes.data + s->source.bytes.size;
    while (s->position < s->source.bytes.size) {
        const char *p = s->source.bytes.data + s->position, *newline = memchr(p, '\n', (size_t)(end - p));
        const char *stop = newline ? newline : end;
        s->position = newline ? (size_t)(newline + 1 - s->source.bytes.data) : s->source.bytes.size;
        s->line++;
        while (stop > p && (stop[-1] == ' ' || stop[-1] == '\t' || stop[-1] == '\r'))
            stop--;
        if (stop == p)
            continue;
        *row = (struct sheet_row){++s->n_rows, s->line, s->values, NULL};
        if (!is_text(p, (size_t)(stop - p)))
            return sft_fail(err, SFT_EDATA, "not UTF-8, or no text (" ENCODING_REMEDY ")");
        s->values[0] = s->text = mem_strndup(p, (size_t)(stop - p));
        for (size_t i = 1; i < s->n_columns; i++)
            if (s->columns[i].is_required)
                return sft_fail_in(err, SFT_EDATA, s->columns[i].name,
                                   "missing: a line of plain text is a '%s' and nothing else (CSV and JSON have more)",
                                   s->columns[0].name);
        return SFT_OK;
    }
    return SFT_OK;
}

static enum sft_status next_object(struct sheet *s, struct sheet_row *row, struct sft_err *err)
{
    bool found = s->rest.len > 0;
    if (!found && rows_next(&s->rows, &s->rest, &found, err))
        return err->status;
    if (!found)
        return SFT_OK;
    *row = (struct sheet_row){.number = ++s->n_rows, .line = s->rest.line, .values = s->values};
    if (rows_parse(&s->rows, &s->rest, &s->root, err)) {
        s->rest.len = 0; /* what is left of a bad line cannot be told */
        return err->status;
    }
    row->root = s->root;
    return read_values(s, err);
}

enum sft_status sheet_next(struct sheet *s, struct sheet_row *row, struct sft_err *err)
{
    free(s->text);
    s->text = NULL;
    json_free(s->root);
    s->root = NULL;
    memset(s->values, 0, s->n_columns * sizeof *s->values);
    *row = (struct sheet_row){0};
    if (source_check_stop(&s->source, err))
        return err->status;
    if (s->spec.format.is_text ? next_line(s, row, err) : next_object(s, row, err))
        return sft_in_file(err, s->spec.text, row->line);
    return SFT_OK;
}

enum sft_status sheet_in_row(const struct sheet *s, const struct sheet_row *row, const char *column,
                             struct sft_err *err)
{
    if (column)
        sft_in_key(err, "%s", column);
    return sft_in_file(err, s->spec.text, row->line);
}

enum sft_status sheet_fail_missing(const struct sheet *s, const struct sheet_row *row, const char *column,
                                   struct sft_err *err)
{
    fail_missing(column, meant_in_row(row->root, column, false), err);
    return sft_in_file(err, s->spec.text, row->line);
}

/* ---- the file ---- */

static enum sft_status begin(struct sheet *s, struct sft_err *err)
{
    const char *text = s->source.bytes.data;
    const size_t len = s->source.bytes.size;
    struct file_format *format = &s->spec.format;
    format->is_text = format->is_text && !rows_json_is_it(text, len);
    if (format->is_text) {
        s->position = len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
        return SFT_OK;
    }
    if (rows_init(&s->rows, format->rows, text, len, err))
        return format->rows == ROWS_JSON
                   ? sft_remark(err, "; a row is {\"%s\": \"...\"}, and FILE:csv or FILE:txt says that it is no JSON",
                                s->columns[0].name)
                   : err->status;
    s->has_header = s->rows.kind != ROWS_JSON;
    return s->has_header ? check_columns(s, s->columns, s->n_columns, err) : SFT_OK;
}

enum sft_status sheet_open(struct sheet *s, const char *file, const struct sheet_column *columns, size_t n_columns,
                           const volatile int *stop, struct sft_err *err)
{
    *s = (struct sheet){.columns = columns, .n_columns = n_columns};
    s->values = mem_calloc(n_columns, sizeof *s->values);
    if (file_spec_parse(&s->spec, file, err))
        return err->status;
    if (s->spec.repeat < 1 || s->spec.repeat > 1) {
        sft_fail(err, SFT_EUSAGE, "each row is read once: '*' has no meaning here");
        return sft_in_file(err, file, 0);
    }
    if (source_open_until(&s->source, s->spec.path, stop, err) || source_bytes(&s->source, err))
        return err->status;
    return begin(s, err) ? sft_in_file(err, s->spec.text, 0) : SFT_OK;
}

void sheet_close(struct sheet *s)
{
    rows_free(&s->rows);
    source_close(&s->source);
    file_spec_free(&s->spec);
    json_free(s->root);
    free(s->text);
    free(s->values);
    *s = (struct sheet){0};
}
