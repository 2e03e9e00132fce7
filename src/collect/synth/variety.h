/* How varied a file of conversations is, so that a collapse is seen before anybody trains on it: what
 * collect/synth/variety_read.h counts, and how it is told. */
#ifndef SFT_COLLECT_SYNTH_VARIETY_H
#define SFT_COLLECT_SYNTH_VARIETY_H

#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    VARIETY_NGRAMS = 3,
    VARIETY_QUARTILES = 5,
    VARIETY_REPEAT_WORDS = 4 /* a text of fewer that comes again is a formula: "Thank you!" */
};

/* Names, each with the number of times that it came: by falling count, of equals by name. */
struct variety_counts {
    struct variety_count {
        char *name;
        size_t count;
    } *items;
    size_t count, capacity;
    size_t total; /* of all counts */
};

/* The texts of one side, the user's or the assistant's. */
struct variety_side {
    size_t texts, words;
    size_t quartiles[VARIETY_QUARTILES]; /* of their characters: least, 25%, 50%, 75%, most */
    double distinct[VARIETY_NGRAMS]; /* of runs of 1, 2, 3 words: different ones / all (Li et al. 2016); NaN: none */
    struct variety_counts openings;  /* their first three words */
    size_t repeated;                 /* texts of four words or more that stand there before, but for case and marks */
};

/* What is wrong, and by which threshold. */
struct variety_warning {
    const char *what; /* "openings", "similar", ...: a stable name */
    char *text;
};

struct variety {
    char *file;
    size_t rows, exchanges; /* rows that are conversations with an answer; pairs of a question and an answer in them */
    size_t bad;             /* rows that are none, */
    char *first_bad;        /* and what is wrong with the first of them, with its place; NULL: there is none */
    size_t with_meta;       /* rows that say something of their making: */
    struct variety_counts kinds, personas, models, recipes, topics;
    struct variety_counts rejected; /* by reason, of FILE.rejected.jsonl, if that is there */
    struct variety_counts refused;  /* rows whose last answer the judge calls refused, by kind; "" : they have none */
    size_t incoherent;              /* rows whose last answer is */
    struct variety_side questions, answers;
    size_t similar, copies; /* rows of which another is like VARIETY_SIMILAR, and VARIETY_COPY */
    struct variety_warning *warnings;
    size_t n_warnings;
};

#define VARIETY_SIMILAR 0.5
#define VARIETY_COPY    0.9

void variety_free(struct variety *v); /* accepts a zeroed struct */

/* Count a name. Until all are counted, and variety_counts_settle has been there, there is an item each time. */
void variety_count(struct variety_counts *counts, const char *name, size_t len);
void variety_counts_settle(struct variety_counts *counts);

/* The count of a name, 0 where it is not there. */
size_t variety_count_of(const struct variety_counts *counts, const char *name);

/* For people, in lines of at most `columns` (tables need 80); as one JSON object, with a line break. */
void variety_text(const struct variety *v, size_t columns, struct strbuf *out);
void variety_json(const struct variety *v, struct strbuf *out);

#endif
