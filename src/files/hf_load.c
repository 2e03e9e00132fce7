#include "files/hf.h"

#include "base/mem.h"
#include "files/half.h"
#include "files/hf_files.h"
#include "files/tensor_names.h"

#include <stdlib.h>
#include <string.h>

enum { PARALLEL_MIN = 1 << 16, COLUMNS = 64 };

/* A tensor in a file. */
struct source {
    const struct st_tensor *tensor;
    const char *path;
};

/* The files of a model, opened, and which of their tensors is which of the table's. */
struct weights {
    const struct tensor_table *table;
    const struct model_config *config;
    size_t file_vocab;
    struct hf_files files;
    struct st_file *opened; /* (files.n) */
    struct source *from;    /* (table->n_tensors) */
    struct source head;     /* of a tied model whose file holds a head all the same */
    struct name_groups unused, beyond, foreign, adapter;
    const char *foreign_path; /* a file that holds one of the latter three */
    size_t layers_in_file;
};

/* ---- which tensor is which ---- */

static bool is_tied_head(const struct model_config *config, const char *canonical)
{
    return config->tied && strcmp(config->family->head, canonical) == 0;
}

static enum sft_status take_parameter(struct weights *w, const struct st_tensor *tensor, const char *path,
                                      struct sft_err *err)
{
    char *name = tensor_name_canonical(w->config->family, tensor->name);
    const struct tensor *t = tensor_find_name(w->table, name);
    struct source *place = is_tied_head(w->config, name) ? &w->head : t ? &w->from[t - w->table->tensors] : NULL;
    if (!place)
        SFT_BUG("a parameter that the table lacks");
    enum sft_status status = SFT_OK;
    if (place->tensor)
        status = sft_fail(err, SFT_EDATA, "%s: tensor '%s' is there twice (the other is '%s')", path, tensor->name,
                          place->tensor->name);
    *place = (struct source){tensor, path};
    if (t && t->layer >= w->layers_in_file)
        w->layers_in_file = t->layer + 1;
    free(name);
    return status;
}

static enum sft_status take(struct weights *w, const struct st_tensor *tensor, const char *path,
                            struct sft_err *err)
{
    struct name_groups *group = NULL;
    switch (tensor_kind(w->config, tensor->name)) {
    case TENSOR_PARAMETER:
        return take_parameter(w, tensor, path, err);
    case TENSOR_BUFFER:
        return SFT_OK;
    case TENSOR_UNUSED:
        name_groups_add(&w->unused, tensor->name);
        return SFT_OK;
    case TENSOR_LAYER:
        group = &w->beyond;
        break;
    case TENSOR_ADAPTER:
        group = &w->adapter;
        break;
    case TENSOR_FOREIGN:
        group = &w->foreign;
        break;
    }
    if (!w->foreign_path)
        w->foreign_path = path;
    name_groups_add(group, tensor->name);
    return SFT_OK;
}

/* "PATH: BEFORE names AFTER" */
static enum sft_status fail_names(const char *path, const char *before, const struct name_groups *names,
                                  const char *after, struct sft_err *err)
{
    struct strbuf list = {0};
    name_groups_print(names, &list);
    sft_fail(err, SFT_EDATA, "%s: %s%s%s", path, before, list.data, after);
    strbuf_free(&list);
    return SFT_EDATA;
}

static enum sft_status check_company(const struct weights *w, struct sft_err *err)
{
    if (w->adapter.n_names)
        return fail_names(w->foreign_path, "holds a LoRA adapter: ", &w->adapter,
                          " (merge it into its base first: in Python, peft's merge_and_unload, then "
                          "save_pretrained)",
                          err);
    if (w->foreign.n_names) {
        char *after = mem_printf(" (no %s has them: this is another architecture than config.json says)",
                                 w->config->family->architecture);
        fail_names(w->foreign_path, "tensors of an unknown place: ", &w->foreign, after, err);
        free(after);
        return SFT_EDATA;
    }
    if (w->beyond.n_names) {
        char *before = mem_printf("more layers than config.json's %s %zu: ",
                                  family_key(w->config->family, offsetof(struct model_config, n_layer)),
                                  w->config->n_layer);
        fail_names(w->foreign_path, before, &w->beyond, "", err);
        free(before);
        return SFT_EDATA;
    }
    return SFT_OK;
}

/* ---- what is missing ---- */

