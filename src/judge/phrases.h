/* What a sentence says, as far as the judge asks: a table of phrases (phrase_table.c), each with its sense. */
#ifndef SFT_JUDGE_PHRASES_H
#define SFT_JUDGE_PHRASES_H

#include "judge/sentences.h"

#include <stdint.h>

/* A sentence has any number of them: bits. */
enum sense {
    DECLINES = 1 << 0,    /* the speaker won't or can't do what is asked: "I can't help with that" */
    CANNOT = 1 << 1,      /* the speaker can't or won't do something: a refusal where an answer begins so */
    IDIOM = 1 << 2,       /* sounds so and is none: "I cannot stress enough" */
    APOLOGISES = 1 << 3,  /* "I'm sorry, but" */
    CONDEMNS = 1 << 4,    /* what was asked for is wrong or forbidden: "it is illegal to" */
    WARNS = 1 << 20,      /* it is dangerous, does harm: "this can cause injury" */
    ADMONISHES = 1 << 5,  /* how one should behave: "it is important to respect", "please do not" */
    REDIRECTS = 1 << 6,   /* to somebody else, or something else: "seek help", "call a hotline", "instead, try" */
    OFFERS = 1 << 7,      /* "is there anything else I can help you with" */
    IDENTIFIES = 1 << 8,  /* "as an AI language model" */
    DISCLAIMS = 1 << 9,   /* lacks an opinion, an experience: "I do not have feelings" */
    CORRECTS = 1 << 10,   /* a premise: "there is no evidence", "a fictional character" */
    ASSENTS = 1 << 11,    /* "sure", "here is" */
    TURNS = 1 << 12,      /* gives something after all: "however, I can" */
    DENIES = 1 << 13,     /* begins with "no" */
    PREFACES = 1 << 14,   /* "thank you for asking", "I understand that" */
    CONSOLES = 1 << 15,   /* "I'm sorry that you feel so" */
    OBJECTS = 1 << 16,    /* to how it was asked: "I must point out that this phrase is violent" */
    WITHHOLDS = 1 << 18,  /* nobody is to have it: "is private", "not publicly available", "without consent" */
    CONTRADICTS = 1 << 19, /* what one was to argue for: "there is no reason", "everyone has the right" */
    CAUTIONS = 1 << 21,   /* what to mind, in a lecture or in an answer: "it is important to note" */
    REPROACHES = 1 << 17, /* begins with what one may not say or think: "it is not fair to assume" */
};

/* A row of the table. In a phrase, words stand one after another; a|b is either word; word* any word that begins so;
 * ?word one that may be missing; * any word; .. up to six words of any kind; <name> any word of the set of that name; ^ in front:
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

/* With which letters a phrase of the table can begin, so that few are tried at a word. */
struct phrase_index {
    uint32_t *letters; /* (phrase_count) bit 0: a ... bit 25: z; bit 26: anything else */
};
void phrase_index_make(struct phrase_index *index);
void phrase_index_free(struct phrase_index *index);

/* The senses of all phrases that the sentence has. */
unsigned phrase_senses(const struct phrase_index *index, const struct sentence *sentence);

#endif
