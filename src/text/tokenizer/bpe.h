/* The merges of byte pair encoding, and the division of one word into tokens by them: as long as there is
 * one, the adjacent pair of the lowest rank is merged, the leftmost first (Sennrich et al. 2016; the order
 * of Hugging Face tokenizers). */
#ifndef SFT_TEXT_TOKENIZER_BPE_H
#define SFT_TEXT_TOKENIZER_BPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bpe_merge {
    int32_t left, right, id; /* left + right = id; id < 0 is an empty slot */
    uint32_t rank;
};

struct bpe {
    struct bpe_merge *slots; /* open addressing, at most half full */
    size_t mask;
    int32_t byte_id[256]; /* the token of a single byte, or -1 */
    int32_t unk_id;       /* in the place of a byte without a token; -1: such a byte vanishes */
    bool fuse_unk;        /* a run of such bytes is one unk */
};

void bpe_init(struct bpe *bpe, size_t n_merges);
void bpe_free(struct bpe *bpe);

/* Say that left + right = id. Of equal pairs the last one counts. */
void bpe_add_merge(struct bpe *bpe, int32_t left, int32_t right, uint32_t rank, int32_t id);

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

/* Divide word[0..len) into tokens: s->symbols[0..returned number). Linear in len but for a logarithm. */
size_t bpe_divide(const struct bpe *bpe, struct bpe_scratch *s, const char *word, size_t len);

#endif
