#include "text/tokenizer/added_tokens.h"

#include "base/strbuf.h"
#include "text/tokenizer/pattern.h"

#include <stdlib.h>
#include <string.h>

/* Rust's word characters, by which single_word is decided, are not quite Oniguruma's. */
static const char WORD[] = "(?![\\xb2\\xb3\\xb9\\xbc-\\xbe])\\w|[\\x{200c}\\x{200d}]";

/* The tokens of one pass by their bytes: edges (node, byte) -> node in open addressing, at most half full;
 * node 0 is the root, which no edge leads to. */
struct trie {
    struct trie_edge {
        uint64_t key; /* node << 8 | byte */
        uint32_t to;  /* 0: empty */
    } * edges;
    size_t mask;
    int32_t *ids; /* (n_nodes) the token that ends at a node, or TOKEN_NONE */
    size_t n_nodes;
    bool can_start[256], has_special, has_plain;
};

struct added_matcher {
    const struct vocab *vocab;
    struct trie passes[N_ADDED_PASSES];
    struct pattern *word; /* WORD */
    struct matcher *matcher;
};

/* ---- making ---- */

static struct trie_edge *trie_edge(const struct trie *t, uint32_t node, unsigned char byte)
{
    const uint64_t key = (uint64_t)node << 8 | byte, hash = key * UINT64_C(0x9e3779b97f4a7c15);
    size_t i = (size_t)(hash ^ hash >> 32) & t->mask;
    while (t->edges[i].to && t->edges[i].key != key)
        i = (i + 1) & t->mask;
    return &t->edges[i];
}

static void trie_add(struct trie *t, const char *content, size_t len, int32_t id)
{
    uint32_t node = 0;
    for (size_t i = 0; i < len; i++) {
        const unsigned char byte = (unsigned char)content[i];
        struct trie_edge *edge = trie_edge(t, node, byte);
        if (!edge->to) {
            t->ids[t->n_nodes] = TOKEN_NONE;
            *edge = (struct trie_edge){(uint64_t)node << 8 | byte, (uint32_t)t->n_nodes++};
        }
        node = edge->to;
    }
    t->ids[node] = id;
    t->can_start[(unsigned char)content[0]] = true;
}

static bool is_of_pass(const struct token *t, int pass)
{
    return t->is_added && t->content_len > 0 && t->flags.normalized == (pass == ADDED_NORMALIZED);
}

/* What of a pass's tokens is looked for: the contents, or what the normalizer makes of them. */
struct sought {
    struct strbuf bytes;
    size_t *ends; /* (n_ids) in bytes */
};

static void find_sought(struct sought *sought, const struct added_matcher *m, int pass,
                        const struct normalizer *normalizer)
{
    struct normalizer_scratch scratch = {0};
    const struct vocab *vocab = m->vocab;
    sought->ends = mem_alloc((vocab->n_ids + 1) * sizeof *sought->ends);
    for (size_t id = 0; id < vocab->n_ids; id++) {
        const struct token *t = &vocab->tokens[id];
        if (is_of_pass(t, pass)) {
            size_t len = t->content_len;
            const char *content = pass == ADDED_NORMALIZED
                                      ? normalize(normalizer, m->matcher, &scratch, t->content, &len, NULL)
                                      : t->content;
            strbuf_add(&sought->bytes, content, len);
        }
        sought->ends[id] = sought->bytes.len;
    }
    normalizer_scratch_free(&scratch);
}

static void trie_init(struct trie *t, const struct added_matcher *m, int pass, const struct normalizer *normalizer)
{
    struct sought sought = {0};
    find_sought(&sought, m, pass, normalizer);
    size_t n_slots = 2;
    while (n_slots < 2 * (sought.bytes.len + 1))
        n_slots *= 2;
    t->edges = mem_calloc(n_slots, sizeof *t->edges);
    t->mask = n_slots - 1;
    t->ids = mem_alloc((sought.bytes.len + 1) * sizeof *t->ids);
    t->ids[0] = TOKEN_NONE;
    t->n_nodes = 1;
    for (size_t id = 0, at = 0; id < m->vocab->n_ids; at = sought.ends[id++]) {
        if (sought.ends[id] == at)
            continue;
        trie_add(t, sought.bytes.data + at, sought.ends[id] - at, (int32_t)id);
        t->has_special |= m->vocab->tokens[id].flags.special;
        t->has_plain |= !m->vocab->tokens[id].flags.special;
    }
    strbuf_free(&sought.bytes);
    free(sought.ends);
}

