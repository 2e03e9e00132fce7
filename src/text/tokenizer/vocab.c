#include "text/tokenizer/vocab.h"

#include "base/xxh64.h"

#include <stdlib.h>
#include <string.h>

void vocab_free(struct vocab *vocab)
{
    free(vocab->tokens);
    free(vocab->index);
    arena_free(&vocab->arena);
    *vocab = (struct vocab){0};
}

/* ---- by content ---- */

static size_t content_slot(const struct vocab *vocab, const char *content, size_t len)
{
    size_t i = (size_t)xxh64(content, len, 0) & vocab->index_mask;
    for (; vocab->index[i] != TOKEN_NONE; i = (i + 1) & vocab->index_mask) {
        const struct token *t = &vocab->tokens[vocab->index[i]];
        if (t->content_len == len && memcmp(t->content, content, len) == 0)
            break;
    }
    return i;
}

int32_t vocab_find(const struct vocab *vocab, const char *content, size_t len)
{
    return vocab->index ? vocab->index[content_slot(vocab, content, len)] : TOKEN_NONE;
}

static void grow_index(struct vocab *vocab)
{
    const size_t n_slots = vocab->index ? 2 * (vocab->index_mask + 1) : 1024;
    free(vocab->index);
    vocab->index = mem_alloc(n_slots * sizeof *vocab->index);
    vocab->index_mask = n_slots - 1;
    memset(vocab->index, 0xff, n_slots * sizeof *vocab->index); /* TOKEN_NONE */
    for (size_t id = 0; id < vocab->n_ids; id++) {
        const struct token *t = &vocab->tokens[id];
        if (t->content)
            vocab->index[content_slot(vocab, t->content, t->content_len)] = (int32_t)id;
    }
}

/* ---- by id ---- */

const struct token *vocab_token(const struct vocab *vocab, int32_t id)
{
    return id >= 0 && (size_t)id < vocab->n_ids && vocab->tokens[id].content ? &vocab->tokens[id] : NULL;
}

struct token *vocab_put(struct vocab *vocab, size_t id, const char *content, size_t len)
{
    if (!vocab->index || 2 * (vocab->n_tokens + 1) > vocab->index_mask)
        grow_index(vocab);
    if (id >= vocab->n_ids) {
        vocab->tokens = mem_grow(vocab->tokens, &vocab->capacity, id + 1, sizeof *vocab->tokens);
        memset(vocab->tokens + vocab->n_ids, 0, (id + 1 - vocab->n_ids) * sizeof *vocab->tokens);
        vocab->n_ids = id + 1;
    }
    struct token *t = &vocab->tokens[id];
    t->content = arena_strndup(&vocab->arena, content, len);
    t->content_len = (uint32_t)len;
    t->bytes = t->content;
    t->bytes_len = (uint32_t)len;
    vocab->index[content_slot(vocab, content, len)] = (int32_t)id;
    vocab->n_tokens++;
    return t;
}

/* ---- added tokens ---- */

/* The id that Hugging Face tokenizers give the next added token: the number of the model's tokens, or, once
 * there are such ids, the largest of them + 1. */
static size_t next_added_id(const struct vocab *vocab)
{
    for (size_t id = vocab->n_ids; id-- > vocab->n_model;)
        if (vocab->tokens[id].is_added)
            return id + 1;
    return vocab->n_model;
}

enum sft_status vocab_add(struct vocab *vocab, const char *content, struct added_flags flags, int32_t *id,
                          struct sft_err *err)
{
    const size_t len = strlen(content);
    *id = vocab_find(vocab, content, len);
    if (*id == TOKEN_NONE) {
        const size_t next = next_added_id(vocab);
        if (next < vocab->n_ids && vocab->tokens[next].content)
            return sft_fail(err, SFT_EDATA, "token '%s' would get id %zu, which is '%s' in the vocabulary",
                            content, next, vocab->tokens[next].content);
        if (next >= TOKEN_ID_LIMIT)
            return sft_fail(err, SFT_EDATA, "token '%s' would get id %zu, which is too large", content, next);
        vocab_put(vocab, next, content, len);
        *id = (int32_t)next;
    }
    struct token *t = &vocab->tokens[*id];
    flags.special |= t->is_added && t->flags.special;
    t->is_added = true;
    t->flags = flags;
    return SFT_OK;
}
