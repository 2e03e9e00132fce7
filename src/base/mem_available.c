/* How much memory there is to be had. */
#include "base/mem.h"

#include "base/bounds.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static size_t left_of(size_t limit, size_t used)
{
    if (limit == SIZE_MAX || used == SIZE_MAX)
        return SIZE_MAX;
    return limit > used ? limit - used : 0;
}

/* ---- files of one number, or of names and numbers ---- */

static FILE *open_below(const char *dir, const char *name)
{
    char *path = mem_printf("%s/%s", dir, name);
    FILE *f = fopen(path, "re");
    free(path);
    return f;
}

/* SIZE_MAX: there is no such file, or no number in it (cgroup's "max"). */
static size_t number_in(const char *dir, const char *name)
{
    FILE *f = open_below(dir, name);
    unsigned long long value = 0;
    if (!f)
        return SIZE_MAX;
    const int got = fscanf(f, "%llu", &value);
    fclose(f);
    return got == 1 ? (size_t)value : SIZE_MAX;
}

/* The sum of the numbers that stand behind these names, one "NAME NUMBER" a line. */
static size_t sum_in(const char *dir, const char *file, const char *const *names, size_t n_names)
{
    FILE *f = open_below(dir, file);
    size_t sum = 0;
    char line[256], name[128];
    while (f && fgets(line, sizeof line, f)) {
        unsigned long long value;
        if (sscanf(line, "%127[^: ]%*[: ]%llu", name, &value) != 2)
            continue;
        for (size_t i = 0; i < n_names; i++)
            if (strcmp(name, names[i]) == 0)
                sum += (size_t)value;
    }
    if (f)
        fclose(f);
    return sum;
}

/* ---- control groups ---- */

/* A version's names. `cache`: pages of files that the kernel can take back, of the group and those in it; tmpfs and
 * shared memory are not among them. */
struct cgroup_version {
    const char *mount, *controller; /* in /proc/self/cgroup: the field of controllers ("" for version 2) */
    const char *limits[2], *usage, *cache[3];
    size_t n_limits, n_cache;
};
static const struct cgroup_version versions[] = {
    {"sys/fs/cgroup", "", {"memory.max", "memory.high"}, "memory.current",
     {"inactive_file", "active_file", "slab_reclaimable"}, 2, 3},
    {"sys/fs/cgroup/unified", "", {"memory.max", "memory.high"}, "memory.current",
     {"inactive_file", "active_file", "slab_reclaimable"}, 2, 3},
    {"sys/fs/cgroup/memory", "memory", {"memory.limit_in_bytes"}, "memory.usage_in_bytes",
     {"total_inactive_file", "total_active_file"}, 1, 2},
};

static size_t left_in_group(const char *dir, const struct cgroup_version *v)
{
    size_t limit = SIZE_MAX;
    for (size_t i = 0; i < v->n_limits; i++)
        limit = at_most(limit, number_in(dir, v->limits[i]));
    const size_t used = number_in(dir, v->usage);
    if (limit == SIZE_MAX || used == SIZE_MAX)
        return SIZE_MAX;
    return left_of(limit, left_of(used, sum_in(dir, "memory.stat", v->cache, v->n_cache)));
}

/* Whether a comma-separated list has a word. */
static bool list_has(const char *list, const char *word)
{
    const size_t len = strlen(word);
    for (const char *p = list; *p;) {
        const size_t n = strcspn(p, ",");
        if (n == len && strncmp(p, word, n) == 0)
            return true;
        p += n + (p[n] == ',');
    }
    return false;
}

/* This process's group: malloc'd, "" for the root, which is also said where the file does not tell. A line is
 * "NUMBER:CONTROLLERS:PATH". */
static char *group_path(const char *root, const char *controller)
{
    FILE *f = open_below(root, "proc/self/cgroup");
    char *line = NULL, *found = NULL;
    size_t capacity = 0;
    while (f && !found && getline(&line, &capacity, f) > 0) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = '\0';
        if (*controller ? list_has(controllers + 1, controller) : controllers[1] == '\0')
            found = mem_strdup(strcmp(path, "/") == 0 ? "" : path);
    }
    if (f)
        fclose(f);
    free(line);
    return found ? found : mem_strdup("");
}

/* The least of the group and of those above it. In a container the path may be the host's, of which only the end is
 * there, or nothing but the root: what is not there does not limit. */
static size_t left_in_groups(const char *root, const struct cgroup_version *v)
{
    char *path = group_path(root, v->controller);
    size_t left = SIZE_MAX;
    for (;;) {
        char *dir = mem_printf("%s/%s%s", root, v->mount, path);
        left = at_most(left, left_in_group(dir, v));
        free(dir);
        char *slash = strrchr(path, '/');
        if (!slash)
            break;
        *slash = '\0';
    }
    free(path);
    return left;
}

size_t mem_available_below(const char *root)
{
    static const char *const available[] = {"MemAvailable"};
    const size_t kib = sum_in(root, "proc/meminfo", available, 1);
    size_t left = kib ? kib * 1024 : SIZE_MAX; /* a kernel before 3.14, or no /proc, does not tell */
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
        left = at_most(left, left_in_groups(root, &versions[i]));
    return left;
}

/* ---- the process ---- */

/* What is left of a resource limit, of which `pages` are used. */
static size_t left_of_limit(__rlimit_resource_t resource, size_t pages)
{
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
        return SIZE_MAX;
    return left_of((size_t)limit.rlim_cur, pages * (size_t)sysconf(_SC_PAGESIZE));
}

size_t mem_available(void)
{
    unsigned long long all = 0, data = 0; /* pages: of addresses; of those, private ones that can be written */
    FILE *f = fopen("/proc/self/statm", "re");
    if (f && fscanf(f, "%llu %*u %*u %*u %*u %llu", &all, &data) != 2)
        all = data = 0;
    if (f)
        fclose(f);
    size_t left = mem_available_below("");
    left = at_most(left, left_of_limit(RLIMIT_AS, (size_t)all));
    return at_most(left, left_of_limit(RLIMIT_DATA, (size_t)data));
}

size_t mem_peak_rss(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (size_t)usage.ru_maxrss * 1024;
}
