#include "base/mem.h"
#include "files/kept.h"
#include "files/peft/peft_adapter.h"
#include "files/peft/peft_choose.h"
#include "files/peft/peft_entries.h"

#include <stdlib.h>
#include <string.h>

struct load {
    const struct param_set *params;
    const struct peft_adapter *a;
    struct peft_entries entries;
};

/* Into values (count), of tensor t. */
static enum sft_status read(const struct load *load, const struct tensor *t, const struct stored_tensor *from,
                            size_t count, float *values, struct sft_err *err)
{
    if (!from || from->count != count) {
        sft_fail(err, SFT_EDATA, "does not have '%s' as this model trains it", t->name);
        return sft_in_file(err, load->a->file.path, 0);
    }
    if (stored_read(from, values, err))
        return sft_in_file(err, load->a->file.path, 0);
    return kept_check_finite(from, kept_count_not_finite(values, from->count, KEPT_REAL), err);
}

/* How many rows the adapter has of a tensor: as many as are trained, or it is not what the model was made for. */
static size_t count_rows(const struct peft_tokens *tokens, const struct tensor *t)
{
    if (!tokens || tokens->n != t->n_trained_rows)
        return 0;
    for (size_t i = 0; i < tokens->n; i++)
        if ((size_t)tokens->rows[i] >= t->rows)
            return 0;
    return tokens->n;
}

/* Rows lie in the file in the order of the config. */
static enum sft_status read_rows(const struct load *load, const struct tensor *t, const struct stored_tensor *from,
                                 float *values, struct sft_err *err)
{
    const struct peft_tokens *tokens = peft_tokens_of(&load->a->config, &load->params->table, t);
    const size_t n = count_rows(tokens, t);
    float *rows = mem_calloc(n * t->cols + 1, sizeof *rows);
    const enum sft_status status = read(load, t, n ? from : NULL, n * t->cols, rows, err);
    for (size_t i = 0; i < n && !status; i++)
        memcpy(values + (size_t)tokens->rows[i] * t->cols, rows + i * t->cols, t->cols * sizeof *rows);
    free(rows);
    return status;
}

static enum sft_status load_tensor(const struct load *load, size_t i, struct sft_err *err)
{
    const struct tensor_table *table = &load->params->table;
    const struct tensor *t = &table->tensors[i];
    const struct peft_entries *e = &load->entries;
    float *values = param_values(load->params, t);
    const struct tensor *a = tensor_lora_a(table, t), *b = tensor_lora_b(table, t);
    if (a && (read(load, a, e->of[PEFT_A][i].stored, a->count, param_values(load->params, a), err) ||
              read(load, b, e->of[PEFT_B][i].stored, b->count, param_values(load->params, b), err)))
        return SFT_EDATA;
    if (!t->trained)
        return SFT_OK;
    if (!t->trained_rows)
        return read(load, t, peft_entry_any(&e->of[PEFT_WHOLE][i]), t->count, values, err);
    const struct stored_tensor *frozen = peft_entry_any(&e->of[PEFT_FROZEN][i]);
    if (frozen && read(load, t, frozen, t->count, values, err))
        return SFT_EDATA;
    return read_rows(load, t, e->of[PEFT_ROWS][i].stored, values, err);
}

enum sft_status peft_load(const struct param_set *params, const struct peft_adapter *a,
                          const struct model_config *model, struct sft_err *err)
{
    struct load load = {.params = params, .a = a};
    enum sft_status status = peft_entries_init(&load.entries, &a->file, &params->table, model, err);
    for (size_t i = 0; i < params->table.n_model && !status; i++)
        status = load_tensor(&load, i, err);
    peft_entries_free(&load.entries);
    return status;
}
