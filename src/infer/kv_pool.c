#include "infer/kv_pool.h"

#include <stdlib.h>

enum sft_status kv_pool_init(struct kv_pool *pool, const struct transformer *model, size_t n, size_t positions,
                             struct sft_err *err)
{
    const struct model_config *config = &model->config;
    const size_t row_bytes = config->n_kv_head * config->head_dim * model->kernels->act_size;
    const size_t bytes = config->n_layer * n * positions * row_bytes;
    *pool = (struct kv_pool){.n = n, .positions = positions};
    if (block_alloc(&pool->k, bytes, "the keys' cache", err) ||
        block_alloc(&pool->v, bytes, "the values' cache", err)) {
        kv_pool_free(pool);
        return err->status;
    }
    pool->len = mem_calloc(n, sizeof *pool->len);
    pool->taken = mem_calloc(n, sizeof *pool->taken);
    return SFT_OK;
}

void kv_pool_free(struct kv_pool *pool)
{
    block_free(&pool->k);
    block_free(&pool->v);
    free(pool->len);
    free(pool->taken);
    *pool = (struct kv_pool){0};
}

int kv_pool_take(struct kv_pool *pool)
{
    for (size_t slot = 0; slot < pool->n; slot++)
        if (!pool->taken[slot]) {
            pool->taken[slot] = true;
            pool->len[slot] = 0;
            return (int)slot;
        }
    return KV_SLOT_NONE;
}

void kv_pool_give_back(struct kv_pool *pool, int slot)
{
    if (!pool->taken[slot])
        SFT_BUG("a slot that nobody has");
    pool->taken[slot] = false;
}

size_t kv_pool_begin(const struct kv_pool *pool, int slot)
{
    return (size_t)slot * pool->positions;
}

struct kv_slots kv_pool_slots(const struct kv_pool *pool, const size_t *begin, size_t *len)
{
    return (struct kv_slots){pool->k.data, pool->v.data, pool->n * pool->positions, begin, len};
}
