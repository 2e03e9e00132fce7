#include "judge/sentences.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct splitter {
    const char *text;
    size_t len, at;
    struct sentences *out;
    size_t words_capacity, items_capacity, written; /* bytes of out->text */
    size_t first;      /* word of the sentence that is being read */
    bool line_is_item; /* its line began with a number or a bullet */
    bool in_code, in_quotes;
    bool has_code; /* in a fence that names its language ("```python"), or that is no prose */
    bool at_line_start;
};

static bool is_letter(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* ---- characters that are written in more than one way ---- */

struct spelling {
    const char *theirs;
    char ours;
};

static const struct spelling spellings[] = {
    {"\xE2\x80\x98", '\''}, {"\xE2\x80\x99", '\''}, {"\xCA\xBC", '\''},    {"\xE2\x80\x9C", '"'}, {"\xE2\x80\x9D", '"'},
    {"\xC2\xAB", '"'},      {"\xC2\xBB", '"'},      {"\xC2\xA0", ' '},     {"\xE2\x80\xAF", ' '}, {"\xE2\x80\x93", '-'},
    {"\xE2\x80\x94", '-'},  {"\xE2\x80\xA2", '*'},  {"\xE2\x80\xA6", '.'},
};

/* The character at `at` in plain spelling, its bytes in *n. */
static char plain_at(const struct splitter *s, size_t at, size_t *n)
{
    *n = 1;
    if ((unsigned char)s->text[at] < 0x80)
        return s->text[at];
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        const size_t len = strlen(spellings[i].theirs);
        if (len <= s->len - at && memcmp(s->text + at, spellings[i].theirs, len) == 0) {
            *n = len;
            return spellings[i].ours;
        }
    }
    return s->text[at];
}

/* ---- words ---- */

static void add_word(struct splitter *s, const char *text, size_t len)
{
    struct sentences *out = s->out;
    if (len == 0)
        return;
    out->words = mem_grow(out->words, &s->words_capacity, out->n_words + 1, sizeof *out->words);
    char *copy = memcpy(out->text + s->written, text, len);
    s->written += len;
    out->words[out->n_words++] = (struct word){.text = copy, .len = len, .is_quoted = s->in_quotes};
}

struct short_form {
    const char *whole, *first, *second;
};

static const struct short_form short_words[] = {
    {"cannot", "can", "not"}, {"can't", "can", "not"},    {"cant", "can", "not"},     {"won't", "will", "not"},
    {"shan't", "shall", "not"}, {"dont", "do", "not"},    {"doesnt", "does", "not"},  {"isnt", "is", "not"},
    {"im", "i", "am"},        {"it's", "it", "is"},       {"that's", "that", "is"},   {"there's", "there", "is"},
    {"here's", "here", "is"}, {"what's", "what", "is"},   {"who's", "who", "is"},     {"how's", "how", "is"},
    {"let's", "let", "us"},   {"where's", "where", "is"},
};

static const struct short_form short_endings[] = {
    {"n't", "not", NULL}, {"'m", "am", NULL}, {"'re", "are", NULL}, {"'ve", "have", NULL},
    {"'ll", "will", NULL}, {"'d", "would", NULL}, {"'s", "", NULL},
};

static bool is_word(const char *text, size_t len, const char *word)
{
    return strlen(word) == len && memcmp(text, word, len) == 0;
}

static void add_written_out(struct splitter *s, const char *text, size_t len)
{
    for (size_t i = 0; i < sizeof short_words / sizeof *short_words; i++) {
        const struct short_form *form = &short_words[i];
        if (is_word(text, len, form->whole)) {
            add_word(s, form->first, strlen(form->first));
            add_word(s, form->second, strlen(form->second));
            return;
        }
    }
    for (size_t i = 0; i < sizeof short_endings / sizeof *short_endings; i++) {
        const struct short_form *form = &short_endings[i];
        const size_t n = strlen(form->whole);
        if (len > n && memcmp(text + len - n, form->whole, n) == 0) {
            add_word(s, text, len - n);
            add_word(s, form->first, strlen(form->first));
            return;
        }
    }
    add_word(s, text, len);
}

/* A word that begins at s->at; what is longer than any word of a language is cut. */
static void read_word(struct splitter *s)
{
    char word[64] = {0};
    size_t len = 0, n;
    for (; s->at < s->len; s->at += n) {
        const char c = plain_at(s, s->at, &n);
        const bool goes_on = is_letter((unsigned char)c) || c == '\'';
        if (!goes_on)
            break;
        for (size_t i = 0; i < n && len < sizeof word; i++) {
            const char kept = n > 1 ? c : s->text[s->at + i];
            word[len++] = kept >= 'A' && kept <= 'Z' ? (char)(kept - 'A' + 'a') : kept;
            if (n > 1)
                break;
        }
    }
    while (len && word[len - 1] == '\'')
        len--;
    size_t first = 0;
    while (first < len && word[first] == '\'')
        first++;
    add_written_out(s, word + first, len - first);
}

/* ---- sentences ---- */

