#include "collect/review/review_rows.h"

#include "data/source/source.h"
#include "judge/sheet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { EXCERPT_CHARACTERS = 120 };

/* ---- what a row is ---- */

static const struct message *last_of(const struct conversation *conv, enum role role, size_t end)
{
    for (size_t i = end; i-- > 0;)
        if (conv->messages[i].role == role)
            return &conv->messages[i];
    return NULL;
}

static enum refusal_label label_of(const struct conversation *conv)
{
    const struct message *answer = last_of(conv, ROLE_ASSISTANT, conv->count);
    if (!answer || conv->is_document)
        return N_JUDGED;
    const struct message *prompt = last_of(conv, ROLE_USER, (size_t)(answer - conv->messages));
    return refusal_judge(prompt ? prompt->content : "", prompt ? prompt->len : 0, answer->content, answer->len);
}

/* The first words on one line, cut after a character. */
static char *excerpt_of(struct arena *arena, const char *text, size_t len)
{
    struct strbuf out = {0};
    uint32_t cp;
    size_t n = 0, bad, width;
    bool gap = false;
    strbuf_puts(&out, "");
    for (size_t i = 0; i < len && n < EXCERPT_CHARACTERS; i += width) {
        width = utf8_decode(text + i, len - i, &cp, &bad);
        const bool is_blank = width && (utf8_is_white_space(cp) || cp < 0x20);
        gap = gap || (is_blank && out.len);
        if (is_blank)
            continue;
        n += 1 + gap;
        if (gap)
            strbuf_putc(&out, ' ');
        gap = false;
        width = width ? width : bad;
        strbuf_add_utf8_lossy(&out, text + i, width);
    }
    char *excerpt = arena_strndup(arena, out.data, out.len);
    strbuf_free(&out);
    return excerpt;
}

static void add_contents(struct strbuf *out, const struct conversation *conv, size_t from)
{
    for (size_t i = from; i < conv->count; i++) {
        strbuf_add_utf8_lossy(out, conv->messages[i].content, conv->messages[i].len);
        strbuf_putc(out, '\n');
    }
}

static const char *kind_of(struct arena *arena, const json *root)
{
    const json *meta = json_get(root, "meta");
    const char *kind = json_string(json_get(meta, "kind"));
    kind = kind ? kind : json_string(json_get(root, "kind"));
    return kind ? arena_strndup(arena, kind, strlen(kind)) : "";
}

static void describe(struct review_rows *rows, struct review_row *row, const struct review_content *content)
{
    struct strbuf text = {0};
    const struct conversation *conv = &content->messages;
    const struct message *first = NULL;
    for (size_t i = 0; i < conv->count && !first; i++)
        first = conv->messages[i].role == ROLE_USER ? &conv->messages[i] : NULL;
    first = first ? first : conv->messages;
    add_contents(&text, conv, 0);
    add_contents(&text, &content->rejected, content->n_prompt);
    row->is_preference = content->is_preference;
    row->is_document = conv->is_document;
    row->label = label_of(conv);
    row->kind = kind_of(&rows->arena, content->root);
    row->excerpt = excerpt_of(&rows->arena, first->content, first->len);
    row->search = arena_strndup(&rows->arena, text.data, text.len);
    strbuf_free(&text);
}

static void describe_bad(struct review_rows *rows, struct review_row *row, const struct sft_err *why)
{
    const char *message = SFT_ERR_TEXT(why);
    row->error = arena_strndup(&rows->arena, message, strlen(message));
    row->kind = "";
    row->label = N_JUDGED;
    row->excerpt = excerpt_of(&rows->arena, row->text, row->len < 1000 ? row->len : 1000);
    row->search = row->excerpt;
}

