#include "base/mem.h"
#include "files/kept.h"
#include "files/peft/peft_choose.h"
#include "files/peft/peft_entries.h"

#include <stdlib.h>
#include <string.h>

struct load {
    const struct param_set *params;
    const struct peft_adapter *a;
    struct peft_entries entries;
};

static enum sft_status read(const struct load *load, const struct stored_tensor *from, float *values,
                            struct sft_err *err)
{
    if (stored_read(from, values, err))
        return sft_in_file(err, load->a->file.path, 0);
    return kept_check_finite(from, kept_count_not_finite(values, from->count, KEPT_REAL), err);
}

static const struct stored_tensor *any_of(const struct peft_entry *entry)
{
    return entry->stored ? entry->stored : entry->again;
}

/* Rows lie in the file in the order of the config. */
static enum sft_status read_rows(const struct load *load, const struct tensor *t, const struct stored_tensor *from,
                                 float *values, struct sft_err *err)
{
    const struct peft_tokens *tokens = peft_tokens_of(&load->a->config, &load->params->table, t);
    if (!tokens || from->count != tokens->n * t->cols)
        SFT_BUG("rows that the adapter was not chosen by");
    float *rows = mem_calloc(from->count, sizeof *rows);
    const enum sft_status status = read(load, from, rows, err);
    for (size_t i = 0; i < tokens->n && !status; i++)
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
    if (t->lora && (read(load, e->of[PEFT_A][i].stored, param_values(load->params, tensor_lora_a(table, t)), err) ||
                    read(load, e->of[PEFT_B][i].stored, param_values(load->params, tensor_lora_b(table, t)), err)))
        return SFT_EDATA;
    if (!t->trained)
        return SFT_OK;
    if (!t->trained_rows)
        return read(load, any_of(&e->of[PEFT_WHOLE][i]), values, err);
    const struct stored_tensor *frozen = any_of(&e->of[PEFT_FROZEN][i]);
    if (frozen && read(load, frozen, values, err))
        return SFT_EDATA;
    return read_rows(load, t, e->of[PEFT_ROWS][i].stored, values, err);
}

enum sft_status peft_load(const struct param_set *params, const struct peft_adapter *a,
                          const struct model_config *model, struct sft_err *err)
{
    struct load load = {.params = params, .a = a};
    enum sft_status status = peft_entries_init(&load.entries, a, &params->table, model, err);
    for (size_t i = 0; i < params->table.n_model && !status; i++)
        status = load_tensor(&load, i, err);
    peft_entries_free(&load.entries);
    return status;
}
