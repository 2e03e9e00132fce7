#include "files/weights.h"

#include "files/formats.h"
#include "files/grow.h"
#include "files/half.h"
#include "files/place.h"
#include "files/tie.h"

#include <stdlib.h>

enum {
    PARALLEL_MIN = 1 << 16,
    PIECE = 1 << 20, /* elements that are passed on at a time: whole blocks of any dtype */
};

/* ---- finding and placing ---- */

struct weights {
    const struct format *format;
    struct stored_tensors stored;
    struct placement place;
    float *piece; /* (PIECE) of what is passed on */
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
}

bool weights_are_there(const char *path)
{
    const struct format *format;
    return format_find(&format, path, NULL) == SFT_OK && format->open_tensors;
}

static bool lies_as_bf16(const struct stored_tensor *from)
{
    return from->dtype == &dtype_bf16 && !from->read;
}

static bool is_kept(const struct placement *place, const struct tensor *t)
{
    const struct stored_tensor *from = place->from[t - place->table->tensors];
    return t->may_be_bf16 && lies_as_bf16(from) && place_rows_in_file(place, t) == t->rows;
}

enum sft_status weights_check_to_read(struct tensor_table *table, bool keep_bf16, const struct model_config *config,
                                      size_t file_vocab, const char *path, struct strbuf *unused, struct sft_err *err)
{
    struct weights w;
    const enum sft_status status = weights_open(&w, table, config, file_vocab, path, err);
    strbuf_clear(unused);
    if (!status && w.place.others[TENSOR_UNUSED].n_names)
        name_groups_print(&w.place.others[TENSOR_UNUSED], unused);
    for (size_t i = 0; i < table->n_tensors && !status; i++)
        table->tensors[i].is_bf16 = keep_bf16 && is_kept(&w.place, &table->tensors[i]);
    weights_close(&w);
    tensor_table_choose(table, NULL);
    tensor_table_place(table);
    return status;
}

enum sft_status weights_check(const struct model_config *config, size_t file_vocab, const char *path,
                              struct strbuf *unused, struct sft_err *err)
{
    struct tensor_table table;
    tensor_table_init(&table, config);
    const enum sft_status status = weights_check_to_read(&table, false, config, file_vocab, path, unused, err);
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

static size_t count_not_finite(const float *values, size_t n)
{
    const uint32_t exponent = 0x7F800000;
    size_t n_bad = 0;
#pragma omp parallel for simd reduction(+ : n_bad) if (n > PARALLEL_MIN)
    for (size_t i = 0; i < n; i++)
        n_bad += (f32_bits(values[i]) & exponent) == exponent;
    return n_bad;
}

static size_t count_not_finite_bf16(const bf16 *values, size_t n)
{
    const bf16 exponent = 0x7F80;
    size_t n_bad = 0;
#pragma omp parallel for simd reduction(+ : n_bad) if (n > PARALLEL_MIN)
    for (size_t i = 0; i < n; i++)
        n_bad += (values[i] & exponent) == exponent;
    return n_bad;
}

static enum sft_status fail_not_finite(const struct stored_tensor *from, size_t n_bad, struct sft_err *err)
{
    sft_fail(err, SFT_EDATA, "tensor '%s': %zu of %zu values are not finite", stored_own_name(from), n_bad,
             from->count);
    return sft_in_file(err, from->path, 0);
}

static enum sft_status read_values(const struct param_set *params, const struct tensor *t,
                                   const struct stored_tensor *from, struct sft_err *err)
{
    float *values = param_values(params, t);
    bf16 *kept = param_bf16(params, t);
    size_t n_bad = 0;
    if (kept && !lies_as_bf16(from)) {
        sft_fail(err, SFT_EDATA,
                 "tensor '%s': is %s, and was BF16 a moment ago: the model was replaced while it was read (try again)",
                 stored_own_name(from), from->dtype->name);
        return sft_in_file(err, from->path, 0);
    }
    if (kept)
        stored_copy(from, kept);
    else if (stored_read(from, values, err))
        return sft_in_file(err, from->path, 0);
    n_bad = kept ? count_not_finite_bf16(kept, from->count) : count_not_finite(values, from->count);
    return n_bad ? fail_not_finite(from, n_bad, err) : SFT_OK;
}

enum sft_status weights_load_set(const struct param_set *params, const struct model_config *config, size_t file_vocab,
                                 const char *path, struct sft_err *err)
{
    const struct tensor_table *table = &params->table;
    struct weights w;
    enum sft_status status = weights_open(&w, table, config, file_vocab, path, err);
    for (size_t i = 0; i < table->n_tensors && !status; i++)
        status = read_values(params, &table->tensors[i], w.place.from[i], err);
    if (!status)
        status = tie_check_head(&w.place, err);
    for (size_t i = 0; i < table->n_tensors && !status; i++) {
        const struct tensor *t = &table->tensors[i];
        if (t->n_dims == 2 && !t->is_bf16)
            grow_rows(param_values(params, t), place_rows_in_file(&w.place, t), t->rows, t->cols);
    }
    weights_close(&w);
    return status;
}

enum sft_status weights_load(float *params, const struct tensor_table *table, const struct model_config *config,
                             size_t file_vocab, const char *path, struct sft_err *err)
{
    const struct param_set set = {.table = *table, .values = {params, table->n_elements * sizeof *params}};
    return weights_load_set(&set, config, file_vocab, path, err);
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
    const struct stored_tensor *from = w->place.from[tensor - w->place.table->tensors];
    size_t n_bad = 0;
    for (size_t first = 0; first < from->count; first += PIECE) {
        const size_t left = from->count - first, n = left < PIECE ? left : PIECE;
        stored_read_piece(from, first, n, w->piece);
        n_bad += count_not_finite(w->piece, n);
        if (take)
            take(context, w->piece, n);
    }
    return n_bad ? fail_not_finite(from, n_bad, err) : SFT_OK;
}

void weights_end(struct weights *w)
{
    if (!w)
        return;
    weights_close(w);
    free(w->piece);
    free(w);
}
