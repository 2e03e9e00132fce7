/* Keys and values of earlier positions, for generation: a view of pages, whose memory is another's (infer/kv_pool.h).
 *
 * A page holds `page_rows` positions of one sequence, of all layers: (n_layer, 2, n_kv_head, page_rows, head_dim) of
 * act, keys before values. So a head's keys lie one behind another, and pages that sequences share need be there
 * once. */
#ifndef SFT_MODEL_KV_VIEW_H
#define SFT_MODEL_KV_VIEW_H

#include "kernels.h"

/* Each sequence s of a batch has the pages pages[page_start[s]], pages[page_start[s] + 1], ..., enough for len[s] and
 * its positions of the batch; those that a forward pass writes to are its alone. */
struct kv_view {
    act *memory;              /* page p begins at element p * n_layer * 2 * n_kv_head * page_rows * head_dim */
    size_t page_rows;
    const uint32_t *pages;    /* numbers of pages, sequence after sequence */
    const size_t *page_start; /* (S): each sequence's first in `pages` */
    size_t *len;              /* (S): positions that it has; a forward pass appends those of the batch */
    /* Of two passes one: prompts run through the products of training, many positions of each at once; in a decode
     * pass every sequence has one position, and weights are read once, as they lie. In fp32 a position's logits are, bit
     * for bit, the same whoever else is in the batch, and however a prompt was cut; the two passes agree to rounding. */
    bool decoding;
};

#endif
