/* The end of a token store's file, as token_store.c writes it: for tests that give wrong contents the right
 * hash. */
#ifndef SFT_TESTS_STORE_END_H
#define SFT_TESTS_STORE_END_H

#include "data/store/token_store.h"

#include <stddef.h>
#include <string.h>

struct store_end {
    char magic[8];
    uint32_t version, record_size;
    uint64_t file_size, records_offset, n_records, notes_len, key_len;
    struct store_counts counts;
    char format[24];
    uint64_t hash; /* of records, notes, key and the end up to here */
};

/* Give the file bytes[0..size) the hash that its contents ask for, if they say where its records begin. */
static inline void store_sign(char *bytes, size_t size)
{
    struct store_end end;
    struct xxh64 h;
    if (size < sizeof end)
        return;
    char *at = bytes + size - sizeof end;
    memcpy(&end, at, sizeof end);
    if (end.records_offset > size - sizeof end)
        return;
    xxh64_init(&h, 0);
    xxh64_update(&h, bytes + end.records_offset, size - sizeof end - end.records_offset);
    xxh64_update(&h, at, offsetof(struct store_end, hash));
    end.hash = xxh64_digest(&h);
    memcpy(at, &end, sizeof end);
}

#endif
