/* What the parts of the report share; for src/train/report*.c only. */
#ifndef SFT_REPORT_REPORT_INTERNAL_H
#define SFT_REPORT_REPORT_INTERNAL_H

#include "report/report.h"

/* Fill file->bad_rows. */
void report_group_bad_rows(struct report_file *file);

/* Fill report->warnings, from everything else in it. */
void report_find_warnings(struct report *report);

/* Index of a record_flag's bit in counts.flags and first_flagged. */
size_t report_flag_index(enum record_flag flag);

/* How many kept conversations have it. */
uint64_t report_flagged(const struct report_file *file, enum record_flag flag);

/* The bins from the first that holds a conversation to the one after the last. */
void report_histogram_range(const struct store_counts *counts, size_t *first, size_t *end);

/* The largest number of tokens in bin i. */
uint64_t report_bin_end(const struct store_counts *counts, size_t i);

/* Fold the lines from out->data[start] on that are wider than 80 columns. */
void report_wrap(struct strbuf *out, size_t start);

/* 100 * part / whole; 0 of nothing. */
double report_percent(uint64_t part, uint64_t whole);

/* Add a warning. */
void report_warn(struct report *report, const char *fmt, ...) SFT_PRINTF(2, 3);

/* What is told of a file's keys: in the text, as members of the file's JSON object, as warnings. */
void report_put_keys(struct strbuf *out, const struct report_file *file);
void report_put_keys_json(struct strbuf *out, const struct report_file *file);
void report_warn_of_keys(struct report *report, const struct report_file *file);

#endif
