#include "files/gguf/gguf_vocab.h"

#include "text/tokenizer/byte_level.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char gguf_tokens_key[] = "tokenizer.ggml.tokens", gguf_token_types_key[] = "tokenizer.ggml.token_type",
           gguf_scores_key[] = "tokenizer.ggml.scores", gguf_merges_key[] = "tokenizer.ggml.merges";
static const char mark[] = "\xe2\x96\x81"; /* U+2581, which stands for a blank */

enum { TOKEN_BYTES_MAX = 1 << 14 }; /* beyond it one is a mistake: to look for its parts takes the square of that */

/* An error about an element of a list. */
static enum sft_status in_element(struct sft_err *err, const char *key, size_t i)
{
    char text[64];
    snprintf(text, sizeof text, "%s[%zu]", key, i);
    return sft_in_key(err, "%s", text);
}

/* ---- spelling ---- */

/* Of what an ordinary text can become, a byte-level vocabulary spells all in the alphabet. Some files do not (llama.cpp
 * marks a token as another type than it is); transformers spells these again, too. */
static void respell_bytes(struct gguf_text *text, struct strbuf *out)
{
    size_t n;
    char *bytes = mem_alloc(text->len + 1);
    if (!byte_level_unspell(text->text, text->len, bytes, &n)) {
        byte_level_spell(text->text, text->len, out);
        *text = (struct gguf_text){out->data, out->len};
    }
    free(bytes);
}

static bool is_blank_run(struct gguf_text text)
{
    size_t n = 0;
    while (n < text.len && text.text[n] == ' ')
        n++;
    return n > 0 && n == text.len;
}

static void respell_blanks(struct gguf_text *text, struct strbuf *out)
{
    for (size_t i = 0; i < text->len; i++)
        strbuf_puts(out, mark);
    *text = (struct gguf_text){out->data, out->len};
}

/* Converters put them where a model's embedding has rows beyond its tokens. */
size_t gguf_placeholder(char text[GGUF_PLACEHOLDER_BYTES], size_t id)
{
    return (size_t)snprintf(text, GGUF_PLACEHOLDER_BYTES, "[PAD%zu]", id);
}

static bool is_placeholder(struct gguf_text text, size_t id)
{
    char expected[GGUF_PLACEHOLDER_BYTES];
    return text.len == gguf_placeholder(expected, id) && memcmp(text.text, expected, text.len) == 0;
}

/* ---- tokens ---- */

static enum sft_status check_text(struct gguf_text text, struct sft_err *err)
{
    for (size_t i = 0, n; i < text.len; i += n) {
        n = utf8_decode(text.text + i, text.len - i, NULL, NULL);
        if (n == 0)
            return sft_fail(err, SFT_EDATA, "is not UTF-8");
        if (text.text[i] == '\0')
            return sft_fail(err, SFT_EDATA, "has a NUL in it");
    }
    if (text.len > TOKEN_BYTES_MAX)
        return sft_fail(err, SFT_EDATA, "has %zu bytes, more than %d", text.len, TOKEN_BYTES_MAX);
    return text.len ? SFT_OK : sft_fail(err, SFT_EDATA, "is empty");
}

static enum sft_status add_token(struct gguf_vocab *v, size_t id, struct gguf_text text, int32_t type,
                                 struct sft_err *err)
{
    struct strbuf spelling = {0};
    const bool is_text = type == GGUF_TOKEN_NORMAL || type == GGUF_TOKEN_UNDEFINED || type == GGUF_TOKEN_UNUSED;
    const bool is_run = v->kind == GGUF_VOCAB_PIECES_IN_ORDER && is_blank_run(text);
    if (type == GGUF_TOKEN_UNUSED && is_placeholder(text, id))
        return SFT_OK;
    if (v->kind == GGUF_VOCAB_BYTES && is_text)
        respell_bytes(&text, &spelling);
    else if (is_run)
        respell_blanks(&text, &spelling);
    const int32_t twin = vocab_find(&v->tokens, text.text, text.len);
    if (twin != TOKEN_NONE) {
        sft_fail(err, SFT_EDATA, "'%.*s' is there twice, as token %d too", (int)(text.len < 80 ? text.len : 80),
                 text.text, twin);
    } else {
        struct token *t = vocab_put(&v->tokens, id, text.text, text.len);
        t->flags.special = type == GGUF_TOKEN_CONTROL || type == GGUF_TOKEN_UNKNOWN;
        t->is_added = t->flags.special || (type == GGUF_TOKEN_USER_DEFINED && !is_run);
        v->has_blanks |= memchr(text.text, ' ', text.len) != NULL;
        if (type == GGUF_TOKEN_UNKNOWN && v->unknown == TOKEN_NONE)
            v->unknown = (int32_t)id;
    }
    strbuf_free(&spelling);
    return twin == TOKEN_NONE ? SFT_OK : SFT_EDATA;
}

