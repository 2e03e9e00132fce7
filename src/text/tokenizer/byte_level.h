/* The byte-level alphabet of GPT-2: each byte has a printable character, so that a token's spelling is a
 * string without white space or control characters. 188 bytes are themselves; the other 68 are, in order,
 * U+0100 and on (space is U+0120). Source: bytes_to_unicode in OpenAI's encoder.py. */
#ifndef SFT_TEXT_TOKENIZER_BYTE_LEVEL_H
#define SFT_TEXT_TOKENIZER_BYTE_LEVEL_H

#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

enum { BYTE_LEVEL_MAX_UTF8 = 2 }; /* bytes of UTF-8 that one character of the alphabet takes at most */

/* Append the spelling of bytes[0..len) to out. */
void byte_level_spell(const void *bytes, size_t len, struct strbuf *out);

/* The bytes that spelling[0..len) stands for, into bytes, which has room for len; their number in *n.
 * False where a character is not of the alphabet. */
bool byte_level_unspell(const char *spelling, size_t len, char *bytes, size_t *n);

#endif
