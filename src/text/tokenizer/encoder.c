/* Text is made well-formed, cut at added tokens, normalized, cut at those that are normalized, too, split into words,
 * and each word divided by the model, or looked up among those that were divided before. */
#include "text/tokenizer/encoder.h"

#include "text/tokenizer/added_tokens.h"
#include "text/tokenizer/tokenizer_parts.h"
#include "text/tokenizer/well_formed.h"
#include "text/tokenizer/word_cache.h"

#include <stdlib.h>
#include <string.h>

struct encoder {
    const struct tokenizer *tok;
    struct pretokenizer_run run;
    struct bpe_scratch scratch;
    struct word_cache cache;
    struct added_matcher *added;
    bool has_all_bytes;     /* then the bytes of a word's tokens are the word's */
    bool is_continuation;   /* see encoder_set_continuation */
    struct strbuf spelling; /* scratch */

    struct text_map repaired;              /* the text, where it was not well-formed */
    struct normalizer_scratch normalizing; /* and a piece of it, normalized */

    /* Of the call in progress: */
    struct token_buf *out;
    bool special_is_text;
    size_t **starts, *starts_capacity; /* NULL: not asked for */
    const char *text;                  /* well-formed */
    size_t segment;                    /* where in it the segment begins that is being encoded, */
    const char *normalized;            /* what the normalizer made of that, */
    const size_t *origins;             /* and where in it the bytes come from; NULL: they are its own */
    size_t piece;                      /* and where in what was normalized the piece begins that is being encoded */
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
    return bpe_model_divide(&enc->tok->model, &enc->tok->vocab, &enc->scratch, &enc->spelling, word, len);
}

/* A word, or a part of one between seams. */
static void encode_part(struct encoder *enc, const char *word, size_t len)
{
    size_t n;
    const int32_t *known = word_cache_find(&enc->cache, word, len, &n);
    if (known) {
        memcpy(token_buf_extend(enc->out, n), known, n * sizeof *known);
        return;
    }
    n = divide(enc, word, len);
    int32_t *ids = token_buf_extend(enc->out, n);
    for (size_t i = 0; i < n; i++)
        ids[i] = enc->scratch.symbols[i].id;
    word_cache_put(&enc->cache, word, len, ids, n);
}

/* Where byte `at` of the text that words are cut from comes from in the text that was given, once that is
 * well-formed. */
static size_t origin_of(const struct encoder *enc, size_t at)
{
    if (enc->run.origins)
        at = enc->run.origins[at];
    at += enc->piece;
    return enc->segment + (enc->origins ? enc->origins[at] : at);
}

/* The bytes of a word that a token of it takes. */
static size_t length_of(const struct encoder *enc, int32_t id)
{
    const struct token *t = &enc->tok->vocab.tokens[id];
    if (enc->tok->model.of_bytes)
        return t->bytes_len;
    return t->content_len == 6 && bpe_model_is_fallback(&enc->tok->model, id) ? 1 : t->content_len;
}

/* The same with offsets. They follow from the tokens' lengths, unless bytes may be missing. */
static void encode_part_offsets(struct encoder *enc, const struct word *word, size_t from, size_t len)
{
    const size_t before = enc->out->count;
    if (enc->has_all_bytes) {
        encode_part(enc, word->text + from, len);
    } else {
        const size_t n = divide(enc, word->text + from, len);
        for (size_t i = 0; i < n; i++)
            token_buf_push(enc->out, enc->scratch.symbols[i].id);
    }
    const size_t count = enc->out->count;
    *enc->starts = mem_grow(*enc->starts, enc->starts_capacity, count, sizeof **enc->starts);
    for (size_t i = before, at = from; i < count; i++) {
        if (!enc->has_all_bytes)
            at = from + enc->scratch.symbols[i - before].start;
        const size_t start = origin_of(enc, word->start + at - (word->has_prefix && at > 0));
        const size_t last = i > before ? (*enc->starts)[i - 1] : 0; /* an unk may come behind what follows it */
        (*enc->starts)[i] = start > last ? start : last;
        at += length_of(enc, enc->out->ids[i]);
    }
}

static void encode_word(void *context, const struct word *word)
{
    struct encoder *enc = context;
    for (size_t from = 0, to; from < word->len; from = to) {
        to = bpe_model_next_seam(&enc->tok->model, word->text, word->len, from);
        if (enc->starts)
            encode_part_offsets(enc, word, from, to - from);
        else
            encode_part(enc, word->text + from, to - from);
    }
}

/* ---- texts ---- */

