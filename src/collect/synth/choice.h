/* Which of two answers a judge names, who was asked to say A or B and nothing else, and often says more. */
#ifndef SFT_COLLECT_SYNTH_CHOICE_H
#define SFT_COLLECT_SYNTH_CHOICE_H

#include <stddef.h>

/* 'A' or 'B': the letter that the text begins or ends with, if it stands alone there; else of the last statement that
 * one is better ("B is clearly better than A", "I prefer A"); else the only one that is named. '\0': none of these. */
char choice_read(const char *text, size_t len);

#endif
