#include "files/peft/peft_merge.h"

#include "base/mem.h"
#include "files/grow.h"
#include "model/adapter.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE = 1 << 18, BLOCK = 256 }; /* floats that are passed on at a time, and summed up */

struct peft_merge {
    const struct param_set *params;
    struct model_values base;
    const struct tensor_table *base_table;
    bool has_frozen_rows;
};

void peft_merge_begin(struct peft_merge **out, const struct param_set *params, bool has_frozen_rows,
                      struct model_values base, const struct tensor_table *base_table)
{
    struct peft_merge *m = *out = mem_alloc(sizeof *m);
    *m = (struct peft_merge){params, base, base_table, has_frozen_rows};
}

void peft_merge_end(struct peft_merge *merge)
{
    free(merge);
}

/* ---- one tensor on its way ---- */

struct stream {
    const struct peft_merge *merge;
    const struct tensor *tensor;
    values_take *take;
    void *context;
    size_t done;         /* elements that went through */
    float *piece;        /* (PIECE) */
    double *sum;         /* (cols) of the base's rows, where there are to be more; NULL */
    float *factors;      /* (rows,r): of each row of the tensor its factors of A's or B's rows, scaled */
    const float *narrow; /* (r,cols): these rows; NULL: nothing is added */
    float *turned;       /* where `narrow` is not as it lies */
    size_t r;
};

/* x (r,c) as (c,r). */
static float *transpose(const float *x, size_t r, size_t c)
{
    float *out = mem_calloc(r * c, sizeof *out);
    for (size_t i = 0; i < r; i++)
        for (size_t k = 0; k < c; k++)
            out[k * r + i] = x[i * c + k];
    return out;
}

/* W (out,in) += scaling B A: a row's factors are B's row, and A (r,in) what they are of. W (in,out) += scaling A^T B^T:
 * they are A's column, of B^T (r,out). */
static void begin_low_rank(struct stream *s)
{
    const struct param_set *params = s->merge->params;
    const struct tensor *a = tensor_lora_a(&params->table, s->tensor), *b = tensor_lora_b(&params->table, s->tensor);
    if (!a)
        return;
    const float *av = param_values(params, a), *bv = param_values(params, b);
    const size_t n = s->tensor->rows * a->rows;
    const float scaling = (float)a->scaling;
    s->r = a->rows;
    if (s->tensor->layout == LAYOUT_OUT_IN) {
        s->factors = mem_calloc(n, sizeof *s->factors);
        memcpy(s->factors, bv, n * sizeof *bv);
        s->narrow = av;
    } else {
        s->factors = transpose(av, a->rows, a->cols);
        s->narrow = s->turned = transpose(bv, b->rows, b->cols);
    }
    for (size_t i = 0; i < n; i++)
        s->factors[i] *= scaling;
}

/* values (n <= BLOCK) += factors . narrow, rows of which are `cols` apart. The sum first: each of its terms is small
 * beside what it is added to. */
static void add_block(float *values, const float *factors, const float *narrow, size_t r, size_t cols, size_t n)
{
    float sum[BLOCK] = {0};
    for (size_t k = 0; k < r; k++) {
        const float factor = factors[k], *row = narrow + k * cols;
        for (size_t i = 0; i < n; i++)
            sum[i] += factor * row[i];
    }
    for (size_t i = 0; i < n; i++)
        values[i] += sum[i];
}

/* values (n): a row, from column `first` on. */
static void add_to_row(const struct stream *s, float *values, size_t row, size_t first, size_t n)
{
    const float *factors = s->factors + row * s->r;
    for (size_t i = 0; i < n; i += BLOCK)
        add_block(values + i, factors, s->narrow + first + i, s->r, s->tensor->cols, n - i < BLOCK ? n - i : BLOCK);
}

