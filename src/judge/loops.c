#include "judge/loops.h"

#include "base/hash_set.h"
#include "base/mem.h"
#include "base/xxh64.h"

#include <stdlib.h>
#include <string.h>

/* ---- a loop: the same words, letter by letter ---- */

enum {
    PERIOD_MAX = 512, /* bytes */
    LOOP_MIN = 60,    /* bytes: "ha ha ha" is none */
    ONE_WORD_MIN = 20 /* times: what is one word may have been asked for */
};

/* A rule or a form ("--------", "......", "____"), a matrix, or a table's rows in HTML. */
static bool is_drawing(const char *part, size_t len)
{
    return memmem(part, len, "</", 2) || is_only(part, len, "-_=*#.~|+: \t\r\n") ||
           is_only(part, len, "0123456789,;|&[](){}\\ \t\r\n");
}

/* One word and what separates it from the next. */
static bool is_one_word(const char *part, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) /* the part is a circle: its first byte is behind its last */
        n += is_of_word(part[i]) && !is_of_word(part[(i + 1) % len]);
    return n == 1;
}

/* How many bytes at the end come back after `period` bytes, no more than `most`. */
static size_t periodic_end(const char *answer, size_t len, size_t period, size_t most)
{
    size_t n = period;
    while (n < most && n < len && answer[len - 1 - n] == answer[len - 1 - n + period])
        n++;
    return n;
}

/* It ends in one thing said again and again: four times, and half of it once more (a chorus stops in time). */
static bool ends_in_loop(const char *answer, size_t len)
{
    while (len && strchr(" \t\r\n", answer[len - 1]) && answer[len - 1])
        len--;
    for (size_t period = 1, word = 0; period <= PERIOD_MAX && period < len; period++) {
        const char *part = answer + len - period;
        const size_t n = periodic_end(answer, len, period, ONE_WORD_MIN * period + LOOP_MIN);
        if (n < 4 * period || n < LOOP_MIN || (word && period % word == 0) || is_drawing(part, period))
            continue; /* "no no" is "no" twice */
        const bool is_word = is_one_word(part, period);
        if (n >= (is_word ? ONE_WORD_MIN * period : 4 * period + period / 2))
            return true;
        if (is_word)
            word = period;
    }
    return false;
}

/* ---- a loop with small changes: the same words in another order ---- */

/* Any text goes on to say new words, a song with every verse. A loop does not, however it turns its words: "I'm here to
 * sell your art, but not your music. I'm not here to sell your art". */
enum {
    STALE_MIN = 30, /* words without a new one: shorter is a refrain */
    NEW_MIN = 36,   /* words in which a single new one is as good as none: shorter is a verse */
    COUNTS_MIN = 2  /* numbers: a song that counts ("four little ducks", "three little ducks") */
};

static const char number_words[] = " zero one two three four five six seven eight nine ten eleven twelve thirteen "
                                   "fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty "
                                   "sixty seventy eighty ninety hundred ";

/* A word as it counts here. */
struct token {
    uint64_t hash;    /* of its small letters */
    bool is_new;      /* has not been said before */
    bool is_number;
};

struct tokens {
    struct token *items;
    size_t count;
};

static struct token token_of(const struct spelled *w)
{
    char small[64];
    const size_t len = w->len < sizeof small ? w->len : sizeof small;
    for (size_t i = 0; i < len; i++)
        small[i] = is_capital(w->text[i]) ? (char)(w->text[i] - 'A' + 'a') : w->text[i];
    return (struct token){.hash = xxh64(small, len, 0),
                          .is_number = w->is_number || is_among(number_words, small, len)};
}

/* Without code; a number in digits only where it is new, which a matrix is full of. */
static struct tokens tokens_of(const struct spelled_words *words)
{
    struct tokens tokens = {.items = mem_alloc((words->count + 1) * sizeof *tokens.items)};
    struct hash_set seen = {0};
    for (size_t i = 0; i < words->count; i++) {
        const struct spelled *w = &words->items[i];
        if (w->is_code)
            continue;
        struct token token = token_of(w);
        token.is_new = hash_set_add(&seen, token.hash);
        if (token.is_new || !w->is_number)
            tokens.items[tokens.count++] = token;
    }
    hash_set_free(&seen);
    return tokens;
}

/* The longest end in which nothing is new, or nearly so. */
struct stale_end {
    size_t n_words, n_different, n_numbers; /* the latter two: each once */
};

static struct stale_end find_stale_end(const struct tokens *tokens)
{
    struct stale_end at = {0}, stale = {0};
    struct hash_set seen = {0};
    for (size_t i = tokens->count, n_new = 0; i-- > 0;) {
        const struct token *token = &tokens->items[i];
        const bool is_first = hash_set_add(&seen, token->hash);
        at.n_words++;
        at.n_different += is_first;
        at.n_numbers += is_first && token->is_number;
        n_new += token->is_new;
        if (n_new == 0 || (n_new == 1 && at.n_words >= NEW_MIN))
            stale = at;
    }
    hash_set_free(&seen);
    return stale;
}

