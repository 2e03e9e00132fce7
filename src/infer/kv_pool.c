#include "infer/kv_pool.h"

#include <stdlib.h>
#include <string.h>

enum { STEP = 256 }; /* positions that a slot has room for at least, and at most twice what was asked for */

void kv_pool_init(struct kv_pool *pool, const struct transformer *model, size_t n, size_t max_positions)
{
    const struct model_config *config = &model->config;
    *pool = (struct kv_pool){.n = n,
                             .max_positions = max_positions,
                             .n_layer = config->n_layer,
                             .row_bytes = config->n_kv_head * config->head_dim * model->kernels->act_size};
    pool->len = mem_calloc(n, sizeof *pool->len);
    pool->taken = mem_calloc(n, sizeof *pool->taken);
}

void kv_pool_free(struct kv_pool *pool)
{
    block_free(&pool->k);
    block_free(&pool->v);
    free(pool->len);
    free(pool->taken);
    *pool = (struct kv_pool){0};
}

/* ---- growing ---- */

static size_t at_most(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* In doubling steps, so that a conversation that grows token by token is seldom copied. */
static size_t next_size(const struct kv_pool *pool, size_t positions)
{
    size_t next = pool->positions ? pool->positions : STEP;
    while (next < positions)
        next *= 2;
    return at_most(next, pool->max_positions);
}

/* Keys, or values, of what is there into a block of slots of `positions`. */
static void copy_rows(const struct kv_pool *pool, const struct block *from, struct block *to, size_t positions)
{
    for (size_t layer = 0; layer < pool->n_layer; layer++)
        for (size_t slot = 0; slot < pool->n; slot++) {
            const size_t row = layer * pool->n + slot;
            if (pool->len[slot]) /* of slots that nobody has, too: a prompt to come may begin like it */
                memcpy((unsigned char *)to->data + row * positions * pool->row_bytes,
                       (const unsigned char *)from->data + row * pool->positions * pool->row_bytes,
                       pool->len[slot] * pool->row_bytes);
        }
}

static enum sft_status allocate(const struct kv_pool *pool, struct block *k, struct block *v, size_t positions,
                                struct sft_err *err)
{
    static const char what[] = "keys and values";
    const size_t available = mem_available();
    size_t bytes;
    *k = *v = (struct block){0};
    if (!mem_mul(pool->n_layer * pool->n * pool->row_bytes, positions, &bytes) || bytes > available / 2)
        return sft_fail(err, SFT_ENOMEM, "the %s of %zu positions take %.0f MB, and %.0f MB are left", what, positions,
                        2e-6 * (double)(pool->n_layer * pool->n * pool->row_bytes) * (double)positions,
                        (double)available / 1e6);
    if (!block_alloc(k, bytes, what, err) && !block_alloc(v, bytes, what, err))
        return SFT_OK;
    block_free(k);
    return SFT_ENOMEM;
}

enum sft_status kv_pool_reserve(struct kv_pool *pool, size_t positions, struct sft_err *err)
{
    struct block k, v;
    if (positions > pool->max_positions)
        SFT_BUG("more positions than the model sees");
    if (positions <= pool->positions)
        return SFT_OK;
    size_t size = next_size(pool, positions);
    if (allocate(pool, &k, &v, size, NULL)) { /* then as little as will do */
        size = at_most((positions + STEP - 1) / STEP * STEP, pool->max_positions);
        if (allocate(pool, &k, &v, size, err))
            return SFT_ENOMEM;
    }
    copy_rows(pool, &pool->k, &k, size);
    copy_rows(pool, &pool->v, &v, size);
    block_free(&pool->k);
    block_free(&pool->v);
    pool->k = k;
    pool->v = v;
    pool->positions = size;
    return SFT_OK;
}

/* ---- slots ---- */

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

void kv_pool_take_again(struct kv_pool *pool, int slot, size_t len)
{
    if (pool->taken[slot] || len > pool->len[slot])
        SFT_BUG("a slot that is not free, or holds less");
    pool->taken[slot] = true;
    pool->len[slot] = len;
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
