/* Facts to rely on: a document, plain text or Markdown, in pieces that end where a paragraph or a section does. */
#ifndef SFT_COLLECT_SYNTH_FACTS_H
#define SFT_COLLECT_SYNTH_FACTS_H

#include "base/mem.h"

#include <stddef.h>

struct facts_piece {
    const char *text;    /* with the headings above it, so that it says what it is about */
    const char *heading; /* the nearest one above it; of a whole document the first; its name where there is none */
};
struct facts {
    struct facts_piece *items; /* (count) */
    size_t count;

    /* facts.c's own */
    size_t capacity;
};

/* Append the pieces of text[0..len), UTF-8 without a NUL, each of at most `most` bytes, 100 at least, without the
 * headings that are repeated. Strings go to the arena. A document that fits is one piece, else each section is one, or
 * several. A paragraph that is longer is cut behind a line, a sentence, a word, or within one, the first that can
 * be. */
void facts_cut(struct facts *facts, const char *text, size_t len, const char *name, size_t most, struct arena *arena);
void facts_free(struct facts *facts);

/* How much each piece has to do with a topic, into fit (count): the topic's words of four letters and more that it has,
 * endings aside, each for the less the more pieces have it, and twice where a heading has it. 0: nothing. */
void facts_fit(const struct facts *facts, const char *topic, double *fit);

#endif
