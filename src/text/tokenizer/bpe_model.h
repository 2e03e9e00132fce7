/* A model of byte pair encoding over a vocabulary, of one of two kinds:
 *     of bytes        GPT-2's: tokens are spelt in the byte-level alphabet, merges begin with single bytes
 *     of characters   SentencePiece's: merges begin with characters; one that is no token becomes the tokens of its
 *                     bytes, <0xXX>, where byte_fallback is set
 * What has no token at all becomes unk. It divides a word into tokens, as Hugging Face tokenizers' BPE does. */
#ifndef SFT_TEXT_TOKENIZER_BPE_MODEL_H
#define SFT_TEXT_TOKENIZER_BPE_MODEL_H

#include "base/strbuf.h"
#include "text/tokenizer/bpe.h"
#include "text/tokenizer/vocab.h"

struct bpe_model {
    struct bpe bpe;
    int32_t (*merges)[2];
    size_t n_merges;
    bool of_bytes;
    bool ignore_merges; /* a word that is a token is that token, whatever the merges say */
    bool byte_fallback;
    bool fuse_unk;        /* a run of what has no token is one unk */
    int32_t unk_id;       /* TOKEN_NONE: what has no token vanishes */
    int32_t byte_id[256]; /* of bytes: the token of a byte; of characters: <0xXX>; or TOKEN_NONE */
    int32_t *character_id; /* (0x10000), of characters: their tokens */
    uint8_t *seams;        /* of characters: see bpe_model_next_seam; NULL: there are none */
};
void bpe_model_free(struct bpe_model *model); /* accepts a zeroed struct */

/* Once the vocabulary is there: the model's kind, then its merges, `count` at most, in their order. Each is of two
 * tokens a and b whose concatenation is one, too; `joined` is scratch. Options may be set before or after. */
void bpe_model_start(struct bpe_model *model, const struct vocab *vocab, bool of_bytes, size_t count);
enum sft_status bpe_model_add_merge(struct bpe_model *model, const struct vocab *vocab, const char *a, size_t a_len,
                                    const char *b, size_t b_len, struct strbuf *joined, struct sft_err *err);

/* Once merges and options are set. */
void bpe_model_finish(struct bpe_model *model, const struct vocab *vocab);

/* Once it is known which tokens are special, and again when another becomes so: the model makes none of them of a word.
 * Where text is searched for special tokens first, as Hugging Face does always, none is left to be made; where they are
 * text's own, somebody's typed "<|im_end|>" must not become one by merges. */
void bpe_model_bar_special(struct bpe_model *model, const struct vocab *vocab);

/* Whether each byte of a word is in one of its tokens: then these are as long, together, as the word. */
bool bpe_model_has_all_bytes(const struct bpe_model *model);

/* Whether a token of a model of characters is <0xXX>, for a byte of a word. */
bool bpe_model_is_fallback(const struct bpe_model *model, int32_t id);

/* Where, behind `from`, a word can be cut so that its parts have the tokens of the whole: at a mark (U+2581) that
 * follows what no merge joins with one; len where there is no such place. */
size_t bpe_model_next_seam(const struct bpe_model *model, const char *word, size_t len, size_t from);

/* The tokens of a word of well-formed UTF-8, in scratch->symbols; returns their number. `spelling` is scratch. */
size_t bpe_model_divide(const struct bpe_model *model, const struct vocab *vocab, struct bpe_scratch *scratch,
                        struct strbuf *spelling, const char *word, size_t len);

#endif
