#include "files/weights.h"

#include "files/formats.h"
#include "files/kept.h"
#include "files/place.h"
#include "files/tie.h"

#include <stdlib.h>

enum { PIECE = 1 << 20 }; /* elements that are passed on at a time: whole blocks of any dtype */

/* ---- finding and placing ---- */

struct weights {
    const struct format *format;
    struct stored_tensors stored;
    struct placement place;
    float *piece; /* (PIECE) of what is passed on, or is looked at; may be NULL */
};

/* Open the files and find every tensor of the table, its shape and dtype checked; no value is read. Close with
 * weights_close in any case. */
static enum sft_status weights_open(struct weights *w, const struct tensor_table *table,
                                    const struct model_config *config, size_t file_vocab, const char *path,
                                    struct sft_err *err)
{
    *w = (struct weights){0};
    place_init(&w->place, table, config, file_vocab);
    if (format_find(&w->format, path, err))
        return err->status;
    w->place.naming = w->format->naming;
    if (!w->format->open_tensors)
        return sft_fail(err, SFT_EDATA, "%s: holds no weights", path);
    if (w->format->open_tensors(&w->stored, path, err))
        return err->status;
    for (size_t i = 0; i < w->stored.n; i++)
        if (place_take(&w->place, w->stored.items[i], err))
            return err->status;
    tie_take_head(&w->place);
    return place_check(&w->place, path, err);
}

static void weights_close(struct weights *w)
{
    if (w->format && w->format->close_tensors)
        w->format->close_tensors(&w->stored);
    place_free(&w->place);
    free(w->piece);
}

bool weights_are_there(const char *path)
{
    const struct format *format;
    return format_find(&format, path, NULL) == SFT_OK && format->open_tensors;
}

/* As what a tensor is kept. Rows for new tokens are means: one that grows is not as it is stored. */
static enum kept kept_as(const struct placement *place, const struct tensor *t, enum weights_kind kind)
{
    const struct stored_tensor *from = place->from[t - place->table->tensors];
    const bool whole = place_rows_in_file(place, t) == t->rows;
    if (t->trained)
        return KEPT_REAL;
    switch (kind) {
    case WEIGHTS_F32:
        break;
    case WEIGHTS_AS_STORED:
        return t->is_matrix && from->dtype == &dtype_bf16 && whole ? KEPT_BF16 : KEPT_REAL;
    case WEIGHTS_BF16:
        return t->is_matrix ? KEPT_BF16 : KEPT_REAL;
    case WEIGHTS_INT8:
        return t->is_matrix ? KEPT_INT8 : KEPT_REAL;
    }
    return KEPT_REAL;
}

static bool is_transposed(const struct tensor *t, const struct weights_kept *kept)
{
    return kept->transposed && t->is_matrix && !t->per_token && !t->trained && t->layout == LAYOUT_IN_OUT;
}

/* Whether a tensor's bytes are in a map just as it is kept. */
static bool can_be_mapped(const struct placement *place, const struct tensor *t)
{
    const struct stored_tensor *from = place->from[t - place->table->tensors];
    const struct dtype *same = t->kept == KEPT_BF16 ? &dtype_bf16 : t->kept == KEPT_REAL ? &dtype_f32 : NULL;
    const size_t align = t->kept == KEPT_BF16 ? sizeof(bf16) : sizeof(float);
    return !t->trained && !t->transposed && from->is_mapped && !from->read && from->dtype == same &&
           (uintptr_t)from->data % align == 0 && place_rows_in_file(place, t) == t->rows;
}

enum sft_status weights_check_to_read(struct tensor_table *table, const struct weights_kept *kept,
                                      const struct model_config *config, size_t file_vocab, const char *path,
                                      struct strbuf *unused, struct sft_err *err)
{
    struct weights w;
    const struct tensor_table model = tensor_table_of_model(table);
    const enum sft_status status = weights_open(&w, &model, config, file_vocab, path, err);
    strbuf_clear(unused);
    if (!status && w.place.others[TENSOR_UNUSED].n_names)
        name_groups_print(&w.place.others[TENSOR_UNUSED], unused);
    for (struct tensor *t = table->tensors; t < table->tensors + table->n_model && !status; t++) {
        t->kept = kept_as(&w.place, t, kept->as);
        t->transposed = is_transposed(t, kept);
        t->elsewhere = kept->mapped && can_be_mapped(&w.place, t);
    }
    weights_close(&w);
    tensor_table_place(table);
    return status;
}

enum sft_status weights_check(const struct model_config *config, size_t file_vocab, const char *path,
                              struct strbuf *unused, struct sft_err *err)
{
    struct tensor_table table;
    tensor_table_init(&table, config);
    tensor_table_choose(&table, NULL);
    const struct weights_kept floats = {.as = WEIGHTS_F32};
    const enum sft_status status = weights_check_to_read(&table, &floats, config, file_vocab, path, unused, err);
    tensor_table_free(&table);
    return status;
}

void weights_dtypes(const char *path, struct strbuf *out)
{
    const struct format *format;
    struct stored_tensors stored = {0};
    struct sft_err unread;
    if (format_find(&format, path, &unread) || !format->open_tensors)
        return;
    if (!format->open_tensors(&stored, path, &unread))
        for (size_t i = 0; i < stored.n; i++) {
            size_t first = 0;
            while (stored.items[first]->dtype != stored.items[i]->dtype)
                first++;
            if (first == i)
                strbuf_printf(out, "%s%s", i ? ", " : "", stored.items[i]->dtype->name);
        }
    format->close_tensors(&stored);
}

