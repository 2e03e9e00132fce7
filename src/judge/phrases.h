/* What a sentence says, as far as the judge asks: a table of phrases (phrase_table.c), each with its sense. */
#ifndef SFT_JUDGE_PHRASES_H
#define SFT_JUDGE_PHRASES_H

#include "judge/sentences.h"

#include <stdint.h>

/* A sentence has any number of them: bits. */
enum sense {
    DECLINES = 1 << 0,      /* the speaker won't or can't do what is asked: "I can't help with that" */
    CANNOT = 1 << 1,        /* the speaker can't or won't do something: a refusal where an answer begins so */
    IDIOM = 1 << 2,         /* sounds so and is none: "I cannot stress enough" */
    APOLOGISES = 1 << 3,    /* "I'm sorry, but" */
    CONSOLES = 1 << 4,      /* "I'm sorry that you feel so" */
    CONDEMNS = 1 << 5,      /* what was asked for is wrong or forbidden: "it is illegal to" */
    REPROACHES = 1 << 6,    /* begins with what one may not say or think: "it is not fair to assume" */
    WARNS = 1 << 7,         /* it is dangerous, does harm: "this can cause injury" */
    ADMONISHES = 1 << 8,    /* how one should behave: "it is important to respect", "please do not" */
    WITHHOLDS = 1 << 9,     /* nobody is to have it: "is private" */
    OBJECTS = 1 << 10,      /* to how it was asked: "I must point out that this phrase is violent" */
    CONTRADICTS = 1 << 11,  /* what one was to argue for: "everyone has the right" */
    NEGATES = 1 << 12,      /* plainly negates, which may be a contradiction: "should not be", "there is no reason" */
    CORRECTS = 1 << 13,     /* a premise: "there is no evidence" */
    UNREAL = 1 << 14,       /* there is no such thing: "a fictional character", "does not make sense" */
    DENIES = 1 << 15,       /* begins with "no" */
    REDIRECTS = 1 << 16,    /* to somebody else, or something else: "seek help", "call a hotline", "instead, try" */
    OFFERS = 1 << 17,       /* "is there anything else I can help you with" */
    IDENTIFIES = 1 << 18,   /* "as an AI language model" */
    DISCLAIMS = 1 << 19,    /* lacks an opinion, an experience: "I do not have feelings" */
    CAUTIONS = 1 << 20,     /* what to mind, in a lecture or in an answer: "it is important to note" */
    PREFACES = 1 << 21,     /* "thank you for asking", "I understand that" */
    TURNS = 1 << 22,        /* gives something after all: "however, I can" */
    LACKS = 1 << 23,        /* does not know: "I do not have access to", "I am not aware of" */
    REASONS = 1 << 24,      /* gives a reason: "because" */
    MORALISES = 1 << 25,    /* equality, dignity, privacy: how people are treated */
    INSTRUCTS = 1 << 26,    /* takes the request up: "to do so, you will need", "the best way is" */
    VOICES = 1 << 28,       /* what follows is what somebody is to say: "you could say", "Dear Sir" */
    SERVES = 1 << 29,       /* names what it would do, or not, for the one who asks: "I can't write", "your request" */
    SUBSTITUTES = 1 << 27,  /* takes the request for another one: "however, if you are looking for", "instead" */
};

/* A row of the table. In a phrase, words stand one after another; a|b is either word; word* any word that begins so;
 * * any word; ?word one that may be missing; .. up to six words of any kind; <name> any word of the set of that name; ^
 * in front: only where the sentence begins; $ behind: only where it ends. No gap goes over a "but". */
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

/* Whether it is one of "help|assist|provid*". */
bool phrase_word_is(const char *words, const struct word *word);

/* With which letters a phrase of the table can begin, so that few are tried at a word. */
struct phrase_index {
    uint32_t *letters; /* (phrase_count) bit 0: a ... bit 25: z; bit 26: anything else */
};
void phrase_index_make(struct phrase_index *index);
void phrase_index_free(struct phrase_index *index);

/* The senses of all phrases that the sentence has. */
unsigned phrase_senses(const struct phrase_index *index, const struct sentence *sentence);

#endif
