#include "text/tokenizer/bpe_model.h"

#include "text/tokenizer/byte_level.h"

#include <stdlib.h>
#include <string.h>

enum { N_DIRECT = 0x10000 }; /* characters whose tokens are in a table, by their number; of the others, some */
static const char MARK[] = "\xe2\x96\x81";
enum { MARK_LEN = sizeof MARK - 1 };

void bpe_model_free(struct bpe_model *model)
{
    bpe_free(&model->bpe);
    free(model->merges);
    free(model->character_id);
    free(model->seams);
    *model = (struct bpe_model){0};
}

/* ---- single bytes and characters ---- */

static void set_bytes(struct bpe_model *model, const struct vocab *vocab)
{
    struct strbuf spelling = {0};
    for (int byte = 0; byte < 256; byte++) {
        const unsigned char b = (unsigned char)byte;
        strbuf_clear(&spelling);
        if (model->of_bytes)
            byte_level_spell(&b, 1, &spelling);
        else
            strbuf_printf(&spelling, "<0x%02X>", byte);
        model->byte_id[byte] = vocab_find(vocab, spelling.data, spelling.len);
    }
    strbuf_free(&spelling);
}

static void set_characters(struct bpe_model *model, const struct vocab *vocab)
{
    model->character_id = mem_alloc(N_DIRECT * sizeof *model->character_id);
    memset(model->character_id, 0xff, N_DIRECT * sizeof *model->character_id); /* TOKEN_NONE */
    for (size_t id = 0; id < vocab->n_ids; id++) {
        const struct token *t = &vocab->tokens[id];
        uint32_t cp;
        if (t->content && t->content_len > 0 && utf8_decode(t->content, t->content_len, &cp, NULL) == t->content_len &&
            cp < N_DIRECT)
            model->character_id[cp] = (int32_t)id;
    }
}

static int32_t own_token(const struct vocab *vocab, const char *content, size_t len)
{
    const int32_t id = vocab_find(vocab, content, len);
    const bool is_own = id != TOKEN_NONE && vocab->tokens[id].in_model && !token_is_special(&vocab->tokens[id]);
    return is_own ? id : TOKEN_NONE;
}

bool bpe_model_is_fallback(const struct bpe_model *model, int32_t id)
{
    for (int byte = 0; byte < 256; byte++)
        if (model->byte_id[byte] == id)
            return true;
    return false;
}

bool bpe_model_has_all_bytes(const struct bpe_model *model)
{
    for (int byte = 0; byte < 256; byte++)
        if (model->byte_id[byte] == TOKEN_NONE)
            return false;
    return model->of_bytes || model->byte_fallback;
}

/* ---- merges ---- */

void bpe_model_start(struct bpe_model *model, const struct vocab *vocab, bool of_bytes, size_t count)
{
    bpe_init(&model->bpe, count);
    model->merges = mem_alloc((count ? count : 1) * sizeof *model->merges);
    model->of_bytes = of_bytes;
    model->unk_id = TOKEN_NONE;
    set_bytes(model, vocab);
    if (!of_bytes)
        set_characters(model, vocab);
}

enum sft_status bpe_model_add_merge(struct bpe_model *model, const struct vocab *vocab, const char *a, size_t a_len,
                                    const char *b, size_t b_len, struct strbuf *joined, struct sft_err *err)
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

static void bar_special(int32_t *ids, size_t n, const struct vocab *vocab)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] != TOKEN_NONE && token_is_special(&vocab->tokens[ids[i]]))
            ids[i] = TOKEN_NONE;
}

void bpe_model_bar_special(struct bpe_model *model, const struct vocab *vocab)
{
    for (size_t i = 0; i < model->n_merges; i++) {
        const int32_t *pair = model->merges[i], both = bpe_merged(&model->bpe, pair[0], pair[1]);
        if (token_is_special(&vocab->tokens[both]))
            bpe_drop_merge(&model->bpe, pair[0], pair[1]);
    }
    if (model->of_bytes)
        bar_special(model->byte_id, sizeof model->byte_id / sizeof *model->byte_id, vocab);
    else
        bar_special(model->character_id, N_DIRECT, vocab);
}

/* ---- seams ---- */

/* The character that ends before text[end]; end > 0, well-formed. */
static uint32_t character_before(const char *text, size_t end)
{
    size_t begin = end - 1;
    uint32_t cp = 0;
    while (begin > 0 && ((unsigned char)text[begin] & 0xc0) == 0x80)
        begin--;
    utf8_decode(text + begin, end - begin, &cp, NULL);
    return cp;
}

/* A bit for each character that a token has before a mark; characters above U+FFFF share those of others, which costs
 * some seams. */
static void note_marks(uint8_t *seams, const char *content, size_t len)
{
    for (size_t at = 1; at < len; at++) {
        const char *mark = memmem(content + at, len - at, MARK, MARK_LEN);
        if (!mark)
            break;
        at = (size_t)(mark - content);
        const uint32_t cp = character_before(content, at) % N_DIRECT;
        seams[cp / 8] |= (uint8_t)(1U << (cp % 8));
    }
}

/* None where a merge is of what does not stand in the word as it is spelt (<0xXX>, unk), or where the mark is. */
static bool may_have_seams(const struct bpe_model *model)
{
    if (model->of_bytes || model->ignore_merges || model->character_id[0x2581] == TOKEN_NONE)
        return false;
    for (size_t i = 0; i < model->n_merges; i++)
        for (size_t side = 0; side < 2; side++)
            if (model->merges[i][side] == model->unk_id)
                return false;
    return true;
}