struct added_matcher *added_matcher_new(const struct vocab *vocab, const struct normalizer *normalizer)
{
    struct added_matcher *m = mem_calloc(1, sizeof *m);
    m->vocab = vocab;
    m->matcher = matcher_new();
    for (int pass = 0; pass < N_ADDED_PASSES; pass++)
        trie_init(&m->passes[pass], m, pass, normalizer);
    if (pattern_compile(&m->word, WORD, true, NULL))
        SFT_BUG("the pattern of word characters does not compile");
    return m;
}

void added_matcher_free(struct added_matcher *m)
{
    if (!m)
        return;
    for (int pass = 0; pass < N_ADDED_PASSES; pass++) {
        free(m->passes[pass].edges);
        free(m->passes[pass].ids);
    }
    pattern_free(m->word);
    matcher_free(m->matcher);
    free(m);
}

bool added_matcher_has(const struct added_matcher *m, int pass, bool special)
{
    return special ? m->passes[pass].has_special : m->passes[pass].has_plain;
}

/* ---- characters ---- */

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
        if (utf8_decode(text + before, start - before, &cp, NULL) == 0 || !utf8_is_white_space(cp))
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
        if (width == 0 || !utf8_is_white_space(cp))
            break;
        end += width;
    }
    return end;
}

/* ---- finding ---- */

/* The longest added token of this pass at text[at], and where it ends; or TOKEN_NONE. */
static int32_t token_at(const struct trie *t, const char *text, size_t len, size_t at, size_t *end)
{
    int32_t longest = TOKEN_NONE;
    uint32_t node = 0;
    for (; at < len && (node = trie_edge(t, node, (unsigned char)text[at])->to); at++)
        if (t->ids[node] != TOKEN_NONE) {
            longest = t->ids[node];
            *end = at + 1;
        }
    return longest;
}

/* A token that strips on its right may reach over the beginning of the next one, which counts all the same,
 * unless nothing is left of it: so it is in Hugging Face's. One that is passed over, as it does not stand
 * alone or is special, hides what begins inside it from this pass. */
void added_matcher_split(struct added_matcher *m, int pass, const char *text, size_t len, bool special_is_text,
                         added_segment_fn *each, void *context)
{
    const struct trie *trie = &m->passes[pass];
    size_t done = 0;
    for (size_t at = 0; at < len;) {
        size_t start = at, end = at;
        const int32_t id = trie->can_start[(unsigned char)text[at]] ? token_at(trie, text, len, at, &end) : TOKEN_NONE;
        if (id == TOKEN_NONE) {
            at++;
            continue;
        }
        const struct token *t = &m->vocab->tokens[id];
        at = end;
        if ((special_is_text && t->flags.special) || (t->flags.single_word && !stands_alone(m, text, len, start, end)))
            continue;
        if (t->flags.lstrip) {
            start = without_space_before(text, start);
            start = start > done ? start : done;
        }
        if (t->flags.rstrip)
            end = without_space_after(text, len, end);
        if (start >= end)
            continue;
        if (done < start)
            each(context, TOKEN_NONE, text + done, start - done);
        each(context, id, text + start, end - start);
        done = end;
    }
    if (done < len)
        each(context, TOKEN_NONE, text + done, len - done);
}

void added_token_strip(const struct vocab *vocab, int32_t before, int32_t after, const char *text,
                       size_t *begin, size_t *end)
{
    const size_t len = *end - *begin;
    if (len == 0)
        return;
    if (before != TOKEN_NONE && vocab->tokens[before].flags.rstrip)
        *begin += without_space_after(text + *begin, len, 0);
    if (after != TOKEN_NONE && vocab->tokens[after].flags.lstrip)
        *end = *begin + without_space_before(text + *begin, *end - *begin);
}
