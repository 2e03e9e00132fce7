/* The smaller and the larger of two sizes, by what they are to be. */
#ifndef SFT_BASE_BOUNDS_H
#define SFT_BASE_BOUNDS_H

#include <stddef.h>

static inline size_t at_most(size_t x, size_t bound)
{
    return x < bound ? x : bound;
}

static inline size_t at_least(size_t x, size_t bound)
{
    return x > bound ? x : bound;
}

#endif
