/* Finding added tokens in text, as Hugging Face's AddedVocabulary does it: first those that are not
 * normalized, then, in what is left between them, the others; each time leftmost-longest, without overlap.
 * There is no normalizer here, so that the flag means nothing else. */
#include "base/strbuf.h"
#include "text/tokenizer_internal.h"

#include <stdlib.h>
#include <string.h>

enum { N_PASSES = 2 };

/* Rust's word characters, by which single_word is decided, are not quite Oniguruma's. */
static const char WORD[] = "(?![\\xb2\\xb3\\xb9\\xbc-\\xbe])\\w|[\\x{200c}\\x{200d}]";

struct added_matcher {
    const struct tokenizer *tok;
    int32_t *ids[N_PASSES];      /* by first byte, then longest first */
    size_t first[N_PASSES][257]; /* where the ids of a first byte begin; [256] is their number */
    struct pattern *word;        /* WORD */
    struct matcher *matcher;
};

/* ---- making ---- */

static int by_first_byte_then_length(const void *a, const void *b, void *tokens)
{
    const struct token *x = (struct token *)tokens + *(const int32_t *)a;
    const struct token *y = (struct token *)tokens + *(const int32_t *)b;
    unsigned char first_x = (unsigned char)x->content[0], first_y = (unsigned char)y->content[0];
    if (first_x != first_y)
        return first_x < first_y ? -1 : 1;
    return (x->content_len < y->content_len) - (x->content_len > y->content_len);
}

static void collect(struct added_matcher *m, int pass)
{
    const struct tokenizer *tok = m->tok;
    size_t count = 0, capacity = 0, done = 0;
    for (size_t id = 0; id < tok->n_ids; id++) {
        const struct token *t = &tok->tokens[id];
        if (t->is_added && t->flags.normalized == (pass == 1)) {
            m->ids[pass] = mem_grow(m->ids[pass], &capacity, count + 1, sizeof *m->ids[pass]);
            m->ids[pass][count++] = (int32_t)id;
        }
    }
    if (count > 0)
        qsort_r(m->ids[pass], count, sizeof *m->ids[pass], by_first_byte_then_length, tok->tokens);
    for (size_t byte = 0; byte <= 256; byte++) {
        while (done < count && (unsigned char)tok->tokens[m->ids[pass][done]].content[0] < byte)
            done++;
        m->first[pass][byte] = done;
    }
}

struct added_matcher *added_matcher_new(const struct tokenizer *tok)
{
    struct added_matcher *m = mem_calloc(1, sizeof *m);
    m->tok = tok;
    for (int pass = 0; pass < N_PASSES; pass++)
        collect(m, pass);
    m->matcher = matcher_new();
    if (pattern_compile(&m->word, WORD, true, NULL))
        SFT_BUG("the pattern of word characters does not compile");
    return m;
}

void added_matcher_free(struct added_matcher *m)
{
    if (!m)
        return;
    for (int pass = 0; pass < N_PASSES; pass++)
        free(m->ids[pass]);
    pattern_free(m->word);
    matcher_free(m->matcher);
    free(m);
}

/* ---- characters ---- */

static bool is_white_space(uint32_t cp)
{
    return (cp >= 0x09 && cp <= 0x0d) || cp == 0x20 || cp == 0x85 || cp == 0xa0 || cp == 0x1680 ||
           (cp >= 0x2000 && cp <= 0x200a) || cp == 0x2028 || cp == 0x2029 || cp == 0x202f || cp == 0x205f ||
           cp == 0x3000;
}

/* Where the character begins that ends before text[end]; end > 0. */
static size_t previous(const char *text, size_t end)
{
    do
        end--;
    while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80);
    return end;
}

static bool is_word_character(const struct added_matcher *m, const char *character, size_t len)
{
    size_t start, end;
    return pattern_find(m->word, m->matcher, character, len, 0, &start, &end);
}

static bool stands_alone(const struct added_matcher *m, const char *text, size_t len, size_t start,
                         size_t end)
{
    size_t before = start > 0 ? previous(text, start) : 0;
    if (start > 0 && is_word_character(m, text + before, start - before))
        return false;
    return end == len || !is_word_character(m, text + end, utf8_decode(text + end, len - end, NULL, NULL));
}

static size_t without_space_before(const char *text, size_t start)
{
    uint32_t cp;
    while (start > 0) {
        size_t before = previous(text, start);
        utf8_decode(text + before, start - before, &cp, NULL);
        if (!is_white_space(cp))
            break;
        start = before;
    }
    return start;
}

static size_t without_space_after(const char *text, size_t len, size_t end)
{
    uint32_t cp;
    while (end < len) {
        size_t width = utf8_decode(text + end, len - end, &cp, NULL);
        if (!is_white_space(cp))
            break;
        end += width;
    }
    return end;
}

/* ---- finding ---- */

/* The longest added token of this pass at text[at], or NULL. */
static const struct token *token_at(const struct added_matcher *m, int pass, const char *text, size_t len,
                                    size_t at, int32_t *id)
{
    unsigned char byte = (unsigned char)text[at];
    for (size_t i = m->first[pass][byte]; i < m->first[pass][byte + 1]; i++) {
        const struct token *t = &m->tok->tokens[m->ids[pass][i]];
        if (t->content_len <= len - at && memcmp(text + at, t->content, t->content_len) == 0) {
            *id = m->ids[pass][i];
            return t;
        }
    }
    return NULL;
}

struct split {
    struct added_matcher *m;
    segment_fn *each;
    void *context;
};

static void split_pass(const struct split *s, int pass, const char *text, size_t len);

static void give_text(const struct split *s, int pass, const char *text, size_t len)
{
    if (pass + 1 < N_PASSES)
        split_pass(s, pass + 1, text, len);
    else
        s->each(s->context, TOKEN_NONE, text, len);
}

/* A token that strips on its right may reach over the beginning of the next one, which counts all the same:
 * so it is in Hugging Face's. */
static void split_pass(const struct split *s, int pass, const char *text, size_t len)
{
    size_t done = 0;
    int32_t id = TOKEN_NONE;
    for (size_t at = 0; at < len;) {
        const struct token *t = token_at(s->m, pass, text, len, at, &id);
        if (!t) {
            at++;
            continue;
        }
        size_t start = at, end = at + t->content_len;
        at = end;
        if (t->flags.single_word && !stands_alone(s->m, text, len, start, end))
            continue;
        if (t->flags.lstrip) {
            start = without_space_before(text, start);
            start = start > done ? start : done;
        }
        if (t->flags.rstrip)
            end = without_space_after(text, len, end);
        if (done < start)
            give_text(s, pass, text + done, start - done);
        s->each(s->context, id, text + start, end - start);
        done = end;
    }
    if (done < len)
        give_text(s, pass, text + done, len - done);
}

void added_matcher_split(struct added_matcher *m, const char *text, size_t len, segment_fn *each,
                         void *context)
{
    split_pass(&(struct split){m, each, context}, 0, text, len);
}
