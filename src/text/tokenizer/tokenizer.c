#include "text/tokenizer/tokenizer.h"

#include "base/xxh64.h"
#include "text/tokenizer/tokenizer_parts.h"

#include <stdlib.h>
#include <string.h>

/* ---- making ---- */

struct tokenizer *tokenizer_new(void)
{
    struct tokenizer *tok = mem_calloc(1, sizeof *tok);
    for (size_t i = 0; i < N_SPECIAL_NAMES; i++)
        tok->named[i] = TOKEN_NONE;
    tok->text_start = TOKEN_NONE;
    return tok;
}

void tokenizer_free(struct tokenizer *tok)
{
    if (!tok)
        return;
    vocab_free(&tok->vocab);
    normalizer_free(&tok->normalizer);
    pretokenizer_free(&tok->pre);
    bpe_model_free(&tok->model);
    decoder_free(&tok->decoder);
    free(tok->chat_template);
    free(tok->chat_template_file);
    json_free(tok->base_json);
    json_free(tok->base_config);
    free(tok->class_name);
    free(tok);
}

void tokenizer_own(struct tokenizer *tok, struct token *token)
{
    token->in_model = true;
    tok->vocab.n_model++;
    decoder_spell(&tok->decoder, &tok->vocab, token);
}

enum sft_status tokenizer_set_gpt2(struct tokenizer *tok, bool add_prefix_space, struct sft_err *err)
{
    tok->decoder.is_byte_level = true;
    return pretokenizer_add_byte_level(&tok->pre, add_prefix_space, true, err);
}

/* ---- asking and naming ---- */

size_t tokenizer_vocab_size(const struct tokenizer *tok)
{
    return tok->vocab.n_ids;
}

size_t tokenizer_model_vocab_size(const struct tokenizer *tok)
{
    size_t end = tok->vocab.n_ids;
    while (end > 0 && !tok->vocab.tokens[end - 1].in_model)
        end--;
    return end;
}

int32_t tokenizer_token_id(const struct tokenizer *tok, const char *content)
{
    return vocab_find(&tok->vocab, content, strlen(content));
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
        id = (int32_t)tok->vocab.n_ids;
        vocab_put(&tok->vocab, tok->vocab.n_ids, content, strlen(content));
    }
    struct token *t = &tok->vocab.tokens[id];
    if (!t->is_added)
        t->flags = (struct added_flags){0};
    t->is_added = true;
    t->flags.special = true;
    t->flags.single_word = false;
    if (t->in_model)
        bpe_model_bar_special(&tok->model, &tok->vocab);
    return id;
}

bool tokenizer_is_special(const struct tokenizer *tok, int32_t id)
{
    const struct token *t = vocab_token(&tok->vocab, id);
    return t && token_is_special(t);
}

bool tokenizer_is_added(const struct tokenizer *tok, int32_t id)
{
    const struct token *t = vocab_token(&tok->vocab, id);
    return t && t->is_added;
}

int32_t tokenizer_text_start(const struct tokenizer *tok)
{
    return tok->text_start;
}

void tokenizer_set_eos(struct tokenizer *tok, int32_t id)
{
    tok->named[SPECIAL_EOS] = vocab_token(&tok->vocab, id) ? id : TOKEN_NONE;
}

void tokenizer_set_pad(struct tokenizer *tok, int32_t id)
{
    tok->named[SPECIAL_PAD] = vocab_token(&tok->vocab, id) ? id : TOKEN_NONE;
}

const char *tokenizer_chat_template(const struct tokenizer *tok)
{
    return tok->chat_template;
}

const char *tokenizer_chat_template_file(const struct tokenizer *tok)
{
    return tok->chat_template_file;
}

bool tokenizer_has_only_named_templates(const struct tokenizer *tok)
{
    return tok->has_only_named_templates;
}

void tokenizer_set_chat_template(struct tokenizer *tok, const char *jinja)
{
    char *copy = jinja ? mem_strdup(jinja) : NULL;
    free(tok->chat_template);
    free(tok->chat_template_file);
    tok->chat_template = copy;
    tok->chat_template_file = NULL;
    tok->has_only_named_templates = false;
}

const char *tokenizer_token_bytes(const struct tokenizer *tok, int32_t id, size_t *len)
{
    const struct token *t = vocab_token(&tok->vocab, id);
    *len = t ? t->bytes_len : 0;
    return t ? t->bytes : NULL;
}

/* ---- decoding ---- */

void tokenizer_decode_part(const struct tokenizer *tok, const int32_t *ids, size_t count, bool skip_special,
                           struct strbuf *out)
{
    for (size_t i = 0; i < count; i++) {
        const struct token *t = vocab_token(&tok->vocab, ids[i]);
        if (t && !(skip_special && tokenizer_is_special(tok, ids[i])))
            strbuf_add(out, t->bytes, t->bytes_len);
    }
}

