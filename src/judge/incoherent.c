#include "judge/incoherent.h"

#include "base/hash_set.h"
#include "base/mem.h"
#include "base/xxh64.h"

#include <stdlib.h>
#include <string.h>

static bool is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_small(char c)
{
    return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Of a word: a letter or a digit; of what is not ASCII all. */
static bool is_of_word(char c)
{
    return is_capital(c) || is_small(c) || is_digit(c) || (unsigned char)c >= 0x80;
}

/* ---- no text: nothing to read, or what no text has ---- */

static bool has_no_word(const char *answer, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (is_of_word(answer[i]))
            return false;
    return true;
}

/* Control characters, and the mark of a character that is none (U+FFFD): more than one, and one in 200 bytes. (One may
 * be a character that the end of the answer cut.) */
static bool is_garbled(const char *answer, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        const unsigned char c = (unsigned char)answer[i];
        n += (c < ' ' && !strchr("\t\n\r", c)) || c == 0x7F || c == 0;
        n += len - i >= 3 && memcmp(answer + i, "\xEF\xBF\xBD", 3) == 0;
    }
    return n >= 2 && n >= len / 200;
}

/* ---- a loop ---- */

enum {
    PERIOD_MAX = 512, /* bytes */
    LOOP_MIN = 60, /* bytes: "ha ha ha" is none */
};

/* A rule or a form: "--------", "......", "____". */
static bool is_drawing(const char *part, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!part[i] || !strchr("-_=*#.~|+: \t\r\n", part[i]))
            return false;
    return true;
}

/* It ends in one thing said again and again: four times, and half of it once more (a chorus stops in time). */
static bool ends_in_loop(const char *answer, size_t len)
{
    while (len && strchr(" \t\r\n", answer[len - 1]) && answer[len - 1])
        len--;
    for (size_t period = 1; period <= PERIOD_MAX && period < len; period++) {
        const size_t rounds = 4 * period + period / 2, wanted = rounds > LOOP_MIN ? rounds : LOOP_MIN;
        size_t n = period;
        while (n < wanted && n < len && answer[len - 1 - n] == answer[len - 1 - n + period])
            n++;
        if (n >= wanted && !is_drawing(answer + len - period, period))
            return true;
    }
    return false;
}

/* More than three fifths of it, of 32 words or more, are runs of four words that have been there before. */
enum { RUN = 4, REPETITIVE_MIN = 32 };

static uint64_t hash_of_run(const struct word *words)
{
    struct xxh64 h;
    xxh64_init(&h, 0);
    for (size_t i = 0; i < RUN; i++) {
        xxh64_update(&h, words[i].text, words[i].len);
        xxh64_update(&h, " ", 1);
    }
    return xxh64_digest(&h);
}

static bool is_repetitive(const struct word *words, size_t n)
{
    struct hash_set seen = {0};
    size_t n_repeated = 0, covered = 0; /* words before `covered` are counted already */
    for (size_t i = 0; n >= REPETITIVE_MIN && i + RUN <= n; i++) {
        if (hash_set_add(&seen, hash_of_run(words + i)))
            continue;
        n_repeated += i + RUN - (covered > i ? covered : i);
        covered = i + RUN;
    }
    hash_set_free(&seen);
    return n >= REPETITIVE_MIN && n_repeated * 5 > n * 3;
}

/* ---- no language: a salad of pieces of words ---- */

/* The commonest words of English, and of some other languages in Latin letters: any text of some length is full of
 * those of one. */
static const char common_words[] =
    " the of and to a in is it you that he was for on are with as i his they be at one have this from or had by but "
    "not what all were we when your can said there use an each which she do how their if will up other about out "
    "many then them these so some her would make like him into time has look two more go see no way could people my "
    "than first been who its now find long down day did get come may also please such any should only just most "
    "because our me us am does where while both very well here de la el los las en un una que y es por con para del "
    "se lo le les des du et est une dans qui pour pas sur au der die das und ist nicht ein eine zu den mit von auf "
    "sich im dem di il che e per non sono da na nie je si o os um uma em het een van dat niet voor op te och att det "
    "som av inte ";

static bool is_common(const char *word, size_t len)
{
    char wanted[12];
    if (len + 3 > sizeof wanted)
        return false;
    wanted[0] = wanted[len + 1] = ' ';
    wanted[len + 2] = 0;
    for (size_t i = 0; i < len; i++)
        wanted[i + 1] = is_capital(word[i]) ? (char)(word[i] - 'A' + 'a') : word[i];
    return strstr(common_words, wanted) != NULL;
}

/* "copeAt", "ab1cd": of five letters or more, a capital behind a small letter, or a digit between letters. */
static bool is_glued(const char *word, size_t len)
{
    for (size_t i = 1; len >= 5 && i < len; i++)
        if ((is_capital(word[i]) && is_small(word[i - 1])) ||
            (i + 1 < len && is_digit(word[i]) && !is_digit(word[i - 1]) && !is_digit(word[i + 1])))
            return true;
    return false;
}

