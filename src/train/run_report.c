/* What a run says before its first step. */
#include "train/report.h"

#include "base/log.h"

#include <string.h>

void run_report(const struct run *run)
{
    struct report report;
    struct strbuf text = {0};
    char *rest;
    report_make(&report, run);
    report_text(&report, &text);
    for (char *line = strtok_r(text.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        log_info("%s", line);
    for (size_t i = 0; i < report.n_warnings; i++)
        log_warning("%s", report.warnings[i]);
    strbuf_free(&text);
    report_free(&report);
}

void run_report_memory_plan(const struct run *run)
{
    struct activations acts;
    const size_t train = batch_capacity(&run->train, run->settings->train.micro_batch_tokens);
    activations_plan(&acts, &run->config, run->kernels, train, true);
    log_info("activations for %zu positions:", train);
    for (size_t i = 0; i < acts.plan_count; i++)
        log_info("  %-32s %10.1f MB", acts.plan[i].name, (double)acts.plan[i].bytes / 1e6);
}
