#include "files/grow.h"

enum { PARALLEL_MIN = 1 << 16, COLUMNS = 64 };

void grow_rows(float *values, size_t n_old, size_t n_all, size_t cols)
{
    if (n_old >= n_all)
        return;
#pragma omp parallel for schedule(static) if (n_old > PARALLEL_MIN / COLUMNS)
    for (size_t c0 = 0; c0 < cols; c0 += COLUMNS) {
        const size_t width = cols - c0 < COLUMNS ? cols - c0 : COLUMNS;
        double sum[COLUMNS] = {0};
        for (size_t row = 0; row < n_old; row++)
            for (size_t c = 0; c < width; c++)
                sum[c] += values[row * cols + c0 + c];
        for (size_t row = n_old; row < n_all; row++)
            for (size_t c = 0; c < width; c++)
                values[row * cols + c0 + c] = (float)(sum[c] / (double)n_old);
    }
}
