#include "collect/synth/words.h"

#include "base/utf8.h"

#include <string.h>

enum kind { BETWEEN, OF_WORD, WORD_ALONE };

static bool is_within(uint32_t cp, uint32_t first, uint32_t last)
{
    return cp >= first && cp <= last;
}

static enum kind kind_of(uint32_t cp)
{
    if (cp < 0x80)
        return is_within(cp, '0', '9') || is_within(cp | 0x20, 'a', 'z') ? OF_WORD : BETWEEN;
    if (utf8_is_white_space(cp) || is_within(cp, 0x80, 0xBF) || cp == 0xD7 || cp == 0xF7 || cp == 0xFFFD)
        return cp == 0xAA || cp == 0xB5 || cp == 0xBA ? OF_WORD : BETWEEN;
    if (is_within(cp, 0x2000, 0x206F) || is_within(cp, 0x3001, 0x303F) || is_within(cp, 0xFF00, 0xFF0F) ||
        is_within(cp, 0xFF1A, 0xFF20) || is_within(cp, 0xFE00, 0xFE0F))
        return BETWEEN;
    if (is_within(cp, 0x0E00, 0x0EFF) || is_within(cp, 0x3040, 0x30FF) || is_within(cp, 0x3400, 0x9FFF) ||
        is_within(cp, 0xF900, 0xFAFF) || is_within(cp, 0x20000, 0x3FFFF))
        return WORD_ALONE;
    return OF_WORD;
}

/* Of the alphabets whose capitals stand at one distance from their small letters. */
static uint32_t small(uint32_t cp)
{
    if (is_within(cp, 'A', 'Z') || (is_within(cp, 0xC0, 0xDE) && cp != 0xD7) || is_within(cp, 0x391, 0x3A9) ||
        is_within(cp, 0x410, 0x42F))
        return cp + 0x20;
    return is_within(cp, 0x400, 0x40F) ? cp + 0x50 : cp;
}

static void put(struct word_reader *r, uint32_t cp, const char *bytes, size_t n)
{
    const uint32_t folded = small(cp);
    if (n == 1) {
        r->word[r->len++] = (char)folded;
    } else if (n == 2) {
        r->word[r->len++] = (char)(0xC0 | (folded >> 6));
        r->word[r->len++] = (char)(0x80 | (folded & 0x3F));
    } else {
        memcpy(r->word + r->len, bytes, n);
        r->len += n;
    }
}

/* Whether an apostrophe (of n bytes) has a letter behind it. */
static bool joins(const struct word_reader *r, uint32_t cp, size_t n)
{
    uint32_t after;
    if ((cp != '\'' && cp != 0x2019) || r->next + n >= r->end)
        return false;
    return utf8_decode(r->next + n, (size_t)(r->end - r->next) - n, &after, NULL) > 0 && kind_of(after) == OF_WORD;
}

bool words_next(struct word_reader *r)
{
    enum { CHARACTER = 4 };
    r->len = 0;
    while (r->next < r->end && r->len + CHARACTER <= WORD_BYTES_MAX) {
        uint32_t cp = 0xFFFD;
        size_t bad = 0;
        const size_t n = utf8_decode(r->next, (size_t)(r->end - r->next), &cp, &bad);
        const enum kind kind = n ? kind_of(cp) : BETWEEN;
        if (r->len > 0 && kind == BETWEEN && joins(r, cp, n)) {
            r->word[r->len++] = '\'';
        } else if (kind == OF_WORD) {
            put(r, cp, r->next, n);
        } else if (r->len > 0) {
            break;
        } else if (kind == WORD_ALONE) {
            put(r, cp, r->next, n);
            r->next += n;
            break;
        }
        r->next += n ? n : bad;
    }
    return r->len > 0;
}
