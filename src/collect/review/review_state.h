/* A review: the file's rows, what this reviewer says of them and what others do. */
#ifndef SFT_COLLECT_REVIEW_REVIEW_STATE_H
#define SFT_COLLECT_REVIEW_REVIEW_STATE_H

#include "collect/review/review_messages.h"
#include "collect/review/review_rows.h"
#include "collect/review/side_file.h"

struct review_options {
    const char *file, *name; /* "FILE" or "FILE:format"; the reviewer's */
    struct review_rows_options rows;
    struct review_mask mask;
    size_t n_sample; /* rows that are shown, chosen by the seed; 0: all */
    uint64_t seed;
};

struct review {
    struct review_options options; /* strings are borrowed */
    struct review_rows rows;
    struct side_file mine;
    struct side_files others;
    size_t *sample; /* (n_sample) row numbers, from 1, in their order; NULL: all rows */
    size_t n_sample;
};

/* Open file and decisions: the two below. Free with review_close in any case. */
enum sft_status review_open(struct review *review, const struct review_options *options, struct sft_err *err);
enum sft_status review_open_rows(struct review *review, const struct review_options *options, struct sft_err *err);

/* The name, which outlives the review, is this process's from then on. */
enum sft_status review_join(struct review *review, const char *name, struct sft_err *err);
void review_close(struct review *review);

/* Find decisions whose rows have moved (moved_rows.h); to be called when this reviewer has decided. */
void review_settle(struct review *review);

/* Look at the files again: rows that came, what others decided. Where the file cannot be read by now, its rows stay
 * (review->rows.warning). */
void review_refresh(struct review *review);

/* A sample: of n_rows rows the n, from 1 and in their order, that the seed chooses; a malloc'd list, *n_chosen long. A
 * file that grows keeps those that no new row takes the place of. */
size_t *review_sample(size_t n_rows, size_t n, uint64_t seed, size_t *n_chosen);
bool review_has_row(const struct review *review, size_t row); /* in the file, and in the sample if there is one */

/* What this reviewer says of a row, from 1: VERDICT_NONE also where it has changed since (*changed, may be NULL). */
enum verdict review_verdict(const struct review *review, size_t row, bool *changed);

/* Whether reviewers disagree on it: somebody keeps it and somebody rejects it, or two edited it differently. */
bool review_disagrees(const struct review *review, size_t row);

struct review_counts {
    size_t by_verdict[N_VERDICTS]; /* of all rows; [VERDICT_NONE]: undecided */
    size_t sample_decided, sample_good, sample_edited;
};
struct review_counts review_count(const struct review *review);

#endif