/* How many of the first blanks of bytes[0..len) are taken, `most` at most. */
static size_t leading_blanks(size_t most, const char *bytes, size_t len)
{
    size_t n = 0;
    while (n < len && n < most && bytes[n] == ' ')
        n++;
    return n;
}

/* The first token of a text, of whose marks none is a blank. */
static void put_without_marks(const char *mark, const struct token *t, struct strbuf *out)
{
    const size_t mark_len = strlen(mark);
    const char *from = t->content, *end = from + t->content_len;
    for (const char *found; (found = memmem(from, (size_t)(end - from), mark, mark_len)); from = found + mark_len)
        strbuf_add(out, from, (size_t)(found - from));
    strbuf_add(out, from, (size_t)(end - from));
}

void tokenizer_decode_next(const struct tokenizer *tok, struct decoding *decoding, int32_t id, struct strbuf *out)
{
    const struct decoder *d = &tok->decoder;
    const struct token *t = vocab_token(&tok->vocab, id);
    if (!t || (decoding->skip_special && tokenizer_is_special(tok, id)))
        return;
    if (d->strips_first_token && decoding->n_tokens == 0) {
        put_without_marks(d->mark, t, out);
    } else {
        const size_t most = decoding->has_begun ? 0 : d->strip - decoding->n_stripped;
        const size_t blanks = leading_blanks(most, t->bytes, t->bytes_len);
        strbuf_add(out, t->bytes + blanks, t->bytes_len - blanks);
        decoding->n_stripped += blanks;
        decoding->has_begun |= blanks < t->bytes_len;
    }
    decoding->n_tokens++;
}

/* Whether this token stands for a byte as <0xXX>, which is a character only with its neighbours. */
static bool is_fallback_byte(const struct tokenizer *tok, const struct token *t)
{
    unsigned char byte;
    return tok->decoder.byte_fallback && t && decoder_parse_byte(t->content, t->content_len, &byte);
}

/* Bytes of such tokens that are together no text: each is one U+FFFD, as in Hugging Face's ByteFallback. */
static void repair_bytes(struct strbuf *out, size_t from)
{
    size_t width = 1;
    for (size_t at = from; at < out->len && width; at += width)
        width = utf8_decode(out->data + at, out->len - at, NULL, NULL);
    if (width)
        return;
    const size_t n = out->len - from;
    out->len = from;
    for (size_t i = 0; i < n; i++)
        strbuf_puts(out, "\xef\xbf\xbd");
}

void tokenizer_decode(const struct tokenizer *tok, const int32_t *ids, size_t count, bool skip_special,
                      struct strbuf *out)
{
    struct decoding decoding = {.skip_special = skip_special, .has_begun = true}; /* blanks are taken at the end */
    const size_t begin = out->len;
    size_t from = 0;
    bool in_bytes = false;
    for (size_t i = 0; i < count; i++) {
        const struct token *t = vocab_token(&tok->vocab, ids[i]);
        if (!t || (skip_special && tokenizer_is_special(tok, ids[i])))
            continue;
        const bool is_byte = is_fallback_byte(tok, t);
        if (in_bytes && !is_byte)
            repair_bytes(out, from);
        if (is_byte && !in_bytes)
            from = out->len;
        in_bytes = is_byte;
        tokenizer_decode_next(tok, &decoding, ids[i], out);
    }
    if (in_bytes)
        repair_bytes(out, from);
    const size_t blanks = leading_blanks(tok->decoder.strip, out->data + begin, out->len - begin);
    if (blanks > 0) {
        memmove(out->data + begin, out->data + begin + blanks, out->len - begin - blanks + 1);
        out->len -= blanks;
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
    for (size_t i = 0; i < tok->vocab.n_ids; i++) {
        const struct token *t = &tok->vocab.tokens[i];
        const unsigned char flags[] = {t->content != NULL,   t->in_model,        t->is_added,
                                       t->flags.special,     t->flags.lstrip,    t->flags.rstrip,
                                       t->flags.single_word, t->flags.normalized};
        xxh64_update(&h, flags, sizeof flags);
        xxh64_update(&h, t->content ? t->content : "", t->content ? t->content_len + 1 : 0);
    }
    xxh64_update(&h, tok->model.merges, tok->model.n_merges * sizeof *tok->model.merges);
    xxh64_update(&h, &tok->model.ignore_merges, sizeof tok->model.ignore_merges);
    hash_json(&h, tok->base_json);
    hash_json(&h, tok->base_config);
    return xxh64_digest(&h);
}