/* A tied model's file may hold the shared tensor under the head's name alone. */
static void take_head_for_embedding(struct weights *w)
{
    const struct tensor *embedding = w->table->token_embedding;
    struct source *from = &w->from[embedding - w->table->tensors];
    if (w->head.tensor && !from->tensor) {
        *from = w->head;
        w->head = (struct source){0};
    }
}

static enum sft_status fail_missing(const struct weights *w, const char *dir, const struct name_groups *missing,
                                    bool only_layers, struct sft_err *err)
{
    const struct family *family = w->config->family;
    if (only_layers)
        return sft_fail(err, SFT_EDATA, "%s: config.json's %s is %zu, but the weights hold %zu layer%s", dir,
                        family_key(family, offsetof(struct model_config, n_layer)), w->config->n_layer,
                        w->layers_in_file, w->layers_in_file == 1 ? "" : "s");
    const struct tensor *head = w->table->head;
    if (!w->config->tied && missing->n_names == 1 && !w->from[head - w->table->tensors].tensor)
        return sft_fail(err, SFT_EDATA,
                        "%s: tensor '%s' is missing, although config.json's %s is false (where the head is the "
                        "embedding, set it to true)",
                        dir, head->name, family_key(family, offsetof(struct model_config, tied)));
    if (missing->n_names == 1)
        return fail_names(dir, "missing tensor: ", missing, "", err);
    struct strbuf others = {0};
    if (missing->n_names == w->table->n_tensors && w->unused.n_names) {
        strbuf_printf(&others, " (no %s; what is there: ", family->architecture);
        name_groups_print(&w->unused, &others);
        strbuf_putc(&others, ')');
    }
    char *before = mem_printf("%zu of %zu tensors are missing: ", missing->n_names, w->table->n_tensors);
    fail_names(dir, before, missing, others.data ? others.data : "", err);
    free(before);
    strbuf_free(&others);
    return SFT_EDATA;
}

static enum sft_status check_complete(const struct weights *w, const char *dir, struct sft_err *err)
{
    struct name_groups missing = {0};
    bool only_layers = w->layers_in_file > 0 && w->layers_in_file < w->config->n_layer;
    for (size_t i = 0; i < w->table->n_tensors; i++) {
        const struct tensor *t = &w->table->tensors[i];
        if (w->from[i].tensor)
            continue;
        name_groups_add(&missing, t->name);
        only_layers &= t->layer >= w->layers_in_file;
    }
    const enum sft_status status = missing.n_names ? fail_missing(w, dir, &missing, only_layers, err) : SFT_OK;
    name_groups_free(&missing);
    return status;
}

/* ---- shapes ---- */

static enum sft_status check_shape(const struct source *from, size_t n_dims, size_t rows, size_t cols,
                                   struct sft_err *err)
{
    const struct st_tensor *t = from->tensor;
    if (t->dtype == ST_OTHER)
        return sft_fail(err, SFT_EDATA, "%s: tensor '%s' is %s; F32, F16 and BF16 are done here", from->path, t->name,
                        t->dtype_name);
    if (t->n_dims == n_dims && t->shape[0] == rows && (n_dims == 1 || t->shape[1] == cols))
        return SFT_OK;
    struct strbuf shape = {0};
    for (size_t d = 0; d < t->n_dims; d++)
        strbuf_printf(&shape, d ? ", %zu" : "%zu", t->shape[d]);
    strbuf_puts(&shape, "), but config.json makes it (");
    strbuf_printf(&shape, n_dims == 1 ? "%zu" : "%zu, %zu", rows, cols);
    sft_fail(err, SFT_EDATA, "%s: tensor '%s' is (%s)", from->path, t->name, shape.data);
    strbuf_free(&shape);
    return SFT_EDATA;
}

/* Rows that the file knows of: its own vocabulary may be smaller than the model's. */
static size_t rows_in_file(const struct weights *w, const struct tensor *t)
{
    return t->per_token ? w->file_vocab : t->rows;
}

static enum sft_status check_shapes(const struct weights *w, struct sft_err *err)
{
    for (size_t i = 0; i < w->table->n_tensors; i++) {
        const struct tensor *t = &w->table->tensors[i];
        if (check_shape(&w->from[i], t->n_dims, rows_in_file(w, t), t->cols, err))
            return SFT_EDATA;
    }
    return w->head.tensor ? check_shape(&w->head, 2, w->file_vocab, w->config->n_embd, err) : SFT_OK;
}