/* What the row at this place was, where its text is the same: a file that grows is not judged anew. */
static bool describe_as_before(struct review_rows *rows, struct review_row *row)
{
    const struct review_rows *before = rows->before;
    const size_t i = rows->count - 1;
    if (!before || i >= before->count || before->reading.reader != rows->reading.reader ||
        before->items[i].hash != row->hash || before->items[i].error)
        return false;
    const struct review_row *was = &before->items[i];
    row->is_preference = was->is_preference;
    row->is_document = was->is_document;
    row->label = was->label;
    row->kind = arena_strndup(&rows->arena, was->kind, strlen(was->kind));
    row->excerpt = arena_strndup(&rows->arena, was->excerpt, strlen(was->excerpt));
    row->search = arena_strndup(&rows->arena, was->search, strlen(was->search));
    return true;
}

static void describe_row(struct review_rows *rows, struct review_row *row)
{
    struct sft_err why = {0};
    struct review_content content = {0};
    if (describe_as_before(rows, row))
        return;
    if (review_content_read(&rows->reading, row->text, row->len, &content, &why))
        describe_bad(rows, row, &why);
    else
        describe(rows, row, &content);
    review_content_free(&content);
}

/* ---- where rows stand ---- */

static struct review_row *add_row(struct review_rows *rows, const char *text, size_t len, size_t line)
{
    while (len > 0 && strchr(" \t\r\n,", text[len - 1]) && text[len - 1])
        len--;
    rows->items = mem_grow(rows->items, &rows->capacity, rows->count + 1, sizeof *rows->items);
    struct review_row *row = &rows->items[rows->count++];
    *row = (struct review_row){.text = text, .len = len, .line = line, .hash = xxh64(text, len, 0), .loss = NAN};
    return row;
}

/* The rows of an element: mostly one, a line may hold several. */
static void add_element(struct review_rows *rows, struct json_element element)
{
    while (element.len > 0) {
        struct json_element rest = element;
        json *root = NULL;
        const bool is_json = rows_parse(&rows->reading.rows, &rest, &root, NULL) == SFT_OK;
        json_free(root);
        const size_t used = is_json ? element.len - rest.len : element.len;
        struct review_row *row = add_row(rows, element.text, used, element.line);
        if (rows->reading.reader == NULL && is_json)
            rows->reading.reader = review_content_reader(&rows->reading, row->text, row->len);
        describe_row(rows, row);
        if (!is_json)
            return;
        element = rest;
    }
}

/* What ends the file before its end is a row that nobody can read. */
static void add_broken(struct review_rows *rows, const struct sft_err *why)
{
    const size_t from = rows_are_done(&rows->reading.rows) ? rows_position(&rows->reading.rows) : rows->bytes.len;
    struct review_row *row = add_row(rows, rows->bytes.data + from, rows->bytes.len - from, why->line);
    describe_bad(rows, row, why);
}

/* Those that the scanner has before it. */
static void scan(struct review_rows *rows)
{
    struct json_element element;
    bool found = true;
    while (found || !rows_are_done(&rows->reading.rows)) {
        struct sft_err why = {0};
        if (rows_next(&rows->reading.rows, &element, &found, &why)) {
            add_broken(rows, &why);
            if (rows_are_done(&rows->reading.rows))
                break;
        } else if (found) {
            add_element(rows, element);
        } else {
            break;
        }
    }
}

static enum sft_status add_rows(struct review_rows *rows, struct sft_err *err)
{
    rows->reading.reader = rows->spec.format.reader;
    if (rows_init(&rows->reading.rows, rows->spec.format.rows, rows->bytes.data, rows->bytes.len, err))
        return sft_in_file(err, rows->spec.path, 0);
    scan(rows);
    return SFT_OK;
}

/* ---- losses ---- */

/* Whether the path of a file of losses is this file, which may have been moved since: one of its name that is not there
 * any more. */
static bool is_this_file(const struct review_rows *rows, const char *path)
{
    struct stat theirs, ours;
    if (strcmp(path_basename(path), path_basename(rows->spec.path)) != 0)
        return false;
    return stat(path, &theirs) || stat(rows->spec.path, &ours) ||
           (theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino);
}

