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

/* list: words in small letters, with blanks around each. */
static bool is_among(const char *list, const char *word, size_t len)
{
    char wanted[12];
    if (len + 3 > sizeof wanted)
        return false;
    wanted[0] = wanted[len + 1] = ' ';
    wanted[len + 2] = 0;
    memcpy(wanted + 1, word, len);
    return strstr(list, wanted) != NULL;
}

static bool is_same(const struct word *a, const struct word *b)
{
    return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
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

/* ---- a loop: the same words, letter by letter ---- */

enum {
    PERIOD_MAX = 512, /* bytes */
    LOOP_MIN = 60,    /* bytes: "ha ha ha" is none */
    ONE_WORD_MIN = 24 /* times: what is one word may have been asked for */
};

static bool is_only(const char *part, size_t len, const char *characters)
{
    for (size_t i = 0; i < len; i++)
        if (!part[i] || !strchr(characters, part[i]))
            return false;
    return true;
}

/* A rule or a form ("--------", "......", "____"), a matrix, or a table's rows in HTML. */
static bool is_drawing(const char *part, size_t len)
{
    return memmem(part, len, "</", 2) || is_only(part, len, "-_=*#.~|+: \t\r\n") || is_only(part, len, "0123456789,;|&[](){}\\ \t\r\n");
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
        if (word && period % word == 0)
            continue; /* "no no" is "no" twice */
        const bool is_word = is_one_word(part, period);
        const size_t rounds = is_word ? ONE_WORD_MIN * period : 4 * period + period / 2;
        const size_t wanted = rounds > LOOP_MIN ? rounds : LOOP_MIN, n = periodic_end(answer, len, period, wanted);
        if (n >= wanted && !is_drawing(part, period))
            return true;
        if (is_word && n >= 4 * period)
            word = period;
    }
    return false;
}

/* ---- the words as they are written ---- */

struct spelled {
    const char *text;
    size_t len;
    bool has_digit, is_number;
    bool is_code; /* stands beside a mark that code is full of */
};

struct spelled_words {
    struct spelled *items;
    size_t count, capacity;
};

static bool is_code_mark(char c)
{
    return c && strchr("<>{}();=\\_", c);
}

/* An apostrophe between letters is of the word. */
static size_t word_length(const char *text, size_t len)
{
    size_t n = 0;
    while (n < len && (is_of_word(text[n]) || (n > 0 && n + 1 < len && text[n] == '\'' && is_of_word(text[n + 1]))))
        n++;
    return n;
}

/* The words of what blanks separate from the rest, text[at] to text[end - 1]. */
static void add_words(struct spelled_words *words, const char *text, size_t at, size_t end)
{
    for (size_t n; at < end; at += n ? n : 1) {
        n = word_length(text + at, end - at);
        if (n == 0)
            continue;
        struct spelled w = {.text = text + at, .len = n, .is_number = true};
        for (size_t i = 0; i < n; i++) {
            w.has_digit |= is_digit(w.text[i]);
            w.is_number &= is_digit(w.text[i]);
        }
        w.is_code = (at > 0 && is_code_mark(text[at - 1])) || (at + n < end && is_code_mark(text[at + n]));
        words->items = mem_grow(words->items, &words->capacity, words->count + 1, sizeof *words->items);
        words->items[words->count++] = w;
    }
}

/* "12." or "3)": the number of a list's item, if a line begins at `at`. */
static bool is_item_number(const char *text, size_t at, size_t end)
{
    return end - at >= 2 && (at == 0 || text[at - 1] == '\n') && strchr(".)", text[end - 1]) && text[end - 1] &&
           is_only(text + at, end - at - 1, "0123456789");
}

/* All but code in a fence, links, and the numbers of a list. */
static struct spelled_words words_of(const char *text, size_t len)
{
    struct spelled_words words = {0};
    bool in_fence = false;
    for (size_t i = 0, end; i < len; i = end) {
        end = i + 1;
        if (strchr(" \t\r\n", text[i]) && text[i])
            continue;
        while (end < len && (!strchr(" \t\r\n", text[end]) || !text[end]))
            end++;
        if (memmem(text + i, end - i, "```", 3))
            in_fence = !in_fence;
        else if (!in_fence && !memmem(text + i, end - i, "://", 3) && !is_item_number(text, i, end))
            add_words(&words, text, i, end);
    }
    return words;
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
    "som av inte og er ikke det til med se ze si ve bir bu da de icin yn yr mae wedi ei nie jest na az es nem hogy on "
    "ja ei yang dan di untuk ini cu nu este ";

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

/* "copeAt": of five letters or more, a capital behind a small letter. */
static bool is_glued(const struct spelled *w)
{
    for (size_t i = 1; w->len >= 5 && i < w->len; i++)
        if (is_capital(w->text[i]) && is_small(w->text[i - 1]))
            return true;
    return false;
}

static bool is_shout(const char *part, size_t len)
{
    size_t n_small = 0, n_same = 0;
    for (size_t i = 0; i < len; i++) {
        n_small += is_small(part[i]);
        n_same += part[i] == part[0];
    }
    return n_small == 0 || n_same == len;
}

static bool is_letters(const char *part, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!is_capital(part[i]) && !is_small(part[i]))
            return false;
    return true;
}

enum { STUTTER_MIN = 3, STUTTER_BROKEN = 4, STUTTER_MAX = 10 };

/* How many letters the word says three times in a row: 3 of "estestest", 2 of "hahaha"; 0 if none, and for "hmmmmm" and
 * the capitals of a gene. */
