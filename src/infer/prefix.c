#include "infer/prefix.h"

#include "base/xxh64.h"

#include <stdlib.h>
#include <string.h>

struct prefix_page {
    uint32_t before;      /* the page of the same text before it, or root_of its model */
    uint32_t next;        /* of those in the same bucket */
    uint32_t n_followers; /* indexed pages whose `before` it is */
    uint64_t used;
    int32_t tokens[KV_PAGE];
};

/* What stands before the first page of a text: no page's number. */
static uint32_t root_of(size_t model)
{
    return KV_NO_PAGE - (uint32_t)model;
}

static bool is_page(const struct prefix *x, uint32_t before)
{
    return before < x->pool->n_pages;
}

void prefix_init(struct prefix *x, struct kv_pool *pool)
{
    *x = (struct prefix){.pool = pool, .n_buckets = 1};
    while (x->n_buckets < pool->n_pages)
        x->n_buckets *= 2;
    x->pages = mem_calloc(pool->n_pages, sizeof *x->pages);
    x->is_indexed = mem_calloc(pool->n_pages, sizeof *x->is_indexed);
    x->buckets = mem_alloc(x->n_buckets * sizeof *x->buckets);
    memset(x->buckets, 0xFF, x->n_buckets * sizeof *x->buckets);
}

void prefix_free(struct prefix *x)
{
    free(x->pages);
    free(x->is_indexed);
    free(x->buckets);
    *x = (struct prefix){0};
}

/* ---- the table ---- */

static uint32_t *bucket_of(const struct prefix *x, uint32_t before, const int32_t *tokens)
{
    return &x->buckets[xxh64(tokens, KV_PAGE * sizeof *tokens, before) & (x->n_buckets - 1)];
}

static uint32_t look_up(const struct prefix *x, uint32_t before, const int32_t *tokens)
{
    uint32_t page = *bucket_of(x, before, tokens);
    while (page != KV_NO_PAGE && (x->pages[page].before != before ||
                                  memcmp(x->pages[page].tokens, tokens, KV_PAGE * sizeof *tokens) != 0))
        page = x->pages[page].next;
    return page;
}

static void enter(struct prefix *x, uint32_t page, uint32_t before, const int32_t *tokens)
{
    struct prefix_page *p = &x->pages[page];
    uint32_t *bucket = bucket_of(x, before, tokens);
    if (x->is_indexed[page])
        SFT_BUG("a page of two texts");
    *p = (struct prefix_page){.before = before, .next = *bucket};
    x->is_indexed[page] = true;
    memcpy(p->tokens, tokens, sizeof p->tokens);
    *bucket = page;
    x->n_indexed++;
    if (is_page(x, before))
        x->pages[before].n_followers++;
    kv_pool_hold(x->pool, page);
}

static void take_out(struct prefix *x, uint32_t page)
{
    struct prefix_page *p = &x->pages[page];
    uint32_t *link = bucket_of(x, p->before, p->tokens);
    while (*link != page)
        link = &x->pages[*link].next;
    *link = p->next;
    if (is_page(x, p->before))
        x->pages[p->before].n_followers--;
    x->is_indexed[page] = false;
    x->n_indexed--;
    kv_pool_drop(x->pool, page);
}

/* ---- texts ---- */

size_t prefix_find(struct prefix *x, size_t model, const int32_t *tokens, size_t n_have, size_t n_most, uint32_t *pages)
{
    const uint64_t now = ++x->clock;
    uint32_t before = root_of(model);
    for (size_t i = 0; i < n_most; i++) {
        const uint32_t page = look_up(x, before, tokens + i * KV_PAGE);
        if (page == KV_NO_PAGE || (i < n_have && page != pages[i]))
            return i < n_have ? n_have : i;
        if (i >= n_have)
            kv_pool_hold(x->pool, page);
        pages[i] = page;
        x->pages[page].used = now;
        before = page;
    }
    return n_most > n_have ? n_most : n_have;
}

void prefix_add(struct prefix *x, size_t model, const int32_t *tokens, size_t n, const uint32_t *pages)
{
    const uint64_t now = ++x->clock;
    uint32_t before = root_of(model);
    for (size_t i = 0; i < n; i++) {
        const uint32_t page = look_up(x, before, tokens + i * KV_PAGE);
        if (page == KV_NO_PAGE)
            enter(x, pages[i], before, tokens + i * KV_PAGE);
        else if (page != pages[i])
            return;
        before = pages[i];
        x->pages[before].used = now;
    }
}

/* ---- memory ---- */

static bool is_idle(const struct prefix *x, size_t page)
{
    return x->is_indexed[page] && x->pool->references[page] == 1;
}

bool prefix_evict(struct prefix *x)
{
    size_t oldest = SIZE_MAX;
    for (size_t i = 0; i < x->pool->top; i++)
        if (is_idle(x, i) && x->pages[i].n_followers == 0 &&
            (oldest == SIZE_MAX || x->pages[i].used < x->pages[oldest].used))
            oldest = i;
    if (oldest == SIZE_MAX)
        return false;
    take_out(x, (uint32_t)oldest);
    return true;
}

size_t prefix_n_idle(const struct prefix *x)
{
    size_t n = 0;
    for (size_t i = 0; i < x->pool->top; i++)
        n += is_idle(x, i);
    return n;
}

void prefix_forget(struct prefix *x)
{
    for (size_t i = 0; i < x->pool->top; i++)
        if (x->is_indexed[i]) {
            x->is_indexed[i] = false;
            x->n_indexed--;
            kv_pool_drop(x->pool, (uint32_t)i);
        }
    memset(x->buckets, 0xFF, x->n_buckets * sizeof *x->buckets);
}
