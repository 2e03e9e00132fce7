/* Keys and values of earlier positions, for generation: a view of pages, whose memory is another's (infer/kv_pool.h).
 *
 * A page has `page_rows` positions of one sequence, of all layers: (n_layer, 2, n_kv_head, page_rows, head_dim) of act,
 * keys before values. So a head's keys lie one behind another, what sequences share need be there once, and one that
 * grows never moves. */
#ifndef SFT_MODEL_KV_VIEW_H
#define SFT_MODEL_KV_VIEW_H

#include "kernels.h"

struct kv_view {
    act *memory;                   /* page p begins at element p * page_size */
    size_t page_rows, page_size;   /* page_size: n_layer * 2 * n_kv_head * page_rows * head_dim, or more */
    /* Sequence s of a batch has pages[page_start[s]] and those behind, enough for what it has and its positions of the
     * batch. Pages that a forward pass writes to are of no other sequence. */
    const uint32_t *pages;
    const size_t *page_start; /* (S) */
    size_t *len;              /* (S): positions that it has; a forward pass appends those of the batch */
    /* Which of two ways the pass goes. A prompt's goes through training's products, many positions at once; when it
     * decodes each sequence has one position, and weights are read once, as they lie. Either way what a sequence gets
     * does not depend on the others (in fp32, and but for OpenBLAS's products, to the last bit), nor on how a prompt
     * was cut into passes; the two ways agree to rounding. */
    bool decoding;
};

#endif
