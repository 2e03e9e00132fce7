/* Which pages of keys and values hold which beginnings of texts, so that what many prompts begin with, or a
 * conversation's earlier turns, is computed once.
 *
 * A page that is full is known by its tokens and by the page before it, or where it is the first by the model that
 * computed it: of several, by its number. The index holds a reference to each of its
 * pages: those that nobody else holds any more stay until their memory is wanted (prefix_evict). Who holds a page
 * holds those before it. */
#ifndef SFT_INFER_PREFIX_H
#define SFT_INFER_PREFIX_H

#include "infer/kv_pool.h"

struct prefix {
    struct kv_pool *pool;
    struct prefix_page *pages; /* (pool->n_pages) */
    bool *is_indexed;          /* (pool->n_pages) */
    uint32_t *buckets;         /* (n_buckets): the first page of those with a hash, or KV_NO_PAGE */
    size_t n_buckets;          /* a power of two */
    size_t n_indexed;
    uint64_t clock; /* of uses */
};

/* An empty index of the pool's pages; borrows it. Free with prefix_free, which accepts a zeroed struct. */
void prefix_init(struct prefix *x, struct kv_pool *pool);
void prefix_free(struct prefix *x);

/* A text of which pages[0..n_have) are the caller's already: append those indexed pages that follow, n_most pages in
 * all at most, each held for the caller (kv_pool_drop). Returns how many the caller has then. tokens (n_most *
 * KV_PAGE). */
size_t prefix_find(struct prefix *x, size_t model, const int32_t *tokens, size_t n_have, size_t n_most,
                   uint32_t *pages);

/* Enter a text's full pages[0..n), which the caller holds; those before the last that was entered are known. Where
 * other pages hold the same tokens, they stay, and those of the caller from there on are not entered. */
void prefix_add(struct prefix *x, size_t model, const int32_t *tokens, size_t n, const uint32_t *pages);

/* Let go of the page that was used least recently, of those that nobody else holds and no indexed page follows. False:
 * there is none. */
bool prefix_evict(struct prefix *x);

size_t prefix_n_idle(const struct prefix *x); /* so many could be evicted, one after another */
void prefix_forget(struct prefix *x);         /* all of them, whoever holds them */

#endif
