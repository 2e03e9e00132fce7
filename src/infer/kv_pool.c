#include "infer/kv_pool.h"

#include <stdlib.h>
#include <string.h>

enum { STEP = 256 }; /* positions that a slot has room for at least, and at most twice what was asked for */

void kv_pool_init(struct kv_pool *pool, const struct transformer *model, size_t n, size_t max_positions)
{
    const struct model_config *config = &model->config;
    *pool = (struct kv_pool){.n = n,
                             .max_positions = max_positions,
                             .n_heads = 2 * config->n_layer * config->n_kv_head,
                             .row_bytes = config->head_dim * model->kernels->act_size,
                             .act_size = model->kernels->act_size};
    pool->numbers = mem_calloc(n, sizeof *pool->numbers);
    for (size_t slot = 0; slot < n; slot++)
        pool->numbers[slot] = (uint32_t)slot;
    pool->len = mem_calloc(n, sizeof *pool->len);
    pool->taken = mem_calloc(n, sizeof *pool->taken);
}

void kv_pool_free(struct kv_pool *pool)
{
    block_free(&pool->memory);
    free(pool->numbers);
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

/* What is there into a block of slots of `positions`. */
static void copy_rows(const struct kv_pool *pool, struct block *to, size_t positions)
{
    for (size_t slot = 0; slot < pool->n; slot++) /* of free ones, too: a prompt to come may begin so */
        for (size_t head = slot * pool->n_heads; pool->len[slot] && head < (slot + 1) * pool->n_heads; head++)
            memcpy((unsigned char *)to->data + head * positions * pool->row_bytes,
                   (const unsigned char *)pool->memory.data + head * pool->positions * pool->row_bytes,
                   pool->len[slot] * pool->row_bytes);
}

static enum sft_status allocate(const struct kv_pool *pool, struct block *memory, size_t positions, struct sft_err *err)
{
    const size_t available = mem_available(), position_bytes = pool->n * pool->n_heads * pool->row_bytes;
    size_t bytes;
    *memory = (struct block){0};
    if (!mem_mul(position_bytes, positions, &bytes) || bytes > available)
        return sft_fail(err, SFT_ENOMEM, "the keys and values of %zu positions take %.0f MB, and %.0f MB are left",
                        positions, 1e-6 * (double)position_bytes * (double)positions, (double)available / 1e6);
    return block_alloc(memory, bytes, "keys and values", err);
}

enum sft_status kv_pool_reserve(struct kv_pool *pool, size_t positions, struct sft_err *err)
{
    struct block memory;
    if (positions > pool->max_positions)
        SFT_BUG("more positions than the model sees");
    if (positions <= pool->positions)
        return SFT_OK;
    size_t size = next_size(pool, positions);
    if (allocate(pool, &memory, size, NULL)) { /* then as little as will do */
        size = at_most((positions + STEP - 1) / STEP * STEP, pool->max_positions);
        if (allocate(pool, &memory, size, err))
            return SFT_ENOMEM;
    }
    copy_rows(pool, &memory, size);
    block_free(&pool->memory);
    pool->memory = memory;
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

struct kv_view kv_pool_view(const struct kv_pool *pool, const size_t *slots, size_t *len, bool decoding)
{
    return (struct kv_view){.memory = pool->memory.data,
                            .page_rows = pool->positions,
                            .page_size = pool->n_heads * pool->positions * (pool->row_bytes / pool->act_size),
                            .pages = pool->numbers,
                            .page_start = slots,
                            .len = len,
                            .decoding = decoding};
}
