/* Byte-level BPE, as GPT-2 and Hugging Face tokenizers do it (Sennrich et al. 2016; Radford et al. 2019).
 *
 * A tokenizer is read from a Hugging Face directory: tokenizer.json, or vocab.json + merges.txt, with
 * tokenizer_config.json and special_tokens_map.json for the names of its special tokens. It is constant
 * after loading and adding tokens, and may be shared between threads; each thread encodes through an
 * encoder of its own, which holds the matcher's state and a cache of words.
 *
 * Text that is not UTF-8: each maximal ill-formed part counts as one U+FFFD, as in Python's
 * errors="replace". (Hugging Face only ever sees valid text.) */
#ifndef SFT_TEXT_TOKENIZER_TOKENIZER_H
#define SFT_TEXT_TOKENIZER_TOKENIZER_H

#include "base/err.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tokenizer;

enum { TOKEN_NONE = -1 };

/* Read the tokenizer in directory `dir`. SFT_EDATA names the file and what about it is wrong, or which part
 * of it (a normaliser, a pre-tokeniser, a model) is a kind that is not done here. The caller frees it. */
enum sft_status tokenizer_load(struct tokenizer **out, const char *dir, struct sft_err *err);
void tokenizer_free(struct tokenizer *tok);

/* Number of ids: the largest id + 1, added tokens included. */
size_t tokenizer_vocab_size(const struct tokenizer *tok);

/* The same without added tokens behind BPE's own vocabulary: what a model's embedding must have rows for.
 * An added token for which it has none (somebody added [PAD] and never resized) gets one. */
size_t tokenizer_model_vocab_size(const struct tokenizer *tok);

/* The id of a token by its exact content: an added token's text, or for others the vocabulary's own
 * (byte-mapped) spelling. TOKEN_NONE if there is none. */
int32_t tokenizer_token_id(const struct tokenizer *tok, const char *content);

/* Ids that the directory names, or TOKEN_NONE. */
int32_t tokenizer_bos_id(const struct tokenizer *tok);
int32_t tokenizer_eos_id(const struct tokenizer *tok);
int32_t tokenizer_pad_id(const struct tokenizer *tok);
int32_t tokenizer_unk_id(const struct tokenizer *tok);

/* What the tokenizer itself puts before a text, with add_special_tokens (a post-processor's template,
 * add_bos_token), or TOKEN_NONE. Nothing here is encoded with it: templates and documents begin with it. */
int32_t tokenizer_text_start(const struct tokenizer *tok);

/* Add a special token, at id tokenizer_vocab_size(), unless there is one of that content: then it becomes
 * special, and may stand beside a word, and its id is returned. */
int32_t tokenizer_add_special(struct tokenizer *tok, const char *content);
bool tokenizer_is_special(const struct tokenizer *tok, int32_t id);
bool tokenizer_is_added(const struct tokenizer *tok, int32_t id);

/* Which tokens are named eos and pad in what tokenizer_save writes. */
void tokenizer_set_eos(struct tokenizer *tok, int32_t id);
void tokenizer_set_pad(struct tokenizer *tok, int32_t id);

/* The chat template the directory came with (chat_template.jinja, else tokenizer_config.json's
 * chat_template), or NULL; and the one that tokenizer_save writes (copied). */
const char *tokenizer_chat_template(const struct tokenizer *tok);
bool tokenizer_has_only_named_templates(const struct tokenizer *tok); /* then there is no default one */
void tokenizer_set_chat_template(struct tokenizer *tok, const char *jinja);

/* The bytes of a token: *len of them, not NUL-terminated, the tokenizer's. An id without a token gives
 * NULL and 0. */
const char *tokenizer_token_bytes(const struct tokenizer *tok, int32_t id, size_t *len);

/* Write tokenizer.json, vocab.json, merges.txt, tokenizer_config.json and special_tokens_map.json into the
 * existing directory `dir`, such that transformers' AutoTokenizer reads back the same tokenizer with the
 * same added and special tokens and chat template. Values of the base's files that are not ours are kept.
 * model_max_length: n_positions of the model; 0: none is known, and none is named. */
enum sft_status tokenizer_save(const struct tokenizer *tok, const char *dir, size_t model_max_length,
                               struct sft_err *err);

/* A hash of all that decides what a text becomes: tokens, merges, patterns, added tokens. Not of files: the
 * same tokenizer in another form has another. */
uint64_t tokenizer_fingerprint(const struct tokenizer *tok);

/* ---- encoding ---- */

struct token_buf { /* a growing array of ids; zero-initialised is empty */
    int32_t *ids;
    size_t count, capacity;
};
void token_buf_push(struct token_buf *buf, int32_t id);
void token_buf_free(struct token_buf *buf);

struct encoder;
struct encoder *encoder_new(const struct tokenizer *tok); /* borrows tok */
void encoder_free(struct encoder *enc);

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

/* ---- decoding ---- */

/* Append the bytes of ids to out (they may be a part of a UTF-8 character); special tokens are left out
 * if skip_special. Ids without a token are left out. */
void tokenizer_decode(const struct tokenizer *tok, const int32_t *ids, size_t count, bool skip_special,
                      struct strbuf *out);

#endif
