/* Whether an answer is no answer in any sense: empty, a loop, or no language. One word, a number, a list, code, a
 * link, or another language than English are coherent. */
#ifndef SFT_JUDGE_INCOHERENT_H
#define SFT_JUDGE_INCOHERENT_H

#include "judge/sentences.h"

/* sentences: those of the answer. */
bool incoherent(const char *answer, size_t len, const struct sentences *sentences);

#endif
