#include "files/peft/peft_entries.h"

#include "base/mem.h"
#include "files/peft/peft_paths.h"

#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

/* What stands between a module's path and the parameter's own name. */
static const struct marker {
    const char *text;
    enum peft_role role;
    bool is_weight; /* the parameter is the module's weight, whatever follows */
} markers[] = {
    {".lora_A.", PEFT_A, true},
    {".lora_B.", PEFT_B, true},
    {".token_adapter.trainable_tokens_delta", PEFT_ROWS, true},
    {".token_adapter.trainable_tokens_original", PEFT_PASSED_OVER, true},
    {".token_adapter.base_layer.", PEFT_FROZEN, false},
    {".original_module.", PEFT_PASSED_OVER, false},
    {".modules_to_save.", PEFT_WHOLE, false},
    {".base_layer.", PEFT_WHOLE, false},
};

static const struct marker *find_marker(const char *name, const char **at)
{
    for (size_t i = 0; i < sizeof markers / sizeof *markers; i++)
        if ((*at = strstr(name, markers[i].text)))
            return &markers[i];
    return NULL;
}

/* "MODULE.REST", where what is first in the rest may be an adapter's name. */
static enum tensor_kind kind_of_rest(const struct tensor_names *names, const char *name, size_t module,
                                     const char *rest, char **canonical)
{
    char *full = mem_printf("%.*s.%s", (int)module, name, rest);
    const enum tensor_kind kind = tensor_kind(names, full, canonical);
    const char *dot = strchr(rest, '.');
    free(full);
    if (kind == TENSOR_PARAMETER || !dot)
        return kind;
    free(*canonical);
    full = mem_printf("%.*s%s", (int)module, name, dot);
    const enum tensor_kind without = tensor_kind(names, full, canonical);
    free(full);
    return without;
}

/* With the head called as files call it: the module may have another name (peft_paths.h). */
static char *with_own_head(const struct tensor_names *names, const char *name)
{
    const char *head = names->config->family->head, *at = strstr(name, PEFT_HEAD ".");
    if (!at || (at != name && at[-1] != '.') || strncmp(head, PEFT_HEAD ".", sizeof PEFT_HEAD) == 0)
        return mem_strdup(name);
    return mem_printf("%.*s%.*s%s", (int)(at - name), name, (int)strcspn(head, "."), head, at + sizeof PEFT_HEAD - 1);
}

static void read_name(struct peft_name *out, const struct tensor_names *names, const char *name)
{
    const char *at;
    const struct marker *marker = find_marker(name, &at);
    *out = (struct peft_name){.role = marker ? marker->role : PEFT_WHOLE};
    if (!marker)
        out->kind = tensor_kind(names, name, &out->canonical);
    else
        out->kind = kind_of_rest(names, name, (size_t)(at - name),
                                 marker->is_weight ? "weight" : at + strlen(marker->text), &out->canonical);
}

void peft_name_read(struct peft_name *out, const struct tensor_names *names, const char *name)
{
    char *own = with_own_head(names, name);
    read_name(out, names, own);
    free(own);
}

/* ---- entries ---- */

static enum sft_status fail(const struct stored_tensor *t, struct sft_err *err, const char *what)
{
    sft_fail(err, SFT_EDATA, "tensor '%s': %s", t->name, what);
    return sft_in_file(err, t->path, 0);
}

static enum sft_status fail_unknown(const struct stored_tensor *t, enum tensor_kind kind, struct sft_err *err)
{
    if (strstr(t->name, "lora_embedding_"))
        return fail(t, err,
                    "an adapter of an embedding is not done here (merge it into its base: in Python, peft's "
                    "merge_and_unload, then save_pretrained)");
    if (strstr(t->name, "lora_magnitude_vector"))
        return fail(t, err,
                    "DoRA is not done here (merge it into its base: in Python, peft's merge_and_unload, then "
                    "save_pretrained)");
    if (kind == TENSOR_LAYER)
        return fail(t, err, "is of a layer that the model does not have: the adapter is for another base");
    return fail(t, err, "is of no module that the model has: the adapter is for another base");
}

static bool equal(const struct stored_tensor *a, const struct stored_tensor *b)
{
    if (a->n_dims != b->n_dims || memcmp(a->shape, b->shape, a->n_dims * sizeof *a->shape) != 0 || a->dtype != b->dtype)
        return false;
    return a->bytes == b->bytes && memcmp(a->data, b->data, a->bytes) == 0;
}

/* The number of the tensor by that name; of a tied head, the embedding's. */
static bool find_tensor(const struct tensor_table *table, const char *canonical, const struct model_config *model,
                        size_t *tensor, bool *is_tied_head)
{
    const struct tensor *t = tensor_find_name(table, canonical);
    *is_tied_head = !t && model->tied && strcmp(canonical, model->family->head) == 0;
    if (*is_tied_head)
        t = table->token_embedding;
    *tensor = t ? (size_t)(t - table->tensors) : 0;
    return t && *tensor < table->n_model;
}

static enum sft_status take(struct peft_entries *entries, const struct stored_tensor *t, const struct peft_name *name,
                            const struct model_config *model, struct sft_err *err)
{
    size_t tensor;
    bool is_tied_head;
    if (name->kind != TENSOR_PARAMETER || !find_tensor(entries->table, name->canonical, model, &tensor, &is_tied_head))
        return fail_unknown(t, name->kind, err);
    struct peft_entry *entry = &entries->of[name->role][tensor];
    const struct stored_tensor **place = is_tied_head ? &entry->again : &entry->stored;
    if (*place && !equal(*place, t))
        return fail(t, err, "is there twice, with different values");
    *place = t;
    return SFT_OK;
}

enum sft_status peft_entries_init(struct peft_entries *entries, const struct st_file *file,
                                  const struct tensor_table *table, const struct model_config *model,
                                  struct sft_err *err)
{
    struct tensor_names names;
    enum sft_status status = SFT_OK;
    *entries = (struct peft_entries){.table = table};
    for (size_t role = 0; role < PEFT_PASSED_OVER; role++)
        entries->of[role] = mem_calloc(table->n_model, sizeof *entries->of[role]);
    tensor_names_init(&names, model);
    for (size_t i = 0; i < file->n_tensors && !status; i++) {
        struct peft_name name;
        peft_name_read(&name, &names, file->tensors[i].name);
        if (name.role != PEFT_PASSED_OVER)
            status = take(entries, &file->tensors[i], &name, model, err);
        free(name.canonical);
    }
    tensor_names_free(&names);
    return status;
}

void peft_entries_free(struct peft_entries *entries)
{
    for (size_t role = 0; role < PEFT_PASSED_OVER; role++)
        free(entries->of[role]);
    *entries = (struct peft_entries){0};
}
