#include "files/safetensors.h"

#include "base/mem.h"
#include "base/strbuf.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 14, HEADER_ALIGN = 8 };

struct span {
    const struct dtype *dtype;
    size_t count;
};

struct st_writer {
    struct io_writer *out;
    struct span *spans; /* what is to come, in order */
    size_t n_spans, n_written, n_done; /* written: tensors; done: elements of the next one */
    unsigned char encoded[CHUNK * sizeof(float)]; /* no dtype that is written is wider */
};

static void add_entry(struct strbuf *header, const struct st_entry *entry, size_t begin, size_t end)
{
    strbuf_putc(header, ',');
    strbuf_json_string(header, entry->name, strlen(entry->name));
    strbuf_printf(header, ":{\"dtype\":\"%s\",\"shape\":[", entry->dtype->name);
    for (size_t d = 0; d < entry->n_dims; d++)
        strbuf_printf(header, d ? ",%zu" : "%zu", entry->shape[d]);
    strbuf_printf(header, "],\"data_offsets\":[%zu,%zu]}", begin, end);
}

/* Padded with blanks, so that the data begins at a multiple of 8, as the reference implementation has it. */
static void write_header(struct st_writer *w, const struct st_entry *entries)
{
    struct strbuf header = {0};
    strbuf_puts(&header, "{\"__metadata__\":{\"format\":\"pt\"}"); /* transformers refuses files without it */
    size_t offset = 0;
    for (size_t i = 0; i < w->n_spans; i++) {
        size_t bytes;
        if (!dtype_bytes(entries[i].dtype, w->spans[i].count, &bytes))
            SFT_BUG("a tensor larger than memory");
        add_entry(&header, &entries[i], offset, offset + bytes);
        offset += bytes;
    }
    strbuf_putc(&header, '}');
    while (header.len % HEADER_ALIGN != 0)
        strbuf_putc(&header, ' ');
    const uint64_t len = header.len;
    io_write(w->out, &len, sizeof len);
    io_write(w->out, header.data, header.len);
    strbuf_free(&header);
}

struct st_writer *st_writer_open(const char *path, const struct st_entry *entries, size_t n,
                                 struct sft_err *err)
{
    struct io_writer *out = io_writer_open(path, err);
    if (!out)
        return NULL;
    struct st_writer *w = mem_alloc(sizeof *w);
    w->out = out;
    w->spans = mem_calloc(n, sizeof *w->spans);
    w->n_spans = n;
    w->n_written = w->n_done = 0;
    for (size_t i = 0; i < n; i++) {
        w->spans[i] = (struct span){.dtype = entries[i].dtype, .count = 1};
        for (size_t d = 0; d < entries[i].n_dims; d++)
            w->spans[i].count *= entries[i].shape[d];
    }
    write_header(w, entries);
    return w;
}

void st_write_piece(struct st_writer *w, const float *values, size_t n)
{
    if (w->n_written == w->n_spans || n > w->spans[w->n_written].count - w->n_done)
        SFT_BUG("more values than were described");
    const struct span span = w->spans[w->n_written];
    for (size_t first = 0; first < n; first += CHUNK) {
        const size_t part = n - first < CHUNK ? n - first : CHUNK;
        span.dtype->from_f32(w->encoded, values + first, part);
        io_write(w->out, w->encoded, part / span.dtype->block * span.dtype->block_bytes);
    }
    w->n_done += n;
    if (w->n_done == span.count) {
        w->n_written++;
        w->n_done = 0;
    }
}

void st_write(struct st_writer *w, const float *values)
{
    if (w->n_written == w->n_spans)
        SFT_BUG("more tensors than were described");
    st_write_piece(w, values, w->spans[w->n_written].count);
}

void st_write_as_it_is(struct st_writer *w, const void *bytes)
{
    size_t size;
    if (w->n_written == w->n_spans || w->n_done)
        SFT_BUG("more tensors than were described");
    const struct span *span = &w->spans[w->n_written++];
    if (!dtype_bytes(span->dtype, span->count, &size))
        SFT_BUG("a tensor larger than memory");
    io_write(w->out, bytes, size);
}

static void writer_free(struct st_writer *w)
{
    free(w->spans);
    free(w);
}

void st_writer_abort(struct st_writer *w)
{
    if (!w)
        return;
    io_writer_abort(w->out);
    writer_free(w);
}

enum sft_status st_writer_commit(struct st_writer *w, uint64_t *hash, struct sft_err *err)
{
    if (w->n_written != w->n_spans)
        SFT_BUG("fewer tensors than were described");
    if (hash)
        *hash = io_writer_hash(w->out);
    const enum sft_status status = io_writer_commit(w->out, err);
    writer_free(w);
    return status;
}
