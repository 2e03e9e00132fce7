/* Which conversations make which step: a pure function of (seed, epoch), see data/batching.h. */
#ifndef SFT_TRAIN_ORDER_H
#define SFT_TRAIN_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct order_options {
    size_t batch_size; /* conversations a step; the last of an epoch may be short */
    uint64_t seed;
    bool shuffle;
};

struct order {
    struct order_options options;
    size_t n_examples;
    uint32_t *ids;  /* (n_examples) of the epoch */
    uint64_t epoch; /* UINT64_MAX: none yet */
};

/* How many steps an epoch has. */
uint64_t order_steps(size_t n_examples, size_t batch_size);

/* Free with order_free, which accepts a zeroed struct. */
void order_init(struct order *order, const struct order_options *options, size_t n_examples);
void order_free(struct order *order);

/* The conversations of step number `step` (from 0): *count of them. The array is the order's, until the next call. */
const uint32_t *order_step(struct order *order, uint64_t step, size_t *count);

#endif
