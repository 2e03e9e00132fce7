/* A text as sentences of plain words, which is what the judge's rules look at. */
#ifndef SFT_JUDGE_SENTENCES_H
#define SFT_JUDGE_SENTENCES_H

#include <stdbool.h>
#include <stddef.h>

/* In small letters (a to z), without punctuation; short forms are written out: can't and cannot become "can not", I'm
 * becomes "i am", it's "it is", a possessive 's is left out. */
struct word {
    const char *text;
    size_t len;
    bool is_quoted; /* between quotation marks, which somebody else is to say */
    bool is_joined; /* a hyphen joins it to the next: the "in" of "in-depth" */
};

/* It ends at . ! ? or a line break. */
struct sentence {
    const struct word *words;
    size_t n_words; /* at least 1 */
    bool is_item;   /* of a list: its line began with a number or a bullet */
    bool is_code;   /* in a fenced block */
    bool asks;      /* ends in a question mark */
    bool heads;     /* ends in a colon: what follows belongs to it */
};

struct sentences {
    struct sentence *items;
    size_t count;
    struct word *words;
    size_t n_words;
    char *text; /* what the words point into */
};

void sentences_split(struct sentences *out, const char *text, size_t len);
void sentences_free(struct sentences *s);

#endif
