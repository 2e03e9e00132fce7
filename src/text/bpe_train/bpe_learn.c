#include "text/bpe_train/bpe_learn.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 1 << 16 };

/* A word as symbols[start .. start + len). */
struct learner_word {
    size_t start, len;
    int64_t count;
};

struct word_list {
    uint32_t *words;
    size_t count, capacity;
};

/* A pair of neighbours, ever seen. */
struct pair {
    uint64_t key; /* left << 32 | right */
    int64_t count;
    uint32_t fresh; /* 1 + the place in learner.fresh, 0: none */
};

/* Words in which a pair came up during the step in progress. */
struct fresh {
    uint32_t pair;
    struct word_list in;
};

/* A pair to be merged, and the words where it came up. All of them came up during one step, that which made
 * the newer of its two symbols: a symbol is made only once, for what it spells is always merged in the same
 * way. The count is the pair's when it was queued, or when it last came to the top; the pair may since have
 * gone from some of the words. */
struct candidate {
    int64_t count;
    uint64_t key;
    uint32_t pair;
    struct word_list in;
};

struct bpe_learner {
    struct learner_word *words;
    size_t n_words;
    int32_t *symbols;

    struct pair *pairs;
    size_t n_pairs, pairs_capacity;
    uint32_t *index; /* key -> 1 + the pair's place, 0 is empty; open addressing, at most half full */
    size_t index_mask;

    struct fresh *fresh;
    size_t n_fresh, fresh_capacity;
    struct candidate *queue; /* a heap, the best first */
    size_t n_queued, queue_capacity;
    struct candidate top; /* what bpe_learner_next gave, out of the queue */
};

/* ---- pairs ---- */

static uint64_t key_of(int32_t left, int32_t right)
{
    return (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
}

static uint32_t *find_slot(const struct bpe_learner *l, uint64_t key)
{
    uint64_t h = key * UINT64_C(0x9e3779b97f4a7c15);
    size_t i = (size_t)(h ^ h >> 32) & l->index_mask;
    while (l->index[i] && l->pairs[l->index[i] - 1].key != key)
        i = (i + 1) & l->index_mask;
    return &l->index[i];
}

static void grow_index(struct bpe_learner *l)
{
    const size_t n_slots = l->index ? 2 * (l->index_mask + 1) : FIRST_SLOTS;
    free(l->index);
    l->index = mem_calloc(n_slots, sizeof *l->index);
    l->index_mask = n_slots - 1;
    for (size_t p = 0; p < l->n_pairs; p++)
        *find_slot(l, l->pairs[p].key) = (uint32_t)p + 1;
}

static uint32_t pair_of(struct bpe_learner *l, int32_t left, int32_t right)
{
    const uint64_t key = key_of(left, right);
    if (2 * l->n_pairs >= l->index_mask)
        grow_index(l);
    uint32_t *slot = find_slot(l, key);
    if (!*slot) {
        if (l->n_pairs == UINT32_MAX - 1)
            SFT_BUG("more different pairs than there are numbers for");
        l->pairs = mem_grow(l->pairs, &l->pairs_capacity, l->n_pairs + 1, sizeof *l->pairs);
        l->pairs[l->n_pairs++] = (struct pair){.key = key};
        *slot = (uint32_t)l->n_pairs;
    }
    return *slot - 1;
}

/* The pair is there once less in a word that occurs `count` times. */
static void take_pair(struct bpe_learner *l, int32_t left, int32_t right, int64_t count)
{
    l->pairs[pair_of(l, left, right)].count -= count;
}

/* The pair is there once more, in word w. The words of a step come one after another. */
static void add_pair(struct bpe_learner *l, int32_t left, int32_t right, uint32_t w)
{
    const uint32_t p = pair_of(l, left, right);
    struct pair *pair = &l->pairs[p];
    pair->count += l->words[w].count;
    if (!pair->fresh) {
        l->fresh = mem_grow(l->fresh, &l->fresh_capacity, l->n_fresh + 1, sizeof *l->fresh);
        l->fresh[l->n_fresh++] = (struct fresh){.pair = p};
        pair->fresh = (uint32_t)l->n_fresh;
    }
    struct word_list *in = &l->fresh[pair->fresh - 1].in;
    if (in->count > 0 && in->words[in->count - 1] == w)
        return;
    in->words = mem_grow(in->words, &in->capacity, in->count + 1, sizeof *in->words);
    in->words[in->count++] = w;
}

/* ---- the queue ---- */

static bool is_before(const struct candidate *a, const struct candidate *b)
{
    return a->count != b->count ? a->count > b->count : a->key < b->key;
}

static void sift_up(struct candidate *queue, size_t i)
{
    const struct candidate moved = queue[i];
    for (; i > 0 && is_before(&moved, &queue[(i - 1) / 2]); i = (i - 1) / 2)
        queue[i] = queue[(i - 1) / 2];
    queue[i] = moved;
}

static void sift_down(struct candidate *queue, size_t n, size_t i)
{
    const struct candidate moved = queue[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && is_before(&queue[child + 1], &queue[child]))
            child++;
        if (!is_before(&queue[child], &moved))
            break;
        queue[i] = queue[child];
    }
    queue[i] = moved;
}

