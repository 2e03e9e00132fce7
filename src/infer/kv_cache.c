#include "infer/kv_cache.h"

static size_t cache_bytes(const struct transformer *model, size_t capacity)
{
    const struct model_config *config = &model->config;
    return config->n_layer * capacity * config->n_kv_head * config->head_dim * model->kernels->act_size;
}

enum sft_status kv_cache_init(struct kv_cache *cache, const struct transformer *model, size_t capacity,
                              struct sft_err *err)
{
    struct block k, v;
    *cache = (struct kv_cache){.capacity = capacity};
    if (block_alloc(&k, cache_bytes(model, capacity), "the keys' cache", err))
        return err->status;
    if (block_alloc(&v, cache_bytes(model, capacity), "the values' cache", err)) {
        block_free(&k);
        return err->status;
    }
    cache->k = k.data;
    cache->v = v.data;
    return SFT_OK;
}

struct kv_slots kv_cache_slots(struct kv_cache *cache)
{
    static const size_t begin[] = {0};
    return (struct kv_slots){
        .k = cache->k, .v = cache->v, .capacity = cache->capacity, .begin = begin, .len = &cache->length};
}

void kv_cache_free(struct kv_cache *cache, const struct transformer *model)
{
    if (cache->k) { /* otherwise `model` may be a zeroed one, of which nothing can be asked */
        struct block k = {cache->k, cache_bytes(model, cache->capacity)};
        struct block v = {cache->v, cache_bytes(model, cache->capacity)};
        block_free(&k);
        block_free(&v);
    }
    *cache = (struct kv_cache){0};
}
