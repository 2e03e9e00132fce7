#include "collect/synth/minhash.h"

#include "base/mem.h"
#include "base/rng.h"
#include "base/xxh64.h"
#include "collect/synth/words.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- sets of runs ---- */

static void add_run(struct shingles *set, const uint64_t *words, size_t n)
{
    set->items = mem_grow(set->items, &set->capacity, set->count + 1, sizeof *set->items);
    set->items[set->count++] = xxh64(words, n * sizeof *words, 0);
}

void shingles_add(struct shingles *set, const char *text, size_t len)
{
    uint64_t last[SHINGLE_WORDS];
    size_t n = 0;
    struct word_reader reader = words_of(text, len);
    for (; words_next(&reader); n++) {
        if (n >= SHINGLE_WORDS)
            memmove(last, last + 1, sizeof last - sizeof *last);
        last[n < SHINGLE_WORDS ? n : SHINGLE_WORDS - 1] = xxh64(reader.word, reader.len, 0);
        if (n + 1 >= SHINGLE_WORDS)
            add_run(set, last, SHINGLE_WORDS);
    }
    if (n > 0 && n < SHINGLE_WORDS)
        add_run(set, last, n);
}

static int compare_hashes(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

void shingles_seal(struct shingles *set)
{
    size_t n = 0;
    if (set->count == 0)
        return;
    qsort(set->items, set->count, sizeof *set->items, compare_hashes);
    for (size_t i = 0; i < set->count; i++)
        if (n == 0 || set->items[n - 1] != set->items[i])
            set->items[n++] = set->items[i];
    set->count = n;
}

void shingles_free(struct shingles *set)
{
    free(set->items);
    *set = (struct shingles){0};
}

void shingles_of(struct shingles *set, const struct conversation *conv, unsigned roles)
{
    for (size_t i = 0; i < conv->count; i++)
        if (roles & (1U << conv->messages[i].role))
            shingles_add(set, conv->messages[i].content, conv->messages[i].len);
    shingles_seal(set);
}

double shingles_similarity(const struct shingles *a, const struct shingles *b)
{
    size_t i = 0, j = 0, both = 0;
    while (i < a->count && j < b->count) {
        const uint64_t x = a->items[i], y = b->items[j];
        both += x == y;
        i += x <= y;
        j += y <= x;
    }
    return both ? (double)both / (double)(a->count + b->count - both) : 0;
}

/* ---- signatures ---- */

/* The i-th function is the upper half of a[i] x + b[i]: a hash of a hash, whose bits are as good as random. */
void minhash_sign(const struct shingles *set, uint32_t signature[MINHASH_SIZE])
{
    uint64_t a[MINHASH_SIZE], b[MINHASH_SIZE];
    struct rng rng;
    rng_seed(&rng, MINHASH_SIZE, 0);
    for (size_t i = 0; i < MINHASH_SIZE; i++) {
        a[i] = rng_u64(&rng) | 1;
        b[i] = rng_u64(&rng);
        signature[i] = UINT32_MAX;
    }
    for (size_t k = 0; k < set->count; k++)
        for (size_t i = 0; i < MINHASH_SIZE; i++) {
            const uint32_t hash = (uint32_t)((a[i] * set->items[k] + b[i]) >> 32);
            signature[i] = hash < signature[i] ? hash : signature[i];
        }
}

/* ---- the index ---- */

struct minhash_slot {
    uint64_t key;   /* of a band and what it holds; 0: empty */
    uint32_t first; /* the number + 1 that came last; its `next` leads to those before it */
};

/* Of two sets with that similarity: how likely is it that no band is equal. */
static double escape(double similarity, size_t rows)
{
    const size_t bands = MINHASH_SIZE / rows;
    return pow(1 - pow(similarity, (double)rows), (double)bands);
}

void minhash_index_init(struct minhash_index *index, double threshold)
{
    static const double MISSED = 0.001;
    size_t rows = 1;
    while (rows < MINHASH_SIZE && escape(threshold, rows + 1) <= MISSED)
        rows++;
    *index = (struct minhash_index){.threshold = threshold, .rows = rows, .bands = MINHASH_SIZE / rows};
}

void minhash_index_free(struct minhash_index *index)
{
    for (size_t i = 0; i < index->count; i++)
        shingles_free(&index->sets[i]);
    free(index->sets);
    free(index->slots);
    free(index->next);
    free(index->seen);
    *index = (struct minhash_index){0};
}

static uint64_t band_key(const struct minhash_index *index, const uint32_t *signature, size_t band)
{
    const uint64_t key = xxh64(signature + band * index->rows, index->rows * sizeof *signature, band);
    return key ? key : 1;
}

/* Where the key is, or an empty slot. */
static struct minhash_slot *find_slot(struct minhash_slot *slots, size_t n_slots, uint64_t key)
{
    size_t i = (size_t)key & (n_slots - 1);
    while (slots[i].key && slots[i].key != key)
        i = (i + 1) & (n_slots - 1);
    return &slots[i];
}

/* Room for the bands of one more, so that half of the slots stay empty. */
static void grow_slots(struct minhash_index *index)
{
    size_t n = index->n_slots ? index->n_slots : 1024;
    while (n < 2 * (index->used + index->bands))
        n *= 2;
    if (n == index->n_slots)
        return;
    struct minhash_slot *slots = mem_calloc(n, sizeof *slots);
    for (size_t i = 0; i < index->n_slots; i++)
        if (index->slots[i].key)
            *find_slot(slots, n, index->slots[i].key) = index->slots[i];
    free(index->slots);
    index->slots = slots;
    index->n_slots = n;
}

static void grow_sets(struct minhash_index *index)
{
    const size_t before = index->capacity;
    index->sets = mem_grow(index->sets, &index->capacity, index->count + 1, sizeof *index->sets);
    if (index->capacity == before)
        return;
    if (index->capacity >= UINT32_MAX)
        SFT_BUG("more texts than are counted");
    index->next = mem_realloc(index->next, index->capacity, index->bands * sizeof *index->next);
    index->seen = mem_realloc(index->seen, index->capacity, sizeof *index->seen);
}

size_t minhash_index_add(struct minhash_index *index, struct shingles *set)
{
    uint32_t signature[MINHASH_SIZE];
    const size_t number = index->count;
    minhash_sign(set, signature);
    grow_sets(index);
    grow_slots(index);
    index->sets[number] = *set;
    *set = (struct shingles){0};
    index->seen[number] = 0;
    index->count++;
    for (size_t band = 0; band < index->bands; band++) {
        uint32_t *next = &index->next[number * index->bands + band];
        *next = 0;
        if (index->sets[number].count == 0)
            continue; /* nothing is like it */
        const uint64_t key = band_key(index, signature, band);
        struct minhash_slot *slot = find_slot(index->slots, index->n_slots, key);
        index->used += slot->key == 0;
        *next = slot->first;
        *slot = (struct minhash_slot){key, (uint32_t)number + 1};
    }
    return number;
}

/* Sets whose sizes are far apart cannot be alike. */
static double similarity_at_most(const struct shingles *a, const struct shingles *b)
{
    return a->count < b->count ? (double)a->count / (double)b->count : (double)b->count / (double)a->count;
}

struct search {
    struct minhash_index *index;
    const struct shingles *set;
    size_t except, best, n_found;
    double similarity;
};

/* Compare with all of one band; false where it is enough. */
static bool look(struct search *s, const struct minhash_slot *slot, size_t band)
{
    enum { ENOUGH = 64 };
    struct minhash_index *index = s->index;
    for (uint32_t n = slot->first; n > 0; n = index->next[(n - 1) * index->bands + band]) {
        const size_t number = n - 1;
        const struct shingles *other = &index->sets[number];
        if (index->seen[number] == index->search || number == s->except)
            continue;
        index->seen[number] = index->search;
        const double most = similarity_at_most(s->set, other);
        if (most < index->threshold || most < s->similarity)
            continue;
        const double similarity = shingles_similarity(s->set, other);
        if (similarity < index->threshold)
            continue;
        if (similarity > s->similarity || (similarity >= s->similarity && number < s->best)) {
            s->best = number;
            s->similarity = similarity;
        }
        if (++s->n_found >= ENOUGH)
            return false;
    }
    return true;
}

size_t minhash_index_find(struct minhash_index *index, const struct shingles *set, size_t except, double *similarity)
{
    uint32_t signature[MINHASH_SIZE];
    struct search s = {.index = index, .set = set, .except = except, .best = MINHASH_NONE};
    if (set->count > 0 && index->count > 0) {
        minhash_sign(set, signature);
        if (++index->search == 0) { /* once in four thousand million */
            memset(index->seen, 0, index->count * sizeof *index->seen);
            index->search = 1;
        }
        bool goes_on = true;
        for (size_t band = 0; band < index->bands && goes_on; band++) {
            const uint64_t key = band_key(index, signature, band);
            goes_on = look(&s, find_slot(index->slots, index->n_slots, key), band);
        }
    }
    *similarity = s.similarity;
    return s.best;
}
