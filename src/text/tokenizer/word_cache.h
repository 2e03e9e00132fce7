/* A cache of words and their tokens: most of a text is few words. Of fixed size, four places for each hash;
 * a slot is one cache line and holds the word and its ids. Longer words are not kept. */
#ifndef SFT_TEXT_TOKENIZER_WORD_CACHE_H
#define SFT_TEXT_TOKENIZER_WORD_CACHE_H

#include "base/mem.h"

#include <stddef.h>
#include <stdint.h>

struct word_cache {
    struct block slots;
    size_t victim; /* which of the four is replaced next */
};

void word_cache_init(struct word_cache *cache); /* without the memory for it, it stays empty */
void word_cache_free(struct word_cache *cache);

/* The *n ids of a word, the cache's until the next put; NULL if it is not there. */
const int32_t *word_cache_find(const struct word_cache *cache, const char *word, size_t len, size_t *n);
void word_cache_put(struct word_cache *cache, const char *word, size_t len, const int32_t *ids, size_t n);

#endif
