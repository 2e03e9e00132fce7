#include "text/tokenizer/tokenizer.h"

#include "base/io.h"
#include "text/tokenizer/byte_level.h"
#include "text/tokenizer/tokenizer_internal.h"

#include <stdlib.h>
#include <string.h>

const char *const special_key[N_SPECIAL_NAMES] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                                  "pad_token", "cls_token", "mask_token"};

/* ---- tokens by id and by content ---- */

static size_t content_slot(const struct tokenizer *tok, const char *content, size_t len)
{
    size_t i = (size_t)xxh64(content, len, 0) & tok->index_mask;
    for (; tok->index[i] != TOKEN_NONE; i = (i + 1) & tok->index_mask) {
        const struct token *t = &tok->tokens[tok->index[i]];
        if (t->content_len == len && memcmp(t->content, content, len) == 0)
            break;
    }
    return i;
}

int32_t tokenizer_find(const struct tokenizer *tok, const char *content, size_t len)
{
    return tok->index ? tok->index[content_slot(tok, content, len)] : TOKEN_NONE;
}

static void grow_index(struct tokenizer *tok)
{
    size_t n_slots = tok->index ? 2 * (tok->index_mask + 1) : 1024;
    free(tok->index);
    tok->index = mem_alloc(n_slots * sizeof *tok->index);
    tok->index_mask = n_slots - 1;
    memset(tok->index, 0xff, n_slots * sizeof *tok->index); /* TOKEN_NONE */
    for (size_t id = 0; id < tok->n_ids; id++) {
        const struct token *t = &tok->tokens[id];
        if (t->content)
            tok->index[content_slot(tok, t->content, t->content_len)] = (int32_t)id;
    }
}

/* Say that a token is of BPE's own vocabulary, whose tokens are spelt in the byte-level alphabet. */
void tokenizer_set_in_model(struct tokenizer *tok, struct token *t)
{
    char *bytes = arena_alloc(&tok->arena, t->content_len + 1);
    size_t n_bytes;
    t->in_model = true;
    tok->n_model++;
    if (byte_level_unspell(t->content, t->content_len, bytes, &n_bytes)) {
        t->bytes = bytes; /* a content of other characters stands for itself */
        t->bytes_len = (uint32_t)n_bytes;
    }
}

/* A new token; neither its id nor its content may be there. */
struct token *tokenizer_put(struct tokenizer *tok, size_t id, const char *content, size_t len)
{
    if (!tok->index || 2 * (tok->n_tokens + 1) > tok->index_mask)
        grow_index(tok);
    if (id >= tok->n_ids) {
        tok->tokens = mem_grow(tok->tokens, &tok->capacity, id + 1, sizeof *tok->tokens);
        memset(tok->tokens + tok->n_ids, 0, (id + 1 - tok->n_ids) * sizeof *tok->tokens);
        tok->n_ids = id + 1;
    }
    struct token *t = &tok->tokens[id];
    t->content = arena_strndup(&tok->arena, content, len);
    t->content_len = (uint32_t)len;
    t->bytes = t->content; /* an added token stands for itself */
    t->bytes_len = (uint32_t)len;
    tok->index[content_slot(tok, content, len)] = (int32_t)id;
    tok->n_tokens++;
    return t;
}

/* The id that Hugging Face tokenizers give the next added token: the number of the model's tokens, or, once
 * there are such ids, the largest of them + 1. */
static size_t next_added_id(const struct tokenizer *tok)
{
    for (size_t id = tok->n_ids; id-- > tok->n_model;)
        if (tok->tokens[id].is_added)
            return id + 1;
    return tok->n_model;
}

enum sft_status tokenizer_add(struct tokenizer *tok, const char *content, struct added_flags flags,
                              int32_t *id, struct sft_err *err)
{
    size_t len = strlen(content);
    *id = tokenizer_find(tok, content, len);
    if (*id == TOKEN_NONE) {
        size_t next = next_added_id(tok);
        if (next < tok->n_ids && tok->tokens[next].content)
            return sft_fail(err, SFT_EDATA, "token '%s' would get id %zu, which is '%s' in the vocabulary",
                            content, next, tok->tokens[next].content);
        if (next >= TOKEN_ID_LIMIT)
            return sft_fail(err, SFT_EDATA, "token '%s' would get id %zu, which is too large", content, next);
        tokenizer_put(tok, next, content, len);
        *id = (int32_t)next;
    }
    struct token *t = &tok->tokens[*id];
    flags.special |= t->is_added && t->flags.special;
    t->is_added = true;
    t->flags = flags;
    return SFT_OK;
}

/* ---- loading ---- */

static enum sft_status read_files(struct tokenizer *tok, const char *dir, struct sft_err *err)
{
    char *whole = path_join(dir, "tokenizer.json");
    char *vocab = path_join(dir, "vocab.json");
    char *merges = path_join(dir, "merges.txt");
    enum sft_status status;
    if (path_exists(whole))
        status = tokenizer_read_json(tok, whole, err);
    else if (!path_exists(vocab) || !path_exists(merges))
        status = sft_fail(err, SFT_EIO,
                          "%s: no tokenizer: neither tokenizer.json nor vocab.json and merges.txt", dir);
    else if (!(status = tokenizer_read_vocab(tok, vocab, err)))
        status = tokenizer_read_merges(tok, merges, err);
    free(whole);
    free(vocab);
    free(merges);
    return status ? status : tokenizer_read_config(tok, dir, err);
}

struct tokenizer *tokenizer_new(void)
{
    struct tokenizer *tok = mem_calloc(1, sizeof *tok);
    for (size_t i = 0; i < N_SPECIAL_NAMES; i++)
        tok->named[i] = TOKEN_NONE;
    tok->text_start = TOKEN_NONE;
    return tok;
}

