#include "train/checkpoint_list.h"

#include "base/io.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *checkpoint_path(const char *output_dir, uint64_t step)
{
    return mem_printf("%s/checkpoint-%llu", output_dir, (unsigned long long)step);
}

/* The step in a name "checkpoint-STEP"; 0 for any other name (there is no checkpoint before the first step).
 */
static uint64_t step_of(const char *name)
{
    static const char prefix[] = "checkpoint-";
    if (strncmp(name, prefix, sizeof prefix - 1) != 0)
        return 0;
    const char *digits = name + sizeof prefix - 1;
    if (!*digits || strspn(digits, "0123456789") != strlen(digits))
        return 0;
    return strtoull(digits, NULL, 10);
}

/* ---- which there are ---- */

static int newest_first(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? 1 : x > y ? -1 : 0;
}

enum sft_status checkpoint_list(const char *output_dir, uint64_t **steps, size_t *count, struct sft_err *err)
{
    char **names;
    size_t n_names;
    *steps = NULL;
    *count = 0;
    if (!path_exists(output_dir))
        return SFT_OK;
    if (io_list(output_dir, &names, &n_names, err))
        return err->status;
    *steps = mem_alloc(n_names * sizeof **steps);
    for (size_t i = 0; i < n_names; i++)
        if (step_of(names[i]))
            (*steps)[(*count)++] = step_of(names[i]);
    io_list_free(names, n_names);
    qsort(*steps, *count, sizeof **steps, newest_first);
    return SFT_OK;
}

size_t checkpoint_count(const char *output_dir)
{
    uint64_t *steps;
    size_t count;
    struct sft_err none;
    const bool is_readable = checkpoint_list(output_dir, &steps, &count, &none) == SFT_OK;
    free(steps);
    return is_readable ? count : 0;
}

/* Under its own name it is whole or gone: what a kill leaves of it has a name that is no checkpoint's, and goes with
 * checkpoint_clean. */
static enum sft_status remove_checkpoint(const char *output_dir, uint64_t step, struct sft_err *err)
{
    char *dir = checkpoint_path(output_dir, step), *tmp = mem_printf("%s.tmp", dir);
    enum sft_status status = io_remove_tree(tmp, err);
    if (!status)
        status = io_rename(dir, tmp, err);
    if (!status)
        status = io_remove_tree(tmp, err);
    free(dir);
    free(tmp);
    return status;
}

enum sft_status checkpoint_prune(const char *output_dir, uint64_t keep, uint64_t newest, uint64_t best,
                                 struct sft_err *err)
{
    uint64_t *steps;
    size_t count;
    enum sft_status status = checkpoint_list(output_dir, &steps, &count, err);
    for (size_t i = keep; keep && i < count && !status; i++) {
        if (steps[i] == newest || steps[i] == best)
            continue;
        status = remove_checkpoint(output_dir, steps[i], err);
    }
    free(steps);
    return status;
}

/* ---- what a process that was killed left ---- */

static bool is_left_over(const char *name)
{
    const size_t len = strlen(name);
    if (strcmp(name, "last.tmp") == 0 || strcmp(name, "best.tmp") == 0)
        return true;
    return strncmp(name, "checkpoint-", 11) == 0 && len >= 15 && strcmp(name + len - 4, ".tmp") == 0;
}

/* A checkpoint that made room for another, which has not come into its place, gets its name back: there may be no
 * other. */
static enum sft_status put_back(const char *path, bool *is_back, struct sft_err *err)
{
    enum sft_status status = SFT_OK;
    *is_back = false;
    if (!str_has_ending(path, IO_REPLACED))
        return SFT_OK;
    char *name = mem_strndup(path, strlen(path) - strlen(IO_REPLACED));
    if (!path_exists(name)) {
        status = io_rename(path, name, err);
        *is_back = !status;
    }
    free(name);
    return status;
}

enum sft_status checkpoint_clean(const char *output_dir, struct sft_err *err)
{
    char **names = NULL;
    size_t count = 0;
    if (!path_exists(output_dir))
        return SFT_OK;
    enum sft_status status = io_list(output_dir, &names, &count, err);
    for (size_t i = 0; i < count && !status; i++) {
        if (!is_left_over(names[i]))
            continue;
        char *path = path_join(output_dir, names[i]);
        bool is_back;
        status = put_back(path, &is_back, err);
        if (!status && !is_back)
            status = io_remove_tree(path, err);
        free(path);
    }
    io_list_free(names, count);
    return status;
}

/* ---- links ---- */

/* Let output_dir/NAME be a link to checkpoint-STEP. */
static enum sft_status point_link(const char *output_dir, const char *name, uint64_t step,
                                  struct sft_err *err)
{
    char *link = path_join(output_dir, name), *dir = checkpoint_path(output_dir, step);
    const char *target = strrchr(dir, '/') + 1;
    char now[64] = "";
    enum sft_status status = SFT_OK;
    if (path_is_dir(dir) && (readlink(link, now, sizeof now - 1) < 0 || strcmp(now, target) != 0))
        status = io_symlink(target, link, err);
    free(link);
    free(dir);
    return status;
}

enum sft_status checkpoint_link(const char *output_dir, uint64_t last, uint64_t best, struct sft_err *err)
{
    enum sft_status status = point_link(output_dir, "last", last, err);
    if (!status && best)
        status = point_link(output_dir, "best", best, err);
    return status ? status : io_sync_dir(output_dir, err);
}
