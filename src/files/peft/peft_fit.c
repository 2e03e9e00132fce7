#include "files/peft/peft_fit.h"

#include "base/mem.h"
#include "files/peft/peft_choose.h"
#include "files/peft/peft_paths.h"

#include <stdlib.h>
#include <string.h>

struct fit {
    const struct adapter_spec *spec;
    const struct peft_config *config;
    const struct st_file *file;
    const struct peft_entries *entries;
    const struct model_config *model;
};

static enum sft_status in_file(const struct fit *f, struct sft_err *err)
{
    return sft_in_file(err, f->file->path, 0);
}

static enum sft_status fail_missing(const struct fit *f, size_t tensor, const char *what, struct sft_err *err)
{
    sft_fail(err, SFT_EDATA, "%s of '%s' is missing, which adapter_config.json names", what,
             f->entries->table->tensors[tensor].name);
    return in_file(f, err);
}

static enum sft_status check_shape(const struct fit *f, const struct stored_tensor *t, size_t n_dims, size_t rows,
                                   size_t cols, struct sft_err *err)
{
    if (stored_check_dtype(t, err))
        return in_file(f, err);
    if (t->n_dims == n_dims && t->shape[0] == rows && (n_dims == 1 || t->shape[1] == cols))
        return SFT_OK;
    struct strbuf shape = {0};
    for (size_t d = 0; d < t->n_dims; d++)
        strbuf_printf(&shape, d ? ", %zu" : "%zu", t->shape[d]);
    strbuf_printf(&shape, n_dims == 1 ? "), but the model makes it (%zu" : "), but the model makes it (%zu, %zu", rows,
                  cols);
    sft_fail(err, SFT_EDATA, "tensor '%s' is (%s): the adapter is for another base", t->name, shape.data);
    strbuf_free(&shape);
    return in_file(f, err);
}

/* A and B of a target. */
static enum sft_status check_target(const struct fit *f, const struct lora_target *target, struct sft_err *err)
{
    const struct tensor *of = &f->entries->table->tensors[target->tensor];
    const struct stored_tensor *a = f->entries->of[PEFT_A][target->tensor].stored;
    const struct stored_tensor *b = f->entries->of[PEFT_B][target->tensor].stored;
    const size_t in = of->layout == LAYOUT_IN_OUT ? of->rows : of->cols;
    if (!a || !b)
        return fail_missing(f, target->tensor, a ? "lora_B" : "lora_A", err);
    if (check_shape(f, a, 2, target->r, in, err) || check_shape(f, b, 2, of->count / in, target->r, err))
        return SFT_EDATA;
    return SFT_OK;
}

static enum sft_status fail_parted(const struct fit *f, const struct tensor *of, struct sft_err *err)
{
    sft_fail(err, SFT_EDATA,
             "has the embedding '%s' trained apart from the head that is tied to it (merge it into its base in Python, "
             "with peft's merge_and_unload, and save that with tie_word_embeddings false)",
             of->name);
    return in_file(f, err);
}

/* A tied head is there, too, with the same values; it may be absent where the config says that it is tied. */
static enum sft_status check_tie(const struct fit *f, const struct peft_entry *entry, size_t tensor, bool is_optional,
                                 struct sft_err *err)
{
    const struct tensor *of = &f->entries->table->tensors[tensor];
    if (!f->model->tied || of != f->entries->table->token_embedding)
        return SFT_OK;
    const struct stored_tensor *a = entry->stored, *b = entry->again;
    if (a && b ? a->bytes != b->bytes || memcmp(a->data, b->data, a->bytes) != 0 : !is_optional)
        return fail_parted(f, of, err);
    return SFT_OK;
}

static enum sft_status check_whole(const struct fit *f, size_t tensor, struct sft_err *err)
{
    const struct tensor *of = &f->entries->table->tensors[tensor];
    const struct peft_entry *entry = &f->entries->of[PEFT_WHOLE][tensor];
    if (!peft_entry_any(entry))
        return fail_missing(f, tensor, "the whole", err);
    if (check_shape(f, peft_entry_any(entry), of->n_dims, of->rows, of->cols, err))
        return SFT_EDATA;
    return check_tie(f, entry, tensor, peft_ties_head(f->config), err);
}

