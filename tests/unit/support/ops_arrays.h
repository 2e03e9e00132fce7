/* Arrays of double as an op takes them, and back, for ops.c: reals, operands of either precision, indices, memory. */
#ifndef SFT_TESTS_OPS_ARRAYS_H
#define SFT_TESTS_OPS_ARRAYS_H

#include "kernels.h"

#include "bf16.h"

#include <stdlib.h>

static inline real *to_real(const double *x, size_t n)
{
    real *r = calloc(n + 1, sizeof *r);
    for (size_t i = 0; i < n; i++)
        r[i] = (real)x[i];
    return r;
}

/* Copies r into x and frees r. */
static inline void give_back(double *x, real *r, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = (double)r[i];
    free(r);
}

static inline const struct kernels *kernels_of(const void *table)
{
    return table ? table : &REAL_NAME(kernels_plain);
}

static inline bool is_bf16(const struct kernels *k)
{
    return k->act_size == sizeof(uint16_t);
}

/* To the nearest bfloat16, ties to even; as kernels' act. */
static inline act *to_act(const struct kernels *k, const double *x, size_t n)
{
    if (!is_bf16(k))
        return to_real(x, n);
    uint16_t *a = calloc(n + 1, sizeof *a);
    for (size_t i = 0; i < n; i++)
        a[i] = bf16_of(x[i]);
    return a;
}

static inline void give_back_act(const struct kernels *k, double *x, act *a, size_t n)
{
    if (!is_bf16(k)) {
        give_back(x, a, n);
        return;
    }
    const uint16_t *from = a;
    for (size_t i = 0; i < n; i++)
        x[i] = bf16_to_double(from[i]);
    free(a);
}

/* What indices are made of: the same in both builds. Some repeat, the first and last of `below` occur. */
static inline int32_t *make_indices(size_t n, size_t below, size_t factor)
{
    int32_t *ids = malloc((n + 1) * sizeof *ids);
    for (size_t i = 0; i < n; i++)
        ids[i] = (int32_t)((i * factor + below - 1) % below);
    return ids;
}

static inline struct workspace make_work(const struct kernels *k, const struct kernel_sizes *sizes)
{
    const size_t bytes = (k->work_bytes(sizes) + 127) / 64 * 64;
    return (struct workspace){.data = aligned_alloc(64, bytes), .bytes = bytes};
}

#endif
