#include "openblas.h"

#include "cpu.h"
#include "kernels.h"

#include <dlfcn.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define LIBRARY "libopenblas.so.0"
#define REMEDY  "install libopenblas0-openmp"

struct openblas openblas;

/* Where a limit (ulimit -v) leaves too few addresses, OpenBLAS tries for ever to map its buffers: one a thread when it
 * is loaded, and one for every thread that multiplies. */
static bool has_address_space(char *why, size_t why_size)
{
    enum { BUFFER = 128, LIBRARY_ITSELF = 64 }; /* MB */
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) || limit.rlim_cur == RLIM_INFINITY)
        return true;
    const size_t threads = (size_t)omp_get_max_threads(), needed = (2 * threads + 1) * BUFFER + LIBRARY_ITSELF;
    void *probe = mmap(NULL, needed << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (probe != MAP_FAILED) {
        munmap(probe, needed << 20);
        return true;
    }
    snprintf(why, why_size,
             "OpenBLAS needs %zu MB of address space for %zu thread%s, more than the limit of %llu MB leaves (raise it "
             "with ulimit -v, or lower OMP_NUM_THREADS)",
             needed, threads, threads == 1 ? "" : "s", (unsigned long long)limit.rlim_cur >> 20);
    return false;
}

/* The member of `openblas` that is a function of that name. */
#define FIND(member, name) (openblas.member = (__typeof__(openblas.member))dlsym(openblas.library, name))

static bool open_library(char *why, size_t why_size)
{
    openblas.library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!openblas.library) {
        snprintf(why, why_size, "the ref kernels' products are OpenBLAS's, which cannot be loaded: %s (" REMEDY ")",
                 dlerror());
        return false;
    }
    if (FIND(sgemm, "cblas_sgemm") && FIND(sgemv, "cblas_sgemv") && FIND(get_parallel, "openblas_get_parallel") &&
        FIND(get_corename, "openblas_get_corename"))
        return true;
    snprintf(why, why_size, LIBRARY " is not OpenBLAS with its C interface (" REMEDY ")");
    return false;
}

static void close_library(void)
{
    if (openblas.library)
        dlclose(openblas.library);
    openblas.library = NULL;
}

static bool is_openmp_build(char *why, size_t why_size)
{
    if (openblas.get_parallel() == OPENBLAS_OPENMP)
        return true;
    snprintf(why, why_size,
             "this OpenBLAS is not its OpenMP build, and would fight with our threads over the cores (" REMEDY
             ", or choose it with update-alternatives --config libopenblas.so.0-x86_64-linux-gnu)");
    return false;
}

/* OpenBLAS 0.3.21 takes CPUs newer than itself for a Haswell, at half the speed where there is AVX-512. */
static const char *lesser_core(void)
{
    static const char *const without_avx512[] = {"Haswell", "Zen",      "Sandybridge",
                                                 "Nehalem", "Prescott", "Core2"};
    for (size_t i = 0; i < sizeof without_avx512 / sizeof *without_avx512; i++)
        if (strcasecmp(openblas.get_corename(), without_avx512[i]) == 0)
            return without_avx512[i];
    return NULL;
}

/* It reads OPENBLAS_CORETYPE when it is loaded: where the user gave none, and it mistakes the CPU, it is loaded again. */
static bool put_core_right(char *why, size_t why_size)
{
    const char *core = lesser_core();
    if (!core || !cpu_get()->avx512 || getenv("OPENBLAS_CORETYPE"))
        return true;
    close_library();
    setenv("OPENBLAS_CORETYPE", "SkylakeX", 1);
    if (!open_library(why, why_size))
        return false;
    openblas.took_cpu_for = lesser_core() ? NULL : core;
    return true;
}

bool kernels_load_blas(char *why, size_t why_size)
{
    if (openblas.library)
        return true;
    const bool loaded = has_address_space(why, why_size) && open_library(why, why_size) &&
                        is_openmp_build(why, why_size) && put_core_right(why, why_size);
    if (!loaded)
        close_library();
    return loaded;
}

void kernels_blas_core(char *out, size_t size)
{
    const char *taken_for = openblas.took_cpu_for;
    snprintf(out, size, "%s%s%s", openblas.get_corename(), taken_for ? "; it took this CPU for a " : "",
             taken_for ? taken_for : "");
}
