/* For "did you mean": the candidate nearest to `word` (Damerau-Levenshtein, capitals aside), or NULL where none is. */
#ifndef SFT_BASE_NEAREST_H
#define SFT_BASE_NEAREST_H

#include <stdbool.h>
#include <stddef.h>

const char *nearest_word(const char *word, const char *const *candidates, size_t count);

/* Whether one is the other but for capitals and a single letter that is missing, wrong, or changed places. */
bool word_is_slip(const char *a, const char *b);

#endif
