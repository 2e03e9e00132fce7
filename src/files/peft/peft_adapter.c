#include "files/peft/peft_adapter.h"

#include "base/io.h"
#include "base/mem.h"
#include "files/peft/peft_choose.h"
#include "files/peft/peft_entries.h"
#include "files/peft/peft_fit.h"

#include <stdlib.h>
#include <string.h>

static const char weights_name[] = "adapter_model.safetensors";

/* ---- opening ---- */

static enum sft_status open_weights(struct peft_adapter *a, const char *dir, struct sft_err *err)
{
    if (!path_holds(dir, weights_name) && path_holds(dir, "adapter_model.bin"))
        return sft_fail(err, SFT_EDATA,
                        "%s: holds adapter_model.bin, a pickle, and no %s (save it as that: in Python, peft's "
                        "PeftModel.from_pretrained, then save_pretrained)",
                        dir, weights_name);
    char *path = path_join(dir, weights_name);
    const enum sft_status status = st_open(&a->file, path, err);
    free(path);
    return status;
}

enum sft_status peft_open(struct peft_adapter *a, const char *dir, struct sft_err *err)
{
    *a = (struct peft_adapter){.dir = mem_strdup(dir)};
    if (peft_config_read(&a->config, dir, err) || open_weights(a, dir, err))
        return err->status;
    for (size_t i = 0; i < a->file.n_tensors; i++)
        a->config.has_frozen_rows |= strstr(a->file.tensors[i].name, ".token_adapter.base_layer.") != NULL;
    return SFT_OK;
}

void peft_close(struct peft_adapter *a)
{
    free(a->dir);
    peft_config_free(&a->config);
    st_close(&a->file);
    *a = (struct peft_adapter){0};
}

/* ---- what is adapted ---- */

static bool is_chosen(const struct adapter_spec *spec, size_t tensor)
{
    for (size_t i = 0; i < spec->n_whole; i++)
        if (spec->whole[i] == tensor)
            return true;
    for (size_t i = 0; i < spec->n_rows; i++)
        if (spec->rows[i].tensor == tensor)
            return true;
    return false;
}

static int by_tensor(const void *a, const void *b)
{
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

/* Embeddings and heads that no key of the config names: PEFT stores them where the vocabulary was resized. */
static void add_resized(struct adapter_spec *spec, const struct peft_entries *entries)
{
    for (size_t i = 0; i < entries->table->n_model; i++)
        if (entries->table->tensors[i].per_token && peft_entry_any(&entries->of[PEFT_WHOLE][i]) && !is_chosen(spec, i))
            adapter_spec_add_whole(spec, i);
    if (spec->n_whole)
        qsort(spec->whole, spec->n_whole, sizeof *spec->whole, by_tensor);
}

enum sft_status peft_spec(struct adapter_spec *spec, const struct peft_adapter *a, const struct tensor_table *table,
                          const struct model_config *model, struct sft_err *err)
{
    struct peft_entries entries;
    enum sft_status status = peft_choose_as_peft(spec, &a->config, table, model, err);
    if (status)
        return sft_in_dir(err, a->dir, "adapter_config.json");
    status = peft_entries_init(&entries, &a->file, table, model, err);
    if (!status) {
        add_resized(spec, &entries);
        status = peft_check_fit(spec, &a->config, &a->file, &entries, model, err);
    }
    peft_entries_free(&entries);
    return status;
}
