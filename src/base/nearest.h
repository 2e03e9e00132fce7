/* For "did you mean": the candidate nearest to `word` (Damerau-Levenshtein, capitals aside), or NULL where none is. */
#ifndef SFT_BASE_NEAREST_H
#define SFT_BASE_NEAREST_H

#include <stddef.h>

const char *nearest_word(const char *word, const char *const *candidates, size_t count);

#endif
