/* Added tokens in text, as Hugging Face's AddedVocabulary finds them: first those that are not normalized, then, in
 * what is left between them, the others; each time leftmost-longest, without overlap. */
#ifndef SFT_TEXT_TOKENIZER_ADDED_TOKENS_H
#define SFT_TEXT_TOKENIZER_ADDED_TOKENS_H

#include "text/tokenizer/normalizer.h"
#include "text/tokenizer/vocab.h"

/* A token's content in the second pass is what the normalizer makes of it. */
enum { ADDED_AS_THEY_ARE, ADDED_NORMALIZED, N_ADDED_PASSES };

struct added_matcher;
struct added_matcher *added_matcher_new(const struct vocab *vocab, const struct normalizer *normalizer); /* borrows */
void added_matcher_free(struct added_matcher *m);
bool added_matcher_has(const struct added_matcher *m, int pass, bool special); /* any such token */

/* One pass over well-formed text, for the second one normalized: each call of `each` is an added token (id) or text
 * between them (TOKEN_NONE), in order and without gaps. special_is_text: special tokens are passed over, as with
 * encode_special_tokens of Hugging Face tokenizers. */
typedef void added_segment_fn(void *context, int32_t id, const char *text, size_t len);
void added_matcher_split(struct added_matcher *m, int pass, const char *text, size_t len, bool special_is_text,
                         added_segment_fn *each, void *context);

/* text[*begin..*end) without the white space that these tokens (or TOKEN_NONE) around it strip. */
void added_token_strip(const struct vocab *vocab, int32_t before, int32_t after, const char *text, size_t *begin,
                       size_t *end);

#endif
