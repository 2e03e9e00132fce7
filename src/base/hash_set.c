#include "base/hash_set.h"

#include "base/mem.h"

#include <stdlib.h>

/* Where the hash is, or the empty slot where it would be. The set has one. */
static uint64_t *find(const struct hash_set *set, uint64_t hash)
{
    size_t i = (size_t)hash & set->mask;
    while (set->slots[i] != 0 && set->slots[i] != hash)
        i = (i + 1) & set->mask;
    return &set->slots[i];
}

static void grow(struct hash_set *set)
{
    enum { FIRST = 1024 };
    const struct hash_set old = *set;
    const size_t n = old.slots ? 2 * (old.mask + 1) : FIRST;
    *set = (struct hash_set){.slots = mem_calloc(n, sizeof *set->slots), .mask = n - 1, .count = old.count};
    for (size_t i = 0; old.slots && i <= old.mask; i++)
        if (old.slots[i])
            *find(set, old.slots[i]) = old.slots[i];
    free(old.slots);
}

bool hash_set_add(struct hash_set *set, uint64_t hash)
{
    if (hash == 0)
        hash = 1;
    if (!set->slots || 2 * (set->count + 1) > set->mask + 1)
        grow(set);
    uint64_t *slot = find(set, hash);
    if (*slot)
        return false;
    *slot = hash;
    set->count++;
    return true;
}

bool hash_set_has(const struct hash_set *set, uint64_t hash)
{
    return set->slots && *find(set, hash ? hash : 1) != 0;
}

void hash_set_free(struct hash_set *set)
{
    free(set->slots);
    *set = (struct hash_set){0};
}
