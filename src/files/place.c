#include "files/place.h"

#include "base/mem.h"
#include <stdlib.h>
#include <string.h>

const struct naming naming_hf = {.config = "config.json"};

void place_init(struct placement *p, const struct tensor_table *table, const struct model_config *config,
                size_t file_vocab)
{
    if (file_vocab == 0 || file_vocab > config->vocab_size)
        SFT_BUG("a model's vocabulary may grow, not shrink");
    *p = (struct placement){
        .table = table, .config = config, .naming = &naming_hf, .file_vocab = file_vocab};
    p->from = mem_calloc(table->n_tensors, sizeof *p->from);
    tensor_names_init(&p->names, config);
}

void place_free(struct placement *p)
{
    free(p->from);
    tensor_names_free(&p->names);
    for (size_t kind = 0; kind < TENSOR_KINDS; kind++)
        name_groups_free(&p->others[kind]);
    *p = (struct placement){0};
}

/* ---- which tensor is which ---- */

static bool is_tied_head(const struct model_config *config, const char *canonical)
{
    return config->tied && strcmp(config->family->head, canonical) == 0;
}

/* `name`: the canonical one. */
static enum sft_status take_parameter(struct placement *p, const struct stored_tensor *tensor, const char *name,
                                      struct sft_err *err)
{
    const struct tensor *t = tensor_find_name(p->table, name);
    const struct stored_tensor **place =
        is_tied_head(p->config, name) ? &p->head : t ? &p->from[t - p->table->tensors] : NULL;
    if (!place)
        SFT_BUG("a parameter that the table lacks");
    if (*place)
        return sft_fail(err, SFT_EDATA, "%s: tensor '%s' is there twice (the other is '%s')", tensor->path,
                        stored_own_name(tensor), stored_own_name(*place));
    *place = tensor;
    if (t && t->layer >= p->layers_in_file)
        p->layers_in_file = t->layer + 1;
    return SFT_OK;
}

enum sft_status place_take(struct placement *p, const struct stored_tensor *tensor, struct sft_err *err)
{
    char *name;
    enum sft_status status = SFT_OK;
    const enum tensor_kind kind = tensor_kind(&p->names, tensor->name, &name);
    if (kind == TENSOR_PARAMETER) {
        status = take_parameter(p, tensor, name, err);
    } else if (kind != TENSOR_BUFFER) {
        name_groups_add(&p->others[kind], stored_own_name(tensor));
        if (!p->other_path[kind])
            p->other_path[kind] = tensor->path;
    }
    free(name);
    return status;
}

/* ---- what should not be there ---- */

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

/* What says how many layers there are. */
static const char *layers_key(const struct placement *p)
{
    return p->naming->layers ? p->naming->layers
                             : family_key(p->config->family, offsetof(struct model_config, n_layer));
}

static enum sft_status fail_layers(const struct placement *p, struct sft_err *err)
{
    char *before = mem_printf("more layers than %s's %s %zu: ", p->naming->config, layers_key(p), p->config->n_layer);
    fail_names(p->other_path[TENSOR_LAYER], before, &p->others[TENSOR_LAYER], "", err);
    free(before);
    return SFT_EDATA;
}

static enum sft_status fail_foreign(const struct placement *p, struct sft_err *err)
{
    char *after = mem_printf(" (no %s has them: this is another architecture than %s says)",
                             p->config->family->architecture, p->naming->config);
    fail_names(p->other_path[TENSOR_FOREIGN], "tensors of an unknown place: ", &p->others[TENSOR_FOREIGN], after, err);
    free(after);
    return SFT_EDATA;
}

