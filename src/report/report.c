#include "report/report.h"

#include "base/mem.h"

#include <stdlib.h>

static void add_files(struct report *report, const struct dataset *ds, bool is_eval)
{
    for (size_t i = 0; !ds->borrows && i < ds->n_files; i++)
        report_file_make(&report->files[report->n_files++], &ds->files[i], is_eval);
}

void report_make(struct report *report, const struct report_of *of)
{
    const struct train_data *data = of->data;
    const struct model_config *config = &of->base->config;
    *report = (struct report){.of = *of, .has_disk = of->plan && of->output_dir};
    report->files = mem_calloc(data->train.n_files + data->eval.n_files, sizeof *report->files);
    add_files(report, &data->train, false);
    add_files(report, &data->eval, true);
    if (!of->plan)
        return;
    report->sharing = train_plan_sharing(of->plan, data);
    report->memory = train_plan_memory(of->plan, config, data);
    if (report->has_disk)
        report->disk = report_disk_plan(&of->plan->table, &of->plan->intervals, of->settings->train.save_total_limit,
                                        of->plan->save_dtype, report->memory.moments, of->output_dir);
}

void report_free(struct report *report)
{
    for (size_t i = 0; i < report->n_files; i++)
        report_file_free(&report->files[i]);
    free(report->files);
    *report = (struct report){0};
}
