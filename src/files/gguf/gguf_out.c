#include "files/gguf/gguf_out.h"

#include "base/mem.h"
#include "files/gguf/gguf_types.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 3, ALIGNMENT = 32 }; /* the latter where no key says another */

/* ---- bytes ---- */

static void put_u32(struct strbuf *sb, uint32_t n)
{
    strbuf_add(sb, &n, sizeof n);
}

static void put_u64(struct strbuf *sb, uint64_t n)
{
    strbuf_add(sb, &n, sizeof n);
}

static void put_text(struct strbuf *sb, const char *text, size_t len)
{
    put_u64(sb, len);
    strbuf_add(sb, text, len);
}

/* ---- metadata ---- */

static void put_key(struct gguf_out *out, const char *key, enum gguf_type type)
{
    put_text(&out->values, key, strlen(key));
    put_u32(&out->values, type);
    out->n_values++;
}

void gguf_put_string(struct gguf_out *out, const char *key, const char *text)
{
    put_key(out, key, GGUF_STRING);
    put_text(&out->values, text, strlen(text));
}

void gguf_put_u32(struct gguf_out *out, const char *key, size_t n)
{
    put_key(out, key, GGUF_U32);
    put_u32(&out->values, (uint32_t)n);
}

void gguf_put_i32(struct gguf_out *out, const char *key, int32_t n)
{
    put_key(out, key, GGUF_I32);
    gguf_put_element_i32(out, n);
}

void gguf_put_f32(struct gguf_out *out, const char *key, double x)
{
    put_key(out, key, GGUF_F32);
    gguf_put_element_f32(out, (float)x);
}

void gguf_put_flag(struct gguf_out *out, const char *key, bool is_set)
{
    put_key(out, key, GGUF_BOOL);
    gguf_put_element_flag(out, is_set);
}

void gguf_put_array(struct gguf_out *out, const char *key, enum gguf_type type, size_t count)
{
    put_key(out, key, GGUF_ARRAY);
    put_u32(&out->values, type);
    put_u64(&out->values, count);
}

void gguf_put_element(struct gguf_out *out, const char *text, size_t len)
{
    put_text(&out->values, text, len);
}

void gguf_put_element_i32(struct gguf_out *out, int32_t n)
{
    strbuf_add(&out->values, &n, sizeof n);
}

void gguf_put_element_f32(struct gguf_out *out, float x)
{
    strbuf_add(&out->values, &x, sizeof x);
}

void gguf_put_element_flag(struct gguf_out *out, bool is_set)
{
    strbuf_putc(&out->values, is_set);
}

/* ---- tensors ---- */

void gguf_put_tensor(struct gguf_out *out, const char *name, const struct dtype *dtype, size_t n_dims, size_t rows,
                     size_t cols)
{
    out->tensors = mem_grow(out->tensors, &out->capacity, out->n_tensors + 1, sizeof *out->tensors);
    out->tensors[out->n_tensors++] = (struct gguf_out_tensor){
        mem_strdup(name), dtype, n_dims, rows, n_dims == 1 ? 1 : cols, n_dims == 1 ? rows : rows * cols};
}

void gguf_out_free(struct gguf_out *out)
{
    for (size_t i = 0; i < out->n_tensors; i++)
        free(out->tensors[i].name);
    free(out->tensors);
    strbuf_free(&out->values);
    *out = (struct gguf_out){0};
}

