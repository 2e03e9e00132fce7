#include "model/adapter.h"

#include "base/mem.h"
#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is adapted ---- */

void adapter_spec_free(struct adapter_spec *spec)
{
    free(spec->targets);
    free(spec->whole);
    for (size_t i = 0; i < spec->n_rows; i++)
        free(spec->rows[i].rows);
    *spec = (struct adapter_spec){0};
}

void adapter_spec_add_target(struct adapter_spec *spec, const struct lora_target *target)
{
    spec->targets =
        mem_grow(spec->targets, &spec->targets_capacity, spec->n_targets + 1, sizeof *spec->targets);
    spec->targets[spec->n_targets++] = *target;
}

void adapter_spec_add_whole(struct adapter_spec *spec, size_t tensor)
{
    spec->whole = mem_grow(spec->whole, &spec->whole_capacity, spec->n_whole + 1, sizeof *spec->whole);
    spec->whole[spec->n_whole++] = tensor;
}

void adapter_spec_add_rows(struct adapter_spec *spec, size_t tensor, int32_t *rows, size_t n)
{
    if (spec->n_rows == sizeof spec->rows / sizeof *spec->rows)
        SFT_BUG("a model has an embedding and a head, and no third");
    spec->rows[spec->n_rows++] = (struct trained_rows){tensor, rows, n};
}

size_t adapter_spec_rank(const struct adapter_spec *spec)
{
    size_t rank = 0;
    for (size_t i = 0; i < spec->n_targets; i++)
        rank = spec->targets[i].r > rank ? spec->targets[i].r : rank;
    return rank;
}

/* ---- the table ---- */

/* "base_model.model.MODULE.lora_A.weight" of the matrix "MODULE.weight". */
static void name_part(struct tensor *t, const char *matrix, char part)
{
    static const char ending[] = ".weight";
    const size_t module = strlen(matrix) - strlen(ending);
    const int n = snprintf(t->name, sizeof t->name, "base_model.model.%.*s.lora_%c.weight", (int)module, matrix, part);
    if (strcmp(matrix + module, ending) != 0 || n < 0 || (size_t)n >= sizeof t->name)
        SFT_BUG("a matrix without a module's name, or with a very long one");
}

/* (rows,cols), of the matrix `of`. */
static void append_part(struct tensor_table *table, const struct tensor *of, enum tensor_part part, size_t rows,
                        size_t cols, double scaling)
{
    struct tensor t = {.pattern = of->pattern,
                       .layer = of->layer,
                       .rows = rows,
                       .cols = cols,
                       .n_dims = 2,
                       .layout = LAYOUT_OUT_IN,
                       .decays = true,
                       .trained = true,
                       .part = part,
                       .scaling = scaling};
    name_part(&t, of->name, part == PART_LORA_A ? 'A' : 'B');
    tensor_table_append(table, &t);
}

static void append_target(struct tensor_table *table, const struct lora_target *target)
{
    const struct tensor of = table->tensors[target->tensor]; /* appending moves them */
    const bool is_out_in = of.layout == LAYOUT_OUT_IN;
    if (of.per_token || of.n_dims != 2 || of.lora)
        SFT_BUG("an adapter is of a linear layer's matrix, once");
    table->tensors[target->tensor].lora = table->n_tensors;
    append_part(table, &of, PART_LORA_A, target->r, is_out_in ? of.cols : of.rows, target->scaling);
    append_part(table, &of, PART_LORA_B, is_out_in ? of.rows : of.cols, target->r, target->scaling);
}

static void train_rows(struct tensor *t, const struct trained_rows *rows)
{
    if (t->trained)
        return; /* whole */
    t->trained = true;
    t->n_trained_rows = rows->n;
    t->trained_rows = mem_alloc(rows->n * sizeof *t->trained_rows);
    memcpy(t->trained_rows, rows->rows, rows->n * sizeof *t->trained_rows);
}

/* What the pointers in the table's head point to has moved. */
static void find_ends(struct tensor_table *table, size_t token_embedding, size_t head)
{
    table->token_embedding = table->tensors + token_embedding;
    table->head = table->tensors + head;
}

void tensor_table_adapt(struct tensor_table *table, const struct adapter_spec *spec)
{
    const size_t token_embedding = (size_t)(table->token_embedding - table->tensors);
    const size_t head = (size_t)(table->head - table->tensors);
    tensor_table_choose(table, NULL);
    for (size_t i = 0; i < spec->n_whole; i++)
        table->tensors[spec->whole[i]].trained = true;
    for (size_t i = 0; i < spec->n_rows; i++)
        train_rows(&table->tensors[spec->rows[i].tensor], &spec->rows[i]);
    for (size_t i = 0; i < spec->n_targets; i++)
        append_target(table, &spec->targets[i]);
    find_ends(table, token_embedding, head);
    tensor_table_place_gradients(table);
}

const struct tensor *tensor_lora_a(const struct tensor_table *table, const struct tensor *tensor)
{
    return tensor->lora ? table->tensors + tensor->lora : NULL;
}

const struct tensor *tensor_lora_b(const struct tensor_table *table, const struct tensor *tensor)
{
    return tensor->lora ? table->tensors + tensor->lora + 1 : NULL;
}

/* ---- random values ---- */

void adapter_init_random(float *params, const struct tensor_table *table, uint64_t seed)
{
    for (size_t i = table->n_model; i < table->n_tensors; i++) {
        const struct tensor *t = &table->tensors[i];
        float *values = params + t->offset;
        const double bound = 1 / sqrt((double)t->cols);
        struct rng rng;
        rng_seed(&rng, seed, (uint64_t)i << 32);
        for (size_t k = 0; k < t->count; k++)
            values[k] = t->part == PART_LORA_A ? (float)((2 * rng_uniform(&rng) - 1) * bound) : 0.0f;
    }
}
