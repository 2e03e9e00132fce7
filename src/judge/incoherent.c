#include "judge/incoherent.h"

#include "judge/loops.h"
#include "judge/spelled.h"

#include <stdlib.h>
#include <string.h>

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

static size_t letters_at(const struct spelled *w, size_t at)
{
    size_t n = 0;
    while (at + n < w->len && (is_capital(w->text[at + n]) || is_small(w->text[at + n])))
        n++;
    return n;
}

/* Of five letters or more, a capital behind a small letter: "copeAt"; or a digit between three letters and three:
 * "affect4fully". */
static bool is_glued(const struct spelled *w)
{
    for (size_t i = 1; w->len >= 5 && i < w->len; i++)
        if ((is_capital(w->text[i]) && is_small(w->text[i - 1])) ||
            (i >= 3 && is_digit(w->text[i]) && letters_at(w, i - 3) == 3 && letters_at(w, i + 1) >= 3))
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

/* "zxcvb": of four letters or more, none of which sounds, or five in a row do not (but for h:
 * "twelfths"); or 26 letters. But for abbreviations, "brrrr", and words with letters that are not ASCII. */
static bool is_unsayable(const struct spelled *w)
{
    size_t n_capitals = 0, n_sounds = 0, n_mute = 0, most = 0;
    for (size_t i = 0; i < w->len; i++) {
        if ((unsigned char)w->text[i] >= 0x80)
            return false;
        const bool does_sound = sounds(w, i);
        n_capitals += is_capital(w->text[i]);
        n_sounds += does_sound;
        n_mute = does_sound ? 0 : n_mute + (w->text[i] != 'h');
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
        if (!words->items[i].is_code && (!words->items[i].has_digit || is_glued(&words->items[i])))
            look_at_word(&o, &words->items[i]);
    const bool is_short = o.n < 20;
    const bool are_names = o.n_stutters == 0 && (is_short || o.n_glued * 4 > o.n * 3);
    const size_t n_glued = are_names ? 0 : o.n_glued;
    const size_t n_odd = o.n_unsayable + o.n_stutters + n_glued;
    return o.n_common * 5 <= o.n && (o.has_broken || (n_odd >= 3 && n_odd * (is_short ? 5 : 16) >= o.n));
}

static bool is_same(const struct word *a, const struct word *b)
{
    return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
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
    if (has_no_word(answer, len) || is_garbled(answer, len) || is_disordered(sentences))
        return true;
    struct spelled_words words = spelled_split(answer, len);
    const bool found = is_loop(answer, len, sentences, &words) || is_salad(&words);
    free(words.items);
    return found;
}
