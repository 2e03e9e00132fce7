#include "train/adamw_file.h"

#include "files/safetensors.h"

#include <string.h>

/* A tensor of the file. */
struct part {
    struct st_entry entry; /* its name is the arena's */
    size_t count;          /* of elements */
    void *values;          /* as they lie in the file; the optimizer's */
};
struct parts {
    struct part *list;
    size_t n;
};

enum { PARTS_MAX = 4 }; /* of one tensor */

static void add_values(struct parts *parts, struct arena *arena, char prefix, const struct tensor *tensor,
                       const struct moments *x)
{
    static const char *const small[] = {['m'] = "I8", ['v'] = "U8"};
    const struct dtype *dtype = x->kept == MOMENTS_8BIT ? dtype_find(small[(unsigned char)prefix]) : &dtype_f32;
    parts->list[parts->n++] = (struct part){.entry = {.name = arena_printf(arena, "%c.%s", prefix, tensor->name),
                                                      .dtype = dtype,
                                                      .n_dims = tensor->n_dims,
                                                      .shape = {tensor->n_trained / tensor->cols,
                                                                 tensor->cols}},
                                            .count = x->count,
                                            .values = prefix == 'm' ? x->m : x->v};
}

static void add_scales(struct parts *parts, struct arena *arena, char prefix, const struct tensor *tensor,
                       const struct moments *x)
{
    parts->list[parts->n++] = (struct part){.entry = {.name = arena_printf(arena, "%c.%s.scales", prefix, tensor->name),
                                                      .dtype = &dtype_bf16,
                                                      .n_dims = 1,
                                                      .shape = {x->n_scales}},
                                            .count = x->n_scales,
                                            .values = prefix == 'm' ? x->m_scales : x->v_scales};
}

/* Of every trained tensor what is of the first moment, then of every one what is of the second: in the arena. */
static struct parts list_parts(const struct adamw *adamw, const struct tensor_table *table, struct arena *arena)
{
    struct parts parts = {.list = arena_calloc(arena, PARTS_MAX * table->n_tensors, sizeof *parts.list)};
    for (const char *prefix = "mv"; *prefix; prefix++) {
        size_t at = 0;
        for (const struct tensor *t = table->tensors; t < table->tensors + table->n_tensors; t++) {
            if (!t->trained)
                continue;
            const struct moments x = adamw_moments_at(adamw, t, &at);
            add_values(&parts, arena, *prefix, t, &x);
            if (x.n_scales)
                add_scales(&parts, arena, *prefix, t, &x);
        }
    }
    return parts;
}

enum sft_status adamw_write(const struct adamw *adamw, const struct tensor_table *table, const char *path,
                            struct sft_err *err)
{
    struct arena arena = {0};
    const struct parts parts = list_parts(adamw, table, &arena);
    struct st_entry *entries = arena_calloc(&arena, parts.n, sizeof *entries);
    for (size_t i = 0; i < parts.n; i++)
        entries[i] = parts.list[i].entry;
    struct st_writer *w = st_writer_open(path, entries, parts.n, err);
    for (size_t i = 0; w && i < parts.n; i++)
        st_write_as_it_is(w, parts.list[i].values);
    const enum sft_status status = w ? st_writer_commit(w, NULL, err) : err->status;
    arena_free(&arena);
    return status;
}

static enum sft_status read_part(const struct st_file *file, const struct part *part, const char *path,
                                 struct sft_err *err)
{
    const struct dtype *dtype = part->entry.dtype;
    const struct stored_tensor *stored = st_find(file, part->entry.name);
    if (!stored || stored->count != part->count)
        return sft_fail(err, SFT_EDATA, "%s: tensor '%s' is missing or has another size", path, part->entry.name);
    if (stored->dtype != dtype)
        return sft_fail(err, SFT_EDATA, "%s: tensor '%s' is %s, and not %s", path, part->entry.name,
                        stored->dtype->name, dtype->name);
    memcpy(part->values, stored->data, stored->bytes);
    stored_release(stored);
    return SFT_OK;
}

enum sft_status adamw_read(struct adamw *adamw, const struct tensor_table *table, const char *path, struct sft_err *err)
{
    struct arena arena = {0};
    struct st_file file;
    if (st_open(&file, path, err))
        return err->status;
    const struct parts parts = list_parts(adamw, table, &arena);
    enum sft_status status = SFT_OK;
    for (size_t i = 0; i < parts.n && !status; i++)
        status = read_part(&file, &parts.list[i], path, err);
    st_close(&file);
    arena_free(&arena);
    return status;
}
