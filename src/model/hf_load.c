#include "model/hf.h"

#include "base/mem.h"
#include "model/half.h"

#include <stdlib.h>
#include <string.h>

enum { PARALLEL_MIN = 1 << 16, COLUMNS = 64 };

struct loading {
    float *params;
    const struct tensor_table *table;
    const struct model_config *config;
    size_t file_vocab;
    bool *found;       /* (table->n_tensors) */
    struct block head; /* of a tied model whose file holds a head all the same: (file_vocab, n_embd) */
};

/* ---- which files ---- */

struct file_list {
    char **paths;
    size_t n, capacity;
};

static void file_list_add(struct file_list *files, char *path)
{
    files->paths = mem_grow(files->paths, &files->capacity, files->n + 1, sizeof *files->paths);
    files->paths[files->n++] = path;
}

static void file_list_free(struct file_list *files)
{
    for (size_t i = 0; i < files->n; i++)
        free(files->paths[i]);
    free(files->paths);
}

static bool file_list_holds(const struct file_list *files, const char *name)
{
    for (size_t i = 0; i < files->n; i++)
        if (strcmp(path_basename(files->paths[i]), name) == 0)
            return true;
    return false;
}

/* The different files that an index's weight_map names. */
static enum sft_status read_index(struct file_list *files, const char *dir, const char *index_path,
                                  struct sft_err *err)
{
    json *index;
    enum sft_status status = json_parse_file(index_path, &index, err);
    if (status)
        return status;
    const json *weight_map = json_get(index, "weight_map");
    if (!json_is_object(weight_map) || json_size(weight_map) == 0)
        status = sft_fail(err, SFT_EDATA, "%s: weight_map: expected an object of files", index_path);
    for (const json *entry = json_first(weight_map); entry && !status; entry = json_next(entry)) {
        const char *name = json_string(entry);
        if (!name || !*name || strchr(name, '/'))
            status = sft_fail(err, SFT_EDATA, "%s: weight_map.%s: expected a file's name", index_path,
                              json_key(entry));
        else if (!file_list_holds(files, name))
            file_list_add(files, path_join(dir, name));
    }
    json_free(index);
    return status;
}

static enum sft_status fail_no_weights(const char *dir, struct sft_err *err)
{
    static const char *const torch_files[] = {"pytorch_model.bin", "pytorch_model.bin.index.json"};
    bool has_torch = false;
    for (size_t i = 0; i < sizeof torch_files / sizeof *torch_files; i++) {
        char *path = path_join(dir, torch_files[i]);
        has_torch |= path_exists(path);
        free(path);
    }
    if (!has_torch)
        return sft_fail(err, SFT_EDATA, "%s: no model.safetensors", dir);
    return sft_fail(err, SFT_EDATA,
                    "%s: no model.safetensors, only pytorch_model.bin, which is not read here; convert it: "
                    "python -c 'from transformers import AutoModelForCausalLM as M; d = \"%s\"; "
                    "M.from_pretrained(d).save_pretrained(d)'",
                    dir, dir);
}

static enum sft_status find_files(struct file_list *files, const char *dir, struct sft_err *err)
{
    char *single = path_join(dir, "model.safetensors");
    char *index = path_join(dir, "model.safetensors.index.json");
    enum sft_status status = SFT_OK;
    if (path_exists(single))
        file_list_add(files, mem_strdup(single));
    else if (path_exists(index))
        status = read_index(files, dir, index, err);
    else
        status = fail_no_weights(dir, err);
    free(single);
    free(index);
    return status;
}

/* ---- tensors ---- */

static bool is_ignored(const struct family *family, const char *name)
{
    for (const char *const *end = family->ignored; *end; end++)
        if (str_has_ending(name, *end))
            return true;
    return false;
}

static bool is_tied_head(const struct model_config *config, const char *name)
{
    const struct family *family = config->family;
    for (size_t i = 0; i < family->n_tensors; i++)
        if (config->tied && family->tensors[i].if_untied && strcmp(family->tensors[i].name, name) == 0)
            return true;
    return false;
}

static enum sft_status check_shape(const struct st_tensor *from, size_t n_dims, size_t rows, size_t cols,
                                   struct sft_err *err)
{
    if (from->n_dims == n_dims && from->shape[0] == rows && (n_dims == 1 || from->shape[1] == cols))
        return SFT_OK;
    struct strbuf shape = {0};
    for (size_t d = 0; d < from->n_dims; d++)
        strbuf_printf(&shape, d ? ", %zu" : "%zu", from->shape[d]);
    strbuf_puts(&shape, "), but config.json makes it (");
    strbuf_printf(&shape, n_dims == 1 ? "%zu" : "%zu, %zu", rows, cols);
    sft_fail(err, SFT_EDATA, "tensor '%s' is (%s)", from->name, shape.data);
    strbuf_free(&shape);
    return SFT_EDATA;
}

static enum sft_status check_finite(const float *values, size_t n, const char *name, struct sft_err *err)
{
    const uint32_t exponent = 0x7F800000;
    size_t n_bad = 0;
#pragma omp parallel for simd reduction(+ : n_bad) if (n > PARALLEL_MIN)
    for (size_t i = 0; i < n; i++)
        n_bad += (f32_bits(values[i]) & exponent) == exponent;
    if (n_bad == 0)
        return SFT_OK;
    return sft_fail(err, SFT_EDATA, "tensor '%s': %zu of %zu values are not finite", name, n_bad, n);
}

