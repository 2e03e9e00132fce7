/* The tokens of a GGUF file: tokenizer.ggml.tokens, token_type, scores and merges, each checked against the others. */
#ifndef SFT_FILES_GGUF_GGUF_VOCAB_H
#define SFT_FILES_GGUF_GGUF_VOCAB_H

#include "base/strbuf.h"
#include "files/gguf/gguf.h"
#include "text/tokenizer/vocab.h"

/* Their lists, and types, which are llama.cpp's, by number. */
extern const char gguf_tokens_key[], gguf_token_types_key[], gguf_scores_key[], gguf_merges_key[];
enum gguf_token_type {
    GGUF_TOKEN_UNDEFINED,
    GGUF_TOKEN_NORMAL,
    GGUF_TOKEN_UNKNOWN,
    GGUF_TOKEN_CONTROL,
    GGUF_TOKEN_USER_DEFINED,
    GGUF_TOKEN_UNUSED,
    GGUF_TOKEN_BYTE,
    GGUF_TOKEN_TYPES
};

/* What stands for an id that no token has: "[PAD151936]". */
enum { GGUF_PLACEHOLDER_BYTES = 32 };
size_t gguf_placeholder(char text[GGUF_PLACEHOLDER_BYTES], size_t id); /* returns its length */

enum gguf_vocab_kind {
    GGUF_VOCAB_BYTES,           /* spelt in the byte-level alphabet, merges in the file */
    GGUF_VOCAB_PIECES,          /* SentencePiece's, merges by score */
    GGUF_VOCAB_PIECES_IN_ORDER, /* merges by id, and blanks in runs of blanks are blanks: Gemma's */
};

struct gguf_vocab {
    const struct gguf *g;
    enum gguf_vocab_kind kind;
    struct vocab tokens; /* by id, as tokenizer.json's model spells them; is_added and flags.special are set */
    int32_t unknown;     /* the first token of type unknown, or TOKEN_NONE */
    bool has_blanks;     /* in a token's spelling */
};

/* Free with gguf_vocab_free in any case. */
enum sft_status gguf_vocab_read(struct gguf_vocab *v, const struct gguf *g, enum gguf_vocab_kind kind,
                                struct sft_err *err);
void gguf_vocab_free(struct gguf_vocab *v);

/* Append the merges as tokenizer.json's list: the file's own or, of pieces without such, all that make a token of two,
 * the best first, as transformers derives them (generate_merges). */
enum sft_status gguf_put_merges(const struct gguf_vocab *v, struct strbuf *out, struct sft_err *err);

#endif