/* ---- opening ---- */

static enum sft_status open_file(struct weights *w, size_t i, struct sft_err *err)
{
    const char *path = w->files.paths[i];
    enum sft_status status = st_open(&w->opened[i], path, err);
    for (size_t k = 0; k < w->opened[i].n_tensors && !status; k++)
        status = take(w, &w->opened[i].tensors[k], path, err);
    return status;
}

/* Open the files and find every tensor of the table, its shape and dtype checked; no value is read. Close with
 * weights_close in any case. */
static enum sft_status weights_open(struct weights *w, const struct tensor_table *table,
                                    const struct model_config *config, size_t file_vocab, const char *dir,
                                    struct sft_err *err)
{
    *w = (struct weights){.table = table, .config = config, .file_vocab = file_vocab};
    if (file_vocab == 0 || file_vocab > config->vocab_size)
        SFT_BUG("a model's vocabulary may grow, not shrink");
    if (hf_files_find(&w->files, dir, err))
        return err->status;
    w->opened = mem_calloc(w->files.n, sizeof *w->opened);
    w->from = mem_calloc(table->n_tensors, sizeof *w->from);
    for (size_t i = 0; i < w->files.n; i++)
        if (open_file(w, i, err))
            return err->status;
    take_head_for_embedding(w);
    if (check_company(w, err) || check_complete(w, dir, err) || check_shapes(w, err))
        return err->status;
    return SFT_OK;
}

static void weights_close(struct weights *w)
{
    for (size_t i = 0; w->opened && i < w->files.n; i++)
        st_close(&w->opened[i]);
    free(w->opened);
    free(w->from);
    name_groups_free(&w->unused);
    name_groups_free(&w->beyond);
    name_groups_free(&w->foreign);
    name_groups_free(&w->adapter);
    hf_files_free(&w->files);
}

enum sft_status hf_check_weights(const struct model_config *config, size_t file_vocab, const char *dir,
                                 struct strbuf *unused, struct sft_err *err)
{
    struct tensor_table table;
    struct weights w;
    tensor_table_init(&table, config);
    const enum sft_status status = weights_open(&w, &table, config, file_vocab, dir, err);
    strbuf_clear(unused);
    if (!status && w.unused.n_names)
        name_groups_print(&w.unused, unused);
    weights_close(&w);
    tensor_table_free(&table);
    return status;
}

/* ---- values ---- */

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

static enum sft_status read_values(const struct source *from, float *values, struct sft_err *err)
{
    if (st_read_f32(from->tensor, values, err) || check_finite(values, from->tensor->count, from->tensor->name, err))
        return sft_in_file(err, from->path, 0);
    return SFT_OK;
}

/* A head beside a tied embedding is the same tensor, saved twice, or config.json is wrong. */
static enum sft_status check_tied_head(const struct weights *w, const float *params, struct sft_err *err)
{
    const struct tensor *embedding = w->table->token_embedding;
    struct block head;
    if (!w->head.tensor)
        return SFT_OK;
    if (block_alloc(&head, w->head.tensor->count * sizeof(float), w->head.tensor->name, err))
        return err->status;
    enum sft_status status = read_values(&w->head, head.data, err);
    if (!status && memcmp(head.data, params + embedding->offset, head.bytes) != 0)
        status = sft_fail(err, SFT_EDATA,
                          "%s: '%s' differs from '%s' although config.json's %s is true (set it to false to keep "
                          "them apart)",
                          w->head.path, w->head.tensor->name, embedding->name,
                          family_key(w->config->family, offsetof(struct model_config, tied)));
    block_free(&head);
    return status;
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
    struct weights w;
    enum sft_status status = weights_open(&w, table, config, file_vocab, dir, err);
    for (size_t i = 0; i < table->n_tensors && !status; i++)
        status = read_values(&w.from[i], params + table->tensors[i].offset, err);
    if (!status)
        status = check_tied_head(&w, params, err);
    for (size_t i = 0; i < table->n_tensors && !status; i++) {
        const struct tensor *t = &table->tensors[i];
        if (t->n_dims == 2)
            init_new_rows(params + t->offset, rows_in_file(&w, t), t->rows, t->cols);
    }
    weights_close(&w);
    return status;
}
