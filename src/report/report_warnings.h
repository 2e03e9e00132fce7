/* What would surprise: few warnings, each with the place where to look and the remedy. */
#ifndef SFT_REPORT_REPORT_WARNINGS_H
#define SFT_REPORT_REPORT_WARNINGS_H

#include "report/report.h"

struct report_warnings {
    char **items; /* (count) a line each */
    size_t count;
};

/* Those of a report. Free with report_warnings_free. */
struct report_warnings report_warnings_find(const struct report *report);
void report_warnings_free(struct report_warnings *warnings);

#endif
