#include "ref.h"

#include <math.h>

static double rstd_of(const real *x, size_t C, real epsilon)
{
    double sum_sq = 0;
    for (size_t c = 0; c < C; c++)
        sum_sq += (double)x[c] * (double)x[c];
    return 1 / sqrt(sum_sq / (double)C + (double)epsilon);
}

static double factor(const real *w, size_t c, real offset)
{
    return (double)offset + (double)w[c];
}

/* One row: with xhat = x rstd and g = dy (offset + w), dx (C) = before + scale rstd (g - xhat mean(g xhat)), dw (C) +=
 * scale dy xhat. before (C) may be NULL; dx may be before, or dy. */
static void row_bwd(real *dx, real *dw, const real *before, const real *dy, const real *x, double rstd, const real *w,
                    real offset, double scale, size_t C)
{
    double sum_g_xhat = 0;
    for (size_t c = 0; c < C; c++)
        sum_g_xhat += dy[c] * factor(w, c, offset) * x[c] * rstd;
    for (size_t c = 0; c < C; c++) {
        const double xhat = x[c] * rstd, g = dy[c] * factor(w, c, offset);
        if (dw)
            dw[c] += (real)(scale * dy[c] * xhat);
        dx[c] = (before ? before[c] : 0) + (real)(scale * rstd * (g - xhat * sum_g_xhat / (double)C));
    }
}

void REF(rmsnorm_fwd)(act *y, real *rstd, const real *x, const real *w, real offset, real epsilon, size_t N, size_t C)
{
    for (size_t n = 0; n < N; n++) {
        const double inv_rms = rstd_of(x + n * C, C, epsilon);
        for (size_t c = 0; c < C; c++)
            ((real *)y)[n * C + c] = (real)(x[n * C + c] * inv_rms * factor(w, c, offset));
        rstd[n] = (real)inv_rms;
    }
}

void REF(rmsnorm_bwd)(real *dx, real *dw, const act *dy, const real *x, const real *rstd, const real *w, real offset,
                      size_t N, size_t C, const struct workspace *work)
{
    (void)work;
    for (size_t n = 0; n < N; n++)
        row_bwd(dx + n * C, dw, dx + n * C, (const real *)dy + n * C, x + n * C, rstd[n], w, offset, 1, C);
}

void REF(rmsnorm_residual_fwd)(real *y, real *rstd, const real *residual, const real *x, const real *w, real offset,
                               real epsilon, real scale, size_t N, size_t C)
{
    for (size_t n = 0; n < N; n++) {
        const double inv_rms = rstd_of(x + n * C, C, epsilon);
        for (size_t c = 0; c < C; c++)
            y[n * C + c] = (real)(residual[n * C + c] + (double)scale * x[n * C + c] * inv_rms * factor(w, c, offset));
        rstd[n] = (real)inv_rms;
    }
}

void REF(rmsnorm_residual_bwd)(act *dx, real *dw, const real *dy, const real *x, const real *rstd, const real *w,
                               real offset, real scale, size_t N, size_t C, const struct workspace *work)
{
    (void)work;
    for (size_t n = 0; n < N; n++)
        row_bwd((real *)dx + n * C, dw, NULL, dy + n * C, x + n * C, rstd[n], w, offset, (double)scale, C);
}

void REF(rmsnorm_heads_fwd)(act *y_, real *rstd, const act *x_, const real *w, real offset, real epsilon,
                            const struct heads *heads, size_t N)
{
    for (size_t n = 0; n < N; n++)
        for (size_t h = 0; h < heads->n_head; h++) {
            const size_t at = n * heads->ld + h * heads->stride;
            const real *x = (const real *)x_ + at;
            real *y = (real *)y_ + at;
            const double inv_rms = rstd_of(x, heads->head_size, epsilon);
            for (size_t d = 0; d < heads->head_size; d++)
                y[d] = (real)(x[d] * inv_rms * factor(w, d, offset));
            rstd[n * heads->n_head + h] = (real)inv_rms;
        }
}

void REF(rmsnorm_heads_bwd)(act *dx, real *dw, const act *dy, const act *x, const real *rstd, const real *w,
                            real offset, const struct heads *heads, size_t N, const struct workspace *work)
{
    (void)work;
    for (size_t n = 0; n < N; n++)
        for (size_t h = 0; h < heads->n_head; h++) {
            const size_t at = n * heads->ld + h * heads->stride;
            row_bwd((real *)dx + at, dw, NULL, (const real *)dy + at, (const real *)x + at,
                    rstd[n * heads->n_head + h], w, offset, 1, heads->head_size);
        }
}
