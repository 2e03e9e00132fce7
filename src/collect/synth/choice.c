#include "collect/synth/choice.h"

#include "base/strbuf.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

/* What is longer is no verdict but an essay: its end is looked at. */
enum { WORDS_MAX = 256 };

struct judge_word {
    const char *text;
    size_t len;
    bool begins; /* a sentence, or a line */
    bool ends;   /* the same: a mark, a line break or nothing follows */
    char letter; /* 'A' or 'B' where that is all of it */
};

struct judge_words {
    struct judge_word items[WORDS_MAX];
    size_t n;
};

/* ---- words ---- */

static bool is_of_word(char c)
{
    return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '\'' || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80;
}

static void read_words(struct judge_words *w, const char *text, size_t len)
{
    enum { BYTES_MAX = 4096 };
    size_t i = len > BYTES_MAX ? len - BYTES_MAX : 0;
    bool begins = i == 0;
    w->n = 0;
    while (i < len && w->n < WORDS_MAX) {
        size_t n = 0;
        while (i + n < len && is_of_word(text[i + n]))
            n++;
        if (n > 0) {
            const bool is_letter = n == 1 && (text[i] == 'A' || text[i] == 'B');
            w->items[w->n++] = (struct judge_word){text + i, n, begins, false, is_letter ? text[i] : '\0'};
            begins = false;
        } else if (strchr(".!?\n", text[i]) && w->n > 0) {
            begins = w->items[w->n - 1].ends = true;
        } else if (strchr(",:;)-", text[i]) && w->n > 0) {
            w->items[w->n - 1].ends = true;
        }
        i += n ? n : 1;
    }
    if (w->n > 0)
        w->items[w->n - 1].ends = true;
}

#define IS_OF(word, list) str_is_one_of_case(word, list, sizeof(list) / sizeof *(list))

static bool str_is_one_of_case(const struct judge_word *word, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(list[i]) == word->len && strncasecmp(list[i], word->text, word->len) == 0)
            return true;
    return false;
}

static const char *const nouns[] = {"answer", "response", "option", "the", "definitely", "clearly"};
static const char *const better[] = {"better", "best", "preferable", "stronger", "superior", "clearer", "preferred"};

/* ---- what a letter stands in ---- */

/* "A or B", "A and B": neither is meant. */
static bool is_listed(const struct judge_words *w, size_t i)
{
    static const char *const joints[] = {"or", "and", "nor", "vs", "versus"};
    return (i + 2 < w->n && IS_OF(&w->items[i + 1], joints) && w->items[i + 2].letter) ||
           (i >= 2 && IS_OF(&w->items[i - 1], joints) && w->items[i - 2].letter);
}

/* "A is clearly the better one", "B wins"; nobody else and no "not" between. */
static bool is_called_better(const struct judge_words *w, size_t i)
{
    static const char *const verbs[] = {"is",   "was", "seems", "looks",  "reads",    "sounds", "feels",
                                        "does", "has", "gives", "offers", "provides", "would",  "works"};
    static const char *const wins[] = {"wins", "it"};
    static const char *const against[] = {"not", "no", "never", "than", "worse", "hardly"};
    enum { REACH = 6 };
    if (i + 1 >= w->n || w->items[i + 1].begins)
        return false;
    if (IS_OF(&w->items[i + 1], wins))
        return true;
    for (size_t k = i + 1; k < w->n && k <= i + REACH; k++) {
        const struct judge_word *word = &w->items[k];
        if (word->begins || word->letter || IS_OF(word, against) || (k == i + 1 && !IS_OF(word, verbs)))
            return false;
        if (IS_OF(word, better))
            return true;
    }
    return false;
}

/* "is B", "I prefer answer A", "the better one: B"; before "A good one" it is an article. */
static bool is_named(const struct judge_words *w, size_t i)
{
    static const char *const leads[] = {"is",  "be",     "prefer", "choose",  "pick",   "select",
                                        "say", "better", "best",   "verdict", "winner", "preferred"};
    static const char *const articles[] = {"bit", "little", "lot", "good", "better", "more", "clear", "very"};
    size_t k = i;
    if (is_listed(w, i) || (w->items[i].letter == 'A' && !w->items[i].ends && IS_OF(&w->items[i + 1], articles)))
        return false;
    while (k > 0 && !w->items[k].begins && IS_OF(&w->items[k - 1], nouns))
        k--;
    if (k == 0 || w->items[k].begins)
        return false;
    if (IS_OF(&w->items[k - 1], leads))
        return true;
    return k > 1 && w->items[k - 1].len == 4 && strncasecmp(w->items[k - 1].text, "with", 4) == 0 &&
           w->items[k - 2].len == 2 && strncasecmp(w->items[k - 2].text, "go", 2) == 0;
}

/* ---- the whole ---- */

/* "B", "**A**, because ...", "Answer: B", or at the end "... So: B"; no list of both. */
static char alone(const struct judge_words *w)
{
    static const char *const labels[] = {"answer", "verdict", "choice", "response", "option"};
    const size_t first = w->n > 1 && IS_OF(&w->items[0], labels) ? 1 : 0;
    if (w->items[first].letter && w->items[first].ends && !is_listed(w, first) &&
        !(first + 1 < w->n && w->items[first + 1].letter && !w->items[first + 1].begins))
        return w->items[first].letter;
    const struct judge_word *last = &w->items[w->n - 1];
    return last->letter && (last->begins || (w->n > 1 && last[-1].ends && !last[-1].letter)) && !is_listed(w, w->n - 1)
               ? last->letter
               : '\0';
}

static char stated(const struct judge_words *w)
{
    char found = '\0';
    for (size_t i = 0; i < w->n; i++)
        if (w->items[i].letter && (is_called_better(w, i) || is_named(w, i)))
            found = w->items[i].letter;
    return found;
}

static char only_one(const struct judge_words *w)
{
    static const char *const against[] = {"not", "worse", "neither", "weaker", "both", "worst", "isn't", "than"};
    char found = '\0';
    for (size_t i = 0; i < w->n; i++) {
        const char letter = w->items[i].letter;
        if ((letter && found && letter != found) || IS_OF(&w->items[i], against))
            return '\0';
        found = letter ? letter : found;
    }
    return found;
}

char choice_read(const char *text, size_t len)
{
    struct judge_words words;
    char letter;
    read_words(&words, text, len);
    if (words.n == 0)
        return '\0';
    if ((letter = alone(&words)) || (letter = stated(&words)))
        return letter;
    return only_one(&words);
}