/* "qwrtz": four letters and no vowel, five consonants in a row, or 26 letters; but for abbreviations, and words with
 * letters that are not ASCII. */
static bool is_unsayable(const char *word, size_t len)
{
    size_t n_capitals = 0, n_vowels = 0, n_consonants = 0, most = 0;
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)word[i] >= 0x80)
            return false;
        const bool is_vowel = is_digit(word[i]) || strchr("aeiouyAEIOUY", word[i]);
        n_capitals += is_capital(word[i]);
        n_vowels += is_vowel;
        n_consonants = is_vowel ? 0 : n_consonants + 1;
        most = n_consonants > most ? n_consonants : most;
    }
    return n_capitals < len && ((len >= 4 && n_vowels == 0) || most >= 5 || len > 25);
}

struct salad {
    size_t n_words, n_common, n_unsayable, n_glued; /* numbers are no words */
};

/* What blanks separate: words, and other things between them. */
static void count_chunk(struct salad *s, const char *chunk, size_t len)
{
    if (memmem(chunk, len, "://", 3))
        return;
    for (size_t i = 0, end; i < len; i = end) {
        end = i + 1;
        bool is_number = is_digit(chunk[i]);
        while (is_of_word(chunk[i]) && end < len && is_of_word(chunk[end]))
            is_number &= is_digit(chunk[end++]);
        if (!is_of_word(chunk[i]) || is_number)
            continue;
        s->n_words++;
        s->n_common += is_common(chunk + i, end - i);
        s->n_unsayable += is_unsayable(chunk + i, end - i);
        s->n_glued += is_glued(chunk + i, end - i);
    }
}

/* Fewer than a fifth are common words, and at least three are odd: one in 16 unsayable or glued; of fewer than 20
 * words, which may be names in code, one in 5 unsayable. Code in a fence is not looked at. */
static bool is_salad(const char *answer, size_t len)
{
    struct salad s = {0};
    bool in_code = false;
    for (size_t i = 0, end; i < len; i = end) {
        end = i + 1;
        while (end < len && !strchr(" \t\r\n", answer[end]))
            end++;
        if (memmem(answer + i, end - i, "```", 3))
            in_code = !in_code;
        else if (!in_code)
            count_chunk(&s, answer + i, end - i);
    }
    const bool is_short = s.n_words < 20;
    const size_t n_odd = s.n_unsayable + (is_short ? 0 : s.n_glued);
    return s.n_common * 5 <= s.n_words && n_odd >= 3 && n_odd * (is_short ? 5 : 16) >= s.n_words;
}

/* ---- no language: English words in no order ---- */

/* Behind one of the first, none of the second can stand. (No word that is a noun too: the can, the will, the IT.) */
static const struct {
    const char *first, *second;
} impossible[] = {
    {" the an my your his our their its every ",
     " of is are was were to and or the a an in on for he they you i with by from but be if at as we has have this "
     "these my your can will that them so would could "},
    {" of with from for by into ", " of is are was were and or but be has have would could should "},
    {" to ", " of and or is are was were to has should "},
};

static bool is_among(const char *list, const struct word *word)
{
    char wanted[12];
    if (word->len + 3 > sizeof wanted)
        return false;
    wanted[0] = wanted[word->len + 1] = ' ';
    wanted[word->len + 2] = 0;
    memcpy(wanted + 1, word->text, word->len);
    return strstr(list, wanted) != NULL;
}

static bool is_same(const struct word *a, const struct word *b)
{
    return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

struct disorder {
    size_t n, n_impossible; /* places where a pair could be impossible, and where it is */
    const struct word *last; /* such a pair's first word */
};

/* A name that holds such a pair may come again and again: it counts once in a row. */
static void look_at_pair(struct disorder *d, const struct word *pair)
{
    for (size_t p = 0; p < sizeof impossible / sizeof *impossible; p++) {
        if (!is_among(impossible[p].first, &pair[0]))
            continue;
        d->n++;
        if (pair[1].is_joined || pair[1].is_quoted || !is_among(impossible[p].second, &pair[1]))
            continue;
        d->n_impossible += !d->last || !is_same(&d->last[0], &pair[0]) || !is_same(&d->last[1], &pair[1]);
        d->last = pair;
    }
}

/* Three of such pairs, and a seventh of all that there are to be. */
static bool is_disordered(const struct sentences *sentences)
{
    struct disorder d = {0};
    for (size_t i = 0; i < sentences->count; i++) {
        const struct sentence *s = &sentences->items[i];
        for (size_t k = 0; !s->is_code && k + 1 < s->n_words; k++)
            look_at_pair(&d, &s->words[k]);
    }
    return d.n_impossible >= 3 && d.n_impossible * 7 >= d.n;
}

bool incoherent(const char *answer, size_t len, const struct sentences *sentences)
{
    return has_no_word(answer, len) || is_garbled(answer, len) || ends_in_loop(answer, len) ||
           is_repetitive(sentences->words, sentences->n_words) || is_salad(answer, len) || is_disordered(sentences);
}
