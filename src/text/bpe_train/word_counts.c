#include "text/bpe_train/word_counts.h"

#include "base/xxh64.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 1 << 12 };

/* The slot of a word: its own, or the empty one where it belongs. */
static uint32_t *find_slot(const struct word_counts *table, const char *text, size_t len, uint64_t hash)
{
    size_t i = (size_t)hash & table->index_mask;
    for (; table->index[i]; i = (i + 1) & table->index_mask) {
        const struct word_count *w = &table->words[table->index[i] - 1];
        if (w->hash == hash && w->len == len && memcmp(w->text, text, len) == 0)
            break;
    }
    return &table->index[i];
}

static void grow_index(struct word_counts *table)
{
    const size_t n_slots = table->index ? 2 * (table->index_mask + 1) : FIRST_SLOTS;
    free(table->index);
    table->index = mem_calloc(n_slots, sizeof *table->index);
    table->index_mask = n_slots - 1;
    for (size_t w = 0; w < table->count; w++) {
        size_t i = (size_t)table->words[w].hash & table->index_mask;
        while (table->index[i])
            i = (i + 1) & table->index_mask;
        table->index[i] = (uint32_t)w + 1;
    }
}

static void add_hashed(struct word_counts *table, const char *text, size_t len, uint64_t hash, uint64_t count)
{
    if (2 * table->count >= table->index_mask)
        grow_index(table);
    uint32_t *slot = find_slot(table, text, len, hash);
    if (*slot) {
        table->words[*slot - 1].count += count;
        return;
    }
    if (table->count == UINT32_MAX - 1)
        SFT_BUG("more different words than a table has numbers for");
    table->words = mem_grow(table->words, &table->capacity, table->count + 1, sizeof *table->words);
    table->words[table->count++] = (struct word_count){arena_strndup(&table->arena, text, len), len, hash,
                                                       count};
    *slot = (uint32_t)table->count;
}

void word_counts_add(struct word_counts *table, const char *text, size_t len, uint64_t count)
{
    add_hashed(table, text, len, xxh64(text, len, 0), count);
}

void word_counts_merge(struct word_counts *table, const struct word_counts *from)
{
    for (size_t i = 0; i < from->count; i++) {
        const struct word_count *w = &from->words[i];
        add_hashed(table, w->text, w->len, w->hash, w->count);
    }
}

void word_counts_free(struct word_counts *table)
{
    free(table->words);
    free(table->index);
    arena_free(&table->arena);
    *table = (struct word_counts){0};
}