/* A piece that begins at element `at`: each row by one thread. */
static void add_low_rank(const struct stream *s, float *values, size_t at, size_t n)
{
    const size_t cols = s->tensor->cols, begin = at / cols, end = (at + n + cols - 1) / cols;
#pragma omp parallel for schedule(static)
    for (size_t row = begin; row < end; row++) {
        const size_t from = row * cols > at ? row * cols : at;
        const size_t to = (row + 1) * cols < at + n ? (row + 1) * cols : at + n;
        add_to_row(s, values + (from - at), row, from - row * cols, to - from);
    }
}

/* What of a piece is of rows that are trained. */
static void replace_rows(const struct stream *s, float *values, size_t at, size_t n)
{
    const struct tensor *t = s->tensor;
    const float *trained = param_values(s->merge->params, t);
    for (size_t i = 0; i < t->n_trained_rows; i++) {
        const size_t begin = (size_t)t->trained_rows[i] * t->cols, end = begin + t->cols;
        const size_t from = begin > at ? begin : at, to = end < at + n ? end : at + n;
        if (from < to)
            memcpy(values + (from - at), trained + from, (to - from) * sizeof *values);
    }
}

static void pass_piece(struct stream *s, const float *values, size_t n)
{
    memcpy(s->piece, values, n * sizeof *values);
    for (size_t i = 0; s->sum && i < n; i++)
        s->sum[(s->done + i) % s->tensor->cols] += (double)values[i];
    if (s->narrow)
        add_low_rank(s, s->piece, s->done, n);
    replace_rows(s, s->piece, s->done, n);
    s->take(s->context, s->piece, n);
    s->done += n;
}

static void take(void *stream, const float *values, size_t n)
{
    for (size_t first = 0; first < n; first += PIECE)
        pass_piece(stream, values + first, n - first < PIECE ? n - first : PIECE);
}

/* Rows beyond the base's: their mean, or what is trained. */
static void grow(struct stream *s)
{
    const size_t cols = s->tensor->cols, n_base = s->done / cols;
    float *mean = mem_calloc(cols, sizeof *mean);
    grow_mean(mean, s->sum, n_base, cols);
    free(s->sum);
    s->sum = NULL;
    for (size_t row = n_base; row < s->tensor->rows; row++)
        take(s, mean, cols);
    free(mean);
}

/* A tensor of which all is the adapter's, too. */
static enum sft_status pass_own(const struct peft_merge *m, const struct tensor *t, values_take *to, void *context)
{
    to(context, param_values(m->params, t), t->count);
    return SFT_OK;
}

static bool is_own(const struct peft_merge *m, const struct tensor *t)
{
    return t->trained && (!t->trained_rows || m->has_frozen_rows);
}

/* A head that an adapter has parted from the embedding began as that. */
static const struct tensor *base_of(const struct peft_merge *m, const struct tensor *t)
{
    const struct tensor *of_base = tensor_find_name(m->base_table, t->name);
    return of_base ? of_base : m->base_table->token_embedding;
}

static enum sft_status pass(const void *merge, const struct tensor *tensor, values_take *to, void *context,
                            struct sft_err *err)
{
    const struct peft_merge *m = merge;
    const struct tensor *of_base = base_of(m, tensor);
    if (is_own(m, tensor))
        return pass_own(m, tensor, to, context);
    struct stream s = {.merge = m, .tensor = tensor, .take = to, .context = context};
    s.piece = mem_alloc(PIECE * sizeof *s.piece);
    if (of_base->rows < tensor->rows)
        s.sum = mem_calloc(tensor->cols, sizeof *s.sum);
    begin_low_rank(&s);
    const enum sft_status status = m->base.pass(m->base.from, of_base, take, &s, err);
    if (!status && s.sum)
        grow(&s);
    free(s.sum);
    free(s.piece);
    free(s.factors);
    free(s.turned);
    return status;
}

struct model_values peft_merged(const struct peft_merge *merge)
{
    return (struct model_values){pass, merge};
}