/* What came up during this step becomes candidates, but for pairs that are gone again. */
static void queue_fresh(struct bpe_learner *l)
{
    l->queue = mem_grow(l->queue, &l->queue_capacity, l->n_queued + l->n_fresh, sizeof *l->queue);
    for (size_t i = 0; i < l->n_fresh; i++) {
        struct fresh *f = &l->fresh[i];
        struct pair *pair = &l->pairs[f->pair];
        pair->fresh = 0;
        if (pair->count <= 0) {
            free(f->in.words);
            continue;
        }
        f->in.words = mem_realloc(f->in.words, f->in.count, sizeof *f->in.words);
        l->queue[l->n_queued] = (struct candidate){pair->count, pair->key, f->pair, f->in};
        sift_up(l->queue, l->n_queued++);
    }
    l->n_fresh = 0;
}

/* ---- learning ---- */

struct bpe_learner *bpe_learner_new(const struct word_counts *words, const int32_t byte_id[256])
{
    struct bpe_learner *l = mem_calloc(1, sizeof *l);
    size_t n_symbols = 0;
    for (size_t w = 0; w < words->count; w++)
        n_symbols += words->words[w].len;
    l->n_words = words->count;
    l->words = mem_calloc(l->n_words + 1, sizeof *l->words);
    l->symbols = mem_calloc(n_symbols + 1, sizeof *l->symbols);
    size_t at = 0;
    for (size_t w = 0; w < l->n_words; w++) {
        const struct word_count *word = &words->words[w];
        int32_t *symbols = l->symbols + at;
        l->words[w] = (struct learner_word){at, word->len, (int64_t)word->count};
        for (size_t i = 0; i < word->len; i++)
            symbols[i] = byte_id[(unsigned char)word->text[i]];
        for (size_t i = 0; i + 1 < word->len; i++)
            add_pair(l, symbols[i], symbols[i + 1], (uint32_t)w);
        at += word->len;
    }
    queue_fresh(l);
    return l;
}

void bpe_learner_free(struct bpe_learner *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->n_queued; i++)
        free(l->queue[i].in.words);
    free(l->top.in.words);
    free(l->queue);
    free(l->fresh);
    free(l->index);
    free(l->pairs);
    free(l->symbols);
    free(l->words);
    free(l);
}

bool bpe_learner_next(struct bpe_learner *l, struct bpe_pair *pair)
{
    while (l->n_queued > 0 && l->queue[0].count != l->pairs[l->queue[0].pair].count) {
        l->queue[0].count = l->pairs[l->queue[0].pair].count; /* other merges took some away */
        sift_down(l->queue, l->n_queued, 0);
    }
    if (l->n_queued == 0 || l->queue[0].count <= 0)
        return false;
    free(l->top.in.words);
    l->top = l->queue[0];
    l->queue[0] = l->queue[--l->n_queued];
    if (l->n_queued > 0)
        sift_down(l->queue, l->n_queued, 0);
    *pair = (struct bpe_pair){(int32_t)(l->top.key >> 32), (int32_t)(l->top.key & UINT32_MAX),
                              (uint64_t)l->top.count};
    return true;
}

/* Left to right, in place; what is left of `out` is already merged. */
static void merge_in_word(struct bpe_learner *l, uint32_t w, int32_t left, int32_t right, int32_t id)
{
    struct learner_word *word = &l->words[w];
    int32_t *symbols = l->symbols + word->start;
    size_t out = 0;
    for (size_t i = 0; i < word->len;) {
        if (symbols[i] != left || i + 1 == word->len || symbols[i + 1] != right) {
            symbols[out++] = symbols[i++];
            continue;
        }
        i += 2;
        if (out > 0) {
            take_pair(l, symbols[out - 1], left, word->count);
            add_pair(l, symbols[out - 1], id, w);
        }
        if (i < word->len) {
            take_pair(l, right, symbols[i], word->count);
            add_pair(l, id, symbols[i], w);
        }
        symbols[out++] = id;
    }
    word->len = out;
}

void bpe_learner_merge(struct bpe_learner *l, int32_t id)
{
    const int32_t left = (int32_t)(l->top.key >> 32), right = (int32_t)(l->top.key & UINT32_MAX);
    for (size_t i = 0; i < l->top.in.count; i++)
        merge_in_word(l, l->top.in.words[i], left, right, id);
    queue_fresh(l);
}
