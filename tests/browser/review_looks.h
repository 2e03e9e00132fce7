/* How the page of `sft review` looks: light and dark, at a phone's width, and by keyboard alone. */
#ifndef SFT_TESTS_REVIEW_LOOKS_H
#define SFT_TESTS_REVIEW_LOOKS_H

#include "cdp.h"

/* The page with all rows of test_review_page.sh's file in its list; pictures go to the directory, if there is one. */
void review_looks(struct browser *b, const char *shots);

/* The row that is shown, in light and dark: its text can be read, and that of the dialogs. */
void review_looks_at(struct browser *b, const char *shots, int row, const char *name);

#endif
