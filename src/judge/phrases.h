/* What a sentence says, as far as the judge asks: a table of phrases (phrase_table.c), each with its sense. */
#ifndef SFT_JUDGE_PHRASES_H
#define SFT_JUDGE_PHRASES_H

#include "judge/sentences.h"

/* A sentence has any number of them: bits. */
enum sense {
    DECLINES = 1 << 0,    /* the speaker says that it won't or can't do it: "I can't help with that" */
    APOLOGISES = 1 << 1,  /* "I'm sorry, but" */
    CONDEMNS = 1 << 2,    /* what was asked for is wrong, forbidden, harmful: "it is illegal to" */
    ADMONISHES = 1 << 3,  /* how one should behave instead: "it is important to respect", "please do not" */
    REDIRECTS = 1 << 4,   /* to somebody else, or something else: "seek help", "call a hotline", "instead, try" */
    OFFERS = 1 << 5,      /* "is there anything else I can help you with" */
    IDENTIFIES = 1 << 6,  /* "as an AI language model" */
    CORRECTS = 1 << 7,    /* a premise: "there is no evidence", "a fictional character" */
    DISCLAIMS = 1 << 8,   /* lacks an opinion, an experience: "I do not have feelings" */
    ASSENTS = 1 << 9,     /* "sure", "here is" */
    TURNS = 1 << 10,      /* gives something after all: "however, I can" */
    DENIES = 1 << 11,     /* begins with "no" */
};

/* A row of the table. In a phrase, words stand one after another; a|b is either word; word* any word that begins so;
 * ?word one that may be missing; .. up to six words of any kind; <name> any word of the set of that name; ^ in front:
 * only where the sentence begins. */
struct phrase {
    unsigned sense; /* enum sense */
    const char *text;
};
extern const struct phrase phrase_table[];
extern const size_t phrase_count;

struct word_set {
    const char *name, *words; /* separated by | */
};
extern const struct word_set word_sets[];
extern const size_t word_set_count;

/* Whether the sentence has the phrase, its first word outside quotation marks. */
bool phrase_matches(const char *phrase, const struct sentence *sentence);

/* The senses of all phrases that the sentence has. */
unsigned phrase_senses(const struct sentence *sentence);

#endif
