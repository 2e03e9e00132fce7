/* Memory for the keys and values of one sequence. */
#ifndef SFT_INFER_KV_CACHE_H
#define SFT_INFER_KV_CACHE_H

#include "model/transformer.h"

struct kv_cache {
    act *k, *v; /* (n_layer, capacity, n_kv_head * head_dim) */
    size_t capacity, length;
};

/* Room for `capacity` positions; empty. Free with kv_cache_free, which accepts a zeroed struct. */
enum sft_status kv_cache_init(struct kv_cache *cache, const struct transformer *model, size_t capacity,
                              struct sft_err *err);

/* Its one slot, whose length is the cache's. */
struct kv_slots kv_cache_slots(struct kv_cache *cache);
void kv_cache_free(struct kv_cache *cache, const struct transformer *model);

#endif
