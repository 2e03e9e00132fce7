/* How alike texts are, and which of many is like a given one: sets of three-word runs (collect/synth/words.h says what
 * a word is), their exact Jaccard similarity, and an index that finds who may be that alike without looking at
 * everybody (MinHash, Broder 1997; in bands: Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, chapter 3). A
 * text of fewer than three words is one run. */
#ifndef SFT_COLLECT_SYNTH_MINHASH_H
#define SFT_COLLECT_SYNTH_MINHASH_H

#include "text/conversation.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SHINGLE_WORDS = 3, MINHASH_SIZE = 128 };

/* A set of hashes of runs, in rising order once it is sealed. Zero-initialised is empty. */
struct shingles {
    uint64_t *items;
    size_t count, capacity;
};
void shingles_add(struct shingles *set, const char *text, size_t len); /* no run goes over its ends */
void shingles_seal(struct shingles *set);                              /* sorts, once, after all were added */
void shingles_free(struct shingles *set);

/* Those of all messages of the roles that have their bit (1 << ROLE_USER), sealed. */
void shingles_of(struct shingles *set, const struct conversation *conv, unsigned roles);

/* |a and b| / |a or b| of sealed sets; 0 where one is empty. */
double shingles_similarity(const struct shingles *a, const struct shingles *b);

/* The least value of each of 128 hash functions over the set: the share of places where two signatures are equal
 * estimates the similarity, with a standard error of at most 0.045. Of an empty set nothing. */
void minhash_sign(const struct shingles *set, uint32_t signature[MINHASH_SIZE]);

/* Sets that were added, by number from 0. A band is `rows` places of the signature; who shares a band is compared. The
 * rows are as many as let at most one in a thousand of those at the threshold escape. */
struct minhash_index {
    double threshold; /* of what is found: in (0, 1] */
    size_t rows, bands;
    struct shingles *sets; /* (count) */
    size_t count, capacity;

    /* minhash.c's own */
    struct minhash_slot *slots; /* open addressing over (band, its hash) */
    size_t n_slots, used;
    uint32_t *next; /* (capacity, bands) the number + 1 before it of the same band and hash; 0: none */
    uint32_t *seen; /* (capacity) by which search, so that nobody is compared twice */
    uint32_t search;
};
void minhash_index_init(struct minhash_index *index, double threshold);
void minhash_index_free(struct minhash_index *index); /* accepts a zeroed struct */

/* The set becomes the index's; returns its number. */
size_t minhash_index_add(struct minhash_index *index, struct shingles *set);

/* The most similar of those at the threshold or above, of equals the first, and how similar; MINHASH_NONE where there
 * is none. Where very many are that alike, it is the most similar of the first 64 that were met. `except`: a number
 * that is not looked at, or MINHASH_NONE. */
#define MINHASH_NONE SIZE_MAX
size_t minhash_index_find(struct minhash_index *index, const struct shingles *set, size_t except, double *similarity);

#endif
