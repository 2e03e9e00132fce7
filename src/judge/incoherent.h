/* Whether an answer is no answer in any sense: empty, a loop, or no language. */
#ifndef SFT_JUDGE_INCOHERENT_H
#define SFT_JUDGE_INCOHERENT_H

#include <stdbool.h>
#include <stddef.h>

bool incoherent(const char *answer, size_t len);

#endif
