/* A set of 64-bit hashes. Zero-initialised is empty. */
#ifndef SFT_BASE_HASH_SET_H
#define SFT_BASE_HASH_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hash_set {
    uint64_t *slots; /* open addressing, 0 is empty */
    size_t mask, count;
};

/* Add a hash; false if it was there. */
bool hash_set_add(struct hash_set *set, uint64_t hash);
bool hash_set_has(const struct hash_set *set, uint64_t hash);
void hash_set_free(struct hash_set *set);

#endif