/* The line of "FILE:LINE" where the file is this one; 0: it is another. */
static size_t line_of(const struct review_rows *rows, const char *source)
{
    const char *colon = source ? strrchr(source, ':') : NULL;
    if (!colon)
        return 0;
    char *file = mem_strndup(source, (size_t)(colon - source));
    const bool is_ours = is_this_file(rows, file);
    free(file);
    return is_ours ? (size_t)strtoull(colon + 1, NULL, 10) : 0;
}

/* The first row of a line, from 0; rows->count: there is none. */
static size_t first_of_line(const struct review_rows *rows, size_t line)
{
    size_t low = 0, high = rows->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (rows->items[middle].line < line)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* By its number (from 1; 0: not said, then it is the line's first) where that stands on the line, else the file was
 * another. Of pieces of one row the worst counts. */
static bool set_loss(struct review_rows *rows, size_t number, size_t line, double loss)
{
    const size_t i = number ? number - 1 : first_of_line(rows, line);
    if (i >= rows->count || rows->items[i].line != line)
        return false;
    struct review_row *row = &rows->items[i];
    if (!(row->loss >= loss))
        row->loss = loss;
    return true;
}

static enum sft_status read_losses(struct review_rows *rows, struct sft_err *err)
{
    static const struct sheet_column columns[] = {{"source", true}};
    struct sheet sheet = {0};
    struct sheet_row row = {0};
    size_t found = 0;
    enum sft_status status = sheet_open(&sheet, rows->options.losses, columns, 1, NULL, err);
    while (!status && !(status = sheet_next(&sheet, &row, err)) && row.values) {
        const json *loss = json_get(row.root, "loss");
        const size_t line = line_of(rows, row.values[0]);
        size_t number;
        if (json_is_number(loss) && line && json_get_size(row.root, "row", 0, &number, NULL) == SFT_OK)
            found += set_loss(rows, number, line, json_number(loss));
    }
    sheet_close(&sheet);
    if (!status && !found && rows->count)
        return sft_fail(err, SFT_EUSAGE, "--losses: %s has no row of %s (sft eval MODEL %s --per-row %s writes it)",
                        rows->options.losses, rows->spec.path, rows->spec.path, rows->options.losses);
    return status;
}

/* ---- the file ---- */

static struct review_rows_state state_of(const char *path)
{
    struct stat st;
    if (stat(path, &st))
        return (struct review_rows_state){.size = -1};
    return (struct review_rows_state){st.st_size, st.st_mtim.tv_sec, st.st_mtim.tv_nsec};
}

static enum sft_status read_bytes(struct review_rows *rows, struct sft_err *err)
{
    struct source source = {0};
    rows->state = state_of(rows->spec.path);
    enum sft_status status = source_open(&source, rows->spec.path, err);
    if (!status)
        status = source_bytes(&source, err);
    if (!status) {
        strbuf_puts(&rows->bytes, "");
        strbuf_add(&rows->bytes, source.bytes.data, source.bytes.size);
        rows->is_as_on_disk = source.bytes.data == source.packed.data;
    }
    source_close(&source);
    return status;
}

static enum sft_status check_spec(const struct file_spec *spec, struct sft_err *err)
{
    if (strcmp(spec->path, "-") == 0)
        return sft_fail(err, SFT_EUSAGE, "what is reviewed is a file: decisions stand beside it");
    if (spec->repeat < 1 || spec->repeat > 1)
        return sft_fail(err, SFT_EUSAGE, "%s: each row is reviewed once: '*' has no meaning here", spec->text);
    if (spec->format.is_text)
        return sft_fail(err, SFT_EUSAGE, "%s: is one document, which has no rows to review", spec->text);
    return SFT_OK;
}

static enum sft_status open_rows(struct review_rows *rows, const char *file, const struct review_rows_options *options,
                                 const struct review_rows *before, struct sft_err *err)
{
    *rows = (struct review_rows){.options = *options, .before = before};
    if (file_spec_parse(&rows->spec, file, err) || check_spec(&rows->spec, err) ||
        names_init(&rows->reading.names, &options->names, err) || read_bytes(rows, err) || add_rows(rows, err))
        return err->status;
    rows->before = NULL;
    return options->losses ? read_losses(rows, err) : SFT_OK;
}

enum sft_status review_rows_open(struct review_rows *rows, const char *file, const struct review_rows_options *options,
                                 struct sft_err *err)
{
    return open_rows(rows, file, options, NULL, err);
}

void review_rows_free(struct review_rows *rows)
{
    rows_free(&rows->reading.rows);
    names_free(&rows->reading.names);
    file_spec_free(&rows->spec);
    strbuf_free(&rows->bytes);
    arena_free(&rows->arena);
    free(rows->items);
    free(rows->warning);
    *rows = (struct review_rows){0};
}

enum sft_status review_rows_read(const struct review_rows *rows, size_t i, struct review_content *content,
                                 struct sft_err *err)
{
    const struct review_row *row = &rows->items[i];
    return review_content_read(&rows->reading, row->text, row->len, content, err);
}

/* ---- a file that grows ---- */

/* Whether what is written behind the file's end is further rows and nothing else: of JSON lines, the last one whole. */
static bool can_grow(const struct review_rows *rows)
{
    const struct json_scanner *s = &rows->reading.rows.scanner;
    return rows->is_as_on_disk && rows->reading.rows.kind == ROWS_JSON && !s->is_array &&
           s->text == rows->bytes.data && s->len == rows->bytes.len && s->pos == s->len && rows->count > 1 &&
           !rows->items[rows->count - 1].error && rows->bytes.data[rows->bytes.len - 1] == '\n';
}

static void add_bytes(struct review_rows *rows, const char *bytes, size_t n)
{
    const char *before = rows->bytes.data;
    for (size_t i = 0; i < rows->count; i++)
        rows->items[i].at = (size_t)(rows->items[i].text - before);
    strbuf_add(&rows->bytes, bytes, n);
    for (size_t i = 0; i < rows->count; i++)
        rows->items[i].text = rows->bytes.data + rows->items[i].at;
    struct json_scanner *s = &rows->reading.rows.scanner;
    s->text = rows->bytes.data;
    s->len = rows->bytes.len;
    s->done = false;
}

/* Read what was appended; false where more than that has happened to the file, which is then read anew. */
static bool grow(struct review_rows *rows)
{
    struct source source = {0};
    struct sft_err err = {0};
    const size_t n = rows->bytes.len;
    bool grown = can_grow(rows) && source_open(&source, rows->spec.path, &err) == SFT_OK &&
                 source_bytes(&source, &err) == SFT_OK && source.bytes.data == source.packed.data &&
                 source.bytes.size > n && memcmp(source.bytes.data, rows->bytes.data, n) == 0;
    if (grown) {
        add_bytes(rows, source.bytes.data + n, source.bytes.size - n);
        scan(rows);
        grown = !rows->options.losses || read_losses(rows, &err) == SFT_OK;
    }
    source_close(&source);
    return grown;
}

static bool warn(struct review_rows *rows, char *warning)
{
    free(rows->warning);
    rows->warning = warning;
    return false;
}

bool review_rows_refresh(struct review_rows *rows)
{
    const struct review_rows_state now = state_of(rows->spec.path), was = rows->state;
    struct review_rows fresh;
    struct sft_err err = {0};
    if (now.size == was.size && now.seconds == was.seconds && now.nanoseconds == was.nanoseconds)
        return false;
    rows->state = now;
    if (now.size < 0)
        return warn(rows, mem_printf("%s: is not there any more", rows->spec.path));
    if (grow(rows)) {
        warn(rows, NULL);
        return true;
    }
    if (open_rows(&fresh, rows->spec.text, &rows->options, rows, &err)) {
        review_rows_free(&fresh);
        return warn(rows, mem_strdup(SFT_ERR_TEXT(&err)));
    }
    review_rows_free(rows);
    *rows = fresh;
    return true;
}
