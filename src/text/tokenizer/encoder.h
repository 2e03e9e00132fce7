/* Encoding: text becomes tokens. A tokenizer is shared between threads; each encodes through an encoder of its own,
 * which holds the matcher's state and a cache of words.
 *
 * Text that is not UTF-8: each maximal ill-formed part counts as one U+FFFD, as in Python's errors="replace". (Hugging
 * Face only ever sees valid text.) */
#ifndef SFT_TEXT_TOKENIZER_ENCODER_H
#define SFT_TEXT_TOKENIZER_ENCODER_H

#include "text/tokenizer/tokenizer.h"

struct token_buf { /* a growing array of ids; zero-initialised is empty */
    int32_t *ids;
    size_t count, capacity;
};
void token_buf_push(struct token_buf *buf, int32_t id);
void token_buf_free(struct token_buf *buf);

struct encoder;
struct encoder *encoder_new(const struct tokenizer *tok); /* borrows tok */
void encoder_free(struct encoder *enc);

/* Whether the texts encoded from now on go on behind something, a token or another text, or begin a text (as from the
 * start): some tokenizers put a blank before the first word of all and before no other. */
void encoder_set_continuation(struct encoder *enc, bool is_continuation);

/* Append the ids of text[0..len) to out. Added tokens that are not special are text's own and are used, by
 * their flags (lstrip, rstrip, single_word, normalized); special ones that people typed stay text. Equal to
 * Hugging Face's encode(text, add_special_tokens=False, split_special_tokens=True). */
void encoder_encode(struct encoder *enc, const char *text, size_t len, struct token_buf *out);

/* The same, and the byte offset in text where each appended token begins, appended to *starts (as many as
 * ids; an array that the caller grows alongside with mem_grow through *starts_capacity). An added token
 * begins with the white space that it strips. */
void encoder_encode_offsets(struct encoder *enc, const char *text, size_t len, struct token_buf *out,
                            size_t **starts, size_t *starts_capacity);

/* The same as encoder_encode, but contents of special tokens in the text become those tokens: Hugging
 * Face's encode of an arbitrary string. For `sft tokenizer encode --special` and tests; never for what
 * people typed. */
void encoder_encode_special(struct encoder *enc, const char *text, size_t len, struct token_buf *out);

/* Of text[*begin..*end), which stands between the tokens `before` and `after` (or TOKEN_NONE), leave out
 * the white space that these take by their rstrip and lstrip. */
void encoder_strip(const struct encoder *enc, int32_t before, int32_t after, const char *text, size_t *begin,
                   size_t *end);

/* SFT_EDATA where a pattern of tokenizer.json gave up on a text that was encoded since this was asked last:
 * what its ids are is not known. (A pattern may need a time that grows exponentially with the text.) */
enum sft_status encoder_check(struct encoder *enc, struct sft_err *err);

#endif
