/* The lengths of a file's conversations, in bins. */
#ifndef SFT_REPORT_REPORT_HISTOGRAM_H
#define SFT_REPORT_REPORT_HISTOGRAM_H

#include "data/store/token_store.h"

/* The bins from the first that holds a conversation to the one after the last. */
void report_histogram_range(const struct store_counts *counts, size_t *first, size_t *end);

/* The largest number of tokens in bin i. */
uint64_t report_histogram_bin_end(const struct store_counts *counts, size_t i);

#endif
