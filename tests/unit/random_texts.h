/* Random texts, the same as scripts/golden_tokenizer.py makes. */
#ifndef SFT_TESTS_RANDOM_TEXTS_H
#define SFT_TESTS_RANDOM_TEXTS_H

#include "base/strbuf.h"

#include <stdbool.h>
#include <stdint.h>

typedef void random_fn(uint64_t *state, struct strbuf *text);

static inline uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static inline void put_utf8(struct strbuf *sb, uint32_t cp)
{
    if (cp < 0x80) {
        strbuf_putc(sb, (char)cp);
        return;
    }
    int more = cp < 0x800 ? 1 : cp < 0x10000 ? 2 : 3;
    strbuf_putc(sb, (char)((0xf0 << (3 - more) & 0xff) | cp >> (6 * more)));
    while (more-- > 0)
        strbuf_putc(sb, (char)(0x80 | (cp >> (6 * more) & 0x3f)));
}

/* RANGES and COMMON of scripts/golden_tokenizer.py. */
static const uint32_t ranges[][2] = {
    {0x00, 0x7F},       {0x80, 0x24F},    {0x250, 0x36F},     {0x3A3, 0x3FF},     {0x400, 0x52F},
    {0x5D0, 0x5EA},     {0x620, 0x6FF},   {0x904, 0x939},     {0xE01, 0xE3A},     {0x1100, 0x11FF},
    {0x1680, 0x169C},   {0x1800, 0x1819}, {0x1E00, 0x1EFF},   {0x2000, 0x2064},   {0x20A0, 0x20C0},
    {0x2100, 0x218B},   {0x2190, 0x2426}, {0x2460, 0x2B73},   {0x3000, 0x303F},   {0x3041, 0x3096},
    {0x30A0, 0x30FF},   {0x3400, 0x4DBF}, {0x4E00, 0x9FFC},   {0xA960, 0xA97C},   {0xAC00, 0xD7A3},
    {0xE000, 0xE0FF},   {0xFF01, 0xFFBE}, {0x1D400, 0x1D454}, {0x1D7CE, 0x1D7FF}, {0x1F300, 0x1F64F},
    {0x20000, 0x2A6DD},
};
static const char common[] = " \n'st1.e";

static inline void random_text(uint64_t *state, struct strbuf *text)
{
    strbuf_clear(text);
    for (uint64_t n = 1 + splitmix64(state) % 64; n > 0; n--) {
        if (splitmix64(state) % 8 < 3) {
            strbuf_putc(text, common[splitmix64(state) % (sizeof common - 1)]);
        } else {
            const uint32_t *range = ranges[splitmix64(state) % (sizeof ranges / sizeof ranges[0])];
            put_utf8(text, range[0] + (uint32_t)(splitmix64(state) % (range[1] - range[0] + 1)));
        }
    }
}

static inline void random_bytes(uint64_t *state, struct strbuf *text)
{
    strbuf_clear(text);
    for (uint64_t n = 1 + splitmix64(state) % 64; n > 0; n--) {
        bool any = splitmix64(state) % 4 != 0;
        strbuf_putc(text, (char)(any ? splitmix64(state) % 256 : 0x20 + splitmix64(state) % 0x5F));
    }
}

#endif
