/* Keys and values of earlier positions, for generation: a view, whose memory is another's (infer/kv_pool.h). */
#ifndef SFT_MODEL_KV_SLOTS_H
#define SFT_MODEL_KV_SLOTS_H

#include "kernels.h"

/* Each sequence of a batch has a slot: rows begin .. begin + len of every layer. So many streams go on in one forward
 * pass, wherever their slots lie; these must not overlap. Rows are n_kv_head * head_dim wide. */
struct kv_slots {
    act *k, *v;          /* (n_layer, capacity, width) */
    size_t capacity;     /* rows of a layer, of all slots together */
    const size_t *begin; /* (S): each sequence's first row */
    size_t *len;         /* (S): rows that it has; a forward pass appends its positions of the batch */
};

#endif
