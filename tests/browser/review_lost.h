/* The page of `sft review` when its server has gone: killed and started again, at the same address or another one, and
 * the address of another file's review. */
#ifndef SFT_TESTS_REVIEW_LOST_H
#define SFT_TESTS_REVIEW_LOST_H

#include "reviewer.h"

/* The page with rows from 12 on undecided; argv is the server's command. 12 is edited and 14 rejected at the end. */
void review_lost(struct browser *b, struct site *site, char *const *argv, const char *pictures);

#endif
