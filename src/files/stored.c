#include "files/stored.h"

#include "base/io.h"
#include "base/mem.h"

#include <string.h>

enum { CHUNK = 1 << 16 };

void stored_tensors_add(struct stored_tensors *list, const struct stored_tensor *tensor)
{
    list->items = mem_grow(list->items, &list->capacity, list->n + 1, sizeof *list->items);
    list->items[list->n++] = tensor;
}

const char *stored_own_name(const struct stored_tensor *t)
{
    return t->own_name ? t->own_name : t->name;
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
    return sft_fail(err, SFT_EDATA, "tensor '%s' is %s; %s are read here", stored_own_name(t), t->dtype->name,
                    t->dtype->instead ? t->dtype->instead : "F32, F16, BF16 and F64");
}

static void release(const struct stored_tensor *t)
{
    if (t->is_mapped)
        io_map_release(t->data, t->bytes);
}

enum sft_status stored_read(const struct stored_tensor *t, float *values, struct sft_err *err)
{
    if (stored_check_dtype(t, err))
        return SFT_EDATA;
#pragma omp parallel for schedule(static) if (t->count > CHUNK)
    for (size_t first = 0; first < t->count; first += CHUNK) {
        const size_t left = t->count - first;
        stored_read_part(t, first, left < CHUNK ? left : CHUNK, values + first);
    }
    release(t);
    return SFT_OK;
}

void stored_copy(const struct stored_tensor *t, void *to)
{
#pragma omp parallel for schedule(static) if (t->bytes > CHUNK)
    for (size_t first = 0; first < t->bytes; first += CHUNK) {
        const size_t left = t->bytes - first;
        memcpy((unsigned char *)to + first, t->data + first, left < CHUNK ? left : CHUNK);
    }
    release(t);
}
