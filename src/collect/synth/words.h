/* A text's words as they are compared: runs of letters and digits, in small letters. A letter is any character beyond
 * ASCII, too, that is no white space and no punctuation; one of a script that sets no blanks between words (Chinese,
 * Japanese, Thai) is a word of its own. An apostrophe within a word is of it, and curly or straight the same. */
#ifndef SFT_COLLECT_SYNTH_WORDS_H
#define SFT_COLLECT_SYNTH_WORDS_H

#include <stdbool.h>
#include <stddef.h>

enum { WORD_BYTES_MAX = 64 }; /* what is longer is several words */

struct word_reader {
    const char *next, *end;
    char word[WORD_BYTES_MAX]; /* (len) */
    size_t len;
};

static inline struct word_reader words_of(const char *text, size_t len)
{
    return (struct word_reader){.next = text, .end = text + len};
}

/* The next word; false at the end. Bytes that are no UTF-8 are between words. */
bool words_next(struct word_reader *reader);

#endif
