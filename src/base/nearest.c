#include "base/nearest.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool same_letter(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Damerau-Levenshtein with adjacent transpositions (optimal string alignment), whatever the case. */
static size_t edit_distance(const char *a, size_t n, const char *b, size_t m)
{
    size_t *rows = mem_calloc(3 * (m + 1), sizeof *rows);
    size_t *before = rows, *above = rows + m + 1, *row = rows + 2 * (m + 1);
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *const oldest = before;
        before = above;
        above = row;
        row = oldest;
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            row[j] = min_size(min_size(above[j], row[j - 1]) + 1,
                              above[j - 1] + (same_letter(a[i - 1], b[j - 1]) ? 0 : 1));
            if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) && same_letter(a[i - 2], b[j - 1]))
                row[j] = min_size(row[j], before[j - 2] + 1);
        }
    }
    const size_t distance = row[m];
    free(rows);
    return distance;
}

/* The only candidate that holds `word` as a part ("epochs": "num_train_epochs"), or NULL. */
static const char *only_holder(const char *word, const char *const *candidates, size_t count)
{
    const char *holder = NULL;
    for (size_t i = 0; i < count; i++)
        if (strstr(candidates[i], word)) {
            if (holder)
                return NULL;
            holder = candidates[i];
        }
    return holder;
}

const char *nearest_word(const char *word, const char *const *candidates, size_t count)
{
    enum { DISTANCE_MAX = 3, PART_MIN = 4 };
    const size_t n = strlen(word);
    const char *nearest = NULL;
    size_t best = SIZE_MAX;
    for (size_t i = 0; i < count; i++) {
        const size_t m = strlen(candidates[i]);
        const size_t limit = min_size(1 + min_size(n, m) / 4, DISTANCE_MAX);
        if (n == 0 || (n > m ? n - m : m - n) > limit)
            continue;
        const size_t distance = edit_distance(word, n, candidates[i], m);
        if (distance <= limit && distance < best) {
            best = distance;
            nearest = candidates[i];
        }
    }
    return nearest || n < PART_MIN ? nearest : only_holder(word, candidates, count);
}

bool word_is_slip(const char *a, const char *b)
{
    return edit_distance(a, strlen(a), b, strlen(b)) <= 1;
}
