#include "data/corpus.h"

#include "base/io.h"
#include "data/dataset.h"
#include "data/reader.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH_TEXTS = 1 << 16, BATCH_BYTES = 1 << 24 };

/* A file while it is read, and the texts that are not yet given away. */
struct corpus {
    const char *path;
    struct io_map map;
    const struct reader *reader; /* NULL: that of the first row */
    struct arena arena;          /* contents of rows */
    struct text_span *texts;
    size_t count, capacity, n_bytes;
    corpus_fn *each;
    void *context;
};

static void give_away(struct corpus *corpus)
{
    if (corpus->count > 0)
        corpus->each(corpus->context, corpus->texts, corpus->count);
    corpus->count = corpus->n_bytes = 0;
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
    if (corpus->map.size == 0)
        return sft_fail(err, SFT_EDATA, "%s: there is no text in it", corpus->path);
    const char *line = corpus->map.data, *end = line + corpus->map.size;
    while (line < end) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *next = newline ? newline + 1 : end;
        add_text(corpus, line, (size_t)(next - line));
        line = next;
        if (is_full(corpus))
            give_away(corpus);
    }
    give_away(corpus);
    return SFT_OK;
}

static enum sft_status add_row(struct corpus *corpus, const struct json_element *row, struct sft_err *err)
{
    struct conversation conv;
    json *root;
    enum sft_status status = json_parse(row->text, row->len, &root, err);
    if (!status && !corpus->reader && !(corpus->reader = reader_detect(root, err)))
        status = SFT_EDATA;
    if (!status)
        status = reader_read(corpus->reader, root, &corpus->arena, &conv, err);
    for (size_t i = 0; !status && i < conv.count; i++)
        add_text(corpus, conv.messages[i].content, conv.messages[i].len);
    json_free(root);
    return status ? sft_context(err, "%s:%zu", corpus->path, row->line) : SFT_OK;
}

static enum sft_status read_rows(struct corpus *corpus, struct sft_err *err)
{
    struct json_scanner scanner;
    struct json_element row;
    size_t n_rows = 0;
    bool found = false;
    json_scanner_init(&scanner, corpus->map.data, corpus->map.size);
    for (;; n_rows++) {
        if (json_scanner_next(&scanner, &row, &found, err))
            return sft_context(err, "%s", corpus->path);
        if (!found)
            break;
        if (add_row(corpus, &row, err))
            return SFT_EDATA;
        if (is_full(corpus)) {
            give_away(corpus);
            arena_reset(&corpus->arena);
        }
    }
    give_away(corpus);
    return n_rows > 0 ? SFT_OK : sft_fail(err, SFT_EDATA, "%s: there is no row in it", corpus->path);
}

static bool is_text_name(const char *path)
{
    const size_t len = strlen(path);
    return len >= 4 && strcmp(path + len - 4, ".txt") == 0;
}

enum sft_status corpus_read(const char *spec, corpus_fn *each, void *context, struct sft_err *err)
{
    struct corpus corpus = {.each = each, .context = context};
    struct dataset_file file;
    const char *format;
    if (dataset_parse_spec(spec, &file, &format, err))
        return SFT_EUSAGE;
    corpus.path = file.path;
    const bool is_text = format ? format == dataset_text_format : is_text_name(file.path);
    corpus.reader = format && !is_text ? reader_by_name(format) : NULL;
    enum sft_status status = io_map(&corpus.map, file.path, err);
    for (size_t i = 0; i < file.repeat && !status; i++)
        status = is_text ? read_lines(&corpus, err) : read_rows(&corpus, err);
    io_unmap(&corpus.map);
    arena_free(&corpus.arena);
    free(corpus.texts);
    dataset_file_free(&file);
    return status;
}
