#include "files/kept.h"

#include "files/grow.h"
#include "files/half.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    PIECE = 1 << 20,        /* elements that are read at a time */
    PARALLEL_MIN = 1 << 16, /* elements that are worth a second thread */
    TILE = 32,              /* rows and columns that are transposed at a time */
};

void kept_scratch_free(struct kept_scratch *scratch)
{
    block_free(&scratch->piece);
    block_free(&scratch->transposed);
}

static enum sft_status reserve(struct block *floats, size_t n, struct sft_err *err)
{
    if (n * sizeof(float) <= floats->bytes)
        return SFT_OK;
    block_free(floats);
    return block_alloc(floats, n * sizeof(float), "reading the weights", err);
}

/* ---- a piece ---- */

size_t kept_count_not_finite(const float *values, size_t n, enum kept kept)
{
    const float largest = kept == KEPT_BF16 ? 0x1.FEFFFEp127F : FLT_MAX; /* what rounds to a finite number */
    size_t n_bad = 0;
#pragma omp parallel for simd reduction(+ : n_bad) if (n > PARALLEL_MIN)
    for (size_t i = 0; i < n; i++)
        n_bad += fabsf(values[i]) <= largest ? 0 : 1; /* NaN too */
    return n_bad;
}

/* to (cols, rows) = x (rows, cols), transposed. */
static void transpose(float *to, const float *x, size_t rows, size_t cols)
{
#pragma omp parallel for schedule(static) if (rows * cols > PARALLEL_MIN)
    for (size_t c0 = 0; c0 < cols; c0 += TILE)
        for (size_t r0 = 0; r0 < rows; r0 += TILE)
            for (size_t c = c0; c < c0 + TILE && c < cols; c++)
                for (size_t r = r0; r < r0 + TILE && r < rows; r++)
                    to[c * rows + r] = x[r * cols + c];
}

static void round_values(bf16 *to, const float *x, size_t n)
{
#pragma omp parallel for simd schedule(static) if (n > PARALLEL_MIN)
    for (size_t i = 0; i < n; i++)
        to[i] = bf16_from_f32(x[i]);
}

/* A tensor that is being read; rows and columns as they lie in memory. */
struct reading {
    enum kept kept;
    size_t cols;
    void *to;      /* (rows, cols) */
    float *scales; /* (rows), of integers */
    quantize_rows_fn *quantize;
};

/* Rows `row` ... `row` + n, whose values are x (n, cols): reals may be where they belong already. */
static void keep_rows(const struct reading *r, size_t row, size_t n, const float *x)
{
    const size_t at = row * r->cols, count = n * r->cols;
    switch (r->kept) {
    case KEPT_REAL:
        if (x != (float *)r->to + at)
            memcpy((float *)r->to + at, x, count * sizeof *x);
        break;
    case KEPT_BF16:
        round_values((bf16 *)r->to + at, x, count);
        break;
    case KEPT_INT8:
        r->quantize((int8_t *)r->to + at, r->scales + row, x, n, r->cols);
        break;
    }
}

/* ---- a tensor ---- */

enum sft_status kept_check_finite(const struct stored_tensor *from, size_t n_bad, struct sft_err *err)
{
    if (n_bad == 0)
        return SFT_OK;
    sft_fail(err, SFT_EDATA, "tensor '%s': %zu of %zu values are not finite", stored_own_name(from), n_bad,
             from->count);
    return sft_in_file(err, from->path, 0);
}

/* A matrix that is transposed: as one piece. */
static enum sft_status read_transposed(const struct reading *r, const struct tensor *t,
                                       const struct stored_tensor *from, struct kept_scratch *scratch,
                                       struct sft_err *err)
{
    const bool in_place = t->kept == KEPT_REAL;
    if (reserve(&scratch->piece, t->count, err) || (!in_place && reserve(&scratch->transposed, t->count, err)))
        return err->status;
    float *piece = scratch->piece.data, *transposed = in_place ? r->to : scratch->transposed.data;
    stored_read_piece(from, 0, t->count, piece);
    const size_t n_bad = kept_count_not_finite(piece, t->count, t->kept);
    if (kept_check_finite(from, n_bad, err))
        return SFT_EDATA;
    transpose(transposed, piece, t->rows, t->cols);
    keep_rows(r, 0, t->cols, transposed);
    return SFT_OK;
}

/* The `rows` rows that the file has, some at a time; the sum of all is added to sum (cols), which may be NULL. */
static enum sft_status read_rows(const struct reading *r, const struct stored_tensor *from, size_t rows, double *sum,
                                 struct kept_scratch *scratch, struct sft_err *err)
{
    const bool in_place = r->kept == KEPT_REAL;
    const size_t fit = PIECE / r->cols ? PIECE / r->cols : 1, n_piece = fit < rows ? fit : rows;
    size_t n_bad = 0;
    if (!in_place && reserve(&scratch->piece, n_piece * r->cols, err))
        return err->status;
    for (size_t row = 0; row < rows; row += n_piece) {
        const size_t n = rows - row < n_piece ? rows - row : n_piece;
        float *piece = in_place ? (float *)r->to + row * r->cols : scratch->piece.data;
        stored_read_piece(from, row * r->cols, n * r->cols, piece);
        n_bad += kept_count_not_finite(piece, n * r->cols, r->kept);
        if (!n_bad)
            keep_rows(r, row, n, piece);
        if (sum)
            grow_add(sum, piece, n, r->cols);
    }
    return kept_check_finite(from, n_bad, err);
}

/* Rows for new tokens, n_old being old. */
static void add_rows(const struct reading *r, size_t n_old, size_t n_all, const double *sum)
{
    float *mean = mem_calloc(r->cols, sizeof *mean);
    grow_mean(mean, sum, n_old, r->cols);
    for (size_t row = n_old; row < n_all; row++)
        keep_rows(r, row, 1, mean);
    free(mean);
}

enum sft_status kept_read(const struct param_set *params, const struct tensor *t, const struct stored_tensor *from,
                          size_t rows, quantize_rows_fn *quantize, struct kept_scratch *scratch, struct sft_err *err)
{
    const struct reading r = {.kept = t->kept,
                              .cols = t->transposed ? t->rows : t->cols,
                              .to = param_memory(params, t),
                              .scales = param_scales(params, t),
                              .quantize = quantize};
    double *sum = rows < t->rows ? mem_calloc(t->cols, sizeof *sum) : NULL;
    if ((t->transposed && rows < t->rows) || (t->kept == KEPT_INT8 && !quantize))
        SFT_BUG("a matrix that is transposed and grows, or integers that nobody makes");
    enum sft_status status = stored_check_dtype(from, err) ? sft_in_file(err, from->path, 0) : SFT_OK;
    if (!status)
        status = t->transposed ? read_transposed(&r, t, from, scratch, err)
                               : read_rows(&r, from, rows, sum, scratch, err);
    if (!status && sum)
        add_rows(&r, rows, t->rows, sum);
    free(sum);
    return status;
}
