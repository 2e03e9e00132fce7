#include "report/report_histogram.h"

void report_histogram_range(const struct store_counts *c, size_t *first, size_t *end)
{
    *end = HISTOGRAM_BINS;
    while (*end > 0 && c->histogram[*end - 1] == 0)
        --*end;
    *first = 0;
    while (*first < *end && c->histogram[*first] == 0)
        ++*first;
}

uint64_t report_histogram_bin_end(const struct store_counts *c, size_t i)
{
    return i < HISTOGRAM_BINS - 1 ? (uint64_t)1 << i : c->longest;
}
