#include "text/tokenizer/decoder.h"

#include "text/tokenizer/byte_level.h"

#include <stdlib.h>
#include <string.h>

void decoder_free(struct decoder *decoder)
{
    free(decoder->mark);
    *decoder = (struct decoder){0};
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool decoder_parse_byte(const char *content, size_t len, unsigned char *byte)
{
    if (len != 6 || memcmp(content, "<0x", 3) != 0 || content[5] != '>')
        return false;
    const int high = hex_digit(content[3]), low = hex_digit(content[4]);
    *byte = (unsigned char)(16 * high + low);
    return high >= 0 && low >= 0;
}

/* A copy of the content with blanks for marks. Its length is at most that. */
static void spell_blanks(struct vocab *vocab, struct token *token, const char *mark)
{
    const size_t mark_len = strlen(mark);
    const char *from = token->content, *end = from + token->content_len;
    const char *found = memmem(from, token->content_len, mark, mark_len);
    if (!found)
        return;
    char *bytes = arena_alloc(&vocab->arena, token->content_len + 1), *to = bytes;
    for (; found; found = memmem(from, (size_t)(end - from), mark, mark_len)) {
        memcpy(to, from, (size_t)(found - from));
        to += found - from;
        *to++ = ' ';
        from = found + mark_len;
    }
    memcpy(to, from, (size_t)(end - from));
    to += end - from;
    *to = '\0';
    token->bytes = bytes;
    token->bytes_len = (uint32_t)(to - bytes);
}

static void spell_byte_level(struct vocab *vocab, struct token *token)
{
    char *bytes = arena_alloc(&vocab->arena, token->content_len + 1);
    size_t n_bytes;
    if (byte_level_unspell(token->content, token->content_len, bytes, &n_bytes)) {
        bytes[n_bytes] = '\0';
        token->bytes = bytes;
        token->bytes_len = (uint32_t)n_bytes;
    }
}

void decoder_spell(const struct decoder *decoder, struct vocab *vocab, struct token *token)
{
    unsigned char byte;
    if (decoder->is_byte_level) {
        spell_byte_level(vocab, token);
    } else if (decoder->byte_fallback && decoder_parse_byte(token->content, token->content_len, &byte)) {
        char *bytes = arena_alloc(&vocab->arena, 2);
        bytes[0] = (char)byte;
        bytes[1] = '\0';
        token->bytes = bytes;
        token->bytes_len = 1;
    } else if (decoder->mark) {
        spell_blanks(vocab, token, decoder->mark);
    }
}
