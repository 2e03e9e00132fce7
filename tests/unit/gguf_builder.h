/* Files in GGUF, made byte by byte: good ones, and ones that no program writes. */
#ifndef SFT_TESTS_GGUF_BUILDER_H
#define SFT_TESTS_GGUF_BUILDER_H

#include "base/strbuf.h"
#include "files/gguf/gguf.h"

#include <string.h>

static inline void put_u32(struct strbuf *b, uint32_t x)
{
    strbuf_add(b, &x, sizeof x);
}

static inline void put_u64(struct strbuf *b, uint64_t x)
{
    strbuf_add(b, &x, sizeof x);
}

static inline void put_text(struct strbuf *b, const char *text)
{
    put_u64(b, strlen(text));
    strbuf_puts(b, text);
}

static inline void put_begin(struct strbuf *b, uint32_t version, uint64_t n_tensors, uint64_t n_values)
{
    strbuf_clear(b);
    strbuf_puts(b, "GGUF");
    put_u32(b, version);
    put_u64(b, n_tensors);
    put_u64(b, n_values);
}

static inline void put_key(struct strbuf *b, const char *key, enum gguf_type type)
{
    put_text(b, key);
    put_u32(b, type);
}

static inline void put_u32_value(struct strbuf *b, const char *key, uint32_t x)
{
    put_key(b, key, GGUF_U32);
    put_u32(b, x);
}

static inline void put_string_value(struct strbuf *b, const char *key, const char *text)
{
    put_key(b, key, GGUF_STRING);
    put_text(b, text);
}

/* Of (rows, cols); type 0: F32. */
static inline void put_tensor(struct strbuf *b, const char *name, uint64_t rows, uint64_t cols, uint32_t type,
                              uint64_t offset)
{
    put_text(b, name);
    put_u32(b, 2);
    put_u64(b, cols);
    put_u64(b, rows);
    put_u32(b, type);
    put_u64(b, offset);
}

/* Zeroes up to a multiple of `alignment`, and n of them. */
static inline void put_data(struct strbuf *b, size_t alignment, size_t n)
{
    for (n += (alignment - b->len % alignment) % alignment; n; n--)
        strbuf_putc(b, 0);
}

#endif