/* A list with an entry a token; *list NULL: there is none. */
static enum sft_status get_list(const struct gguf *g, const char *key, enum gguf_type type, size_t n_tokens,
                                const struct gguf_value **list, struct sft_err *err)
{
    if (gguf_get_array(g, key, type, list, err))
        return SFT_EDATA;
    return !*list || (*list)->count == n_tokens
               ? SFT_OK
               : sft_fail_in(err, SFT_EDATA, key, "%zu entries for %zu tokens", (*list)->count, n_tokens);
}

static enum sft_status check_count(size_t count, struct sft_err *err)
{
    return count >= 1 && count <= TOKEN_ID_LIMIT
               ? SFT_OK
               : sft_fail_in(err, SFT_EDATA, gguf_tokens_key, "expected 1 to %d tokens, found %zu", TOKEN_ID_LIMIT,
                             count);
}

enum sft_status gguf_vocab_read(struct gguf_vocab *v, const struct gguf *g, enum gguf_vocab_kind kind,
                                struct sft_err *err)
{
    const struct gguf_value *tokens, *types;
    *v = (struct gguf_vocab){.g = g, .kind = kind, .unknown = TOKEN_NONE};
    if (gguf_require(g, gguf_tokens_key, err) || gguf_get_array(g, gguf_tokens_key, GGUF_STRING, &tokens, err) ||
        check_count(tokens->count, err) || get_list(g, gguf_token_types_key, GGUF_I32, tokens->count, &types, err))
        return SFT_EDATA;
    const unsigned char *at = tokens->data;
    for (size_t id = 0; id < tokens->count; id++) {
        const struct gguf_text text = gguf_next_string(&at);
        const int32_t type = types ? gguf_i32_at(types, id) : GGUF_TOKEN_NORMAL;
        if (type < 0 || type >= GGUF_TOKEN_TYPES)
            return sft_fail(err, SFT_EDATA, "%s[%zu]: there is no type %d", gguf_token_types_key, id, type);
        if (check_text(text, err) || add_token(v, id, text, type, err))
            return in_element(err, gguf_tokens_key, id);
    }
    return SFT_OK;
}

void gguf_vocab_free(struct gguf_vocab *v)
{
    vocab_free(&v->tokens);
}

/* ---- merges ---- */

/* "a b" as a string, or as a pair where a blank would not tell where a ends. */
static void put_merge(const struct gguf_vocab *v, int32_t left, int32_t right, struct strbuf *scratch,
                      struct strbuf *out)
{
    const struct token *a = &v->tokens.tokens[left], *b = &v->tokens.tokens[right];
    if (out->data[out->len - 1] != '[')
        strbuf_putc(out, ',');
    if (v->has_blanks) {
        strbuf_putc(out, '[');
        strbuf_json_string(out, a->content, a->content_len);
        strbuf_putc(out, ',');
        strbuf_json_string(out, b->content, b->content_len);
        strbuf_putc(out, ']');
        return;
    }
    strbuf_clear(scratch);
    strbuf_add(scratch, a->content, a->content_len);
    strbuf_putc(scratch, ' ');
    strbuf_add(scratch, b->content, b->content_len);
    strbuf_json_string(out, scratch->data, scratch->len);
}

/* "a b" of the file: two tokens that make a third. */
static enum sft_status split_merge(const struct gguf_vocab *v, struct gguf_text text, int32_t *left, int32_t *right,
                                   struct strbuf *joined, struct sft_err *err)
{
    const char *end = text.text + text.len, *blank = memchr(text.text, ' ', text.len);
    const int shown = (int)(text.len < 80 ? text.len : 80);
    if (!blank || blank == text.text || blank + 1 == end || memchr(blank + 1, ' ', (size_t)(end - blank - 1)))
        return sft_fail(err, SFT_EDATA, "expected two tokens with a blank between them, not '%.*s'", shown, text.text);
    const size_t left_len = (size_t)(blank - text.text), right_len = (size_t)(end - blank - 1);
    *left = vocab_find(&v->tokens, text.text, left_len);
    *right = vocab_find(&v->tokens, blank + 1, right_len);
    strbuf_clear(joined);
    strbuf_add(joined, text.text, left_len);
    strbuf_add(joined, blank + 1, right_len);
    if (*left != TOKEN_NONE && *right != TOKEN_NONE && vocab_find(&v->tokens, joined->data, joined->len) != TOKEN_NONE)
        return SFT_OK;
    return sft_fail(err, SFT_EDATA, "'%.*s': no token '%s'", shown, text.text,
                    *left == TOKEN_NONE    ? (joined->data[left_len] = '\0', joined->data)
                    : *right == TOKEN_NONE ? joined->data + left_len
                                           : joined->data);
}