enum sft_status tokenizer_load(struct tokenizer **out, const char *dir, struct sft_err *err)
{
    struct tokenizer *tok = tokenizer_new();
    struct sft_err unheard;
    if (!err)
        err = &unheard;
    enum sft_status status = read_files(tok, dir, err);
    if (status) {
        tokenizer_free(tok);
        tok = NULL;
    }
    *out = tok;
    return status;
}

void tokenizer_free(struct tokenizer *tok)
{
    if (!tok)
        return;
    free(tok->tokens);
    free(tok->index);
    free(tok->merges);
    bpe_free(&tok->bpe);
    pretokenizer_free(&tok->pre);
    free(tok->chat_template);
    json_free(tok->base_json);
    json_free(tok->base_config);
    arena_free(&tok->arena);
    free(tok);
}

/* ---- asking and naming ---- */

size_t tokenizer_vocab_size(const struct tokenizer *tok)
{
    return tok->n_ids;
}

size_t tokenizer_model_vocab_size(const struct tokenizer *tok)
{
    size_t end = tok->n_ids;
    while (end > 0 && !tok->tokens[end - 1].in_model)
        end--;
    return end;
}

static const struct token *token_of(const struct tokenizer *tok, int32_t id)
{
    return id >= 0 && (size_t)id < tok->n_ids && tok->tokens[id].content ? &tok->tokens[id] : NULL;
}

int32_t tokenizer_token_id(const struct tokenizer *tok, const char *content)
{
    return tokenizer_find(tok, content, strlen(content));
}

int32_t tokenizer_bos_id(const struct tokenizer *tok)
{
    return tok->named[SPECIAL_BOS];
}

int32_t tokenizer_eos_id(const struct tokenizer *tok)
{
    return tok->named[SPECIAL_EOS];
}

int32_t tokenizer_pad_id(const struct tokenizer *tok)
{
    return tok->named[SPECIAL_PAD];
}

int32_t tokenizer_unk_id(const struct tokenizer *tok)
{
    return tok->named[SPECIAL_UNK];
}

int32_t tokenizer_add_special(struct tokenizer *tok, const char *content)
{
    int32_t id = tokenizer_token_id(tok, content);
    if (id == TOKEN_NONE) {
        id = (int32_t)tok->n_ids;
        tokenizer_put(tok, tok->n_ids, content, strlen(content));
    }
    struct token *t = &tok->tokens[id];
    if (!t->is_added)
        t->flags = (struct added_flags){0};
    t->is_added = true;
    t->flags.special = true;
    t->flags.single_word = false;
    return id;
}

bool tokenizer_is_special(const struct tokenizer *tok, int32_t id)
{
    const struct token *t = token_of(tok, id);
    return t && t->is_added && t->flags.special;
}

bool tokenizer_is_added(const struct tokenizer *tok, int32_t id)
{
    const struct token *t = token_of(tok, id);
    return t && t->is_added;
}

int32_t tokenizer_text_start(const struct tokenizer *tok)
{
    return tok->text_start;
}

void tokenizer_set_eos(struct tokenizer *tok, int32_t id)
{
    tok->named[SPECIAL_EOS] = token_of(tok, id) ? id : TOKEN_NONE;
}

void tokenizer_set_pad(struct tokenizer *tok, int32_t id)
{
    tok->named[SPECIAL_PAD] = token_of(tok, id) ? id : TOKEN_NONE;
}

const char *tokenizer_chat_template(const struct tokenizer *tok)
{
    return tok->chat_template;
}

bool tokenizer_has_only_named_templates(const struct tokenizer *tok)
{
    return tok->has_only_named_templates;
}

void tokenizer_set_chat_template(struct tokenizer *tok, const char *jinja)
{
    char *copy = jinja ? mem_strdup(jinja) : NULL;
    free(tok->chat_template);
    tok->chat_template = copy;
    tok->has_only_named_templates = false;
}

const char *tokenizer_token_bytes(const struct tokenizer *tok, int32_t id, size_t *len)
{
    const struct token *t = token_of(tok, id);
    *len = t ? t->bytes_len : 0;
    return t ? t->bytes : NULL;
}

void tokenizer_decode(const struct tokenizer *tok, const int32_t *ids, size_t count, bool skip_special,
                      struct strbuf *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct token *t = token_of(tok, ids[i]);
        if (t && !(skip_special && tokenizer_is_special(tok, ids[i])))
            strbuf_add(out, t->bytes, t->bytes_len);
    }
}

/* ---- fingerprint ---- */

static void hash_json(struct xxh64 *h, const json *node)
{
    struct strbuf text = {0};
    if (node)
        json_print_line(node, &text);
    xxh64_update(h, text.data ? text.data : "", text.len);
    strbuf_free(&text);
}

uint64_t tokenizer_fingerprint(const struct tokenizer *tok)
{
    struct xxh64 h;
    xxh64_init(&h, 0);
    for (size_t i = 0; i < tok->n_ids; i++) {
        const struct token *t = &tok->tokens[i];
        const unsigned char flags[] = {t->content != NULL,   t->in_model,        t->is_added,
                                       t->flags.special,     t->flags.lstrip,    t->flags.rstrip,
                                       t->flags.single_word, t->flags.normalized};
        xxh64_update(&h, flags, sizeof flags);
        xxh64_update(&h, t->content ? t->content : "", t->content ? t->content_len + 1 : 0);
    }
    xxh64_update(&h, tok->merges, tok->n_merges * sizeof *tok->merges);
    xxh64_update(&h, &tok->ignore_merges, sizeof tok->ignore_merges);
    hash_json(&h, tok->base_json);
    hash_json(&h, tok->base_config);
    return xxh64_digest(&h);
}
