#include "train/adamw_file.h"

#include "files/safetensors.h"

struct moment {
    const char *name; /* the arena's */
    const struct tensor *tensor;
    float *values; /* (tensor->n_trained) the optimizer's */
};

/* Every trained tensor's first moment, then every second one: *count of them, in the arena. */
static struct moment *list_moments(const struct adamw *adamw, const struct tensor_table *table, struct arena *arena,
                                   size_t *count)
{
    const struct {
        char prefix;
        float *values;
    } blocks[] = {{'m', adamw->m.data}, {'v', adamw->v.data}};
    struct moment *list = arena_calloc(arena, 2 * table->n_tensors, sizeof *list);
    *count = 0;
    for (size_t b = 0; b < 2; b++)
        for (size_t i = 0; i < table->n_tensors; i++) {
            const struct tensor *t = &table->tensors[i];
            if (t->trained)
                list[(*count)++] = (struct moment){.name = arena_printf(arena, "%c.%s", blocks[b].prefix, t->name),
                                                   .tensor = t,
                                                   .values = blocks[b].values + t->grad_offset};
        }
    return list;
}

enum sft_status adamw_write(const struct adamw *adamw, const struct tensor_table *table, const char *path,
                            struct sft_err *err)
{
    struct arena arena = {0};
    size_t n;
    const struct moment *list = list_moments(adamw, table, &arena, &n);
    struct st_entry *entries = arena_calloc(&arena, n, sizeof *entries);
    for (size_t i = 0; i < n; i++)
        entries[i] = (struct st_entry){.name = list[i].name,
                                       .dtype = &dtype_f32,
                                       .n_dims = list[i].tensor->n_dims,
                                       .shape = {list[i].tensor->n_trained / list[i].tensor->cols,
                                                 list[i].tensor->cols}};
    struct st_writer *w = st_writer_open(path, entries, n, err);
    for (size_t i = 0; w && i < n; i++)
        st_write(w, list[i].values);
    const enum sft_status status = w ? st_writer_commit(w, NULL, err) : err->status;
    arena_free(&arena);
    return status;
}

static enum sft_status read_moment(const struct st_file *file, const struct moment *m, const char *path,
                                   struct sft_err *err)
{
    const struct stored_tensor *stored = st_find(file, m->name);
    if (!stored || stored->count != m->tensor->n_trained)
        return sft_fail(err, SFT_EDATA, "%s: tensor '%s' is missing or has another size", path, m->name);
    return stored_read(stored, m->values, err);
}

enum sft_status adamw_read(struct adamw *adamw, const struct tensor_table *table, const char *path, struct sft_err *err)
{
    struct arena arena = {0};
    struct st_file file;
    size_t n;
    if (st_open(&file, path, err))
        return err->status;
    const struct moment *list = list_moments(adamw, table, &arena, &n);
    enum sft_status status = SFT_OK;
    for (size_t i = 0; i < n && !status; i++)
        status = read_moment(&file, &list[i], path, err);
    st_close(&file);
    arena_free(&arena);
    return status;
}