static enum sft_status check_rows(const struct fit *f, const struct trained_rows *rows, struct sft_err *err)
{
    const struct tensor *of = &f->entries->table->tensors[rows->tensor];
    const struct peft_entry *entry = &f->entries->of[PEFT_ROWS][rows->tensor];
    const struct peft_entry *frozen = &f->entries->of[PEFT_FROZEN][rows->tensor];
    if (!entry->stored)
        return fail_missing(f, rows->tensor, "trainable_tokens_delta", err);
    if (check_shape(f, entry->stored, 2, rows->n, of->cols, err) || check_tie(f, entry, rows->tensor, true, err))
        return SFT_EDATA;
    if (peft_entry_any(frozen) && check_shape(f, peft_entry_any(frozen), 2, of->rows, of->cols, err))
        return SFT_EDATA;
    return check_tie(f, frozen, rows->tensor, true, err);
}

static enum sft_status fail_surplus(const struct fit *f, const struct stored_tensor *surplus, struct sft_err *err)
{
    if (strstr(surplus->name, PEFT_HEAD ".lora_"))
        sft_fail(err, SFT_EDATA,
                 "tensor '%s': an adapter of the head is not done here (merge it into its base: in Python, peft's "
                 "merge_and_unload, then save_pretrained)",
                 surplus->name);
    else
        sft_fail(err, SFT_EDATA, "tensor '%s' is there, but adapter_config.json does not name its module",
                 surplus->name);
    return in_file(f, err);
}

/* What is there of tensors that nothing names. */
static enum sft_status check_surplus(const struct fit *f, struct sft_err *err)
{
    const struct tensor_table *table = f->entries->table;
    const struct peft_entries *e = f->entries;
    const struct adapter_spec *spec = f->spec;
    struct named {
        bool target, whole, rows;
    } *named = mem_calloc(table->n_model, sizeof *named);
    const struct stored_tensor *surplus = NULL;
    for (size_t i = 0; i < spec->n_targets; i++)
        named[spec->targets[i].tensor].target = true;
    for (size_t i = 0; i < spec->n_whole; i++)
        named[spec->whole[i]].whole = true;
    for (size_t i = 0; i < spec->n_rows; i++)
        named[spec->rows[i].tensor].rows = true;
    for (size_t i = 0; i < table->n_model && !surplus; i++) {
        const bool allowed[] = {[PEFT_A] = named[i].target,
                                [PEFT_B] = named[i].target,
                                [PEFT_WHOLE] = named[i].whole,
                                [PEFT_FROZEN] = named[i].rows,
                                [PEFT_ROWS] = named[i].rows};
        for (size_t role = 0; role < PEFT_PASSED_OVER && !surplus; role++)
            if (!allowed[role])
                surplus = peft_entry_any(&e->of[role][i]);
    }
    free(named);
    if (!surplus)
        return SFT_OK;
    return fail_surplus(f, surplus, err);
}

enum sft_status peft_check_fit(const struct adapter_spec *spec, const struct peft_config *config,
                               const struct st_file *file, const struct peft_entries *entries,
                               const struct model_config *model, struct sft_err *err)
{
    const struct fit f = {spec, config, file, entries, model};
    for (size_t i = 0; i < spec->n_targets; i++)
        if (check_target(&f, &spec->targets[i], err))
            return SFT_EDATA;
    for (size_t i = 0; i < spec->n_whole; i++)
        if (check_whole(&f, spec->whole[i], err))
            return SFT_EDATA;
    for (size_t i = 0; i < spec->n_rows; i++)
        if (check_rows(&f, &spec->rows[i], err))
            return SFT_EDATA;
    return check_surplus(&f, err);
}
