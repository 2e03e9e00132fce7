/* Memory for the keys and values of one sequence (struct kv_cache in model/transformer.h). */
#ifndef SFT_INFER_KV_CACHE_H
#define SFT_INFER_KV_CACHE_H

#include "model/transformer.h"

/* Room for `capacity` positions; empty. Free with kv_cache_free, which accepts a zeroed struct. */
enum sft_status kv_cache_init(struct kv_cache *cache, const struct transformer *model, size_t capacity,
                              struct sft_err *err);
void kv_cache_free(struct kv_cache *cache, const struct transformer *model);

#endif
