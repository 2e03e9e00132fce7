/* `sft review FILE --export`: the rows that reviewers keep, and how far they agree. */
#ifndef SFT_COLLECT_REVIEW_EXPORT_H
#define SFT_COLLECT_REVIEW_EXPORT_H

#include "collect/review/agreement.h"
#include "collect/review/review_rows.h"
#include "collect/review/side_file.h"

/* What becomes of a row. */
enum outcome {
    OUTCOME_UNDECIDED, /* nobody has decided it, or it has changed since */
    OUTCOME_ACCEPTED,  /* written as it stands */
    OUTCOME_EDITED,    /* written with what a reviewer made of it */
    OUTCOME_REJECTED,
    OUTCOME_DISAGREED, /* somebody keeps it and somebody rejects it, or two edited it differently */
    N_OUTCOMES
};

struct export_pair {
    const char *a, *b; /* names */
    struct agreement agreement;
};

struct export_result {
    const struct review_rows *rows;
    const struct side_files *sides;
    const char *out;
    unsigned char *outcomes;              /* (rows->count) enum outcome */
    size_t counts[N_OUTCOMES], n_changed; /* n_changed: of the undecided, decided before they changed */
    size_t n_unreadable;                  /* of the undecided, those that somebody keeps and nobody can read */
    bool is_converted;                    /* rows of another form are written as {"messages"}, as edited ones are */
    struct export_pair *pairs;            /* (n_pairs) of reviewers who have decided a row in common */
    size_t n_pairs;
    size_t n_sample, sample_decided, sample_good; /* n_sample 0: there was no sample */
};

/* Write `out` (beside its name, then renamed): rows that somebody accepts or edits and nobody rejects, in the file's
 * order, with "review": {"by": [...], "decision": "accept" or "edit"} (review_row.h). Of `sample` (n_sample row
 * numbers, from 1) only the share that is good is counted. The result borrows all of them. SFT_EUSAGE where `out` is
 * the file itself, one of the reviewers' or another that no export has written, or nobody has decided anything;
 * SFT_EDATA where no row is kept: then nothing is written. Free with export_result_free in any case. */
enum sft_status review_export(const struct review_rows *rows, const struct side_files *sides, const size_t *sample,
                              size_t n_sample, const char *out, struct export_result *result, struct sft_err *err);
void export_result_free(struct export_result *result);

/* What was done, for people, or as one object. */
void export_result_text(const struct export_result *result, struct strbuf *out);
void export_result_json(const struct export_result *result, struct strbuf *out);

#endif
