/* Lines of a report that would not fit a terminal of 80 columns, folded where a reader would. */
#ifndef SFT_REPORT_REPORT_WRAP_H
#define SFT_REPORT_REPORT_WRAP_H

#include "base/strbuf.h"

/* Fold the lines from out->data[start] on. */
void report_wrap(struct strbuf *out, size_t start);

#endif
