#include "report/report_log.h"

#include "base/log.h"
#include "report/report_text.h"
#include "report/report_warnings.h"

#include <string.h>

void report_log_warnings(const struct report *report)
{
    struct report_warnings warnings = report_warnings_find(report);
    for (size_t i = 0; i < warnings.count; i++)
        log_warning("%s", warnings.items[i]);
    report_warnings_free(&warnings);
}

void report_log(const struct report *report)
{
    struct strbuf text = {0};
    char *rest;
    report_text(report, &text);
    for (char *line = strtok_r(text.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        log_info("%s", line);
    report_log_warnings(report);
    strbuf_free(&text);
}
