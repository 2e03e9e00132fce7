#include "data/store/text_cut.h"

#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    SEARCH = 1 << 16,    /* bytes in which the better kind of cut is looked for before the other is taken */
    MARGIN = 1 << 11,    /* bytes to either side that are encoded both ways */
    MAX_REFUSALS = 1000, /* one after another: then this tokenizer's texts are not cut */
};

struct text_cutter {
    unsigned char pairs[256][256 / 8]; /* a bit for each pair of bytes that some token holds */
    struct encoder *enc;
    struct strbuf left, both;
    struct token_buf parts, whole;
    size_t n_refused;
};

void text_cut_add_lines(struct strbuf *sb, const char *text, size_t len)
{
    const char *end = text + len;
    while (text < end) {
        const char *cr = memchr(text, '\r', (size_t)(end - text));
        const bool is_line_end = cr && cr + 1 < end && cr[1] == '\n';
        const char *stop = !cr ? end : is_line_end ? cr : cr + 1;
        strbuf_add(sb, text, (size_t)(stop - text));
        text = stop + is_line_end;
    }
}

/* ---- pairs of bytes ---- */

static bool is_within_a_token(const struct text_cutter *cutter, char first, char second)
{
    const unsigned char a = (unsigned char)first, b = (unsigned char)second;
    return cutter->pairs[a][b / 8] >> (b % 8) & 1;
}

struct text_cutter *text_cutter_new(const struct tokenizer *tok)
{
    struct text_cutter *cutter = mem_calloc(1, sizeof *cutter);
    const size_t n_ids = tokenizer_vocab_size(tok);
    for (size_t id = 0; id < n_ids; id++) {
        size_t len;
        const char *bytes = tokenizer_token_bytes(tok, (int32_t)id, &len);
        for (size_t i = 1; i < len; i++) {
            const unsigned char a = (unsigned char)bytes[i - 1], b = (unsigned char)bytes[i];
            cutter->pairs[a][b / 8] |= (unsigned char)(1U << (b % 8));
        }
    }
    cutter->enc = encoder_new(tok);
    return cutter;
}

void text_cutter_free(struct text_cutter *cutter)
{
    if (!cutter)
        return;
    encoder_free(cutter->enc);
    strbuf_free(&cutter->left);
    strbuf_free(&cutter->both);
    token_buf_free(&cutter->parts);
    token_buf_free(&cutter->whole);
    free(cutter);
}

/* ---- candidates ---- */

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A line that is not blank has ended, and the next one begins with no blank. */
static bool is_line_start(const char *text, size_t at)
{
    if (at < 2 || text[at - 1] != '\n' || is_blank(text[at]))
        return false;
    const size_t before = text[at - 2] == '\r' ? 3 : 2;
    return at >= before && !is_blank(text[at - before]);
}

/* A single space between what is no blank. */
static bool is_word_start(const char *text, size_t len, size_t at)
{
    return text[at] == ' ' && !is_blank(text[at - 1]) && at + 1 < len && !is_blank(text[at + 1]);
}

/* ---- trying them ---- */

/* Whether the text around `at` gives the same tokens in one go as in two. */
static bool is_seamless(struct text_cutter *cutter, const char *text, size_t len, size_t at)
{
    const size_t from = at > MARGIN ? at - MARGIN : 0, to = len - at > MARGIN ? at + MARGIN : len;
    strbuf_clear(&cutter->left);
    strbuf_clear(&cutter->both);
    text_cut_add_lines(&cutter->left, text + from, at - from);
    strbuf_add(&cutter->both, cutter->left.data, cutter->left.len);
    text_cut_add_lines(&cutter->both, text + at, to - at);
    const struct strbuf *left = &cutter->left, *both = &cutter->both;
    cutter->parts.count = cutter->whole.count = 0;
    encoder_set_continuation(cutter->enc, from > 0);
    encoder_encode(cutter->enc, both->data, both->len, &cutter->whole);
    encoder_encode(cutter->enc, left->data, left->len, &cutter->parts);
    encoder_set_continuation(cutter->enc, true);
    encoder_encode(cutter->enc, both->data + left->len, both->len - left->len, &cutter->parts);
    return cutter->whole.count == cutter->parts.count &&
           memcmp(cutter->whole.ids, cutter->parts.ids, cutter->whole.count * sizeof *cutter->whole.ids) == 0;
}

static bool is_cut(struct text_cutter *cutter, const char *text, size_t len, size_t at)
{
    if (is_within_a_token(cutter, text[at - 1], text[at]))
        return false;
    if (is_seamless(cutter, text, len, at)) {
        cutter->n_refused = 0;
        return true;
    }
    cutter->n_refused++;
    return false;
}

size_t text_cut(struct text_cutter *cutter, const char *text, size_t len, size_t from)
{
    for (size_t done = from; done < len; done += SEARCH) {
        const size_t end = len - done > SEARCH ? done + SEARCH : len;
        for (size_t at = done; at < end && cutter->n_refused < MAX_REFUSALS; at++)
            if (is_line_start(text, at) && is_cut(cutter, text, len, at))
                return at;
        for (size_t at = done; at < end && cutter->n_refused < MAX_REFUSALS; at++)
            if (is_word_start(text, len, at) && is_cut(cutter, text, len, at))
                return at;
        if (cutter->n_refused >= MAX_REFUSALS)
            break;
    }
    return len;
}