/* A third of it, at its end, says nothing new, in words that come nearly twice each. */
static bool goes_in_circles(const struct tokens *tokens)
{
    const struct stale_end end = find_stale_end(tokens);
    return end.n_words >= STALE_MIN && end.n_words * 3 >= tokens->count && end.n_different * 5 <= end.n_words * 3 &&
           end.n_numbers < COUNTS_MIN;
}

/* ---- a loop all the way: whole runs of words again and again ---- */

enum {
    RUN = 4,            /* words */
    REPETITIVE_MIN = 32 /* words */
};

static uint64_t hash_of_run(const struct token *tokens)
{
    uint64_t hashes[RUN];
    for (size_t i = 0; i < RUN; i++)
        hashes[i] = tokens[i].hash;
    return xxh64(hashes, sizeof hashes, 0);
}

/* How many words are in runs of four that have been there before. */
static size_t count_repeated(const struct tokens *tokens)
{
    struct hash_set seen = {0};
    size_t n_repeated = 0, covered = 0; /* words before `covered` are counted already */
    for (size_t i = 0; i + RUN <= tokens->count; i++) {
        if (hash_set_add(&seen, hash_of_run(tokens->items + i)))
            continue;
        n_repeated += i + RUN - (covered > i ? covered : i);
        covered = i + RUN;
    }
    hash_set_free(&seen);
    return n_repeated;
}

/* Whether all of it says more numbers than a song does that counts at its end. */
static bool counts(const struct tokens *tokens)
{
    size_t n = 0;
    for (size_t i = 0; i < tokens->count; i++)
        n += tokens->items[i].is_new && tokens->items[i].is_number;
    return n > COUNTS_MIN;
}

/* More than three fifths of it, of 32 words or more; but songs that count may. */
static bool is_repetitive(const struct tokens *tokens)
{
    return tokens->count >= REPETITIVE_MIN && count_repeated(tokens) * 5 > tokens->count * 3 && !counts(tokens);
}

/* ---- a loop with other words between: a long sentence three times ---- */

enum { LONG_SENTENCE = 14 }; /* words: a line of a song has fewer */

static uint64_t hash_of_sentence(const struct sentence *s)
{
    struct xxh64 h;
    xxh64_init(&h, 0);
    for (size_t i = 0; i < s->n_words; i++) {
        xxh64_update(&h, s->words[i].text, s->words[i].len);
        xxh64_update(&h, " ", 1);
    }
    return xxh64_digest(&h);
}

/* A row of a matrix. */
static bool is_row(const struct sentence *s)
{
    for (size_t i = 0; i < s->n_words; i++)
        if (!is_only(s->words[i].text, s->words[i].len, "0123456789"))
            return false;
    return true;
}

/* The same sentence three times, which is a third of all that it says. */
static bool says_thrice(const struct sentences *sentences)
{
    struct hash_set once = {0}, twice = {0};
    bool found = false;
    for (size_t i = 0; i < sentences->count && !found; i++) {
        const struct sentence *s = &sentences->items[i];
        if (s->n_words < LONG_SENTENCE || s->n_words * 9 < sentences->n_words || s->is_code || is_row(s))
            continue;
        const uint64_t hash = hash_of_sentence(s);
        found = !hash_set_add(&once, hash) && !hash_set_add(&twice, hash);
    }
    hash_set_free(&once);
    hash_set_free(&twice);
    return found;
}

/* ---- songs ---- */

enum { VERSE_MIN = 3 }; /* lines */

/* Two paragraphs one behind the other of as many lines, three or more. */
static bool has_verses(const char *answer, size_t len)
{
    size_t n_lines = 0, last = 0; /* of this paragraph and of the one before */
    for (size_t i = 0, end; i <= len; i = end + 1) {
        const char *newline = i < len ? memchr(answer + i, '\n', len - i) : NULL;
        end = newline ? (size_t)(newline - answer) : len;
        if (!is_only(answer + i, end - i, " \t\r"))
            n_lines++;
        if (n_lines && (end == len || is_only(answer + i, end - i, " \t\r"))) {
            if (n_lines >= VERSE_MIN && n_lines == last)
                return true;
            last = n_lines;
            n_lines = 0;
        }
    }
    return false;
}

bool is_loop(const char *answer, size_t len, const struct sentences *sentences, const struct spelled_words *words)
{
    if (ends_in_loop(answer, len) || says_thrice(sentences))
        return true;
    if (has_verses(answer, len))
        return false;
    struct tokens tokens = tokens_of(words);
    const bool found = goes_in_circles(&tokens) || is_repetitive(&tokens);
    free(tokens.items);
    return found;
}
