/* A text's words as they are written, capitals and all, for the rules that look at their letters (sentences.h has them
 * as a sentence's grammar needs them). */
#ifndef SFT_JUDGE_SPELLED_H
#define SFT_JUDGE_SPELLED_H

#include <stdbool.h>
#include <stddef.h>

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

/* All but code in a fence, links, and the numbers of a list. The words point into text; the caller frees items. */
struct spelled_words spelled_split(const char *text, size_t len);

bool is_capital(char c);
bool is_small(char c);
bool is_digit(char c);

/* Of a word: a letter or a digit; of what is not ASCII all. */
bool is_of_word(char c);

/* list: words in small letters, with blanks around each. */
bool is_among(const char *list, const char *word, size_t len);

bool is_only(const char *part, size_t len, const char *characters);

#endif
