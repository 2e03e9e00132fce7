#include "base/mem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* No exit(): its handlers wait for threads, of which this may be one. */
static _Noreturn void give_up(size_t bytes)
{
    fprintf(stderr, "error: out of memory: the system has no %zu bytes more for us\n", bytes);
    _exit(sft_exit_code(SFT_ENOMEM));
}

static void *check(void *p, size_t bytes)
{
    if (!p)
        give_up(bytes);
    return p;
}

static size_t checked_product(size_t count, size_t size)
{
    size_t bytes;
    if (!mem_mul(count, size, &bytes))
        give_up(SIZE_MAX);
    return bytes ? bytes : 1;
}

void *mem_alloc(size_t bytes)
{
    return check(malloc(bytes ? bytes : 1), bytes);
}

void *mem_calloc(size_t count, size_t size)
{
    const size_t bytes = checked_product(count, size);
    return check(calloc(1, bytes), bytes);
}

void *mem_realloc(void *p, size_t count, size_t size)
{
    const size_t bytes = checked_product(count, size);
    return check(realloc(p, bytes), bytes);
}

char *mem_strndup(const char *s, size_t len)
{
    char *copy = mem_alloc(len + 1);
    memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

char *mem_strdup(const char *s)
{
    return mem_strndup(s, strlen(s));
}

char *mem_printf(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *out = NULL;
    const int n = vasprintf(&out, fmt, ap);
    va_end(ap);
    return check(n < 0 ? NULL : out, strlen(fmt));
}

void *mem_grow(void *p, size_t *capacity, size_t need, size_t size)
{
    if (need <= *capacity)
        return p;
    size_t grown = *capacity ? *capacity * 2 : 16;
    if (grown < need)
        grown = need;
    *capacity = grown;
    return mem_realloc(p, grown, size);
}

bool mem_mul(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

/* ---- arena ---- */

struct arena_chunk {
    struct arena_chunk *next;
    size_t used, capacity;
    _Alignas(16) unsigned char data[];
};

enum { ARENA_CHUNK = 64 * 1024, ARENA_ALIGN = 16 };

void *arena_alloc(struct arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX / 2)
        give_up(bytes);
    bytes = (bytes + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
    struct arena_chunk *chunk = arena->head;
    if (!chunk || chunk->capacity - chunk->used < bytes) {
        const size_t capacity = bytes > ARENA_CHUNK ? bytes : ARENA_CHUNK;
        chunk = mem_alloc(sizeof *chunk + capacity);
        chunk->next = arena->head;
        chunk->used = 0;
        chunk->capacity = capacity;
        arena->head = chunk;
    }
    void *p = chunk->data + chunk->used;
    chunk->used += bytes;
    return p;
}

void *arena_calloc(struct arena *arena, size_t count, size_t size)
{
    const size_t bytes = checked_product(count, size);
    return memset(arena_alloc(arena, bytes), 0, bytes);
}

char *arena_strndup(struct arena *arena, const char *s, size_t len)
{
    char *copy = arena_alloc(arena, len + 1);
    memcpy(copy, s, len);
    copy[len] = '\0';
    return copy;
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    const int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *out = arena_alloc(arena, (size_t)n + 1);
    vsnprintf(out, (size_t)n + 1, fmt, again);
    va_end(again);
    return out;
}

void arena_reset(struct arena *arena)
{
    struct arena_chunk *chunk = arena->head;
    if (!chunk)
        return;
    while (chunk->next) { /* the oldest chunk stays */
        struct arena_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    chunk->used = 0;
    arena->head = chunk;
}

void arena_free(struct arena *arena)
{
    while (arena->head) {
        struct arena_chunk *next = arena->head->next;
        free(arena->head);
        arena->head = next;
    }
}

/* ---- blocks ---- */

enum sft_status block_alloc(struct block *block, size_t bytes, const char *what, struct sft_err *err)
{
    *block = (struct block){0};
    if (bytes == 0)
        return SFT_OK;
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return sft_fail(err, SFT_ENOMEM, "cannot allocate %.1f MB for %s: %s", (double)bytes / 1e6, what,
                        strerror(errno));
    madvise(p, bytes, MADV_HUGEPAGE); /* advice only: a kernel without huge pages refuses, harmlessly */
    block->data = p;
    block->bytes = bytes;
    return SFT_OK;
}

void block_touch(const struct block *block)
{
    volatile unsigned char *bytes = block->data;
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < block->bytes; i += page)
        /* cppcheck-suppress selfAssignment */
        bytes[i] = bytes[i]; /* a write, even of what is there */
}

void block_free(struct block *block)
{
    if (block->data)
        munmap(block->data, block->bytes);
    *block = (struct block){0};
}
