#include "data/rows/rows.h"

#include "data/rows/csv.h"
#include "data/rows/row_keys.h"
#include "data/rows/rows_json.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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
        sft_fail(err, SFT_EDATA, "a quoted field is never closed");
        return sft_at(err, s->line, 0);
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

static const char *const known_keys[] = {ROW_KEYS};

/* Whether a name is the key but for capitals and blanks around it. */
static bool is_alike(const char *name, const char *key)
{
    const size_t len = strlen(key);
    if (!name)
        return false;
    while (isspace((unsigned char)*name))
        name++;
    if (strncasecmp(name, key, len) != 0)
        return false;
    for (name += len; isspace((unsigned char)*name); name++)
        ;
    return *name == '\0';
}

/* A spreadsheet's "Prompt" is prompt, where that is the only column that is. */
static void fold_names(struct rows *rows)
{
    for (size_t k = 0; k < sizeof known_keys / sizeof *known_keys; k++) {
        size_t n_alike = 0, last = 0;
        for (size_t i = 0; i < rows->n_names; i++)
            if (is_alike(rows->names[i], known_keys[k])) {
                n_alike++;
                last = i;
            }
        if (n_alike == 1) {
            free(rows->names[last]);
            rows->names[last] = mem_strdup(known_keys[k]);
        }
    }
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
        return sft_at(err, header.line, 0);
    fold_names(rows);
    return SFT_OK;
}

/* Excel's first line, sep=; with quotes around it or not: it says the separator and is no row. */
static bool take_sep_line(struct rows *rows)
{
    struct json_scanner *s = &rows->scanner;
    const char *start = s->text + s->pos, *end = s->text + s->len, *p = start;
    const bool is_quoted = p < end && *p == '"';
    p += is_quoted;
    if (end - p < 5 || strncasecmp(p, "sep=", 4) != 0 || csv_at_line_end(p + 4))
        return false;
    const char delimiter = p[4];
    p += 5;
    if (is_quoted && p < end && *p == '"')
        p++;
    if (p < end && !csv_at_line_end(p))
        return false;
    s->pos += (size_t)(p - start); /* its line end counts as the next record's */
    rows->delimiter = delimiter;
    return true;
}

static enum sft_status begin_csv(struct rows *rows, const char *text, size_t len, struct sft_err *err)
{
    const bool has_bom = len >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0;
    const char *p = text + (has_bom ? 3 : 0), *end = text + len;
    rows->scanner = (struct json_scanner){.text = text, .len = len, .pos = has_bom ? 3 : 0, .line = 1};
    if (!take_sep_line(rows)) {
        while (p < end && csv_at_line_end(p))
            p++;
        rows->delimiter = csv_find_delimiter(p, end, rows->kind == ROWS_TSV ? '\t' : ',');
    }
    return read_header(rows, err);
}

/* ---- rows ---- */

enum sft_status rows_init(struct rows *rows, enum rows_kind kind, const char *text, size_t len,
                          struct sft_err *err)
{
    const bool is_json = kind == ROWS_JSON || rows_json_is_it(text, len);
    *rows = (struct rows){.kind = is_json ? ROWS_JSON : kind};
    return is_json ? rows_json_begin(&rows->scanner, text, len, err) : begin_csv(rows, text, len, err);
}

void rows_free(struct rows *rows)
{
    for (size_t i = 0; i < rows->n_names; i++)
        free(rows->names[i]);
    free(rows->names);
    *rows = (struct rows){0};
}

/* Whether a record is delimiters and blanks alone, as spreadsheets write behind the last row. */
static bool is_empty_record(const struct json_element *row, char delimiter)
{
    bool has_delimiter = false;
    for (size_t i = 0; i < row->len; i++) {
        has_delimiter |= row->text[i] == delimiter;
        if (row->text[i] != delimiter && row->text[i] != ' ')
            return false;
    }
    return has_delimiter;
}

enum sft_status rows_next(struct rows *rows, struct json_element *row, bool *found, struct sft_err *err)
{
    if (rows->kind == ROWS_JSON)
        return json_scanner_next(&rows->scanner, row, found, err);
    enum sft_status status = SFT_OK;
    do {
        *found = false;
        if (!rows->scanner.done)
            status = next_record(&rows->scanner, rows->delimiter, row, found, err);
    } while (!status && *found && is_empty_record(row, rows->delimiter));
    return status;
}

bool rows_are_done(const struct rows *rows)
{
    return rows->scanner.done;
}

size_t rows_position(const struct rows *rows)
{
    return rows->scanner.pos;
}

/* Whether a value is its column's name, which a record of nothing else repeats. */
static bool is_name(const struct strbuf *value, const char *name)
{
    const char *text = value->data ? value->data : "";
    if (strncmp(text, "\xEF\xBB\xBF", 3) == 0)
        text += 3;
    return name ? is_alike(text, name) : *text == '\0';
}

static enum sft_status parse_record(const struct rows *rows, const struct json_element *row, json *object,
                                    struct sft_err *err)
{
    struct fields fields = fields_of(rows, row);
    size_t n = 0, n_same = 0;
    enum sft_status status = SFT_OK;
    for (; !status && next_field(&fields); n++) {
        const char *name = n < rows->n_names ? rows->names[n] : NULL;
        n_same += is_name(&fields.value, name);
        if (!name)
            continue;
        if (!(status = check_value(&fields.value, err)))
            json_set_string(object, name, fields.value.data);
        else
            sft_context(err, "column '%s'", name);
    }
    if (!status && n != rows->n_names)
        status = sft_fail(err, SFT_EDATA, "expected %zu column%s as in the header, found %zu (separated by %s)",
                          rows->n_names, rows->n_names == 1 ? "" : "s", n, csv_name(rows->delimiter));
    if (!status && n > 1 && n_same == n)
        status = sft_fail(err, SFT_EDATA, "the header once more, as in files that were joined (remove it)");
    strbuf_free(&fields.value);
    return status;
}

enum sft_status rows_parse(const struct rows *rows, struct json_element *row, json **root, struct sft_err *err)
{
    if (rows->kind == ROWS_JSON)
        return rows_json_parse(row, root, err);
    *root = json_new_object();
    if (parse_record(rows, row, *root, err)) {
        json_free(*root);
        *root = NULL;
        return SFT_EDATA;
    }
    row->text += row->len;
    row->len = 0;
    return SFT_OK;
}
