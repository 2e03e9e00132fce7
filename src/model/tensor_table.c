#include "model/tensor_table.h"

#include "base/mem.h"
#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN_ELEMENTS = 16, CHUNK = 1 << 16 };
static const size_t align_elements[] = {[KEPT_REAL] = ALIGN_ELEMENTS, [KEPT_BF16] = 32, [KEPT_INT8] = 64};

/* ---- the table ---- */

/* "transformer.h.3.ln_1.bias" from "h.%zu.ln_1.bias". */
static void name_tensor(struct tensor *t, const struct family *family)
{
    char *full = family_tensor_name(family, t->pattern);
    const char *hole = strstr(full, "%zu");
    if (hole)
        snprintf(t->name, sizeof t->name, "%.*s%zu%s", (int)(hole - full), full, t->layer, hole + 3);
    else
        snprintf(t->name, sizeof t->name, "%s", full);
    free(full);
}

/* Where a tensor of so many elements ends, with the gap behind it. */
static size_t aligned(size_t count, size_t align)
{
    return (count + align - 1) / align * align;
}

struct tensor *tensor_table_append(struct tensor_table *table, const struct tensor *tensor)
{
    table->tensors = mem_grow(table->tensors, &table->capacity, table->n_tensors + 1, sizeof *table->tensors);
    struct tensor *t = &table->tensors[table->n_tensors++];
    *t = *tensor;
    t->count = t->rows * t->cols;
    t->offset = table->n_elements;
    table->n_elements += aligned(t->count, ALIGN_ELEMENTS);
    return t;
}

void tensor_table_add(struct tensor_table *table, const struct family *family, const struct tensor *tensor)
{
    struct tensor *t = tensor_table_append(table, tensor);
    name_tensor(t, family);
    table->n_parameters += t->count;
    table->n_model = table->n_tensors;
}

void tensor_table_free(struct tensor_table *table)
{
    for (size_t i = 0; i < table->n_tensors; i++)
        free(table->tensors[i].trained_rows);
    free(table->tensors);
    *table = (struct tensor_table){0};
}

bool tensor_any(const struct tensor *tensor)
{
    return tensor != NULL;
}

void tensor_table_choose(struct tensor_table *table, tensor_choice *trained)
{
    for (struct tensor *t = table->tensors; t < table->tensors + table->n_tensors; t++)
        t->trained = trained && trained(t);
    tensor_table_place_gradients(table);
}

void tensor_table_place_gradients(struct tensor_table *table)
{
    table->n_trained_elements = 0;
    for (struct tensor *t = table->tensors; t < table->tensors + table->n_tensors; t++) {
        t->n_trained = !t->trained ? 0 : t->trained_rows ? t->n_trained_rows * t->cols : t->count;
        t->grad_offset = table->n_trained_elements;
        table->n_trained_elements += aligned(t->n_trained, ALIGN_ELEMENTS);
    }
}

void tensor_table_drop_gradients(struct tensor_table *table)
{
    for (struct tensor *t = table->tensors; t < table->tensors + table->n_tensors; t++)
        t->n_trained = t->grad_offset = 0;
    table->n_trained_elements = 0;
}

/* Whether a row of what lies in memory is of one output, as integers need it. */
static bool is_out_in(const struct tensor *t)
{
    return t->per_token || (t->layout == LAYOUT_OUT_IN) != t->transposed;
}

void tensor_table_place(struct tensor_table *table)
{
    size_t *const ends[] = {
        [KEPT_REAL] = &table->n_elements, [KEPT_BF16] = &table->n_bf16, [KEPT_INT8] = &table->n_int8};
    table->n_elements = table->n_bf16 = table->n_int8 = table->n_scales = 0;
    for (struct tensor *t = table->tensors; t < table->tensors + table->n_tensors; t++) {
        if ((t->kept || t->transposed) && (t->trained || !t->is_matrix))
            SFT_BUG("a tensor whose values can only be reals, as they are in files");
        if (t->kept == KEPT_INT8 && !is_out_in(t))
            SFT_BUG("integers whose scales are no rows'");
        if (t->elsewhere)
            continue;
        t->offset = *ends[t->kept];
        *ends[t->kept] += aligned(t->count, align_elements[t->kept]);
        t->scales = table->n_scales;
        table->n_scales += t->kept == KEPT_INT8 ? aligned(t->transposed ? t->cols : t->rows, ALIGN_ELEMENTS) : 0;
    }
}

