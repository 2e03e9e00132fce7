#include "files/peft/peft_save.h"

#include "base/io.h"
#include "base/mem.h"
#include "files/peft/peft_choose.h"
#include "files/peft/peft_paths.h"
#include "files/safetensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what is written ---- */

struct part { /* of the file: a tensor whole, or rows of it */
    char name[2 * PEFT_PATH_MAX];
    const struct tensor *tensor;
    const struct peft_tokens *rows; /* NULL: all of it */
};

struct parts {
    struct part *items;
    size_t n, capacity;
};

static void add(struct parts *parts, const struct tensor *t, const struct peft_tokens *rows, const char *module,
                const char *ending)
{
    parts->items = mem_grow(parts->items, &parts->capacity, parts->n + 1, sizeof *parts->items);
    struct part *part = &parts->items[parts->n++];
    *part = (struct part){.tensor = t, .rows = rows};
    snprintf(part->name, sizeof part->name, "base_model.model.%s%s", module, ending);
}

static void add_rows(struct parts *parts, const struct peft_config *config, const struct tensor_table *table,
                     const struct tensor *t)
{
    char path[PEFT_PATH_MAX];
    const struct peft_tokens *rows = peft_tokens_of(config, table, t);
    if (!rows || rows->n != t->n_trained_rows)
        SFT_BUG("rows are trained that the adapter's config does not name");
    peft_module_path(t, path);
    if (config->has_frozen_rows)
        add(parts, t, NULL, path, ".token_adapter.base_layer.weight");
    add(parts, t, rows, path, ".token_adapter.trainable_tokens_delta");
}

/* All that an adapter trains, in the order of the table, and a head that is tied to a trained embedding. */
static struct parts list_parts(const struct param_set *params, const struct peft_config *config,
                               const struct model_config *model)
{
    struct parts parts = {0};
    const struct tensor_table *table = &params->table;
    char path[PEFT_PATH_MAX];
    for (const struct tensor *t = table->tensors; t < table->tensors + table->n_model; t++) {
        if (t->lora) {
            parts.items = mem_grow(parts.items, &parts.capacity, parts.n + 2, sizeof *parts.items);
            for (const struct tensor *ab = tensor_lora_a(table, t); ab <= tensor_lora_b(table, t); ab++) {
                parts.items[parts.n] = (struct part){.tensor = ab};
                snprintf(parts.items[parts.n++].name, sizeof parts.items->name, "%s", ab->name);
            }
        }
        if (!t->trained)
            continue;
        if (t->trained_rows) {
            add_rows(&parts, config, table, t);
            continue;
        }
        peft_module_path(t, path);
        add(&parts, t, NULL, path, strrchr(t->name, '.'));
        if (t == table->token_embedding && model->tied)
            add(&parts, t, NULL, PEFT_HEAD, ".weight");
    }
    return parts;
}

/* ---- writing ---- */

static void write_part(struct st_writer *w, const struct param_set *params, const struct part *part)
{
    const float *values = param_values(params, part->tensor);
    const size_t cols = part->tensor->cols;
    if (!part->rows) {
        st_write(w, values);
        return;
    }
    for (size_t i = 0; i < part->rows->n; i++)
        st_write_piece(w, values + (size_t)part->rows->rows[i] * cols, cols);
}

static enum sft_status save_weights(const struct param_set *params, const struct parts *parts,
                                    const struct dtype *dtype, const char *dir, struct sft_err *err)
{
    struct st_entry *entries = mem_calloc(parts->n, sizeof *entries);
    char *path = path_join(dir, "adapter_model.safetensors");
    for (size_t i = 0; i < parts->n; i++) {
        const struct part *part = &parts->items[i];
        const size_t rows = part->rows ? part->rows->n : part->tensor->rows;
        entries[i] = (struct st_entry){part->name, dtype, part->tensor->n_dims, {rows, part->tensor->cols}};
    }
    struct st_writer *w = st_writer_open(path, entries, parts->n, err);
    for (size_t i = 0; w && i < parts->n; i++)
        write_part(w, params, &parts->items[i]);
    const enum sft_status status = w ? st_writer_commit(w, NULL, err) : err->status;
    free(path);
    free(entries);
    return status;
}

enum sft_status peft_save(const struct param_set *params, const struct peft_config *config,
                          const struct model_config *model, const struct dtype *dtype, const char *dir,
                          struct sft_err *err)
{
    struct strbuf text = {0};
    struct parts parts = list_parts(params, config, model);
    char *path = path_join(dir, "adapter_config.json");
    peft_config_print(config, &params->table, model, &text);
    enum sft_status status = io_write_file(path, text.data, text.len, err);
    if (!status)
        status = save_weights(params, &parts, dtype, dir, err);
    free(path);
    free(parts.items);
    strbuf_free(&text);
    return status;
}
