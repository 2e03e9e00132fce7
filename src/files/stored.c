#include "files/stored.h"

#include "base/io.h"
#include "base/mem.h"

enum { CHUNK = 1 << 16 };

void stored_tensors_add(struct stored_tensors *list, const struct stored_tensor *tensor)
{
    list->items = mem_grow(list->items, &list->capacity, list->n + 1, sizeof *list->items);
    list->items[list->n++] = tensor;
}

void stored_read_part(const struct stored_tensor *t, size_t first, size_t n, float *values)
{
    if (t->read)
        t->read(t, first, n, values);
    else
        t->dtype->to_f32(values, t->data + first / t->dtype->block * t->dtype->block_bytes, n);
}

enum sft_status stored_check_dtype(const struct stored_tensor *t, struct sft_err *err)
{
    if (t->dtype->to_f32)
        return SFT_OK;
    return sft_fail(err, SFT_EDATA, "tensor '%s' is %s; %s are read here", t->name, t->dtype->name,
                    t->dtype->instead ? t->dtype->instead : "F32, F16, BF16 and F64");
}

/* Whole pages of what was read are given back; where its bytes lie anywhere, once all is read. */
static void release(const struct stored_tensor *t, size_t first, size_t n)
{
    const size_t block = t->dtype->block, bytes = t->dtype->block_bytes;
    if (t->is_mapped && !t->read)
        io_map_release(t->data + first / block * bytes, n / block * bytes);
    else if (t->is_mapped && first + n == t->count)
        io_map_release(t->data, t->bytes);
}

void stored_read_piece(const struct stored_tensor *t, size_t first, size_t n, float *values)
{
#pragma omp parallel for schedule(static) if (n > CHUNK)
    for (size_t done = 0; done < n; done += CHUNK) {
        const size_t left = n - done;
        stored_read_part(t, first + done, left < CHUNK ? left : CHUNK, values + done);
    }
    release(t, first, n);
}

enum sft_status stored_read(const struct stored_tensor *t, float *values, struct sft_err *err)
{
    if (stored_check_dtype(t, err))
        return SFT_EDATA;
    stored_read_piece(t, 0, t->count, values);
    return SFT_OK;
}
