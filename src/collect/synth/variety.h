/* How varied a file of conversations is, so that a collapse is seen before anybody trains on it.
 *
 * Works on any file that train reads. What a row says about its making, "meta" as `sft synth` writes it, is counted
 * where it is there. */
#ifndef SFT_COLLECT_SYNTH_VARIETY_H
#define SFT_COLLECT_SYNTH_VARIETY_H

#include "base/err.h"
#include "base/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

enum { VARIETY_NGRAMS = 3, VARIETY_SHOWN = 10 };

/* A name and in how many rows it is. */
struct variety_count {
    char *name;
    size_t count;
};
struct variety_counts { /* by falling count, of equals in the order in which they came */
    struct variety_count *items;
    size_t count, capacity;
};

/* The texts of one side, the user's or the assistant's. */
struct variety_side {
    size_t texts;
    size_t quartiles[5];             /* of their characters: least, 25%, 50%, 75%, most */
    double distinct[VARIETY_NGRAMS]; /* of runs of 1, 2, 3 words: different ones / all (Li et al. 2016); NaN: none */
    struct variety_counts openings;  /* of their first three words, those of two texts and more */
    size_t repeated;                 /* texts that stand there before, letter by letter but for case and marks */
};

/* What is wrong, by which threshold. */
struct variety_warning {
    const char *what; /* "openings", "similar", ...: a stable name */
    char *text;
};

struct variety {
    char *file;
    size_t rows, bad, exchanges; /* bad: rows that are no conversation */
    char *first_bad;             /* what is wrong with the first of them, with its line; or NULL */
    size_t with_meta;            /* rows that have one */
    struct variety_counts kinds, personas, models, topics, recipes;
    struct variety_counts rejected;   /* by reason, of FILE.rejected.jsonl, if it is there */
    struct variety_counts refused_of; /* kinds: how many of their rows the judge calls refused */
    struct variety_side questions, answers;
    size_t similar;             /* rows whose most similar other is at 0.5 or above */
    double similarity;          /* the median over rows of that, 0 counted for below 0.5 */
    size_t refused, incoherent; /* by the judge, of the last answers */
    struct variety_warning *warnings;
    size_t n_warnings;
};

/* Read the file. SFT_EDATA for one without a conversation; a row that is none is counted. Free with variety_free, also
 * after an error; it accepts a zeroed struct. */
enum sft_status variety_read(struct variety *v, const char *file, const volatile int *stop, struct sft_err *err);
void variety_free(struct variety *v);

/* For people, in lines of at most `columns`; as one JSON object, with a line break. */
void variety_text(const struct variety *v, size_t columns, struct strbuf *out);
void variety_json(const struct variety *v, struct strbuf *out);

#endif
