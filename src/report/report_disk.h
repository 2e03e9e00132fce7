/* The disk that a run's checkpoints need. */
#ifndef SFT_REPORT_REPORT_DISK_H
#define SFT_REPORT_REPORT_DISK_H

#include "files/dtype.h"
#include "model/config.h"
#include "model/tensor_table.h"
#include "train/intervals.h"

struct report_disk {
    uint64_t checkpoint_bytes;
    uint64_t checkpoints; /* at most at once */
    uint64_t existing;    /* of them, in output_dir */
    uint64_t needed;      /* bytes, by those that are not there yet */
    uint64_t free;        /* bytes */
};

/* save_total_limit: how many the run keeps; 0: all. dtype: of their weights. moments: their bytes. */
struct report_disk report_disk_plan(const struct tensor_table *table, const struct intervals *intervals,
                                    uint64_t save_total_limit, const struct dtype *dtype, uint64_t moments,
                                    const char *output_dir);

#endif