/* Rows that the file knows of: its own vocabulary may be smaller than the model's. */
static size_t rows_in_file(const struct loading *l, const struct tensor *t)
{
    return t->spec->rows == DIM_VOCAB ? l->file_vocab : t->rows;
}

static enum sft_status read_head_of_tied(struct loading *l, const struct st_tensor *from, struct sft_err *err)
{
    if (check_shape(from, 2, l->file_vocab, l->config->n_embd, err))
        return SFT_EDATA;
    block_free(&l->head);
    const enum sft_status status = block_alloc(&l->head, from->count * sizeof(float), from->name, err);
    return status ? status : st_read_f32(from, l->head.data, err);
}

static enum sft_status read_tensor(struct loading *l, const struct st_tensor *from, struct sft_err *err)
{
    char *name = family_tensor_name(l->config->family, from->name);
    const struct tensor *t = tensor_find_name(l->table, name);
    const bool tied_head = is_tied_head(l->config, name);
    free(name);
    if (tied_head)
        return read_head_of_tied(l, from, err);
    if (!t && is_ignored(l->config->family, from->name))
        return SFT_OK;
    if (!t)
        return sft_fail(err, SFT_EDATA, "tensor '%s' has no place in a %s of %zu layers", from->name,
                        l->config->family->architecture, l->config->n_layer);
    bool *found = &l->found[t - l->table->tensors];
    if (*found)
        return sft_fail(err, SFT_EDATA, "tensor '%s' is there twice", t->name);
    *found = true;
    float *values = l->params + t->offset;
    if (check_shape(from, t->n_dims, rows_in_file(l, t), t->cols, err) || st_read_f32(from, values, err))
        return SFT_EDATA;
    return check_finite(values, from->count, from->name, err);
}

static enum sft_status read_file(struct loading *l, const char *path, struct sft_err *err)
{
    struct st_file file;
    enum sft_status status = st_open(&file, path, err);
    if (status)
        return status;
    for (size_t i = 0; i < file.n_tensors && !status; i++)
        status = read_tensor(l, &file.tensors[i], err);
    st_close(&file);
    return status ? sft_context(err, "%s", path) : SFT_OK;
}

/* ---- afterwards ---- */

static enum sft_status check_complete(const struct loading *l, struct sft_err *err)
{
    for (size_t i = 0; i < l->table->n_tensors; i++)
        if (!l->found[i])
            return sft_fail(err, SFT_EDATA, "tensor '%s' is missing", l->table->tensors[i].name);
    if (!l->head.data)
        return SFT_OK;
    const struct tensor *embedding = tensor_find(l->table, TENSOR_TOKEN_EMBEDDING, 0);
    if (memcmp(l->head.data, l->params + embedding->offset, l->head.bytes) != 0)
        return sft_fail(err, SFT_EDATA,
                        "the head differs from '%s' although tie_word_embeddings is true (set it to false in "
                        "config.json to train them apart)",
                        embedding->name);
    return SFT_OK;
}

/* New tokens start where the mean of the old ones is; Hewitt (2021), "Initializing New Word Embeddings". */
static void init_new_rows(float *values, size_t n_old, size_t n_all, size_t cols)
{
    if (n_old >= n_all)
        return;
#pragma omp parallel for schedule(static) if (n_old > PARALLEL_MIN / COLUMNS)
    for (size_t c0 = 0; c0 < cols; c0 += COLUMNS) {
        const size_t width = cols - c0 < COLUMNS ? cols - c0 : COLUMNS;
        double sum[COLUMNS] = {0};
        for (size_t row = 0; row < n_old; row++)
            for (size_t c = 0; c < width; c++)
                sum[c] += values[row * cols + c0 + c];
        for (size_t row = n_old; row < n_all; row++)
            for (size_t c = 0; c < width; c++)
                values[row * cols + c0 + c] = (float)(sum[c] / (double)n_old);
    }
}

enum sft_status hf_load_params(float *params, const struct tensor_table *table,
                               const struct model_config *config, size_t file_vocab, const char *dir,
                               struct sft_err *err)
{
    struct loading l = {.params = params, .table = table, .config = config, .file_vocab = file_vocab};
    struct file_list files = {0};
    if (file_vocab == 0 || file_vocab > config->vocab_size)
        SFT_BUG("a model's vocabulary may grow, not shrink");
    l.found = mem_calloc(table->n_tensors, sizeof *l.found);
    enum sft_status status = find_files(&files, dir, err);
    for (size_t i = 0; i < files.n && !status; i++)
        status = read_file(&l, files.paths[i], err);
    if (!status && (status = check_complete(&l, err)))
        sft_context(err, "%s", dir);
    for (size_t i = 0; i < table->n_tensors && !status; i++) {
        const struct tensor *t = &table->tensors[i];
        if (t->n_dims == 2)
            init_new_rows(params + t->offset, rows_in_file(&l, t), t->rows, t->cols);
    }
    file_list_free(&files);
    block_free(&l.head);
    free(l.found);
    return status;
}
