/* Memory: checked sizes, growing arrays, an arena for things that die together, and big aligned blocks.
 *
 * Out of memory: a block, whose size the model and the settings decide, returns an error that says what it was
 * for. Any other allocation (mem_alloc and friends) that fails ends the program with "error: out of memory: ..."
 * and exit code 1: who has no few kilobytes left cannot clean up either, and nothing needs it, since whatever is
 * on disk is whole at any moment. */
#ifndef SFT_BASE_MEM_H
#define SFT_BASE_MEM_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* malloc, calloc, realloc, strdup that never return NULL. Free with free(). */
void *mem_alloc(size_t bytes);
void *mem_calloc(size_t count, size_t size);
void *mem_realloc(void *p, size_t count, size_t size);
char *mem_strdup(const char *s);
char *mem_strndup(const char *s, size_t len);
char *mem_printf(const char *fmt, ...) SFT_PRINTF(1, 2);

/* Grow an array so that it holds at least `need` elements; capacity at least doubles.
 *     tokens = mem_grow(tokens, &cap, n + 1, sizeof *tokens);                                     */
void *mem_grow(void *p, size_t *capacity, size_t need, size_t size);

/* *out = a * b, or false where that overflows. */
bool mem_mul(size_t a, size_t b, size_t *out);

/* Arena: allocations that are freed together. Zero-initialised is empty and valid. */
struct arena {
    struct arena_chunk *head;
};

void *arena_alloc(struct arena *arena, size_t bytes); /* 16-byte aligned, not zeroed */
void *arena_calloc(struct arena *arena, size_t count, size_t size);
char *arena_strndup(struct arena *arena, const char *s, size_t len);
char *arena_printf(struct arena *arena, const char *fmt, ...) SFT_PRINTF(2, 3);
void arena_reset(struct arena *arena); /* forget everything, keep one chunk for reuse */
void arena_free(struct arena *arena);

/* Block: one large, zeroed, page-aligned allocation with huge pages advised; nothing is resident until
 * it is touched. Zero-initialised is empty; block_free accepts that. */
struct block {
    void *data;
    size_t bytes;
};

enum sft_status block_alloc(struct block *block, size_t bytes, const char *what, struct sft_err *err);
void block_free(struct block *block);

/* Make all of a block resident, every thread its part, and change nothing in it: so that nothing later waits
 * for the system to find a page. */
void block_touch(const struct block *block);

/* Bytes this process may still take: the least of what the system has available and of what is left to its control
 * group, the groups above that (version 1 or 2), and the limits of ulimit -v and -d. A group's page cache counts as
 * available, since the kernel takes it back before it refuses anything. */
size_t mem_available(void);

/* The system's and the groups' part of it, from files below `root` ("" for the system's own; tests have others). */
size_t mem_available_below(const char *root);

/* The largest resident size so far, in bytes. */
size_t mem_peak_rss(void);

#endif
