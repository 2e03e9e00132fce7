#include "base/mem.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static void *check(void *p)
{
    if (!p) {
        fputs("sft: out of memory\n", stderr);
        abort();
    }
    return p;
}

void *mem_alloc(size_t bytes)
{
    return check(malloc(bytes ? bytes : 1));
}

void *mem_calloc(size_t count, size_t size)
{
    return check(calloc(count ? count : 1, size ? size : 1));
}

void *mem_realloc(void *p, size_t count, size_t size)
{
    size_t bytes;
    if (!mem_mul(count, size, &bytes))
        check(NULL);
    return check(realloc(p, bytes ? bytes : 1));
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
    return check(n < 0 ? NULL : out);
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
        check(NULL);
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
    size_t bytes;
    if (!mem_mul(count, size, &bytes))
        check(NULL);
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
        bytes[i] = bytes[i]; /* a write, even of what is there */
}

void block_free(struct block *block)
{
    if (block->data)
        munmap(block->data, block->bytes);
    *block = (struct block){0};
}

/* ---- what the system has ---- */

/* The number in a one-number file such as a control group's memory.max; SIZE_MAX if there is none. */
static size_t number_in_file(const char *path)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return SIZE_MAX;
    unsigned long long value = 0;
    const int got = fscanf(f, "%llu", &value);
    fclose(f);
    return got == 1 ? (size_t)value : SIZE_MAX;
}

static size_t left_of(size_t limit, size_t used)
{
    if (limit == SIZE_MAX || used == SIZE_MAX)
        return SIZE_MAX;
    return limit > used ? limit - used : 0;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t mem_available(void)
{
    size_t available = SIZE_MAX;
    FILE *f = fopen("/proc/meminfo", "re");
    char line[256];
    while (f && fgets(line, sizeof line, f)) {
        unsigned long long kib;
        if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
            available = (size_t)kib * 1024;
    }
    if (f)
        fclose(f);
    available = least(available, left_of(number_in_file("/sys/fs/cgroup/memory.max"),
                                         number_in_file("/sys/fs/cgroup/memory.current")));
    available = least(available, left_of(number_in_file("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
                                         number_in_file("/sys/fs/cgroup/memory/memory.usage_in_bytes")));
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        available = least(available, left_of((size_t)limit.rlim_cur, number_in_file("/proc/self/statm") *
                                                                         (size_t)sysconf(_SC_PAGESIZE)));
    return available;
}

size_t mem_peak_rss(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (size_t)usage.ru_maxrss * 1024;
}
