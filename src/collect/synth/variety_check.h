/* What of a file's variety looks like a collapse; for variety_read.c. */
#ifndef SFT_COLLECT_SYNTH_VARIETY_CHECK_H
#define SFT_COLLECT_SYNTH_VARIETY_CHECK_H

#include "collect/synth/variety.h"

/* Fewer rows than this tell nothing, and none is warned of. */
enum { VARIETY_ROWS_MIN = 20 };

/* Fill the warnings of counts that are complete. */
void variety_check(struct variety *v);

#endif
