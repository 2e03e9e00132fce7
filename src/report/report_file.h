/* A file of the data, as far as a report looks at it. */
#ifndef SFT_REPORT_REPORT_FILE_H
#define SFT_REPORT_REPORT_FILE_H

#include "data/dataset.h"
#include "report/report_bad_rows.h"

struct report_file {
    const struct dataset_file *file;
    bool is_eval;
    uint64_t rendered;                                               /* conversations, left out or not; a pair is one */
    uint64_t pairs;                                                  /* of those */
    uint64_t truncated;                                              /* of those, of a pair in either answer */
    uint64_t first_flagged[RECORD_FLAGS], first_dropped[DROP_COUNT]; /* lines; 0: there is none */
    uint64_t first_duplicate;
    uint64_t empty_answers, first_empty_answer; /* kept conversations in which one is trained on */
    uint64_t unread_line, unread_bytes; /* where a broken structure hides the rest of the file; 0: nowhere */
    struct report_bad_rows bad_rows;
};

/* Borrows `file`. Free with report_file_free. */
void report_file_make(struct report_file *f, const struct dataset_file *file, bool is_eval);
void report_file_free(struct report_file *f);

/* How many kept conversations have the flag, and the line of the first. */
uint64_t report_file_flagged(const struct report_file *f, enum record_flag flag);
uint64_t report_file_first_flagged(const struct report_file *f, enum record_flag flag);

/* Of the histogram of lengths: the bins from the first that holds a conversation to the one after the last, ... */
void report_file_histogram_range(const struct store_counts *counts, size_t *first, size_t *end);

/* ... and the largest number of tokens in bin i. */
uint64_t report_file_histogram_bin_end(const struct store_counts *counts, size_t i);

/* What n conversations are called of which n_pairs are pairs: "conversations", "pairs", or "pairs and conversations". */
const char *report_unit(uint64_t n, uint64_t n_pairs);

/* Append "120 pairs and 30 conversations", or what there is of them. */
void report_put_items(struct strbuf *out, uint64_t n, uint64_t n_pairs);

/* 100 * part / whole; 0 of nothing. */
static inline double report_percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

#endif
