#include "ref.h"

#include <math.h>

void REF(rmsnorm_fwd)(act *y_, real *rstd, const real *x, const real *w, real epsilon, size_t N, size_t C)
{
    real *y = y_;
    for (size_t n = 0; n < N; n++) {
        const real *x_n = x + n * C; /* (C) */
        double sum_sq = 0;
        for (size_t c = 0; c < C; c++)
            sum_sq += (double)x_n[c] * (double)x_n[c];
        const double inv_rms = 1 / sqrt(sum_sq / (double)C + (double)epsilon);
        for (size_t c = 0; c < C; c++)
            y[n * C + c] = (real)(x_n[c] * inv_rms * w[c]);
        rstd[n] = (real)inv_rms;
    }
}

/* With xhat = x rstd and g = dy w:  dx = rstd (g - xhat mean(g xhat)). */
void REF(rmsnorm_bwd)(real *dx, real *dw, const act *dy_, const real *x, const real *rstd, const real *w, size_t N,
                      size_t C, const struct workspace *work)
{
    (void)work;
    const real *dy = dy_;
    for (size_t n = 0; n < N; n++) {
        const real *x_n = x + n * C, *dy_n = dy + n * C; /* (C) */
        double sum_g_xhat = 0;
        for (size_t c = 0; c < C; c++)
            sum_g_xhat += (double)dy_n[c] * w[c] * x_n[c] * rstd[n];
        for (size_t c = 0; c < C; c++) {
            const double xhat = (double)x_n[c] * rstd[n], g = (double)dy_n[c] * w[c];
            dx[n * C + c] += (real)(rstd[n] * (g - xhat * sum_g_xhat / (double)C));
            if (dw)
                dw[c] += (real)(dy_n[c] * xhat);
        }
    }
}
