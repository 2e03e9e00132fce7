#include "judge/phrases.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

enum { GAP_MAX = 6 };

/* One element of a pattern: s[0..len). */
struct element {
    const char *s;
    size_t len;
};

static struct element next_element(const char **pattern)
{
    *pattern += strspn(*pattern, " ");
    const struct element e = {*pattern, strcspn(*pattern, " ")};
    *pattern += e.len;
    return e;
}

/* "help|assist|provid*", of which one is the word. */
static bool is_one_of(const char *words, size_t len, const struct word *word)
{
    for (const char *p = words, *end = words + len; p < end;) {
        const char *bar = memchr(p, '|', (size_t)(end - p));
        size_t n = (size_t)((bar ? bar : end) - p);
        const bool is_beginning = n && p[n - 1] == '*';
        n -= is_beginning;
        if ((is_beginning ? word->len >= n : word->len == n) && memcmp(word->text, p, n) == 0)
            return true;
        p = bar ? bar + 1 : end;
    }
    return false;
}

/* The words of "<name>"; NULL where there is no such set. */
static const char *set_words(struct element e)
{
    for (size_t i = 0; i < word_set_count; i++)
        if (strlen(word_sets[i].name) == e.len - 2 && memcmp(word_sets[i].name, e.s + 1, e.len - 2) == 0)
            return word_sets[i].words;
    return NULL;
}

static bool element_is(struct element e, const struct word *word)
{
    if (e.s[0] != '<')
        return is_one_of(e.s, e.len, word);
    const char *words = set_words(e);
    return words && is_one_of(words, strlen(words), word);
}

/* Whether words [0..n) begin with the pattern. */
static bool begins_with(const char *pattern, const struct word *words, size_t n)
{
    struct element e = next_element(&pattern);
    if (e.len == 0)
        return true;
    if (e.len == 2 && memcmp(e.s, "..", 2) == 0) {
        for (size_t skipped = 0; skipped <= GAP_MAX && skipped <= n; skipped++) {
            if (begins_with(pattern, words + skipped, n - skipped))
                return true;
            if (skipped < n && words[skipped].len == 3 && memcmp(words[skipped].text, "but", 3) == 0)
                return false;
        }
        return false;
    }
    if (e.len == 1 && e.s[0] == '$')
        return n == 0;
    if (e.s[0] == '?') {
        if (begins_with(pattern, words, n))
            return true;
        e.s++, e.len--;
    }
    return n > 0 && element_is(e, words) && begins_with(pattern, words + 1, n - 1);
}

bool phrase_matches(const char *phrase, const struct sentence *sentence)
{
    if (phrase[0] == '^')
        return !sentence->words[0].is_quoted && begins_with(phrase + 1, sentence->words, sentence->n_words);
    for (size_t i = 0; i < sentence->n_words; i++)
        if (!sentence->words[i].is_quoted && begins_with(phrase, sentence->words + i, sentence->n_words - i))
            return true;
    return false;
}

bool phrase_word_is(const char *words, const struct word *word)
{
    return is_one_of(words, strlen(words), word);
}

/* ---- the index ---- */

static const uint32_t ANY_LETTER = ~0u;

static uint32_t letter_bit(char c)
{
    return c >= 'a' && c <= 'z' ? 1u << (c - 'a') : 1u << 26;
}

/* Of "help|assist|provid*". */
static uint32_t letters_of_words(const char *words, size_t len)
{
    uint32_t letters = 0;
    for (size_t i = 0; i < len; i++)
        if (i == 0 || words[i - 1] == '|')
            letters |= words[i] == '*' ? ANY_LETTER : letter_bit(words[i]);
    return letters;
}

static uint32_t letters_of_element(struct element e)
{
    if (e.s[0] == '.')
        return ANY_LETTER;
    if (e.s[0] == '<') {
        const char *words = set_words(e);
        return words ? letters_of_words(words, strlen(words)) : 0;
    }
    return letters_of_words(e.s, e.len);
}

static uint32_t letters_of_phrase(const char *phrase)
{
    uint32_t letters = 0;
    phrase += phrase[0] == '^';
    for (;;) {
        struct element e = next_element(&phrase);
        const bool is_optional = e.len > 0 && e.s[0] == '?';
        if (e.len == 0)
            return ANY_LETTER;
        e.s += is_optional, e.len -= is_optional;
        letters |= letters_of_element(e);
        if (!is_optional)
            return letters;
    }
}

void phrase_index_make(struct phrase_index *index)
{
    index->letters = mem_alloc(phrase_count * sizeof *index->letters);
    for (size_t i = 0; i < phrase_count; i++)
        index->letters[i] = letters_of_phrase(phrase_table[i].text);
}

void phrase_index_free(struct phrase_index *index)
{
    free(index->letters);
    index->letters = NULL;
}

/* ---- a sentence ---- */

unsigned phrase_senses(const struct phrase_index *index, const struct sentence *sentence)
{
    unsigned senses = 0;
    for (size_t i = 0; i < sentence->n_words; i++) {
        const struct word *word = &sentence->words[i];
        const uint32_t letter = letter_bit(word->text[0]);
        for (size_t p = 0; !word->is_quoted && p < phrase_count; p++) {
            const char *text = phrase_table[p].text;
            if (!(index->letters[p] & letter) || (senses & phrase_table[p].sense) == phrase_table[p].sense)
                continue;
            if (text[0] == '^' && i > 0)
                continue;
            if (begins_with(text + (text[0] == '^'), word, sentence->n_words - i))
                senses |= phrase_table[p].sense;
        }
    }
    return senses;
}
