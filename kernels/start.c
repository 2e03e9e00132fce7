#include "kernels.h"

#include <omp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

/* LLVM's OpenMP can be told to wait less at any time; libgomp cannot, and has no such function. */
extern void kmp_set_blocktime(int milliseconds) __attribute__((weak));

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

/* Under valgrind a program that starts itself again leaves it behind. */
static bool under_valgrind(void)
{
    const char *preloaded = getenv("LD_PRELOAD");
    return preloaded && strstr(preloaded, "/vgpreload_");
}

/* Started by name of the dynamic linker (ld.so ./sft), /proc/self/exe is that one, which nothing has loaded. */
static bool exe_is_this_program(void)
{
    return getauxval(AT_BASE) != 0;
}

/* Where the user binds threads to places, libgomp has bound this one to the first of them by now: what this process
 * becomes must have them all. */
static void unbind(void)
{
    cpu_set_t cpus;
    CPU_ZERO(&cpus);
    for (int place = 0; place < omp_get_num_places(); place++) {
        const int n = omp_get_place_num_procs(place);
        int *ids = malloc((size_t)(n > 0 ? n : 1) * sizeof *ids);
        if (!ids)
            return;
        omp_get_place_proc_ids(place, ids);
        for (int i = 0; i < n; i++)
            if (ids[i] >= 0 && ids[i] < CPU_SETSIZE)
                CPU_SET((size_t)ids[i], &cpus);
        free(ids);
    }
    if (CPU_COUNT(&cpus) > 0)
        sched_setaffinity(0, sizeof cpus, &cpus);
}

void kernels_start(char **argv)
{
    if (is_set("OMP_WAIT_POLICY"))
        return;
    if (kmp_set_blocktime) {
        if (!is_set("KMP_BLOCKTIME"))
            kmp_set_blocktime(1);
        return;
    }
    if (is_set("GOMP_SPINCOUNT") || under_valgrind() || !exe_is_this_program())
        return;
    if (setenv("GOMP_SPINCOUNT", "20000", 1))
        return;
    unbind();
    execv("/proc/self/exe", argv); /* without /proc: it goes on, waiting longer */
}
