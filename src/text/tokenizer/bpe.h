/* The merges of byte pair encoding, and the division of one word into tokens by them: as long as there is
 * one, the adjacent pair of the lowest rank is merged, the leftmost first (Sennrich et al. 2016; the order
 * of Hugging Face tokenizers). */
#ifndef SFT_TEXT_TOKENIZER_BPE_H
#define SFT_TEXT_TOKENIZER_BPE_H

#include <stddef.h>
#include <stdint.h>

struct bpe_merge {
    int32_t left, right, id; /* left + right = id; id < 0 is an empty slot */
    uint32_t rank;
};

struct bpe {
    struct bpe_merge *slots; /* open addressing, at most half full */
    size_t mask;
};

void bpe_init(struct bpe *bpe, size_t n_merges);
void bpe_free(struct bpe *bpe);

/* Say that left + right = id. Of equal pairs the last one counts. */
void bpe_add_merge(struct bpe *bpe, int32_t left, int32_t right, uint32_t rank, int32_t id);

/* What left + right is, a negative number where they are not merged; and that they are not to be, from now on. */
int32_t bpe_merged(const struct bpe *bpe, int32_t left, int32_t right);
void bpe_drop_merge(struct bpe *bpe, int32_t left, int32_t right);

struct bpe_symbol {
    int32_t id;
    uint32_t start; /* offset in the word */
};

/* Working memory; zero-initialised is empty. */
struct bpe_scratch {
    struct bpe_symbol *symbols;
    uint32_t *ranks, *prev, *next; /* of each symbol: the rank of its pair, its neighbours */
    uint64_t *heap;                /* rank << 32 | symbol */
    size_t symbols_capacity, ranks_capacity, prev_capacity, next_capacity, heap_capacity, heap_count;
};
void bpe_scratch_free(struct bpe_scratch *s);

/* Room for n symbols, which the caller then writes. */
struct bpe_symbol *bpe_reserve(struct bpe_scratch *s, size_t n);

/* Merge s->symbols[0..n); returns how many are left. Linear in n but for a logarithm. */
size_t bpe_merge(const struct bpe *bpe, struct bpe_scratch *s, size_t n);

#endif