static size_t stutter(const struct spelled *w)
{
    for (size_t unit = 2; unit <= STUTTER_MAX; unit++) {
        for (size_t i = unit, n = 0; i < w->len; i++) {
            n = w->text[i] == w->text[i - unit] ? n + 1 : 0;
            const char *part = w->text + i + 1 - unit;
            if (n == 2 * unit && is_letters(part, unit) && !is_shout(part, unit))
                return unit;
        }
    }
    return 0;
}

static bool is_vowel(char c)
{
    return c && strchr("aeiouAEIOU", c);
}

/* Whether the letter at i is the middle of a syllable in some language: a, e, i, o, u; y and w ("crwth"); r and l
 * behind a consonant and before one or at the end ("vlk", "zmrzl"); and what is no letter of ours parts syllables. */
static bool sounds(const struct spelled *w, size_t i)
{
    const char c = w->text[i];
    if (is_vowel(c) || (c && strchr("yYwW", c)) || !(is_capital(c) || is_small(c)))
        return true;
    return strchr("rlRL", c) && i > 0 && !is_vowel(w->text[i - 1]) && (i + 1 == w->len || !is_vowel(w->text[i + 1]));
}

/* A q with no vowel beside it. */
static bool has_lone_q(const struct spelled *w)
{
    for (size_t i = 0; i < w->len; i++)
        if ((w->text[i] == 'q' || w->text[i] == 'Q') && !(i > 0 && is_vowel(w->text[i - 1])) &&
            !(i + 1 < w->len && is_vowel(w->text[i + 1])))
            return true;
    return false;
}

/* "zxcvb": of four letters or more, none of which sounds, or five in a row do not (h and s, which gather, apart:
 * "strengths"); or 26 letters. But for abbreviations, "brrrr", and words with letters that are not ASCII. */
static bool is_unsayable(const struct spelled *w)
{
    size_t n_capitals = 0, n_sounds = 0, n_mute = 0, most = 0;
    for (size_t i = 0; i < w->len; i++) {
        if ((unsigned char)w->text[i] >= 0x80)
            return false;
        const bool does_sound = sounds(w, i);
        n_capitals += is_capital(w->text[i]);
        n_sounds += does_sound;
        n_mute = does_sound ? 0 : n_mute + (strchr("hHsS", w->text[i]) == NULL);
        most = n_mute > most ? n_mute : most;
        if (i >= 2 && w->text[i] == w->text[i - 1] && w->text[i] == w->text[i - 2])
            return false;
    }
    return n_capitals < w->len &&
           ((w->len >= 4 && (n_sounds == 0 || has_lone_q(w))) || most >= 5 || w->len > 25);
}

struct oddities {
    size_t n, n_common;
    size_t n_unsayable, n_glued, n_stutters; /* a word counts as one of these */
    bool has_broken; /* "incialincialincial" */
};

static void look_at_word(struct oddities *o, const struct spelled *w)
{
    const size_t said_again = stutter(w);
    o->n++;
    o->n_common += is_common(w->text, w->len);
    o->has_broken |= said_again >= STUTTER_BROKEN;
    if (said_again >= STUTTER_MIN)
        o->n_stutters++;
    else if (is_unsayable(w))
        o->n_unsayable++;
    else if (is_glued(w))
        o->n_glued++;
}

/* Fewer than a fifth are common words, and one word stutters with four letters or more, or three words are odd, and one
 * in 16 (of fewer than 20 words one in 5): unsayable, glued, or stuttering. The glued are odd only beside one that
 * stutters if three quarters are glued or there are fewer than 20: they may be names in code. */
static bool is_salad(const struct spelled_words *words)
{
    struct oddities o = {0};
    for (size_t i = 0; i < words->count; i++)
        if (!words->items[i].is_code && !words->items[i].has_digit)
            look_at_word(&o, &words->items[i]);
    const bool is_short = o.n < 20;
    const bool are_names = o.n_stutters == 0 && (is_short || o.n_glued * 4 > o.n * 3);
    const size_t n_glued = are_names ? 0 : o.n_glued;
    const size_t n_odd = o.n_unsayable + o.n_stutters + n_glued;
    return o.n_common * 5 <= o.n && (o.has_broken || (n_odd >= 3 && n_odd * (is_short ? 5 : 16) >= o.n));
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

struct disorder {
    size_t n, n_impossible; /* places where a pair could be impossible, and where it is */
    const struct word *last; /* such a pair's first word */
};

/* Words of which no two stand side by side. (But: had had, that that, is is; and "in in", "on on" of one that was
 * "checked in in May".) */
static const char not_twice[] = " the of and to a an from for with by or but my your our their its ";

/* A name that holds such a pair may come again and again: it counts once in a row. "The the the" is two. */
static void look_at_pair(struct disorder *d, const struct word *pair)
{
    const bool can_count = !pair[1].is_joined && !pair[1].is_quoted;
    if (can_count && is_same(&pair[0], &pair[1]) && is_among(not_twice, pair[0].text, pair[0].len)) {
        d->n++;
        d->n_impossible++;
        return;
    }
    for (size_t p = 0; p < sizeof impossible / sizeof *impossible; p++) {
        if (!is_among(impossible[p].first, pair[0].text, pair[0].len))
            continue;
        d->n++;
        if (!can_count || !is_among(impossible[p].second, pair[1].text, pair[1].len))
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
    if (has_no_word(answer, len) || is_garbled(answer, len) || ends_in_loop(answer, len) || says_thrice(sentences) ||
        is_disordered(sentences))
        return true;
    struct spelled_words words = words_of(answer, len);
    struct tokens tokens = tokens_of(&words);
    const bool found = goes_in_circles(&tokens) || is_salad(&words);
    free(words.items);
    free(tokens.items);
    return found;
}
