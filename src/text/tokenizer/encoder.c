/* Text is made well-formed, split into words, and each word divided by the model, or looked up among
 * those that were divided before. */
#include "text/tokenizer/encoder.h"

#include "text/tokenizer/added_tokens.h"
#include "text/tokenizer/tokenizer_parts.h"
#include "text/tokenizer/word_cache.h"

#include <stdlib.h>
#include <string.h>

struct encoder {
    const struct tokenizer *tok;
    struct pretokenizer_run run;
    struct bpe_scratch scratch;
    struct word_cache cache;
    struct added_matcher *added; /* made when first needed */
    bool has_plain_added;        /* added tokens that are not special: text's own */
    bool has_all_bytes;          /* then the bytes of a word's tokens are the word's */
    struct strbuf spelling;      /* scratch */

    struct strbuf repaired; /* the text, where it was not well-formed, */
    size_t *origin;         /* and where each of its bytes comes from */
    size_t origin_capacity;

    struct token_buf *out; /* of the call in progress */
    size_t **starts, *starts_capacity;
    const char *text; /* well-formed */
    size_t segment;   /* where in it the segment begins that is being encoded */
};

/* ---- token buffers ---- */

static int32_t *token_buf_extend(struct token_buf *buf, size_t n)
{
    if (buf->capacity - buf->count < n || !buf->ids) /* never NULL, as n may be 0 */
        buf->ids = mem_grow(buf->ids, &buf->capacity, buf->count + n + 1, sizeof *buf->ids);
    buf->count += n;
    return buf->ids + buf->count - n;
}

void token_buf_push(struct token_buf *buf, int32_t id)
{
    *token_buf_extend(buf, 1) = id;
}

void token_buf_free(struct token_buf *buf)
{
    free(buf->ids);
    *buf = (struct token_buf){0};
}

/* ---- words ---- */

/* The tokens of a word, in enc->scratch.symbols; returns their number. */
static size_t divide(struct encoder *enc, const char *word, size_t len)
{
    return byte_level_bpe_divide(&enc->tok->model, &enc->tok->vocab, &enc->scratch, &enc->spelling, word, len);
}

static void encode_word(void *context, const struct word *word)
{
    struct encoder *enc = context;
    size_t n;
    const int32_t *known = word_cache_find(&enc->cache, word->text, word->len, &n);
    if (known) {
        memcpy(token_buf_extend(enc->out, n), known, n * sizeof *known);
        return;
    }
    n = divide(enc, word->text, word->len);
    int32_t *ids = token_buf_extend(enc->out, n);
    for (size_t i = 0; i < n; i++)
        ids[i] = enc->scratch.symbols[i].id;
    word_cache_put(&enc->cache, word->text, word->len, ids, n);
}

/* The same with offsets. They follow from the tokens' lengths, unless bytes may be missing. */
static void encode_word_offsets(void *context, const struct word *word)
{
    struct encoder *enc = context;
    size_t before = enc->out->count;
    if (enc->has_all_bytes) {
        encode_word(context, word);
    } else {
        size_t n = divide(enc, word->text, word->len);
        for (size_t i = 0; i < n; i++)
            token_buf_push(enc->out, enc->scratch.symbols[i].id);
    }
    size_t count = enc->out->count, at = 0;
    *enc->starts = mem_grow(*enc->starts, enc->starts_capacity, count, sizeof **enc->starts);
    for (size_t i = before; i < count; i++) {
        if (!enc->has_all_bytes)
            at = enc->scratch.symbols[i - before].start;
        (*enc->starts)[i] = enc->segment + word->start + at - (word->has_prefix && at > 0);
        at += enc->tok->vocab.tokens[enc->out->ids[i]].bytes_len;
    }
}

/* ---- well-formed text ---- */

static bool is_well_formed(const char *text, size_t len)
{
    size_t i = 0;
    while (i < len) {
        uint64_t eight;
        if (len - i >= sizeof eight) {
            memcpy(&eight, text + i, sizeof eight);
            if (!(eight & UINT64_C(0x8080808080808080))) {
                i += sizeof eight;
                continue;
            }
        }
        size_t width = utf8_decode(text + i, len - i, NULL, NULL);
        if (width == 0)
            return false;
        i += width;
    }
    return true;
}

/* Each byte of the repaired text in enc->origin: its own offset, or that of the part it stands for. */
static void note_origins(struct encoder *enc, const char *text, size_t len)
{
    enum { REPLACEMENT_LEN = 3 };
    size_t n = 0, bad;
    enc->origin = mem_grow(enc->origin, &enc->origin_capacity, enc->repaired.len, sizeof *enc->origin);
    for (size_t i = 0; i < len;) {
        size_t width = utf8_decode(text + i, len - i, NULL, &bad);
        for (size_t k = 0; k < (width ? width : REPLACEMENT_LEN); k++)
            enc->origin[n++] = width ? i + k : i;
        i += width ? width : bad;
    }
}

