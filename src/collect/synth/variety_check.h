/* What of a file's variety looks like a collapse; for variety.c. */
#ifndef SFT_COLLECT_SYNTH_VARIETY_CHECK_H
#define SFT_COLLECT_SYNTH_VARIETY_CHECK_H

#include "collect/synth/variety.h"

/* Fewer rows than this tell nothing, and none is warned of. */
enum { VARIETY_ROWS_MIN = 20 };

/* Fill the warnings of counts that are complete. */
void variety_check(struct variety *v);

/* The count of a name, 0 where it is not there. */
size_t variety_count_of(const struct variety_counts *counts, const char *name);

#endif
