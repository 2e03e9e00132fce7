/* What the kernels' benchmarks share. */
#ifndef SFT_TESTS_BENCH_H
#define SFT_TESTS_BENCH_H

#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* So many bytes as a model has its own: with huge pages advised where they are many. The caller's to free. */
static inline void *aligned(size_t bytes)
{
    enum { LINE = 64, HUGE_PAGE = 2 << 20 };
    const size_t alignment = bytes < HUGE_PAGE ? LINE : HUGE_PAGE;
    bytes = (bytes + alignment - 1) / alignment * alignment;
    void *p = aligned_alloc(alignment, bytes);
    if (alignment == HUGE_PAGE)
        madvise(p, bytes, MADV_HUGEPAGE);
    return p;
}

/* n values between -0.05 and 0.05, floats or bfloat16 by their size, or bytes; the caller's to free. */
static inline void *filled(size_t n, size_t size)
{
    void *p = aligned(n * size);
    for (size_t i = 0; i < n; i++) {
        const float x = (float)((double)(i * 2654435761u % 4093) / 2046.5 - 1) * 0.05f;
        uint32_t bits;
        memcpy(&bits, &x, sizeof bits);
        if (size == sizeof(uint16_t))
            ((uint16_t *)p)[i] = (uint16_t)(bits >> 16);
        else if (size == 1)
            ((int8_t *)p)[i] = (int8_t)(i % 251 - 125);
        else
            ((float *)p)[i] = x;
    }
    return p;
}

/* The best of so many runs, after one that is not counted. */
static inline double best_seconds(void (*run)(void *), void *context, int times)
{
    double best = INFINITY;
    run(context);
    for (int i = 0; i < times; i++) {
        const double started = omp_get_wtime();
        run(context);
        best = fmin(best, omp_get_wtime() - started);
    }
    return best;
}

#endif