void tensor_table_place_trained(struct tensor_table *table)
{
    for (struct tensor *t = table->tensors; t < table->tensors + table->n_tensors; t++)
        t->elsewhere = !t->trained;
    tensor_table_place(table);
}

size_t tensor_table_count_trained(const struct tensor_table *table)
{
    size_t n = 0;
    for (size_t i = 0; i < table->n_tensors; i++)
        n += table->tensors[i].n_trained;
    return n;
}

bool tensor_trains_row(const struct tensor *tensor, int32_t row)
{
    size_t i = 0;
    while (i < tensor->n_trained_rows && tensor->trained_rows[i] != row)
        i++;
    return tensor->trained && (!tensor->trained_rows || i < tensor->n_trained_rows);
}

struct tensor_table tensor_table_copy(const struct tensor_table *table)
{
    struct tensor_table copy = *table;
    copy.capacity = copy.n_tensors;
    copy.tensors = mem_alloc(copy.n_tensors * sizeof *copy.tensors);
    memcpy(copy.tensors, table->tensors, copy.n_tensors * sizeof *copy.tensors);
    for (struct tensor *t = copy.tensors; t < copy.tensors + copy.n_tensors; t++)
        if (t->trained_rows) {
            const size_t bytes = t->n_trained_rows * sizeof *t->trained_rows;
            t->trained_rows = memcpy(mem_alloc(bytes), t->trained_rows, bytes);
        }
    copy.token_embedding = copy.tensors + (table->token_embedding - table->tensors);
    copy.head = copy.tensors + (table->head - table->tensors);
    return copy;
}

struct tensor_table tensor_table_of_model(const struct tensor_table *table)
{
    struct tensor_table view = *table;
    view.n_tensors = table->n_model;
    return view;
}

const struct tensor *tensor_find(const struct tensor_table *table, const char *pattern, size_t layer)
{
    if (!pattern || layer >= table->n_layer)
        return NULL;
    const size_t per_layer = (table->n_model - table->n_global) / table->n_layer;
    const bool is_global = !strstr(pattern, "%zu");
    const struct tensor *t = table->tensors + (is_global ? 0 : table->n_global + layer * per_layer);
    for (const struct tensor *end = t + (is_global ? table->n_global : per_layer); t < end; t++)
        if (strcmp(t->pattern, pattern) == 0)
            return t;
    return NULL;
}

const struct tensor *tensor_find_name(const struct tensor_table *table, const char *name)
{
    for (const struct tensor *t = table->tensors; t < table->tensors + table->n_tensors; t++)
        if (strcmp(t->name, name) == 0)
            return t;
    return NULL;
}

/* ---- random weights ---- */

static void fill(float *values, size_t n, float x)
{
    for (size_t i = 0; i < n; i++)
        values[i] = x;
}

/* A stream of random numbers for each chunk of each tensor, so that the threads' number changes nothing. */
static void fill_normal(float *values, size_t n, double std, uint64_t seed, size_t tensor_index)
{
    const size_t n_chunks = (n + CHUNK - 1) / CHUNK;
#pragma omp parallel for if (n_chunks > 1)
    for (size_t chunk = 0; chunk < n_chunks; chunk++) {
        const size_t end = (chunk + 1) * CHUNK < n ? (chunk + 1) * CHUNK : n;
        struct rng rng;
        rng_seed(&rng, seed, (uint64_t)tensor_index << 32 | chunk);
        for (size_t i = chunk * CHUNK; i < end; i++)
            values[i] = (float)(std * rng_normal(&rng));
    }
}

void params_init_random(float *params, const struct tensor_table *table, const struct model_config *config,
                        uint64_t seed)
{
    const double std = config->initializer_range, residual_std = std / sqrt(2.0 * (double)config->n_layer);
    for (size_t i = 0; i < table->n_model; i++) {
        const struct tensor *t = &table->tensors[i];
        float *values = params + t->offset;
        switch (t->init) {
        case INIT_NORMAL:
            fill_normal(values, t->count, std, seed, i);
            break;
        case INIT_NORMAL_RESIDUAL:
            fill_normal(values, t->count, residual_std, seed, i);
            break;
        case INIT_ONE:
            fill(values, t->count, 1.0f);
            break;
        case INIT_ZERO:
            fill(values, t->count, 0.0f);
            break;
        }
    }
}
