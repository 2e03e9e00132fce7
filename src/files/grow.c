#include "files/grow.h"

enum { PARALLEL_MIN = 1 << 16, COLUMNS = 64 };

void grow_add(double *sum, const float *rows, size_t n, size_t cols)
{
#pragma omp parallel for schedule(static) if (n > PARALLEL_MIN / COLUMNS)
    for (size_t c0 = 0; c0 < cols; c0 += COLUMNS) {
        const size_t end = cols - c0 < COLUMNS ? cols : c0 + COLUMNS;
        for (size_t row = 0; row < n; row++)
            for (size_t c = c0; c < end; c++)
                sum[c] += rows[row * cols + c];
    }
}

void grow_mean(float *row, const double *sum, size_t n, size_t cols)
{
    for (size_t c = 0; c < cols; c++)
        row[c] = (float)(sum[c] / (double)n);
}
