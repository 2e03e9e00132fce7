/* How often each word occurs in a text: a growing hash table, words in the order in which they were first
 * added. Zero-initialised is empty and valid. */
#ifndef SFT_TEXT_BPE_TRAIN_WORD_COUNTS_H
#define SFT_TEXT_BPE_TRAIN_WORD_COUNTS_H

#include "base/mem.h"

#include <stddef.h>
#include <stdint.h>

struct word_count {
    const char *text; /* the table's, not NUL-terminated */
    size_t len;
    uint64_t hash, count;
};

struct word_counts {
    struct word_count *words; /* (count) */
    size_t count, capacity;
    uint32_t *index; /* open addressing: 1 + the word's place, 0 is empty; at most half full */
    size_t index_mask;
    struct arena arena;
};

/* Add `count` occurrences of a word (copied where it is new). */
void word_counts_add(struct word_counts *table, const char *text, size_t len, uint64_t count);

/* Add every word of `from`. */
void word_counts_merge(struct word_counts *table, const struct word_counts *from);
void word_counts_free(struct word_counts *table);

#endif
