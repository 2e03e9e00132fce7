/* Bad rows by what is wrong with them. */
#ifndef SFT_REPORT_REPORT_BAD_ROWS_H
#define SFT_REPORT_REPORT_BAD_ROWS_H

#include "data/store/token_store.h"

/* Those of one kind. */
struct report_bad_row_kind {
    char *reason; /* the first row's; in the others numbers and quoted values may differ */
    uint64_t count, first_line;
};

struct report_bad_rows {
    struct report_bad_row_kind *kinds; /* (n) the most frequent first */
    size_t n;
};

/* Of a file's store. Free with report_bad_rows_free. */
struct report_bad_rows report_bad_rows_group(const struct token_store *store);
void report_bad_rows_free(struct report_bad_rows *rows);

#endif
