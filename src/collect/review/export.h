/* `sft review FILE --export`: the rows that reviewers kept, and how far they agree. */
#ifndef SFT_COLLECT_REVIEW_EXPORT_H
#define SFT_COLLECT_REVIEW_EXPORT_H

#include "collect/review/agreement.h"
#include "collect/review/review_rows.h"
#include "collect/review/side_file.h"

struct export_disagreement {
    size_t row, line;
    char *what; /* "anna accepts, ben rejects" */
};

struct export_pair {
    const char *a, *b; /* names */
    struct agreement agreement;
};

struct export_result {
    size_t n_rows, written, accepted, edited, rejected, undecided, changed, unreadable;
    struct export_disagreement *disagreements; /* (n_disagreements) left out */
    size_t n_disagreements;
    struct export_pair *pairs; /* (n_pairs) of reviewers that have a row in common */
    size_t n_pairs;
    size_t sample_n, sample_decided, sample_good; /* sample_n 0: there was no sample */
};

/* Write `out` (beside its name, then renamed): rows that somebody accepted or edited and nobody rejected, in their order,
 * with {"review": {"by": [...], "decision": "accept" or "edit"}}. Rows on which reviewers disagree, and two different
 * edits, are left out. `sample` (n_sample) are row numbers, from 1. Free with export_result_free in any case. */
enum sft_status review_export(const struct review_rows *rows, const struct side_files *sides, const size_t *sample,
                              size_t n_sample, const char *out, struct export_result *result, struct sft_err *err);
void export_result_free(struct export_result *result);

void export_result_text(const struct export_result *result, struct strbuf *out);
void export_result_json(const struct export_result *result, struct strbuf *out);

#endif
