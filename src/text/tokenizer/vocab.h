/* A vocabulary: the tokens of a tokenizer by id and by content, the model's own and the added ones. For the files of
 * text/tokenizer and text/bpe_train; everybody else asks by tokenizer.h. */
#ifndef SFT_TEXT_TOKENIZER_VOCAB_H
#define SFT_TEXT_TOKENIZER_VOCAB_H

#include "base/err.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TOKEN_NONE = -1 };
enum { TOKEN_ID_LIMIT = 1 << 22 }; /* beyond it an id is a mistake, not a vocabulary */

struct added_flags {
    bool special, lstrip, rstrip, single_word, normalized;
};

struct token {
    const char *content; /* its spelling; NULL: no token has this id */
    const char *bytes;   /* what it stands for in a text */
    uint32_t content_len, bytes_len;
    bool in_model; /* of the model's own vocabulary */
    bool is_added; /* found in text as it is, before the model divides what is between */
    struct added_flags flags;
};

/* Zero-initialised is empty. */
struct vocab {
    struct token *tokens; /* (n_ids) by id */
    size_t n_ids, capacity;
    int32_t *index; /* content -> id, open addressing, TOKEN_NONE is empty */
    size_t index_mask, n_tokens, n_model;
    struct arena arena; /* contents and bytes */
};
void vocab_free(struct vocab *vocab);

int32_t vocab_find(const struct vocab *vocab, const char *content, size_t len);

/* The token of an id, or NULL. */
const struct token *vocab_token(const struct vocab *vocab, int32_t id);

/* Whether a token is special: a control token, which no text becomes. */
static inline bool token_is_special(const struct token *t)
{
    return t->is_added && t->flags.special;
}

/* A new token, which stands for its own content; neither its id nor its content may be there. Tokens may move. */
struct token *vocab_put(struct vocab *vocab, size_t id, const char *content, size_t len);

/* As transformers adds a token: one that is there keeps its id and becomes an added one; another gets the
 * id after the last. *id is the one it got. */
enum sft_status vocab_add(struct vocab *vocab, const char *content, struct added_flags flags, int32_t *id,
                          struct sft_err *err);

#endif