/* ---- values ---- */

/* As what tensors are kept was decided by a first look at the files, which are open anew: bfloat16s in whose place
 * there are floats by now would be rounded, and nobody asked for that. */
static enum sft_status check_unchanged(const struct weights *w, enum weights_kind kind, struct sft_err *err)
{
    const struct tensor_table *table = w->place.table;
    for (const struct tensor *t = table->tensors; t < table->tensors + table->n_tensors; t++) {
        const struct stored_tensor *from = w->place.from[t - table->tensors];
        if (t->kept == kept_as(&w->place, t, kind) && (!t->elsewhere || can_be_mapped(&w->place, t)))
            continue;
        sft_fail(err, SFT_EDATA,
                 "tensor '%s': is %s, and was another type a moment ago: the model was replaced while it was read (try "
                 "again)",
                 stored_own_name(from), from->dtype->name);
        return sft_in_file(err, from->path, 0);
    }
    return SFT_OK;
}

/* A tensor's values through a piece (PIECE) of memory to `take`, which may be NULL; whether all are finite is told once
 * they were taken. */
static enum sft_status pass_values(const struct stored_tensor *from, float *piece, values_take *take, void *context,
                                   struct sft_err *err)
{
    size_t n_bad = 0;
    for (size_t first = 0; first < from->count; first += PIECE) {
        const size_t left = from->count - first, n = left < PIECE ? left : PIECE;
        stored_read_piece(from, first, n, piece);
        n_bad += kept_count_not_finite(piece, n, KEPT_REAL);
        if (take)
            take(context, piece, n);
    }
    return kept_check_finite(from, n_bad, err);
}

static void release(void *files)
{
    struct weights *w = files;
    weights_close(w);
    free(w);
}

/* Where a tensor is that stays in its file: no value of it is passed over. */
static enum sft_status map_tensor(struct param_set *params, const struct tensor *t, const struct stored_tensor *from,
                                  float *piece, struct sft_err *err)
{
    param_place(params, t, (struct param_place){.values = from->data});
    return pass_values(from, piece, NULL, NULL, err);
}

static enum sft_status load(struct param_set *params, struct weights *w, quantize_rows_fn *quantize,
                            struct sft_err *err)
{
    const struct tensor_table *table = w->place.table;
    struct kept_scratch scratch = {0};
    enum sft_status status = SFT_OK;
    for (const struct tensor *t = table->tensors; t < table->tensors + table->n_tensors && !status; t++) {
        const struct stored_tensor *from = w->place.from[t - table->tensors];
        if (t->elsewhere)
            status = map_tensor(params, t, from, w->piece, err);
        else
            status = kept_read(params, t, from, place_rows_in_file(&w->place, t), quantize, &scratch, err);
    }
    kept_scratch_free(&scratch);
    return status ? status : tie_check_head(&w->place, err);
}

static bool has_mapped(const struct tensor_table *table)
{
    const struct tensor *t = table->tensors;
    while (t < table->tensors + table->n_tensors && !t->elsewhere)
        t++;
    return t < table->tensors + table->n_tensors;
}

enum sft_status weights_load_set(struct param_set *params, const struct weights_kept *kept, quantize_rows_fn *quantize,
                                 const struct model_config *config, size_t file_vocab, const char *path,
                                 struct sft_err *err)
{
    const struct tensor_table model = tensor_table_of_model(&params->table);
    struct weights *w = mem_alloc(sizeof *w);
    enum sft_status status = weights_open(w, &model, config, file_vocab, path, err);
    if (!status && has_mapped(&model))
        w->piece = mem_alloc(PIECE * sizeof *w->piece);
    if (!status)
        status = check_unchanged(w, kept->as, err);
    if (!status)
        status = load(params, w, quantize, err);
    w->place.table = NULL; /* was this function's */
    if (status || !has_mapped(&model))
        release(w);
    else
        params->owner = (struct param_owner){w, release};
    return status;
}

enum sft_status weights_load(float *params, const struct tensor_table *table, const struct model_config *config,
                             size_t file_vocab, const char *path, struct sft_err *err)
{
    struct param_set set = {.table = *table, .values = {params, table->n_elements * sizeof *params}};
    const struct weights_kept floats = {.as = WEIGHTS_F32};
    return weights_load_set(&set, &floats, NULL, config, file_vocab, path, err);
}

/* ---- values that are passed on ---- */

enum sft_status weights_begin(struct weights **out, const struct tensor_table *table,
                              const struct model_config *config, const char *path, struct strbuf *unused,
                              struct sft_err *err)
{
    struct weights *w = *out = mem_alloc(sizeof *w);
    strbuf_clear(unused);
    if (weights_open(w, table, config, config->vocab_size, path, err))
        return err->status;
    w->piece = mem_alloc(PIECE * sizeof *w->piece);
    name_groups_print(&w->place.others[TENSOR_UNUSED], unused);
    return tie_check_head(&w->place, err);
}

enum sft_status weights_pass(const void *weights, const struct tensor *tensor, values_take *take, void *context,
                             struct sft_err *err)
{
    const struct weights *w = weights;
    return pass_values(w->place.from[tensor - w->place.table->tensors], w->piece, take, context, err);
}

void weights_end(struct weights *w)
{
    if (!w)
        return;
    release(w);
}
