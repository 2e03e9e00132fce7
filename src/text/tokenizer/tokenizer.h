/* A tokenizer: its vocabulary, how text is cut into words, and the model that divides a word into tokens; here what is
 * asked of it and decided about it. text/tokenizer/tokenizer_load.h reads one from a Hugging Face directory,
 * tokenizer_save.h writes it, encoder.h encodes text, ../bpe_train learns one.
 *
 * It is constant after loading and adding tokens, and may be shared between threads. Its model is byte pair
 * encoding (Sennrich et al. 2016), of bytes as GPT-2 has it or of characters as SentencePiece does, each as Hugging
 * Face tokenizers do it: tokenizer_parts.h. */
#ifndef SFT_TEXT_TOKENIZER_TOKENIZER_H
#define SFT_TEXT_TOKENIZER_TOKENIZER_H

#include "base/strbuf.h"
#include "text/tokenizer/vocab.h"

struct tokenizer;

struct tokenizer *tokenizer_new(void); /* without a token: for those who make one */
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
const char *tokenizer_chat_template_file(const struct tokenizer *tok); /* the path it was read from; NULL: none */
void tokenizer_set_chat_template(struct tokenizer *tok, const char *jinja);

/* The bytes of a token: *len of them (a NUL follows, others may be among them), the tokenizer's. An id without a token
 * gives NULL and 0. */
const char *tokenizer_token_bytes(const struct tokenizer *tok, int32_t id, size_t *len);

/* A hash of all that decides what a text becomes: tokens, merges, patterns, added tokens. Not of files: the
 * same tokenizer in another form has another. */
uint64_t tokenizer_fingerprint(const struct tokenizer *tok);

/* ---- decoding ---- */

/* Append the text of ids to out, as Hugging Face's decode gives it: a decoder that takes a blank from the beginning
 * does. Special tokens are left out if skip_special, ids without a token always. Of a tokenizer of bytes these may be
 * a part of a UTF-8 character; of one with byte fallback, bytes that make no character are U+FFFD each. */
void tokenizer_decode(const struct tokenizer *tok, const int32_t *ids, size_t count, bool skip_special,
                      struct strbuf *out);

/* The same token by token, for what is shown as it comes. A character's bytes may come one by one. */
struct decoding { /* begins as {.skip_special = ...} */
    bool skip_special;
    bool has_begun; /* with what is no blank that is taken */
    size_t n_tokens, n_stripped;
};
void tokenizer_decode_next(const struct tokenizer *tok, struct decoding *decoding, int32_t id, struct strbuf *out);

/* The bytes of ids from anywhere in a text, as tokenizer_token_bytes has them. */
void tokenizer_decode_part(const struct tokenizer *tok, const int32_t *ids, size_t count, bool skip_special,
                           struct strbuf *out);

#endif
