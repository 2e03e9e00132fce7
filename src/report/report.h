/* The report: what is told of a run before its first step, so that nothing about its data, memory or disk
 * comes as a surprise.
 *
 *     struct report report;
 *     report_make(&report, &(struct report_of){...});
 *     report_text(&report, &text);       // or report_json, report_log
 *     report_free(&report);
 */
#ifndef SFT_REPORT_REPORT_H
#define SFT_REPORT_REPORT_H

#include "config/settings.h"
#include "report/report_disk.h"
#include "report/report_file.h"
#include "train/plan.h"

/* What it is of. */
struct report_of {
    const struct settings *settings;
    const struct base_model *base;
    const struct train_data *data;
    const struct train_plan *plan; /* NULL: there is no model to train, or nothing to train it on */
    const char *output_dir;        /* NULL: there is no place for checkpoints */
    const char *continues;         /* the checkpoint that the run goes on from, or NULL */
};

struct report {
    struct report_of of;
    struct report_file *files; /* (n_files) train's, then eval's that are files of their own */
    size_t n_files;
    struct train_sharing sharing; /* where there is a plan: of the beginnings of conversations, */
    struct train_memory memory;
    struct report_disk disk;    /* and an output_dir */
    bool has_disk;
};

/* Borrows what it is of. Free with report_free. */
void report_make(struct report *report, const struct report_of *of);
void report_free(struct report *report);

#endif