void bpe_model_finish(struct bpe_model *model, const struct vocab *vocab)
{
    if (!may_have_seams(model))
        return;
    uint8_t *seams = mem_calloc(N_DIRECT / 8, 1);
    bool spelt = true;
    for (size_t i = 0; i < model->n_merges && spelt; i++) {
        const struct token *a = &vocab->tokens[model->merges[i][0]], *b = &vocab->tokens[model->merges[i][1]];
        spelt = !(a->content[0] == '<' && bpe_model_is_fallback(model, model->merges[i][0])) &&
                !(b->content[0] == '<' && bpe_model_is_fallback(model, model->merges[i][1]));
        note_marks(seams, a->content, a->content_len);
        note_marks(seams, b->content, b->content_len);
        if (b->content_len >= MARK_LEN && a->content_len > 0 && memcmp(b->content, MARK, MARK_LEN) == 0) {
            const uint32_t cp = character_before(a->content, a->content_len) % N_DIRECT;
            seams[cp / 8] |= (uint8_t)(1U << (cp % 8));
        }
    }
    if (spelt)
        model->seams = seams;
    else
        free(seams);
}

size_t bpe_model_next_seam(const struct bpe_model *model, const char *word, size_t len, size_t from)
{
    if (!model->seams)
        return len;
    for (size_t at = from + 1; at < len; at++) {
        const char *found = memchr(word + at, MARK[0], len - at);
        if (!found)
            return len;
        at = (size_t)(found - word);
        if (len - at < MARK_LEN || memcmp(found, MARK, MARK_LEN) != 0)
            continue;
        const uint32_t cp = character_before(word, at) % N_DIRECT;
        if (!(model->seams[cp / 8] >> (cp % 8) & 1))
            return at;
    }
    return len;
}

/* ---- dividing a word ---- */

/* The symbols that a word begins as. What is not there is told at once in a word of bytes; in one of characters when
 * the next token follows, as Hugging Face's does. */
struct symbols {
    const struct bpe_model *model;
    struct bpe_symbol *out;
    size_t n;
    bool has_unk; /* to be put */
    uint32_t unk_start;
};

static void put_symbol(struct symbols *s, int32_t id, size_t start)
{
    s->out[s->n++] = (struct bpe_symbol){id, (uint32_t)start};
}

static void put_pending_unk(struct symbols *s)
{
    if (s->has_unk)
        put_symbol(s, s->model->unk_id, s->unk_start);
    s->has_unk = false;
}

static void note_unknown(struct symbols *s, size_t start)
{
    if (s->model->unk_id == TOKEN_NONE || (s->has_unk && s->model->fuse_unk))
        return;
    put_pending_unk(s);
    s->has_unk = true;
    s->unk_start = (uint32_t)start;
}

static void byte_symbols(struct symbols *s, const char *word, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const int32_t id = s->model->byte_id[(unsigned char)word[i]];
        if (id == TOKEN_NONE) {
            note_unknown(s, i);
        } else {
            put_pending_unk(s);
            put_symbol(s, id, i);
        }
    }
}

static bool put_fallback(struct symbols *s, const char *word, size_t start, size_t width)
{
    for (size_t i = start; i < start + width; i++)
        if (s->model->byte_id[(unsigned char)word[i]] == TOKEN_NONE)
            return false;
    for (size_t i = start; i < start + width; i++)
        put_symbol(s, s->model->byte_id[(unsigned char)word[i]], i);
    return true;
}

static void character_symbols(struct symbols *s, const struct vocab *vocab, const char *word, size_t len)
{
    const struct bpe_model *model = s->model;
    for (size_t i = 0, width; i < len; i += width) {
        uint32_t cp = 0;
        width = utf8_decode(word + i, len - i, &cp, NULL);
        if (width == 0)
            SFT_BUG("a word that is not UTF-8");
        const int32_t id = cp < N_DIRECT ? model->character_id[cp] : own_token(vocab, word + i, width);
        if (id != TOKEN_NONE) {
            put_pending_unk(s);
            put_symbol(s, id, i);
        } else if (!model->byte_fallback || !put_fallback(s, word, i, width)) {
            note_unknown(s, i);
        }
    }
}

/* The id of a word that is a token of the model as it is, or TOKEN_NONE. */
static int32_t whole_token(const struct bpe_model *model, const struct vocab *vocab, struct strbuf *spelling,
                           const char *word, size_t len)
{
    if (!model->of_bytes)
        return own_token(vocab, word, len);
    strbuf_clear(spelling);
    byte_level_spell(word, len, spelling);
    return own_token(vocab, spelling->data, spelling->len);
}

size_t bpe_model_divide(const struct bpe_model *model, const struct vocab *vocab, struct bpe_scratch *scratch,
                        struct strbuf *spelling, const char *word, size_t len)
{
    struct symbols s = {.model = model, .out = bpe_reserve(scratch, len)};
    const int32_t whole = model->ignore_merges ? whole_token(model, vocab, spelling, word, len) : TOKEN_NONE;
    if (whole != TOKEN_NONE) {
        put_symbol(&s, whole, 0);
        return 1;
    }
    if (model->of_bytes)
        byte_symbols(&s, word, len);
    else
        character_symbols(&s, vocab, word, len);
    put_pending_unk(&s);
    return bpe_merge(&model->bpe, scratch, s.n);
}
