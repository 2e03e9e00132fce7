/* What a run says before its first step. */
#include "report/report.h"

#include "base/log.h"

#include <string.h>

static void log_warnings(const struct report *report)
{
    for (size_t i = 0; i < report->n_warnings; i++)
        log_warning("%s", report->warnings[i]);
}

void run_report(const struct run *run)
{
    struct report report;
    struct strbuf text = {0};
    char *rest;
    report_make(&report, run);
    report_text(&report, &text);
    for (char *line = strtok_r(text.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        log_info("%s", line);
    log_warnings(&report);
    strbuf_free(&text);
    report_free(&report);
}

void run_report_plan(const struct run *run, struct strbuf *out)
{
    struct report report;
    struct activations acts;
    const size_t positions = run_micro_batch_positions(run);
    report_make(&report, run);
    report_text(&report, out);
    log_warnings(&report);
    report_free(&report);
    activations_plan(&acts, &run->config, run->kernels, positions, true);
    strbuf_printf(out, "activations, for micro-batches of up to %zu positions:\n", positions);
    for (size_t i = 0; i < acts.plan.count; i++)
        strbuf_printf(out, "       %-32s %10.1f MB\n", acts.plan.entries[i].name,
                      (double)acts.plan.entries[i].bytes / 1e6);
}
