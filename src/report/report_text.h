/* The report as text: a word in the first six columns says what a line, and those below it, are about. */
#ifndef SFT_REPORT_REPORT_TEXT_H
#define SFT_REPORT_REPORT_TEXT_H

#include "report/report.h"

/* Lines for a person to read, without the warnings. */
void report_text(const struct report *report, struct strbuf *out);

/* The same, and every activation buffer. There must be a plan. */
void report_text_plan(const struct report *report, struct strbuf *out);

#endif
