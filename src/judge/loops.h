/* Whether an answer goes round in a loop, letter by letter or with small changes. Songs, lists, tables, matrices and
 * code repeat themselves too, and are none. */
#ifndef SFT_JUDGE_LOOPS_H
#define SFT_JUDGE_LOOPS_H

#include "judge/sentences.h"
#include "judge/spelled.h"

/* sentences and words: those of the answer. */
bool is_loop(const char *answer, size_t len, const struct sentences *sentences, const struct spelled_words *words);

#endif
