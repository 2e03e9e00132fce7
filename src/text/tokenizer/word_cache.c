#include "text/tokenizer/word_cache.h"

#include <string.h>

enum { N_SLOTS = 1 << 16, WAYS = 4, KEY_MAX = 30, IDS_MAX = 7 };

struct slot {
    uint32_t hash;
    uint8_t len, n; /* len 0: empty */
    char key[KEY_MAX];
    int32_t ids[IDS_MAX];
};
_Static_assert(sizeof(struct slot) == 64, "a slot is a cache line");

void word_cache_init(struct word_cache *cache)
{
    *cache = (struct word_cache){0};
    if (block_alloc(&cache->slots, N_SLOTS * sizeof(struct slot), "word cache", NULL))
        cache->slots = (struct block){0};
}

void word_cache_free(struct word_cache *cache)
{
    block_free(&cache->slots);
}

static uint64_t load8(const char *p)
{
    uint64_t x;
    memcpy(&x, p, sizeof x);
    return x;
}

static uint64_t load4(const char *p)
{
    uint32_t x;
    memcpy(&x, p, sizeof x);
    return x;
}

/* Overlapping loads instead of a loop over the rest: words are short, and this is every word's price. */
static uint32_t word_hash(const char *word, size_t len)
{
    static const uint64_t K1 = UINT64_C(0x9e3779b97f4a7c15), K2 = UINT64_C(0xd6e8feb86659fd93);
    uint64_t a, b;
    if (len >= 8) {
        a = load8(word);
        b = load8(word + len - 8);
        for (size_t i = 8; i + 8 < len; i += 8)
            a = (a ^ a >> 29) * K2 + load8(word + i);
    } else if (len >= 4) {
        a = load4(word);
        b = load4(word + len - 4);
    } else {
        a = (unsigned char)word[0];
        b = (uint64_t)(unsigned char)word[len / 2] << 8 | (unsigned char)word[len - 1];
    }
    uint64_t h = ((a * K1) ^ (b + len)) * K2;
    h ^= h >> 32;
    return (uint32_t)(h * K1 >> 32);
}

const int32_t *word_cache_find(const struct word_cache *cache, const char *word, size_t len, size_t *n)
{
    if (len > KEY_MAX || len == 0 || !cache->slots.data)
        return NULL;
    uint32_t hash = word_hash(word, len);
    const struct slot *set = (const struct slot *)cache->slots.data + (hash & (N_SLOTS - WAYS));
    for (size_t i = 0; i < WAYS; i++)
        if (set[i].hash == hash && set[i].len == len && memcmp(set[i].key, word, len) == 0) {
            *n = set[i].n;
            return set[i].ids;
        }
    return NULL;
}

void word_cache_put(struct word_cache *cache, const char *word, size_t len, const int32_t *ids, size_t n)
{
    if (len > KEY_MAX || len == 0 || n > IDS_MAX || !cache->slots.data)
        return;
    uint32_t hash = word_hash(word, len);
    struct slot *set = (struct slot *)cache->slots.data + (hash & (N_SLOTS - WAYS));
    size_t way = 0;
    while (way < WAYS && set[way].len > 0)
        way++;
    if (way == WAYS)
        way = cache->victim++ % WAYS;
    set[way].hash = hash;
    set[way].len = (uint8_t)len;
    set[way].n = (uint8_t)n;
    memcpy(set[way].key, word, len);
    memcpy(set[way].ids, ids, n * sizeof *ids);
}
