/* Memory for keys and values in pages: each holds the same number of positions, of all layers. Whoever has a page
 * holds a reference to it, several may; without any it is free. */
#ifndef SFT_INFER_KV_POOL_H
#define SFT_INFER_KV_POOL_H

#include "model/kv_view.h"
#include "model/transformer.h"

enum { KV_PAGE = 32 }; /* positions of a page: as many as attention prepares keys of at a time */
#define KV_NO_PAGE UINT32_MAX

struct kv_pool {
    size_t n_pages, n_free;
    size_t page_size;     /* of act */
    struct block memory;  /* of all pages */
    uint32_t *references; /* (n_pages) */
    size_t lowest;        /* below this one, no page is free */
    size_t top;           /* from this one on, none has ever been given out */
};

/* Of one page. */
size_t kv_page_bytes(const struct model_config *config, const struct kernels *kernels);

/* As many pages as `bytes` hold, `most_pages` at most. They are addresses only: a page becomes resident when
 * it is written to, and the lowest free one is given out first. SFT_ENOMEM where there is not room for one. Free with
 * kv_pool_free, which accepts a zeroed struct. */
enum sft_status kv_pool_init(struct kv_pool *pool, const struct transformer *model, size_t bytes, size_t most_pages,
                             struct sft_err *err);
void kv_pool_free(struct kv_pool *pool);

uint32_t kv_pool_take(struct kv_pool *pool);            /* a free page, now held, or KV_NO_PAGE */
void kv_pool_hold(struct kv_pool *pool, uint32_t page); /* one more reference to a page that is held */
void kv_pool_drop(struct kv_pool *pool, uint32_t page);

static inline size_t kv_pages_of(size_t positions) /* that many positions take so many pages */
{
    return (positions + KV_PAGE - 1) / KV_PAGE;
}

/* What the model is given with a batch (model/kv_view.h); the arrays are borrowed. */
struct kv_view kv_pool_view(const struct kv_pool *pool, const uint32_t *pages, const size_t *page_start, size_t *len,
                            bool decoding);

#endif