static enum sft_status put_given(const struct gguf_vocab *v, const struct gguf_value *merges, struct strbuf *out,
                                 struct sft_err *err)
{
    struct strbuf scratch = {0};
    const unsigned char *at = merges->data;
    enum sft_status status = SFT_OK;
    for (size_t i = 0; i < merges->count && !status; i++) {
        int32_t left = TOKEN_NONE, right = TOKEN_NONE;
        if ((status = split_merge(v, gguf_next_string(&at), &left, &right, &scratch, err)))
            in_element(err, gguf_merges_key, i);
        else
            put_merge(v, left, right, &scratch, out);
    }
    strbuf_free(&scratch);
    return status;
}

/* ---- merges that the scores imply ---- */

struct merge {
    int32_t token, left, right;
    uint32_t left_chars, right_chars;
    float score; /* of the token */
};
struct merges {
    struct merge *items;
    size_t n, capacity;
};

/* Python's sort, turned round and stable: by score, then the longer left part, the longer right one; then as they were
 * found. */
static int compare_merges(const void *a, const void *b)
{
    const struct merge *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    if (x->left_chars != y->left_chars)
        return x->left_chars > y->left_chars ? -1 : 1;
    if (x->right_chars != y->right_chars)
        return x->right_chars > y->right_chars ? -1 : 1;
    if (x->token != y->token)
        return x->token < y->token ? -1 : 1;
    if (x->left != y->left)
        return x->left < y->left ? -1 : 1;
    return (x->right > y->right) - (x->right < y->right);
}

static uint32_t count_characters(const char *text, size_t len)
{
    uint32_t n = 0;
    for (size_t i = 0; i < len; i++)
        n += (text[i] & 0xC0) != 0x80;
    return n;
}

/* All ways to make a token of two. */
static void find_merges(struct merges *found, const struct gguf_vocab *v, int32_t id, float score)
{
    const struct token *t = &v->tokens.tokens[id];
    const uint32_t n_chars = count_characters(t->content, t->content_len);
    uint32_t chars = 1;
    for (size_t i = 1; i < t->content_len; i++) {
        if ((t->content[i] & 0xC0) == 0x80)
            continue;
        const int32_t left = vocab_find(&v->tokens, t->content, i);
        const int32_t right = left == TOKEN_NONE ? left : vocab_find(&v->tokens, t->content + i, t->content_len - i);
        if (right != TOKEN_NONE) {
            found->items = mem_grow(found->items, &found->capacity, found->n + 1, sizeof *found->items);
            found->items[found->n++] = (struct merge){id, left, right, chars, n_chars - chars, score};
        }
        chars++;
    }
}

static enum sft_status put_implied(const struct gguf_vocab *v, struct strbuf *out, struct sft_err *err)
{
    struct merges found = {0};
    struct strbuf scratch = {0};
    const size_t n = gguf_find(v->g, gguf_tokens_key)->count;
    const bool in_order = v->kind == GGUF_VOCAB_PIECES_IN_ORDER;
    const struct gguf_value *scores;
    if ((!in_order && gguf_require(v->g, gguf_scores_key, err)) ||
        get_list(v->g, gguf_scores_key, GGUF_F32, n, &scores, err))
        return SFT_EDATA;
    for (size_t id = 0; id < n; id++) {
        const float score = in_order ? -(float)id : gguf_f32_at(scores, id);
        if (score != score) {
            free(found.items);
            return sft_fail(err, SFT_EDATA, "%s[%zu]: expected a number, found NaN", gguf_scores_key, id);
        }
        if (vocab_token(&v->tokens, (int32_t)id)) /* no placeholder */
            find_merges(&found, v, (int32_t)id, score);
    }
    if (found.n)
        qsort(found.items, found.n, sizeof *found.items, compare_merges);
    for (size_t i = 0; i < found.n; i++)
        put_merge(v, found.items[i].left, found.items[i].right, &scratch, out);
    strbuf_free(&scratch);
    free(found.items);
    return SFT_OK;
}

enum sft_status gguf_put_merges(const struct gguf_vocab *v, struct strbuf *out, struct sft_err *err)
{
    const struct gguf_value *merges;
    if (v->kind == GGUF_VOCAB_BYTES && gguf_require(v->g, gguf_merges_key, err))
        return SFT_EDATA;
    if (gguf_get_array(v->g, gguf_merges_key, GGUF_STRING, &merges, err))
        return SFT_EDATA;
    strbuf_putc(out, '[');
    if (merges ? put_given(v, merges, out, err) : put_implied(v, out, err))
        return SFT_EDATA;
    strbuf_putc(out, ']');
    return SFT_OK;
}
