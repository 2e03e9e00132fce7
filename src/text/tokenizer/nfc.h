/* Unicode's normalization form C, as Hugging Face tokenizers' normalizer NFC has it: by Unicode 9, whatever version
 * utf8proc knows. A character that came later is one of its own: it neither composes nor changes places. */
#ifndef SFT_TEXT_TOKENIZER_NFC_H
#define SFT_TEXT_TOKENIZER_NFC_H

#include "text/tokenizer/text_map.h"

/* Whether well-formed text[0..len) is certain to be in form C as it is. */
bool nfc_is_plain(const char *text, size_t len);

/* Append well-formed text[0..len) in form C. A byte that is no longer there as it was comes from where the change
 * begins. */
void nfc_append(struct text_map *out, const char *text, size_t len);

#endif