static size_t aligned(size_t n)
{
    return (n + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static size_t bytes_of(const struct gguf_out_tensor *t)
{
    size_t bytes;
    if (!dtype_bytes(t->dtype, t->count, &bytes))
        SFT_BUG("a tensor that its dtype cannot hold");
    return bytes;
}

/* The description of one: the fastest dimension first. */
static void put_description(struct strbuf *sb, const struct gguf_out_tensor *t, size_t offset)
{
    put_text(sb, t->name, strlen(t->name));
    put_u32(sb, (uint32_t)t->n_dims);
    if (t->n_dims == 2)
        put_u64(sb, t->cols);
    put_u64(sb, t->rows);
    put_u32(sb, gguf_type_of(t->dtype));
    put_u64(sb, offset);
}

/* ---- writing ---- */

enum { CHUNK = 1 << 14 }; /* whole blocks of every dtype */

struct gguf_writer {
    struct io_writer *out;
    const struct gguf_out *plan;
    size_t n_written, n_done;   /* tensors; values of the next one that were taken */
    float waiting[CHUNK];       /* those of them that are not encoded yet */
    size_t n_waiting;
    unsigned char encoded[CHUNK * sizeof(float)]; /* no dtype is wider */
    const struct gguf_out_tensor *too_large;      /* the first that its dtype cannot hold; NULL: none */
};

static void pad(struct io_writer *out)
{
    static const char zeros[ALIGNMENT];
    const size_t size = io_writer_size(out);
    io_write(out, zeros, aligned(size) - size);
}

static void write_header(struct gguf_writer *w)
{
    const struct gguf_out *plan = w->plan;
    struct strbuf head = {0};
    size_t offset = 0;
    strbuf_puts(&head, "GGUF");
    put_u32(&head, VERSION);
    put_u64(&head, plan->n_tensors);
    put_u64(&head, plan->n_values);
    io_write(w->out, head.data, head.len);
    io_write(w->out, plan->values.data, plan->values.len);
    strbuf_clear(&head);
    for (size_t i = 0; i < plan->n_tensors; i++) {
        put_description(&head, &plan->tensors[i], offset);
        offset += aligned(bytes_of(&plan->tensors[i]));
    }
    io_write(w->out, head.data, head.len);
    pad(w->out);
    strbuf_free(&head);
}

struct gguf_writer *gguf_writer_open(const struct gguf_out *out, const char *path, struct sft_err *err)
{
    struct io_writer *file = io_writer_open(path, err);
    if (!file)
        return NULL;
    struct gguf_writer *w = mem_alloc(sizeof *w);
    w->out = file;
    w->plan = out;
    w->n_written = w->n_done = w->n_waiting = 0;
    w->too_large = NULL;
    write_header(w);
    return w;
}

/* An F16, of its own or as a scale, ends at 65504; values are finite when they come. */
static bool is_held(const struct gguf_writer *w, const struct dtype *dtype)
{
    float back[256];
    const size_t step = dtype->block > 1 ? dtype->block : sizeof back / sizeof *back;
    for (size_t first = 0; first < w->n_waiting; first += step) {
        const size_t n = w->n_waiting - first < step ? w->n_waiting - first : step;
        dtype->to_f32(back, w->encoded + first / dtype->block * dtype->block_bytes, n);
        for (size_t i = 0; i < n; i++)
            if (!isfinite(back[i]))
                return false;
    }
    return true;
}

static void encode(struct gguf_writer *w)
{
    const struct gguf_out_tensor *t = &w->plan->tensors[w->n_written];
    t->dtype->from_f32(w->encoded, w->waiting, w->n_waiting);
    if (!w->too_large && t->dtype != &dtype_f32 && !is_held(w, t->dtype))
        w->too_large = t;
    io_write(w->out, w->encoded, w->n_waiting / t->dtype->block * t->dtype->block_bytes);
    w->n_waiting = 0;
}

void gguf_write(struct gguf_writer *w, const float *values, size_t n)
{
    if (w->n_written == w->plan->n_tensors || n > w->plan->tensors[w->n_written].count - w->n_done)
        SFT_BUG("more values than were described");
    for (size_t part; n; values += part, n -= part) {
        part = n < CHUNK - w->n_waiting ? n : CHUNK - w->n_waiting;
        memcpy(w->waiting + w->n_waiting, values, part * sizeof *values);
        w->n_waiting += part;
        w->n_done += part;
        const bool is_whole = w->n_done == w->plan->tensors[w->n_written].count;
        if (is_whole || w->n_waiting == CHUNK)
            encode(w);
        if (is_whole) {
            pad(w->out);
            w->n_written++;
            w->n_done = 0;
        }
    }
}

void gguf_writer_abort(struct gguf_writer *w)
{
    if (!w)
        return;
    io_writer_abort(w->out);
    free(w);
}

enum sft_status gguf_writer_commit(struct gguf_writer *w, struct sft_err *err)
{
    enum sft_status status = SFT_OK;
    if (w->n_written != w->plan->n_tensors)
        SFT_BUG("fewer tensors than were described");
    if (w->too_large) {
        status = sft_fail(err, SFT_EDATA, "%s: holds numbers that are too large for %s (choose bf16 or f32)",
                          w->too_large->name, w->too_large->dtype->option);
        io_writer_abort(w->out);
    } else {
        status = io_writer_commit(w->out, err);
    }
    free(w);
    return status;
}
