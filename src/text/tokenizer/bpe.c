#include "text/tokenizer/bpe.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

/* Words of at most this many symbols are scanned for their lowest rank; beyond, a heap is faster. */
enum { SCAN_MAX = 64 };
static const uint32_t NO_RANK = UINT32_MAX, NO_SYMBOL = UINT32_MAX;

/* ---- the table of merges ---- */

static size_t merge_hash(int32_t left, int32_t right)
{
    uint64_t pair = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    pair *= UINT64_C(0x9e3779b97f4a7c15);
    return (size_t)(pair ^ pair >> 32);
}

void bpe_init(struct bpe *bpe, size_t n_merges)
{
    size_t n_slots = 16;
    while (n_slots < 2 * n_merges)
        n_slots *= 2;
    bpe->slots = mem_alloc(n_slots * sizeof *bpe->slots);
    memset(bpe->slots, 0xff, n_slots * sizeof *bpe->slots);
    bpe->mask = n_slots - 1;
}

void bpe_free(struct bpe *bpe)
{
    free(bpe->slots);
    bpe->slots = NULL;
}

/* The slot of a pair, or the empty one where it would be. */
static struct bpe_merge *merge_slot(const struct bpe *bpe, int32_t left, int32_t right)
{
    for (size_t i = merge_hash(left, right);; i++) {
        struct bpe_merge *slot = &bpe->slots[i & bpe->mask];
        if (slot->id < 0 || (slot->left == left && slot->right == right))
            return slot;
    }
}

void bpe_add_merge(struct bpe *bpe, int32_t left, int32_t right, uint32_t rank, int32_t id)
{
    *merge_slot(bpe, left, right) = (struct bpe_merge){left, right, id, rank};
}

int32_t bpe_merged(const struct bpe *bpe, int32_t left, int32_t right)
{
    return merge_slot(bpe, left, right)->id;
}

void bpe_drop_merge(struct bpe *bpe, int32_t left, int32_t right)
{
    merge_slot(bpe, left, right)->rank = NO_RANK;
}

/* An empty slot's rank is NO_RANK, by the memset that made it. */
static uint32_t pair_rank(const struct bpe *bpe, int32_t left, int32_t right)
{
    return merge_slot(bpe, left, right)->rank;
}

/* ---- dividing a word ---- */

void bpe_scratch_free(struct bpe_scratch *s)
{
    free(s->symbols);
    free(s->ranks);
    free(s->prev);
    free(s->next);
    free(s->heap);
    *s = (struct bpe_scratch){0};
}

struct bpe_symbol *bpe_reserve(struct bpe_scratch *s, size_t n)
{
    if (n >= UINT32_MAX)
        SFT_BUG("a word of 4 GiB or more");
    s->symbols = mem_grow(s->symbols, &s->symbols_capacity, n + 1, sizeof *s->symbols);
    return s->symbols;
}

static size_t merge_by_scan(const struct bpe *bpe, struct bpe_symbol *symbols, size_t n)
{
    uint32_t ranks[SCAN_MAX]; /* of the pair that symbol i and the next make */
    for (size_t i = 0; i + 1 < n; i++)
        ranks[i] = pair_rank(bpe, symbols[i].id, symbols[i + 1].id);
    while (n > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++)
            if (ranks[i] < ranks[best])
                best = i;
        if (ranks[best] == NO_RANK)
            break;
        symbols[best].id = merge_slot(bpe, symbols[best].id, symbols[best + 1].id)->id;
        n--;
        memmove(symbols + best + 1, symbols + best + 2, (n - best - 1) * sizeof *symbols);
        memmove(ranks + best, ranks + best + 1, (n - best) * sizeof *ranks);
        if (best + 1 < n)
            ranks[best] = pair_rank(bpe, symbols[best].id, symbols[best + 1].id);
        if (best > 0)
            ranks[best - 1] = pair_rank(bpe, symbols[best - 1].id, symbols[best].id);
    }
    return n;
}

static void heap_push(struct bpe_scratch *s, uint64_t key)
{
    s->heap = mem_grow(s->heap, &s->heap_capacity, s->heap_count + 1, sizeof *s->heap);
    size_t i = s->heap_count++;
    while (i > 0 && s->heap[(i - 1) / 2] > key) {
        s->heap[i] = s->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    s->heap[i] = key;
}

static uint64_t heap_pop(struct bpe_scratch *s)
{
    uint64_t top = s->heap[0], key = s->heap[--s->heap_count];
    size_t i = 0, child;
    while ((child = 2 * i + 1) < s->heap_count) {
        if (child + 1 < s->heap_count && s->heap[child + 1] < s->heap[child])
            child++;
        if (s->heap[child] >= key)
            break;
        s->heap[i] = s->heap[child];
        i = child;
    }
    s->heap[i] = key;
    return top;
}

/* Note the rank of the pair that symbol i and the next make, and queue it. */
static void queue_pair(const struct bpe *bpe, struct bpe_scratch *s, uint32_t i)
{
    uint32_t next = s->next[i];
    s->ranks[i] = next == NO_SYMBOL ? NO_RANK : pair_rank(bpe, s->symbols[i].id, s->symbols[next].id);
    if (s->ranks[i] != NO_RANK)
        heap_push(s, (uint64_t)s->ranks[i] << 32 | i);
}

static size_t merge_by_heap(const struct bpe *bpe, struct bpe_scratch *s, size_t n)
{
    s->ranks = mem_grow(s->ranks, &s->ranks_capacity, n, sizeof *s->ranks);
    s->prev = mem_grow(s->prev, &s->prev_capacity, n, sizeof *s->prev);
    s->next = mem_grow(s->next, &s->next_capacity, n, sizeof *s->next);
    s->heap_count = 0;
    for (uint32_t i = 0; i < n; i++) {
        s->prev[i] = i == 0 ? NO_SYMBOL : i - 1;
        s->next[i] = i + 1 == n ? NO_SYMBOL : i + 1;
    }
    for (uint32_t i = 0; i < n; i++)
        queue_pair(bpe, s, i);
    while (s->heap_count > 0) {
        uint64_t key = heap_pop(s);
        uint32_t i = (uint32_t)key;
        if (s->ranks[i] != key >> 32)
            continue; /* queued before one of the two was merged elsewhere */
        uint32_t gone = s->next[i], after = s->next[gone];
        s->symbols[i].id = merge_slot(bpe, s->symbols[i].id, s->symbols[gone].id)->id;
        s->symbols[gone].id = -1;
        s->ranks[gone] = NO_RANK;
        s->next[i] = after;
        if (after != NO_SYMBOL)
            s->prev[after] = i;
        queue_pair(bpe, s, i);
        if (s->prev[i] != NO_SYMBOL)
            queue_pair(bpe, s, s->prev[i]);
    }
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (s->symbols[i].id >= 0)
            s->symbols[kept++] = s->symbols[i];
    return kept;
}

size_t bpe_merge(const struct bpe *bpe, struct bpe_scratch *s, size_t n)
{
    return n <= SCAN_MAX ? merge_by_scan(bpe, s->symbols, n) : merge_by_heap(bpe, s, n);
}
