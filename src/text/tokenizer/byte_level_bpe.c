#include "text/tokenizer/byte_level_bpe.h"

#include "text/tokenizer/byte_level.h"

#include <stdlib.h>

void byte_level_bpe_free(struct byte_level_bpe *model)
{
    bpe_free(&model->bpe);
    free(model->merges);
    *model = (struct byte_level_bpe){0};
}

/* ---- what its tokens stand for ---- */

void byte_level_bpe_own(struct vocab *vocab, struct token *token)
{
    char *bytes = arena_alloc(&vocab->arena, token->content_len + 1);
    size_t n_bytes;
    token->in_model = true;
    vocab->n_model++;
    if (byte_level_unspell(token->content, token->content_len, bytes, &n_bytes)) {
        token->bytes = bytes;
        token->bytes_len = (uint32_t)n_bytes;
    }
}

/* The tokens of single bytes. */
static void set_bytes(struct byte_level_bpe *model, const struct vocab *vocab)
{
    struct strbuf spelling = {0};
    for (int byte = 0; byte < 256; byte++) {
        const unsigned char b = (unsigned char)byte;
        strbuf_clear(&spelling);
        byte_level_spell(&b, 1, &spelling);
        model->bpe.byte_id[byte] = vocab_find(vocab, spelling.data, spelling.len);
    }
    strbuf_free(&spelling);
}

bool byte_level_bpe_has_all_bytes(const struct byte_level_bpe *model)
{
    for (int byte = 0; byte < 256; byte++)
        if (model->bpe.byte_id[byte] < 0)
            return false;
    return true;
}

/* ---- merges ---- */

void byte_level_bpe_start_merges(struct byte_level_bpe *model, const struct vocab *vocab, size_t count)
{
    bpe_init(&model->bpe, count);
    model->merges = mem_alloc((count ? count : 1) * sizeof *model->merges);
    set_bytes(model, vocab);
}

enum sft_status byte_level_bpe_add_merge(struct byte_level_bpe *model, const struct vocab *vocab, const char *a,
                                         size_t a_len, const char *b, size_t b_len, struct strbuf *joined,
                                         struct sft_err *err)
{
    strbuf_clear(joined);
    strbuf_add(joined, a, a_len);
    strbuf_add(joined, b, b_len);
    const int32_t left = vocab_find(vocab, a, a_len);
    const int32_t right = vocab_find(vocab, b, b_len);
    const int32_t both = vocab_find(vocab, joined->len ? joined->data : "", joined->len);
    if (left == TOKEN_NONE)
        return sft_fail(err, SFT_EDATA, "'%.*s' is not in the vocabulary", (int)a_len, a);
    if (right == TOKEN_NONE)
        return sft_fail(err, SFT_EDATA, "'%.*s' is not in the vocabulary", (int)b_len, b);
    if (both == TOKEN_NONE)
        return sft_fail(err, SFT_EDATA, "'%.*s' is not in the vocabulary", (int)joined->len, joined->data);
    bpe_add_merge(&model->bpe, left, right, (uint32_t)model->n_merges, both);
    model->merges[model->n_merges][0] = left;
    model->merges[model->n_merges][1] = right;
    model->n_merges++;
    return SFT_OK;
}

/* ---- dividing a word ---- */

/* The id of a word that is a token of the model as it is, or TOKEN_NONE. */
static int32_t whole_token(const struct vocab *vocab, struct strbuf *spelling, const char *word, size_t len)
{
    strbuf_clear(spelling);
    byte_level_spell(word, len, spelling);
    const int32_t id = vocab_find(vocab, spelling->data, spelling->len);
    return id != TOKEN_NONE && vocab->tokens[id].in_model ? id : TOKEN_NONE;
}

size_t byte_level_bpe_divide(const struct byte_level_bpe *model, const struct vocab *vocab, struct bpe_scratch *scratch,
                             struct strbuf *spelling, const char *word, size_t len)
{
    const size_t n = bpe_divide(&model->bpe, scratch, word, len);
    const int32_t whole = model->ignore_merges ? whole_token(vocab, spelling, word, len) : TOKEN_NONE;
    if (whole == TOKEN_NONE)
        return n;
    scratch->symbols[0] = (struct bpe_symbol){whole, 0};
    return 1;
}
