#include "files/hf_weights.h"

#include "base/io.h"
#include "base/mem.h"
#include "files/hf_index.h"
#include "files/safetensors.h"

#include <stdlib.h>

/* ---- which tensor comes where ---- */

static size_t bytes_of(const struct tensor *t, const struct dtype *dtype)
{
    size_t bytes;
    if (!dtype_bytes(dtype, t->count, &bytes))
        SFT_BUG("a tensor larger than memory");
    return bytes;
}

/* Give the tensors that wait for a shard their number. */
static void close_shard(size_t *shard_of, size_t n, size_t waiting, size_t shard)
{
    for (size_t i = 0; i < n; i++)
        if (shard_of[i] == waiting)
            shard_of[i] = shard;
}

size_t hf_weights_split(const struct tensor_table *table, const struct dtype *dtype, size_t max_bytes,
                        size_t *shard_of)
{
    static const size_t waiting = SIZE_MAX;
    size_t n_shards = 0, filled = 0, n_waiting = 0;
    for (size_t i = 0; i < table->n_tensors; i++) {
        const size_t bytes = bytes_of(&table->tensors[i], dtype);
        if (bytes > max_bytes) {
            shard_of[i] = n_shards++;
            continue;
        }
        if (filled + bytes > max_bytes) {
            close_shard(shard_of, i, waiting, n_shards++);
            filled = n_waiting = 0;
        }
        shard_of[i] = waiting;
        filled += bytes;
        n_waiting++;
    }
    if (n_waiting)
        close_shard(shard_of, table->n_tensors, waiting, n_shards++);
    return n_shards;
}

/* ---- writing ---- */

static char *shard_name(size_t shard, size_t n_shards)
{
    return n_shards == 1 ? mem_strdup("model.safetensors")
                         : mem_printf("model-%05zu-of-%05zu.safetensors", shard + 1, n_shards);
}

static void take(void *writer, const float *values, size_t n)
{
    st_write_piece(writer, values, n);
}

static enum sft_status write_tensors(struct st_writer *w, const struct model_out *m, const size_t *shard_of,
                                     size_t shard, struct sft_err *err)
{
    enum sft_status status = SFT_OK;
    for (size_t i = 0; i < m->table->n_tensors && !status; i++)
        if (shard_of[i] == shard)
            status = m->values.pass(m->values.from, &m->table->tensors[i], take, w, err);
    return status;
}

static enum sft_status write_shard(const struct model_out *m, const char *dir, const size_t *shard_of, size_t shard,
                                   size_t n_shards, struct sft_err *err)
{
    const struct tensor_table *table = m->table;
    struct st_entry *entries = mem_calloc(table->n_tensors, sizeof *entries);
    char *name = shard_name(shard, n_shards), *path = path_join(dir, name);
    size_t n = 0;
    for (size_t i = 0; i < table->n_tensors; i++) {
        const struct tensor *t = &table->tensors[i];
        if (shard_of[i] == shard)
            entries[n++] = (struct st_entry){t->name, m->meta->dtype, t->n_dims, {t->rows, t->cols}};
    }
    struct st_writer *w = st_writer_open(path, entries, n, err);
    enum sft_status status = w ? write_tensors(w, m, shard_of, shard, err) : err->status;
    if (status)
        st_writer_abort(w);
    else
        status = st_writer_commit(w, NULL, err);
    free(name);
    free(path);
    free(entries);
    return status;
}

static enum sft_status write_index(const struct model_out *m, const char *dir, const size_t *shard_of, size_t n_shards,
                                   struct sft_err *err)
{
    const struct tensor_table *table = m->table;
    json *root = json_new_object(), *metadata = json_new_object(), *weight_map = json_new_object();
    struct strbuf text = {0};
    char *path = path_join(dir, hf_index_name);
    size_t bytes = 0;
    for (size_t i = 0; i < table->n_tensors; i++) {
        char *name = shard_name(shard_of[i], n_shards);
        bytes += bytes_of(&table->tensors[i], m->meta->dtype);
        json_set_string(weight_map, table->tensors[i].name, name);
        free(name);
    }
    json_set_number(metadata, "total_parameters", (double)table->n_parameters);
    json_set_number(metadata, "total_size", (double)bytes);
    json_set_node(root, "metadata", metadata);
    json_set_node(root, "weight_map", weight_map);
    json_print(root, &text);
    strbuf_putc(&text, '\n');
    const enum sft_status status = io_write_file(path, text.data, text.len, err);
    json_free(root);
    strbuf_free(&text);
    free(path);
    return status;
}

enum sft_status hf_weights_save(const struct model_out *m, const char *dir, struct sft_err *err)
{
    const size_t max_bytes = m->meta->max_shard_bytes ? m->meta->max_shard_bytes : HF_SHARD_BYTES;
    size_t *shard_of = mem_calloc(m->table->n_tensors, sizeof *shard_of);
    const size_t n_shards = hf_weights_split(m->table, m->meta->dtype, max_bytes, shard_of);
    enum sft_status status = SFT_OK;
    for (size_t shard = 0; shard < n_shards && !status; shard++)
        status = write_shard(m, dir, shard_of, shard, n_shards, err);
    if (!status && n_shards > 1)
        status = write_index(m, dir, shard_of, n_shards, err);
    free(shard_of);
    return status;
}