struct encoder *encoder_new(const struct tokenizer *tok)
{
    struct encoder *enc = mem_calloc(1, sizeof *enc);
    enc->tok = tok;
    enc->run = (struct pretokenizer_run){
        .pre = &tok->pre, .matcher = matcher_new(), .each = encode_word, .context = enc};
    enc->has_all_bytes = bpe_model_has_all_bytes(&tok->model);
    enc->added = added_matcher_new(&tok->vocab, &tok->normalizer);
    word_cache_init(&enc->cache);
    return enc;
}

void encoder_free(struct encoder *enc)
{
    if (!enc)
        return;
    matcher_free(enc->run.matcher);
    pretokenizer_run_free(&enc->run);
    bpe_scratch_free(&enc->scratch);
    word_cache_free(&enc->cache);
    added_matcher_free(enc->added);
    strbuf_free(&enc->spelling);
    text_map_free(&enc->repaired);
    normalizer_scratch_free(&enc->normalizing);
    free(enc);
}

void encoder_set_continuation(struct encoder *enc, bool is_continuation)
{
    enc->is_continuation = is_continuation;
}

static void put_added(struct encoder *enc, int32_t id, size_t start)
{
    token_buf_push(enc->out, id);
    if (!enc->starts)
        return;
    *enc->starts = mem_grow(*enc->starts, enc->starts_capacity, enc->out->count, sizeof **enc->starts);
    (*enc->starts)[enc->out->count - 1] = start;
}

/* Normalized text that holds no added token, or one. */
static void encode_piece(void *context, int32_t id, const char *text, size_t len)
{
    struct encoder *enc = context;
    enc->piece = (size_t)(text - enc->normalized);
    enc->run.origins = NULL;
    if (id == TOKEN_NONE)
        pretokenize(&enc->run, text, len, !enc->is_continuation && origin_of(enc, 0) == 0);
    else
        put_added(enc, id, origin_of(enc, 0));
}

static bool may_find(const struct encoder *enc, int pass)
{
    return added_matcher_has(enc->added, pass, false) ||
           (!enc->special_is_text && added_matcher_has(enc->added, pass, true));
}

static void encode_segment(void *context, int32_t id, const char *text, size_t len)
{
    struct encoder *enc = context;
    enc->segment = (size_t)(text - enc->text);
    if (id != TOKEN_NONE) {
        put_added(enc, id, enc->segment);
        return;
    }
    enc->origins = NULL;
    enc->normalized = normalize(&enc->tok->normalizer, enc->run.matcher, &enc->normalizing, text, &len,
                                enc->starts ? &enc->origins : NULL);
    if (may_find(enc, ADDED_NORMALIZED))
        added_matcher_split(enc->added, ADDED_NORMALIZED, enc->normalized, len, enc->special_is_text, encode_piece,
                            enc);
    else
        encode_piece(enc, TOKEN_NONE, enc->normalized, len);
}

static void encode(struct encoder *enc, const char *text, size_t len, struct token_buf *out, bool special_is_text)
{
    enc->text = text;
    enc->out = out;
    enc->special_is_text = special_is_text;
    if (may_find(enc, ADDED_AS_THEY_ARE))
        added_matcher_split(enc->added, ADDED_AS_THEY_ARE, text, len, special_is_text, encode_segment, enc);
    else
        encode_segment(enc, TOKEN_NONE, text, len);
}

static void encode_ids(struct encoder *enc, const char *text, size_t len, struct token_buf *out, bool special_is_text)
{
    text = well_formed(&enc->repaired, false, text, &len);
    enc->starts = NULL;
    enc->run.wants_origins = false;
    encode(enc, text, len, out, special_is_text);
}

void encoder_encode(struct encoder *enc, const char *text, size_t len, struct token_buf *out)
{
    encode_ids(enc, text, len, out, true);
}

void encoder_encode_special(struct encoder *enc, const char *text, size_t len, struct token_buf *out)
{
    encode_ids(enc, text, len, out, false);
}

void encoder_encode_offsets(struct encoder *enc, const char *text, size_t len, struct token_buf *out,
                            size_t **starts, size_t *starts_capacity)
{
    const size_t before = out->count;
    const char *usable = well_formed(&enc->repaired, true, text, &len);
    enc->starts = starts;
    enc->starts_capacity = starts_capacity;
    enc->run.wants_origins = true;
    encode(enc, usable, len, out, true);
    for (size_t i = before; usable != text && i < out->count; i++)
        (*starts)[i] = enc->repaired.origins[(*starts)[i]];
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
