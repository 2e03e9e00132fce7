/* Byte-level BPE over a vocabulary: GPT-2's kind of model, of which each token stands for bytes, spelt in the
 * byte-level alphabet, and whose merges begin with single bytes. It says what the vocabulary's tokens stand for, and
 * divides a word into them. */
#ifndef SFT_TEXT_TOKENIZER_BYTE_LEVEL_BPE_H
#define SFT_TEXT_TOKENIZER_BYTE_LEVEL_BPE_H

#include "base/strbuf.h"
#include "text/tokenizer/bpe.h"
#include "text/tokenizer/vocab.h"

struct byte_level_bpe {
    struct bpe bpe;
    int32_t (*merges)[2];
    size_t n_merges;
    bool ignore_merges; /* a word that is a token is that token, whatever the merges say */
};
void byte_level_bpe_free(struct byte_level_bpe *model); /* accepts a zeroed struct */

/* Say that a token of the vocabulary is the model's own. A content of other characters than the alphabet's stands for
 * itself. */
void byte_level_bpe_own(struct vocab *vocab, struct token *token);

/* The merges, once the vocabulary is there: `count` at most, in their order. Each is of two tokens a and b
 * whose concatenation is one, too; `joined` is scratch. */
void byte_level_bpe_start_merges(struct byte_level_bpe *model, const struct vocab *vocab, size_t count);
enum sft_status byte_level_bpe_add_merge(struct byte_level_bpe *model, const struct vocab *vocab, const char *a,
                                         size_t a_len, const char *b, size_t b_len, struct strbuf *joined,
                                         struct sft_err *err);

/* Whether every byte is a token: then the bytes of a word's tokens are the word's. */
bool byte_level_bpe_has_all_bytes(const struct byte_level_bpe *model);

/* The tokens of a word, in scratch->symbols; returns their number. `spelling` is scratch. */
size_t byte_level_bpe_divide(const struct byte_level_bpe *model, const struct vocab *vocab, struct bpe_scratch *scratch,
                             struct strbuf *spelling, const char *word, size_t len);

#endif
