#include "model/params.h"

#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN_ELEMENTS = 16, CHUNK = 1 << 16 };

/* ---- the table ---- */

static bool is_per_layer(const struct tensor_spec *spec)
{
    return spec->role >= TENSOR_GLOBAL_COUNT;
}

/* "transformer.h.3.ln_1.bias" from "h.%zu.ln_1.bias". */
static void name_tensor(struct tensor *t, const struct family *family)
{
    char *full = family_tensor_name(family, t->spec->name);
    const char *hole = strstr(full, "%zu");
    if (hole)
        snprintf(t->name, sizeof t->name, "%.*s%zu%s", (int)(hole - full), full, t->layer, hole + 3);
    else
        snprintf(t->name, sizeof t->name, "%s", full);
    free(full);
}

static void append(struct tensor_table *table, const struct model_config *config,
                   const struct tensor_spec *spec, size_t layer)
{
    struct tensor *t = &table->tensors[table->n_tensors++];
    *t = (struct tensor){.spec = spec, .layer = layer, .offset = table->n_elements};
    name_tensor(t, config->family);
    t->rows = family_dim(spec->rows, config);
    t->cols = family_dim(spec->cols, config);
    t->n_dims = spec->cols == DIM_NONE ? 1 : 2;
    t->count = t->rows * t->cols;
    table->n_elements += (t->count + ALIGN_ELEMENTS - 1) / ALIGN_ELEMENTS * ALIGN_ELEMENTS;
    table->n_parameters += t->count;
}

void tensor_table_init(struct tensor_table *table, const struct model_config *config)
{
    const struct family *family = config->family;
    *table = (struct tensor_table){.n_layer = config->n_layer};
    table->tensors = mem_calloc(family->n_tensors * config->n_layer + family->n_tensors,
                                sizeof *table->tensors);
    for (size_t i = 0; i < family->n_tensors; i++)
        if (!is_per_layer(&family->tensors[i]) && !(family->tensors[i].if_untied && config->tied))
            append(table, config, &family->tensors[i], 0);
    for (size_t layer = 0; layer < config->n_layer; layer++)
        for (size_t i = 0; i < family->n_tensors; i++)
            if (is_per_layer(&family->tensors[i]))
                append(table, config, &family->tensors[i], layer);
}

void tensor_table_free(struct tensor_table *table)
{
    free(table->tensors);
    *table = (struct tensor_table){0};
}

const struct tensor *tensor_find(const struct tensor_table *table, enum tensor_role role, size_t layer)
{
    for (const struct tensor *t = table->tensors; t < table->tensors + table->n_tensors; t++)
        if (t->spec->role == role && t->layer == layer)
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
    for (size_t i = 0; i < table->n_tensors; i++) {
        const struct tensor *t = &table->tensors[i];
        float *values = params + t->offset;
        switch (t->spec->init) {
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