static void end_sentence(struct splitter *s, char mark)
{
    struct sentences *out = s->out;
    if (out->n_words == s->first)
        return;
    s->has_code |= s->in_code && !(mark && strchr(".!?", mark));
    out->items = mem_grow(out->items, &s->items_capacity, out->count + 1, sizeof *out->items);
    out->items[out->count++] = (struct sentence){.words = NULL,
                                                 .n_words = out->n_words - s->first,
                                                 .is_item = s->line_is_item,
                                                 .is_code = s->in_code,
                                                 .asks = mark == '?',
                                                 .heads = mark == ':'};
    s->first = out->n_words;
}

static void end_line(struct splitter *s, char mark)
{
    end_sentence(s, mark);
    s->line_is_item = s->in_quotes = false;
    s->at_line_start = true;
}

/* "1." or "2)" or "-" or "*" at the beginning of a line, passed over. */
static bool pass_bullet(struct splitter *s)
{
    size_t n = 0, left = s->len - s->at;
    const char *p = s->text + s->at;
    size_t bytes;
    while (n < left && n < 3 && p[n] >= '0' && p[n] <= '9')
        n++;
    if (n > 0 && n < left && (p[n] == '.' || p[n] == ')') && (n + 1 == left || is_blank(p[n + 1]))) {
        s->at += n + 1;
        return true;
    }
    const char c = left ? plain_at(s, s->at, &bytes) : 0;
    if ((c == '-' || c == '*' || c == '+') && (bytes == left || is_blank(p[bytes]))) {
        s->at += bytes;
        return true;
    }
    return false;
}

static void begin_line(struct splitter *s)
{
    while (s->at < s->len && is_blank(s->text[s->at]))
        s->at++;
    s->at_line_start = false;
    if (s->len - s->at >= 3 && memcmp(s->text + s->at, "```", 3) == 0) {
        s->in_code = !s->in_code;
        s->has_code |= s->in_code && s->at + 3 < s->len && is_letter((unsigned char)s->text[s->at + 3]);
        const char *end = memchr(s->text + s->at, '\n', s->len - s->at);
        s->at = end ? (size_t)(end - s->text) : s->len;
        return;
    }
    s->line_is_item = pass_bullet(s);
}

static bool ends_line(const struct splitter *s, size_t at)
{
    return at >= s->len || s->text[at] == '\n';
}

/* A point ends a sentence where a blank follows, or the text ends, perhaps behind closing marks. */
static bool is_end(const struct splitter *s, size_t at)
{
    size_t n;
    while (at < s->len && (strchr("\"')*_]", plain_at(s, at, &n)) && s->text[at]))
        at += n;
    return ends_line(s, at) || is_blank(s->text[at]);
}

/* Not an inch mark (6"), and not one without a partner in its line: neither quotes what is behind it. */
static bool opens_quote(const struct splitter *s, size_t mark)
{
    if (mark > 0 && s->text[mark - 1] >= '0' && s->text[mark - 1] <= '9')
        return false;
    size_t n;
    plain_at(s, mark, &n);
    for (size_t at = mark + n; !ends_line(s, at); at += n)
        if (plain_at(s, at, &n) == '"')
            return true;
    return false;
}

static void read_mark(struct splitter *s)
{
    size_t n;
    const char c = plain_at(s, s->at, &n);
    s->at += n;
    if (c == '-' && s->out->n_words > s->first && s->at < s->len && is_letter((unsigned char)s->text[s->at]))
        s->out->words[s->out->n_words - 1].is_joined = true;
    if (c == '"')
        s->in_quotes = !s->in_quotes && opens_quote(s, s->at - n);
    else if (c == '\n')
        end_line(s, c);
    else if ((strchr(".!?", c) && is_end(s, s->at)) || (c == ':' && ends_line(s, s->at)))
        end_sentence(s, c);
}

/* Quotation marks around the whole quote nobody. */
static void take_off_quotes(const char **text, size_t *len)
{
    while (*len && (is_blank(**text) || **text == '\n'))
        ++*text, --*len;
    while (*len && (is_blank((*text)[*len - 1]) || (*text)[*len - 1] == '\n'))
        --*len;
    if (*len >= 2 && **text == '"' && (*text)[*len - 1] == '"' && !memchr(*text + 1, '"', *len - 2))
        ++*text, *len -= 2;
}

/* A fence around the whole says no more than quotation marks, if what is in it is sentences. */
static void take_off_fence(struct sentences *out)
{
    for (size_t i = 0; i < out->count; i++)
        if (!out->items[i].is_code)
            return;
    for (size_t i = 0; i < out->count; i++)
        out->items[i].is_code = false;
}

void sentences_split(struct sentences *out, const char *text, size_t len)
{
    take_off_quotes(&text, &len);
    struct splitter s = {.text = text, .len = len, .out = out, .at_line_start = true};
    *out = (struct sentences){.text = mem_alloc(2 * len + 1)}; /* x'd becomes "x would": no form grows more */
    while (s.at < s.len) {
        size_t n;
        if (s.at_line_start)
            begin_line(&s);
        if (s.at >= s.len)
            break;
        const char c = plain_at(&s, s.at, &n);
        if (is_letter((unsigned char)c))
            read_word(&s);
        else
            read_mark(&s);
    }
    end_sentence(&s, 0);
    if (!s.has_code)
        take_off_fence(out);
    for (size_t i = 0, first = 0; i < out->count; first += out->items[i++].n_words)
        out->items[i].words = out->words + first;
}

void sentences_free(struct sentences *s)
{
    free(s->items);
    free(s->words);
    free(s->text);
    *s = (struct sentences){0};
}
