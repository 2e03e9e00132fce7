/* What the API says of a review, as JSON; for api.c. Rows are numbered from 1. */
#ifndef SFT_COLLECT_REVIEW_API_PRINT_H
#define SFT_COLLECT_REVIEW_API_PRINT_H

#include "collect/review/review_state.h"

/* Append {"file":...,"counts":{...},...}. */
void api_state_print(const struct review *review, struct strbuf *out);

/* Append an entry of a list: {"row":17,...,"excerpt":"..."}. */
void api_list_row_print(const struct review *review, size_t row, struct strbuf *out);

/* Append all of a row, without its braces: "row":17,...,"error":null. */
void api_row_members_print(const struct review *review, size_t row, struct strbuf *out);

/* Append ,"counts":{...},"sample":...,"can_undo":true,"seq_total":9 */
void api_counts_print(const struct review *review, struct strbuf *out);

#endif
