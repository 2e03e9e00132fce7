/* What a run says before its first step. */
#ifndef SFT_REPORT_REPORT_LOG_H
#define SFT_REPORT_REPORT_LOG_H

#include "report/report.h"

/* The report's text through log_info, its warnings through log_warning. */
void report_log(const struct report *report);

/* The warnings alone. */
void report_log_warnings(const struct report *report);

#endif
