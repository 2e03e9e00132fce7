#include "ref.h"

#include <math.h>

void REF(linear_few)(const struct few_output *outs, size_t n_outs, const act *x, size_t N,
                     const struct workspace *work)
{
    for (size_t i = 0; i < n_outs; i++)
        REF(linear_few_residual)(outs[i].y, NULL, x, outs[i].linear, outs[i].added, 1, N, work);
}

void REF(linear_few_residual)(real *y, const real *residual, const act *x, const struct linear *l,
                              const struct linear_part *added, real scale, size_t N, const struct workspace *work)
{
    const struct linear_part parts[] = {{x, l}, added ? *added : (struct linear_part){0}};
    REF(linear_residual_fwd)(y, residual, parts, added ? 2 : 1, scale, N, work);
}

void REF(quantize_rows)(int8_t *q, float *scales, const real *w, size_t rows, size_t n)
{
    for (size_t r = 0; r < rows; r++) {
        double largest = 0;
        for (size_t i = 0; i < n; i++) { /* not by fmax, of which gcc 12 for ARM makes an internal error */
            const double size = fabs((double)w[r * n + i]);
            largest = size > largest ? size : largest;
        }
        scales[r] = (float)(largest / 127);
        for (size_t i = 0; i < n; i++) {
            const double x = scales[r] > 0 ? rint((double)w[r * n + i] / (double)scales[r]) : 0;
            q[r * n + i] = (int8_t)fmax(-127, fmin(127, x)); /* scale may have been rounded down */
        }
    }
}

void REF(scan_logits)(struct logits_scan *scans, const real *logits, const real *inverse_temperature, size_t S,
                      size_t V)
{
    for (size_t s = 0; s < S; s++) {
        const real *x = logits + s * V;
        struct logits_scan scan = {.first = V, .largest = -(real)INFINITY, .all_finite = true};
        double total = 0;
        for (size_t v = 0; v < V; v++) {
            scan.all_finite = scan.all_finite && x[v] < (real)INFINITY; /* not NaN either */
            if (x[v] > scan.largest || (scan.first == V && x[v] == scan.largest)) {
                scan.first = v;
                scan.largest = x[v];
            }
        }
        for (size_t v = 0; scan.all_finite && scan.largest > -(real)INFINITY && v < V; v++)
            total += exp(((double)x[v] - (double)scan.largest) * (double)inverse_temperature[s]);
        scan.total = (real)total;
        scans[s] = scan;
    }
}