/* The text itself, or the repaired one; *len becomes its length. */
static const char *well_formed(struct encoder *enc, const char *text, size_t *len)
{
    if (is_well_formed(text, *len))
        return text;
    strbuf_clear(&enc->repaired);
    strbuf_add_utf8_lossy(&enc->repaired, text, *len);
    *len = enc->repaired.len;
    return enc->repaired.data;
}

/* ---- encoding ---- */

static bool has_plain_added(const struct tokenizer *tok)
{
    for (size_t id = 0; id < tok->vocab.n_ids; id++)
        if (tok->vocab.tokens[id].is_added && !tok->vocab.tokens[id].flags.special)
            return true;
    return false;
}

struct encoder *encoder_new(const struct tokenizer *tok)
{
    struct encoder *enc = mem_calloc(1, sizeof *enc);
    enc->tok = tok;
    enc->run = (struct pretokenizer_run){.pre = &tok->pre, .matcher = matcher_new(), .context = enc};
    enc->has_all_bytes = byte_level_bpe_has_all_bytes(&tok->model);
    enc->has_plain_added = has_plain_added(tok);
    word_cache_init(&enc->cache);
    return enc;
}

void encoder_free(struct encoder *enc)
{
    if (!enc)
        return;
    matcher_free(enc->run.matcher);
    strbuf_free(&enc->run.prefixed);
    bpe_scratch_free(&enc->scratch);
    word_cache_free(&enc->cache);
    added_matcher_free(enc->added);
    strbuf_free(&enc->spelling);
    strbuf_free(&enc->repaired);
    free(enc->origin);
    free(enc);
}

static void encode_segment(void *context, int32_t id, const char *text, size_t len)
{
    struct encoder *enc = context;
    enc->segment = (size_t)(text - enc->text);
    if (id == TOKEN_NONE) {
        pretokenize(&enc->run, text, len);
        return;
    }
    token_buf_push(enc->out, id);
    if (enc->starts) {
        *enc->starts = mem_grow(*enc->starts, enc->starts_capacity, enc->out->count, sizeof **enc->starts);
        (*enc->starts)[enc->out->count - 1] = enc->segment;
    }
}

/* Of well-formed text. */
static void encode_text(struct encoder *enc, const char *text, size_t len, bool special_is_text)
{
    enc->text = text;
    if (special_is_text && !enc->has_plain_added) {
        encode_segment(enc, TOKEN_NONE, text, len);
        return;
    }
    if (!enc->added)
        enc->added = added_matcher_new(&enc->tok->vocab);
    added_matcher_split(enc->added, text, len, special_is_text, encode_segment, enc);
}

static void encode(struct encoder *enc, const char *text, size_t len, struct token_buf *out,
                   bool special_is_text)
{
    text = well_formed(enc, text, &len);
    enc->out = out;
    enc->starts = NULL;
    enc->run.each = encode_word;
    encode_text(enc, text, len, special_is_text);
}

void encoder_encode(struct encoder *enc, const char *text, size_t len, struct token_buf *out)
{
    encode(enc, text, len, out, true);
}

void encoder_encode_special(struct encoder *enc, const char *text, size_t len, struct token_buf *out)
{
    encode(enc, text, len, out, false);
}

void encoder_encode_offsets(struct encoder *enc, const char *text, size_t len, struct token_buf *out,
                            size_t **starts, size_t *starts_capacity)
{
    size_t before = out->count, n = len;
    const char *usable = well_formed(enc, text, &n);
    enc->out = out;
    enc->starts = starts;
    enc->starts_capacity = starts_capacity;
    enc->run.each = encode_word_offsets;
    encode_text(enc, usable, n, true);
    if (usable != text) {
        note_origins(enc, text, len);
        for (size_t i = before; i < out->count; i++)
            (*starts)[i] = enc->origin[(*starts)[i]];
    }
}

void encoder_strip(const struct encoder *enc, int32_t before, int32_t after, const char *text, size_t *begin,
                   size_t *end)
{
    added_token_strip(&enc->tok->vocab, before, after, text, begin, end);
}

enum sft_status encoder_check(struct encoder *enc, struct sft_err *err)
{
    if (!matcher_gave_up(enc->run.matcher))
        return SFT_OK;
    return sft_fail(
        err, SFT_EDATA,
        "a pattern of tokenizer.json's pre_tokenizer needs more than %d steps, or too much memory, to "
        "cut this text into words",
        PATTERN_MAX_STEPS);
}
