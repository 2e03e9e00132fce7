/* A row as an export writes it. */
#ifndef SFT_COLLECT_REVIEW_REVIEW_ROW_H
#define SFT_COLLECT_REVIEW_REVIEW_ROW_H

#include "collect/review/review_messages.h"

/* Append the row, an object on one line. Where it is neither edited nor as_native asked for, it is the row as it stands
 * in the file. Else it has the keys that an export has ({"messages"}, {"prompt","chosen","rejected"}, {"text"}), what
 * no reader reads, and the row's own weights; of an edit (may be NULL) its messages stand in place of the row's. One
 * that it has not changed stays what it was, whole, where that has a role and a content; one that it has keeps the
 * keys that nobody reads and its weight. `review`: the note of who reviewed it, JSON; it stands under "review", or
 * under "sft_review" where the row has a "review" that is no such note. */
enum sft_status review_row_print(const struct review_content *content, const struct decision *edit, bool as_native,
                                 const char *review, struct strbuf *out, struct sft_err *err);

#endif
