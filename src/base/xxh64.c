/* XXH64 as its specification (github.com/Cyan4973/xxHash, doc/xxhash_spec.md) describes it; `xxhsum -H64`
 * prints the same. */
#include "base/xxh64.h"

#include <string.h>

static const uint64_t P1 = 0x9E3779B185EBCA87u, P2 = 0xC2B2AE3D27D4EB4Fu, P3 = 0x165667B19E3779F9u,
                      P4 = 0x85EBCA77C2B2AE63u, P5 = 0x27D4EB2F165667C5u;

static uint64_t rotl(uint64_t x, int r)
{
    return x << r | x >> (64 - r);
}

static uint64_t le64(const unsigned char *p)
{
    uint64_t x = 0;
    for (int i = 7; i >= 0; i--)
        x = x << 8 | p[i];
    return x;
}

static uint64_t le32(const unsigned char *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24;
}

static uint64_t mix(uint64_t acc, uint64_t lane)
{
    return rotl(acc + lane * P2, 31) * P1;
}

void xxh64_init(struct xxh64 *h, uint64_t seed)
{
    *h = (struct xxh64){.acc = {seed + P1 + P2, seed + P2, seed, seed - P1}, .seed = seed};
}

static void stripe(struct xxh64 *h, const unsigned char *p)
{
    for (int lane = 0; lane < 4; lane++)
        h->acc[lane] = mix(h->acc[lane], le64(p + 8 * lane));
}

void xxh64_update(struct xxh64 *h, const void *bytes, size_t len)
{
    const unsigned char *p = bytes;
    h->total += len;
    if (h->n_pending) {
        size_t take = sizeof h->pending - h->n_pending;
        if (take > len)
            take = len;
        memcpy(h->pending + h->n_pending, p, take);
        h->n_pending += take;
        p += take;
        len -= take;
        if (h->n_pending < sizeof h->pending)
            return;
        stripe(h, h->pending);
        h->n_pending = 0;
    }
    for (; len >= 32; p += 32, len -= 32)
        stripe(h, p);
    if (len)
        memcpy(h->pending, p, len);
    h->n_pending = len;
}

uint64_t xxh64_digest(const struct xxh64 *h)
{
    uint64_t acc = h->seed + P5;
    if (h->total >= 32) {
        acc = rotl(h->acc[0], 1) + rotl(h->acc[1], 7) + rotl(h->acc[2], 12) + rotl(h->acc[3], 18);
        for (int lane = 0; lane < 4; lane++)
            acc = (acc ^ mix(0, h->acc[lane])) * P1 + P4;
    }
    acc += h->total;
    const unsigned char *p = h->pending;
    size_t left = h->n_pending;
    for (; left >= 8; p += 8, left -= 8)
        acc = rotl(acc ^ mix(0, le64(p)), 27) * P1 + P4;
    if (left >= 4) {
        acc = rotl(acc ^ le32(p) * P1, 23) * P2 + P3;
        p += 4;
        left -= 4;
    }
    for (; left; p++, left--)
        acc = rotl(acc ^ *p * P5, 11) * P1;
    acc = (acc ^ acc >> 33) * P2;
    acc = (acc ^ acc >> 29) * P3;
    return acc ^ acc >> 32;
}

uint64_t xxh64(const void *bytes, size_t len, uint64_t seed)
{
    struct xxh64 h;
    xxh64_init(&h, seed);
    xxh64_update(&h, bytes, len);
    return xxh64_digest(&h);
}
