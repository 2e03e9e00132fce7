/* Memory for the keys and values of many sequences: slots of equal size, given out and taken back. It grows with the
 * longest sequence, in steps: what a model could see may be more than there is memory for. */
#ifndef SFT_INFER_KV_POOL_H
#define SFT_INFER_KV_POOL_H

#include "model/transformer.h"

enum { KV_SLOT_NONE = -1 };

struct kv_pool {
    size_t n, positions;       /* slots, and how long a sequence may be in one by now */
    size_t max_positions;      /* and ever */
    size_t n_heads, row_bytes; /* rows of one position: keys and values of all layers; bytes of each */
    size_t act_size;
    size_t *len;               /* (n) positions that are there; their user's to set */
    bool *taken;               /* (n) */
    uint32_t *numbers;         /* (n) 0, 1, ... */
    struct block memory;       /* a slot is a page (model/kv_view.h) of `positions` rows */
};

/* n slots, none taken, without room yet, for sequences of at most max_positions positions. Free with kv_pool_free,
 * which accepts a zeroed struct. */
void kv_pool_init(struct kv_pool *pool, const struct transformer *model, size_t n, size_t max_positions);
void kv_pool_free(struct kv_pool *pool);

/* Let every slot hold `positions` positions (at most max_positions); what is in them stays. SFT_ENOMEM where that is
 * more than the system has left: then all is as it was. */
enum sft_status kv_pool_reserve(struct kv_pool *pool, size_t positions, struct sft_err *err);

/* A free slot, empty, or KV_SLOT_NONE. */
int kv_pool_take(struct kv_pool *pool);
/* A certain free slot, with the first `len` positions of those that it holds. */
void kv_pool_take_again(struct kv_pool *pool, int slot, size_t len);
void kv_pool_give_back(struct kv_pool *pool, int slot);

/* What the model is given with a batch: its sequences' slots, and how long each is; both (S), borrowed, and len grows
 * by what it appends. Good until the pool grows. */
struct kv_view kv_pool_view(const struct kv_pool *pool, const size_t *slots, size_t *len, bool decoding);

#endif
