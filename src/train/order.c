#include "train/order.h"

#include "base/mem.h"
#include "data/batching.h"

#include <stdlib.h>

uint64_t order_steps(size_t n_examples, size_t batch_size)
{
    return (n_examples + batch_size - 1) / batch_size;
}

void order_init(struct order *order, const struct order_options *options, size_t n_examples)
{
    *order = (struct order){.options = *options,
                            .n_examples = n_examples,
                            .ids = mem_alloc(n_examples * sizeof *order->ids),
                            .epoch = UINT64_MAX};
}

void order_free(struct order *order)
{
    free(order->ids);
    order->ids = NULL;
}

const uint32_t *order_step(struct order *order, uint64_t step, size_t *count)
{
    const struct order_options *o = &order->options;
    const uint64_t steps = order_steps(order->n_examples, o->batch_size), epoch = step / steps;
    const size_t first = (size_t)(step % steps) * o->batch_size, left = order->n_examples - first;
    if (epoch != order->epoch) {
        batch_epoch_order(order->ids, order->n_examples, o->seed, epoch, o->shuffle);
        order->epoch = epoch;
    }
    *count = left < o->batch_size ? left : o->batch_size;
    return order->ids + first;
}
