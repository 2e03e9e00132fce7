/* What tokens stand for, and how their row becomes a text again: tokenizer.json's decoder, which is one of
 *     ByteLevel                            spellings in GPT-2's alphabet of bytes
 *     Sequence of Replace (a mark by a     marks for blanks; <0xXX> for a byte; blanks taken from the beginning
 *       blank), ByteFallback, Fuse, Strip
 *     Metaspace                            marks for blanks, none at the beginning of the first token */
#ifndef SFT_TEXT_TOKENIZER_DECODER_H
#define SFT_TEXT_TOKENIZER_DECODER_H

#include "text/tokenizer/vocab.h"

struct decoder {
    bool is_byte_level;
    char *mark;               /* which stands for a blank; NULL: none does */
    bool byte_fallback;       /* <0xXX> stands for a byte */
    size_t strip;             /* blanks taken from the beginning of a text, at most */
    bool strips_first_token;  /* of its marks, all */
};
void decoder_free(struct decoder *decoder);

/* Say what a token of the model's own stands for. */
void decoder_spell(const struct decoder *decoder, struct vocab *vocab, struct token *token);

/* Whether content is <0xXX>; *byte becomes the byte. */
bool decoder_parse_byte(const char *content, size_t len, unsigned char *byte);

#endif
