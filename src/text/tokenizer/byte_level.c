#include "text/tokenizer/byte_level.h"

#include <stdint.h>

enum { FIRST_STAND_IN = 0x100, N_STAND_INS = 68 };

static bool is_itself(unsigned byte)
{
    return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

/* The byte that is the i-th of those without a character of their own. */
static unsigned nth_stand_in(unsigned i)
{
    if (i <= 0x20)
        return i;
    if (i < N_STAND_INS - 1)
        return 0x7f + (i - 0x21);
    return 0xad;
}

static uint32_t character_of(unsigned byte)
{
    if (is_itself(byte))
        return byte;
    if (byte <= 0x20)
        return FIRST_STAND_IN + byte;
    if (byte <= 0xa0)
        return FIRST_STAND_IN + 0x21 + (byte - 0x7f);
    return FIRST_STAND_IN + N_STAND_INS - 1;
}

void byte_level_spell(const void *bytes, size_t len, struct strbuf *out)
{
    const unsigned char *b = bytes;
    for (size_t i = 0; i < len; i++) {
        uint32_t cp = character_of(b[i]);
        if (cp < 0x80) {
            strbuf_putc(out, (char)cp);
        } else {
            strbuf_putc(out, (char)(0xc0 | cp >> 6));
            strbuf_putc(out, (char)(0x80 | (cp & 0x3f)));
        }
    }
}

bool byte_level_unspell(const char *spelling, size_t len, char *bytes, size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < len;) {
        uint32_t cp;
        size_t width = utf8_decode(spelling + i, len - i, &cp, NULL);
        if (width == 0)
            return false;
        i += width;
        if (cp < FIRST_STAND_IN ? !is_itself(cp) : cp >= FIRST_STAND_IN + N_STAND_INS)
            return false;
        bytes[(*n)++] = (char)(cp < FIRST_STAND_IN ? cp : nth_stand_in(cp - FIRST_STAND_IN));
    }
    return true;
}
