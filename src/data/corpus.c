#include "data/corpus.h"

#include "data/file_spec.h"
#include "data/source/source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_TEXTS = 1 << 16, BATCH_BYTES = 1 << 24 };

/* A file while it is read, and the texts that are not yet given away. */
struct corpus {
    struct source source;
    struct file_format format; /* its reader is that of the first row where none is forced */
    double share;              /* of the lines or rows that this pass takes */
    size_t n_seen;             /* lines or rows of this pass so far */
    struct arena arena;        /* contents of rows */
    struct text_span *texts;
    size_t count, capacity, n_bytes;
    corpus_fn *each;
    void *context;
};

/* Whether the next line or row is one of the share, which is spread evenly: of 0.25 it is every fourth. */
static bool is_taken(struct corpus *corpus)
{
    const double n = (double)corpus->n_seen++;
    return floor((n + 1) * corpus->share) > floor(n * corpus->share);
}

/* The texts so far, which lie in the file before `done`. */
static void give_away(struct corpus *corpus, size_t done)
{
    if (corpus->count > 0)
        corpus->each(corpus->context, corpus->texts, corpus->count);
    corpus->count = corpus->n_bytes = 0;
    arena_reset(&corpus->arena);
    source_forget(&corpus->source, done);
}

static void add_text(struct corpus *corpus, const char *text, size_t len)
{
    corpus->texts = mem_grow(corpus->texts, &corpus->capacity, corpus->count + 1, sizeof *corpus->texts);
    corpus->texts[corpus->count++] = (struct text_span){text, len};
    corpus->n_bytes += len;
}

static bool is_full(const struct corpus *corpus)
{
    return corpus->count >= BATCH_TEXTS || corpus->n_bytes >= BATCH_BYTES;
}

static enum sft_status read_lines(struct corpus *corpus, struct sft_err *err)
{
    const struct io_map *bytes = &corpus->source.bytes;
    if (bytes->size == 0)
        return sft_fail(err, SFT_EDATA, "%s: there is no text in it", corpus->source.path);
    const char *line = bytes->data, *end = line + bytes->size;
    while (line < end) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *next = newline ? newline + 1 : end;
        if (is_taken(corpus))
            add_text(corpus, line, (size_t)(next - line));
        line = next;
        if (is_full(corpus))
            give_away(corpus, (size_t)(line - bytes->data));
    }
    give_away(corpus, bytes->size);
    return SFT_OK;
}

/* The row at the front of *row, which is then what is left of the line. */
static enum sft_status add_row(struct corpus *corpus, const struct rows *rows, struct json_element *row,
                               struct sft_err *err)
{
    struct conversations list;
    json *root;
    enum sft_status status = rows_parse(rows, row, &root, err);
    if (!status && !corpus->format.reader && !(corpus->format.reader = reader_detect(root, err)))
        status = SFT_EDATA;
    if (!status)
        status = reader_read(corpus->format.reader, root, NULL, &corpus->arena, &list, err);
    for (size_t c = 0; !status && c < list.count; c++)
        for (size_t i = 0; i < list.items[c].count; i++)
            add_text(corpus, list.items[c].messages[i].content, list.items[c].messages[i].len);
    json_free(root);
    return status ? sft_in_file(err, corpus->source.path, row->line) : SFT_OK;
}

static enum sft_status add_rows(struct corpus *corpus, struct rows *rows, struct sft_err *err)
{
    struct json_element row;
    bool found = false;
    for (;;) {
        if (rows_next(rows, &row, &found, err))
            return sft_in_file(err, corpus->source.path, 0);
        if (!found)
            break;
        for (bool is_wanted = is_taken(corpus); is_wanted && row.len > 0;)
            if (add_row(corpus, rows, &row, err))
                return SFT_EDATA;
        if (is_full(corpus))
            give_away(corpus, rows_position(rows));
    }
    give_away(corpus, rows_position(rows));
    return corpus->n_seen > 0 ? SFT_OK
                              : sft_fail(err, SFT_EDATA, "%s: there is no row in it", corpus->source.path);
}

static enum sft_status read_rows(struct corpus *corpus, struct sft_err *err)
{
    const struct io_map *bytes = &corpus->source.bytes;
    struct rows rows;
    enum sft_status status = rows_init(&rows, corpus->format.rows, bytes->data, bytes->size, err);
    status = status ? sft_in_file(err, corpus->source.path, 0) : add_rows(corpus, &rows, err);
    rows_free(&rows);
    return status;
}

/* Read the file `repeat` times: the last time, where that is no whole number, a share of it. */
static enum sft_status read_passes(struct corpus *corpus, double repeat, struct sft_err *err)
{
    enum sft_status status = source_bytes(&corpus->source, err);
    for (; repeat > 0 && !status; repeat -= 1) {
        corpus->share = fmin(repeat, 1);
        corpus->n_seen = 0;
        status = corpus->format.is_text ? read_lines(corpus, err) : read_rows(corpus, err);
    }
    return status;
}

enum sft_status corpus_read(const char *spec, corpus_fn *each, void *context, struct sft_err *err)
{
    struct corpus corpus = {.each = each, .context = context};
    struct file_spec file;
    if (file_spec_parse(&file, spec, err))
        return SFT_EUSAGE;
    corpus.format = file.format;
    enum sft_status status = source_open(&corpus.source, file.path, err);
    if (!status)
        status = read_passes(&corpus, file.repeat, err);
    source_close(&corpus.source);
    arena_free(&corpus.arena);
    free(corpus.texts);
    file_spec_free(&file);
    return status;
}
