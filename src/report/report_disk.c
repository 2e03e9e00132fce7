#include "report/report_disk.h"

#include "base/mem.h"
#include "base/path.h"
#include "train/checkpoint_list.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

/* Of the file system that `path` lies on, or will: its nearest parent that exists says. */
static uint64_t free_bytes(const char *path)
{
    struct statvfs fs;
    char *place = mem_strdup(path);
    while (statvfs(place, &fs) != 0) {
        char *parent = path_dirname(place);
        const bool is_top = strcmp(parent, place) == 0;
        free(place);
        place = parent;
        if (is_top) {
            free(place);
            return 0;
        }
    }
    free(place);
    return (uint64_t)fs.f_bavail * fs.f_frsize;
}

static uint64_t gcd(uint64_t a, uint64_t b)
{
    return b ? gcd(b, a % b) : a;
}

/* Checkpoints that the run makes at most: after each save interval, each evaluation (it may be the best so
 * far), and at its end. Those that save_interval_s brings before an epoch's end are not foreseen. */
static uint64_t checkpoints_made(const struct intervals *i)
{
    const uint64_t total = i->total_steps, epoch = i->steps_per_epoch;
    const uint64_t save = i->save_steps ? i->save_steps : epoch;
    const uint64_t eval = !i->has_eval ? save : i->eval_steps ? i->eval_steps : epoch;
    const uint64_t evals = save / gcd(save, eval); /* from one step that has both to the next */
    const double both = (double)evals * (double)eval;
    const uint64_t common = both <= (double)total ? (uint64_t)((double)total / both) : 0;
    const bool end_is_extra = total % save != 0 && total % eval != 0;
    return total / save + total / eval - common + end_is_extra;
}

static uint64_t checkpoints_at_once(const struct intervals *i, uint64_t limit)
{
    const uint64_t made = checkpoints_made(i);
    const uint64_t best = i->has_eval, written = 1; /* the oldest goes when the new one is there */
    return limit == 0 || made < limit + best + written ? made : limit + best + written;
}

struct report_disk report_disk_plan(const struct tensor_table *table, const struct intervals *intervals,
                                    uint64_t save_total_limit, const struct dtype *dtype, uint64_t moments,
                                    const char *output_dir)
{
    const size_t n = tensor_table_count_trained(table); /* all, or of an adapter what it has */
    size_t model, floats;
    if (!dtype_bytes(dtype, n, &model) || !dtype_bytes(&dtype_f32, n, &floats))
        SFT_BUG("a model larger than memory");
    const uint64_t masters = dtype == &dtype_f32 ? 0 : floats; /* where the model's own are rounded */
    struct report_disk d = {.checkpoint_bytes = model + masters + moments,
                            .checkpoints = checkpoints_at_once(intervals, save_total_limit),
                            .existing = checkpoint_count(output_dir),
                            .free = free_bytes(output_dir)};
    d.needed = d.checkpoint_bytes * (d.checkpoints > d.existing ? d.checkpoints - d.existing : 1);
    return d;
}