static enum sft_status check_company(const struct placement *p, struct sft_err *err)
{
    static const struct {
        enum tensor_kind kind;
        const char *before, *after;
    } refused[] = {
        {TENSOR_ADAPTER, "holds a LoRA adapter: ",
         " (merge it into its base first: in Python, peft's merge_and_unload, then save_pretrained)"},
        {TENSOR_QUANTISED, "holds quantised weights, which are not read here: ",
         " (take the model as it was published in bfloat16, float16 or float32)"},
        {TENSOR_OTHER_MEDIA, "holds parts that see or hear beside the text model: ",
         " (only text models are done here: in Python, save_pretrained of the text model alone)"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (p->others[refused[i].kind].n_names)
            return fail_names(p->other_path[refused[i].kind], refused[i].before, &p->others[refused[i].kind],
                              refused[i].after, err);
    if (p->others[TENSOR_FOREIGN].n_names)
        return fail_foreign(p, err);
    return p->others[TENSOR_LAYER].n_names ? fail_layers(p, err) : SFT_OK;
}

/* ---- what is missing ---- */

static enum sft_status fail_missing(const struct placement *p, const char *dir, const struct name_groups *missing,
                                    bool only_layers, struct sft_err *err)
{
    const struct family *family = p->config->family;
    if (only_layers)
        return sft_fail(err, SFT_EDATA, "%s: %s's %s is %zu, but the weights hold %zu layer%s", dir,
                        p->naming->config, layers_key(p), p->config->n_layer, p->layers_in_file,
                        p->layers_in_file == 1 ? "" : "s");
    const struct tensor *head = p->table->head;
    if (!p->config->tied && missing->n_names == 1 && !p->from[head - p->table->tensors])
        return sft_fail(err, SFT_EDATA,
                        "%s: tensor '%s' is missing, although %s's %s is false (where the head is the "
                        "embedding, set it to true)",
                        dir, head->name, p->naming->config, family_key(family, offsetof(struct model_config, tied)));
    if (missing->n_names == 1)
        return fail_names(dir, "missing tensor: ", missing, "", err);
    struct strbuf others = {0};
    if (missing->n_names == p->table->n_tensors && p->others[TENSOR_UNUSED].n_names) {
        strbuf_printf(&others, " (no %s; what is there: ", family->architecture);
        name_groups_print(&p->others[TENSOR_UNUSED], &others);
        strbuf_putc(&others, ')');
    }
    char *before = mem_printf("%zu of %zu tensors are missing: ", missing->n_names, p->table->n_tensors);
    fail_names(dir, before, missing, others.data ? others.data : "", err);
    free(before);
    strbuf_free(&others);
    return SFT_EDATA;
}

static void add_missing(struct name_groups *missing, const struct placement *p, const struct tensor *t)
{
    char *own = p->naming->tensor ? p->naming->tensor(p->config->family, t->pattern, t->layer) : NULL;
    name_groups_add(missing, own ? own : t->name);
    free(own);
}

static enum sft_status check_complete(const struct placement *p, const char *dir, struct sft_err *err)
{
    struct name_groups missing = {0};
    bool only_layers = p->layers_in_file > 0 && p->layers_in_file < p->config->n_layer;
    for (size_t i = 0; i < p->table->n_tensors; i++) {
        const struct tensor *t = &p->table->tensors[i];
        if (p->from[i])
            continue;
        add_missing(&missing, p, t);
        only_layers &= t->layer >= p->layers_in_file;
    }
    const enum sft_status status = missing.n_names ? fail_missing(p, dir, &missing, only_layers, err) : SFT_OK;
    name_groups_free(&missing);
    return status;
}

/* ---- shapes ---- */

static enum sft_status check_shape(const struct placement *p, const struct stored_tensor *t, size_t n_dims, size_t rows,
                                   size_t cols, struct sft_err *err)
{
    if (stored_check_dtype(t, err))
        return sft_in_file(err, t->path, 0);
    if (t->n_dims == n_dims && t->shape[0] == rows && (n_dims == 1 || t->shape[1] == cols))
        return SFT_OK;
    struct strbuf shape = {0};
    for (size_t d = 0; d < t->n_dims; d++)
        strbuf_printf(&shape, d ? ", %zu" : "%zu", t->shape[d]);
    strbuf_printf(&shape, "), but %s makes it (", p->naming->config);
    strbuf_printf(&shape, n_dims == 1 ? "%zu" : "%zu, %zu", rows, cols);
    sft_fail(err, SFT_EDATA, "%s: tensor '%s' is (%s)", t->path, stored_own_name(t), shape.data);
    strbuf_free(&shape);
    return SFT_EDATA;
}

size_t place_rows_in_file(const struct placement *p, const struct tensor *t)
{
    return t->per_token ? p->file_vocab : t->rows;
}

static enum sft_status check_shapes(const struct placement *p, struct sft_err *err)
{
    for (size_t i = 0; i < p->table->n_tensors; i++) {
        const struct tensor *t = &p->table->tensors[i];
        if (check_shape(p, p->from[i], t->n_dims, place_rows_in_file(p, t), t->cols, err))
            return SFT_EDATA;
    }
    return p->head ? check_shape(p, p->head, 2, p->file_vocab, p->config->n_embd, err) : SFT_OK;
}

enum sft_status place_check(const struct placement *p, const char *dir, struct sft_err *err)
{
    if (check_company(p, err) || check_complete(p, dir, err) || check_shapes(p, err))
        return SFT_EDATA;
    return SFT_OK;
}
