#include "infer/kv_pool.h"

#include <stdlib.h>

/* Keys and values of all layers, of act. */
static size_t page_size_of(const struct model_config *c)
{
    return c->n_layer * 2 * c->n_kv_head * KV_PAGE * c->head_dim;
}

size_t kv_page_bytes(const struct model_config *config, const struct kernels *kernels)
{
    return page_size_of(config) * kernels->act_size;
}

enum sft_status kv_pool_init(struct kv_pool *pool, const struct transformer *model, size_t bytes, size_t most_pages,
                             struct sft_err *err)
{
    static const char what[] = "keys and values";
    const size_t page_bytes = kv_page_bytes(&model->config, model->kernels);
    size_t n = bytes / page_bytes;
    n = n < most_pages ? n : most_pages;
    n = n < KV_NO_PAGE ? n : KV_NO_PAGE - 1;
    *pool = (struct kv_pool){.n_pages = n, .n_free = n, .page_size = page_size_of(&model->config)};
    if (n == 0)
        return sft_fail(err, SFT_ENOMEM, "the %s of %d positions take %.1f MB, and there are %.1f MB for them", what,
                        KV_PAGE, (double)page_bytes / 1e6, (double)bytes / 1e6);
    const enum sft_status status = block_alloc(&pool->memory, n * page_bytes, what, err);
    if (!status)
        pool->references = mem_calloc(n, sizeof *pool->references);
    return status;
}

void kv_pool_free(struct kv_pool *pool)
{
    block_free(&pool->memory);
    free(pool->references);
    *pool = (struct kv_pool){0};
}

uint32_t kv_pool_take(struct kv_pool *pool)
{
    if (pool->n_free == 0)
        return KV_NO_PAGE;
    while (pool->references[pool->lowest])
        pool->lowest++;
    const size_t page = pool->lowest++;
    if (page >= pool->top)
        pool->top = page + 1;
    pool->references[page] = 1;
    pool->n_free--;
    return (uint32_t)page;
}

void kv_pool_hold(struct kv_pool *pool, uint32_t page)
{
    if (pool->references[page]++ == 0)
        SFT_BUG("a page that nobody holds");
}

void kv_pool_drop(struct kv_pool *pool, uint32_t page)
{
    if (pool->references[page] == 0)
        SFT_BUG("a page that nobody holds");
    if (--pool->references[page])
        return;
    pool->n_free++;
    if (page < pool->lowest)
        pool->lowest = page;
}

struct kv_view kv_pool_view(const struct kv_pool *pool, const uint32_t *pages, const size_t *page_start, size_t *len,
                            bool decoding)
{
    return (struct kv_view){.memory = pool->memory.data,
                            .page_rows = KV_PAGE,
                            .page_size = pool->page_size,
                            .pages = pages,
                            .page_start = page_start,
                            .len = len,
                            .decoding = decoding};
}
