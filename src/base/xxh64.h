/* XXH64 (Yann Collet's xxHash, 64-bit): the checksum of files, and a content hash. */
#ifndef SFT_BASE_XXH64_H
#define SFT_BASE_XXH64_H

#include <stddef.h>
#include <stdint.h>

struct xxh64 {
    uint64_t acc[4], total, seed;
    unsigned char pending[32];
    size_t n_pending;
};
void xxh64_init(struct xxh64 *h, uint64_t seed);
void xxh64_update(struct xxh64 *h, const void *bytes, size_t len);
uint64_t xxh64_digest(const struct xxh64 *h);
uint64_t xxh64(const void *bytes, size_t len, uint64_t seed);

#endif
