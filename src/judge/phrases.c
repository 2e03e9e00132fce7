#include "judge/phrases.h"

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

static bool element_is(struct element e, const struct word *word)
{
    if (e.s[0] != '<')
        return is_one_of(e.s, e.len, word);
    for (size_t i = 0; i < word_set_count; i++)
        if (strlen(word_sets[i].name) == e.len - 2 && memcmp(word_sets[i].name, e.s + 1, e.len - 2) == 0)
            return is_one_of(word_sets[i].words, strlen(word_sets[i].words), word);
    return false;
}

/* Whether words [0..n) begin with the pattern. */
static bool begins_with(const char *pattern, const struct word *words, size_t n)
{
    struct element e = next_element(&pattern);
    if (e.len == 0)
        return true;
    if (e.len == 2 && memcmp(e.s, "..", 2) == 0) {
        for (size_t skipped = 0; skipped <= GAP_MAX && skipped <= n; skipped++)
            if (begins_with(pattern, words + skipped, n - skipped))
                return true;
        return false;
    }
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

unsigned phrase_senses(const struct sentence *sentence)
{
    unsigned senses = 0;
    for (size_t i = 0; i < phrase_count; i++)
        if ((senses & phrase_table[i].sense) != phrase_table[i].sense && phrase_matches(phrase_table[i].text, sentence))
            senses |= phrase_table[i].sense;
    return senses;
}
