#include "data/rows.h"

#include "data/csv.h"

#include <stdlib.h>
#include <string.h>

/* Names are looked for one by one. */
enum { COLUMNS_MAX = 4096 };

/* ---- a CSV file's records ---- */

static enum sft_status next_record(struct json_scanner *s, char delimiter, struct json_element *row,
                                   bool *found, struct sft_err *err)
{
    const char *end = s->text + s->len, *p = s->text + s->pos;
    for (; p < end && csv_at_line_end(p); s->line++)
        p = csv_after_line_end(p, end);
    s->pos = (size_t)(p - s->text);
    if (p == end) {
        s->done = true;
        return SFT_OK;
    }
    const char *stop = csv_record_end(p, end, delimiter);
    if (!stop) {
        s->done = true;
        return sft_fail(err, SFT_EDATA, "line %zu: a quoted field is never closed", s->line);
    }
    *row = (struct json_element){.text = p, .len = (size_t)(stop - p), .line = s->line};
    *found = true;
    s->line += csv_count_lines(p, stop);
    s->pos += row->len; /* its line end counts as the next one's */
    return SFT_OK;
}

/* The fields of a record, one after another. */
struct fields {
    const char *p, *end; /* what is left; p NULL: nothing */
    char delimiter;
    struct strbuf value; /* of the last one */
};

static bool next_field(struct fields *fields)
{
    if (!fields->p)
        return false;
    const char *start = fields->p, *stop = csv_field_end(start, fields->end, fields->delimiter);
    strbuf_clear(&fields->value);
    csv_add_value(&fields->value, start, (size_t)(stop - start));
    /* after the last delimiter comes a field too, an empty one */
    fields->p = stop < fields->end ? stop + 1 : NULL;
    return true;
}

static struct fields fields_of(const struct rows *rows, const struct json_element *row)
{
    return (struct fields){.p = row->text, .end = row->text + row->len, .delimiter = rows->delimiter};
}

/* A value must be able to be a string in JSON. */
static enum sft_status check_value(const struct strbuf *value, struct sft_err *err)
{
    for (size_t i = 0, width; i < value->len; i += width) {
        const unsigned char c = (unsigned char)value->data[i];
        if (c == '\0')
            return sft_fail(err, SFT_EDATA, "a NUL, at byte %zu", i + 1);
        width = c < 0x80 ? 1 : utf8_decode(value->data + i, value->len - i, NULL, NULL);
        if (width == 0)
            return sft_fail(err, SFT_EDATA, "not UTF-8, at byte %zu", i + 1);
    }
    return SFT_OK;
}

/* ---- the header ---- */

/* The index of the column called `name`, or n_names. */
static size_t find_name(const struct rows *rows, const char *name)
{
    size_t i = 0;
    while (i < rows->n_names && !(rows->names[i] && strcmp(rows->names[i], name) == 0))
        i++;
    return i;
}

static enum sft_status add_name(struct rows *rows, size_t *capacity, const struct strbuf *name,
                                struct sft_err *err)
{
    const size_t number = rows->n_names + 1;
    if (number > COLUMNS_MAX)
        return sft_fail(err, SFT_EDATA, "over %d columns (the first row must name the columns)", COLUMNS_MAX);
    if (check_value(name, err))
        return sft_context(err, "the name of column %zu", number);
    if (name->len > 0 && find_name(rows, name->data) < rows->n_names)
        return sft_fail(err, SFT_EDATA, "two columns are called '%s'", name->data);
    rows->names = mem_grow(rows->names, capacity, number, sizeof *rows->names);
    rows->names[rows->n_names++] = name->len > 0 ? mem_strndup(name->data, name->len) : NULL;
    return SFT_OK;
}

static enum sft_status read_names(struct rows *rows, const struct json_element *header, struct sft_err *err)
{
    struct fields fields = fields_of(rows, header);
    size_t capacity = 0;
    enum sft_status status = SFT_OK;
    while (!status && next_field(&fields))
        status = add_name(rows, &capacity, &fields.value, err);
    strbuf_free(&fields.value);
    return status;
}

static enum sft_status read_header(struct rows *rows, struct sft_err *err)
{
    struct json_element header;
    bool found;
    if (rows_next(rows, &header, &found, err))
        return SFT_EDATA;
    if (!found)
        return SFT_OK;
    if (read_names(rows, &header, err))
        return sft_context(err, "line %zu", header.line);
    return SFT_OK;
}

/* ---- rows ---- */

enum sft_status rows_init(struct rows *rows, enum rows_kind kind, const char *text, size_t len,
                          struct sft_err *err)
{
    *rows = (struct rows){.kind = kind, .delimiter = kind == ROWS_TSV ? '\t' : ','};
    if (kind == ROWS_JSON) {
        json_scanner_init(&rows->scanner, text, len);
        return SFT_OK;
    }
    const bool has_bom = len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0;
    rows->scanner = (struct json_scanner){.text = text, .len = len, .pos = has_bom ? 3 : 0, .line = 1};
    return read_header(rows, err);
}

void rows_free(struct rows *rows)
{
    for (size_t i = 0; i < rows->n_names; i++)
        free(rows->names[i]);
    free(rows->names);
    *rows = (struct rows){0};
}

enum sft_status rows_next(struct rows *rows, struct json_element *row, bool *found, struct sft_err *err)
{
    if (rows->kind == ROWS_JSON)
        return json_scanner_next(&rows->scanner, row, found, err);
    *found = false;
    return rows->scanner.done ? SFT_OK : next_record(&rows->scanner, rows->delimiter, row, found, err);
}

bool rows_are_done(const struct rows *rows)
{
    return rows->scanner.done;
}

size_t rows_position(const struct rows *rows)
{
    return rows->scanner.pos;
}

static enum sft_status parse_record(const struct rows *rows, const struct json_element *row, json *object,
                                    struct sft_err *err)
{
    struct fields fields = fields_of(rows, row);
    size_t n = 0;
    enum sft_status status = SFT_OK;
    for (; !status && next_field(&fields); n++) {
        const char *name = n < rows->n_names ? rows->names[n] : NULL;
        if (!name)
            continue;
        if (!(status = check_value(&fields.value, err)))
            json_set_string(object, name, fields.value.data);
        else
            sft_context(err, "column '%s'", name);
    }
    if (!status && n != rows->n_names)
        status = sft_fail(err, SFT_EDATA, "expected %zu column%s as in the header, found %zu", rows->n_names,
                          rows->n_names == 1 ? "" : "s", n);
    strbuf_free(&fields.value);
    return status;
}

enum sft_status rows_parse(const struct rows *rows, const struct json_element *row, json **root,
                           struct sft_err *err)
{
    if (rows->kind == ROWS_JSON)
        return json_parse(row->text, row->len, root, err);
    *root = json_new_object();
    const enum sft_status status = parse_record(rows, row, *root, err);
    if (status) {
        json_free(*root);
        *root = NULL;
    }
    return status;
}
