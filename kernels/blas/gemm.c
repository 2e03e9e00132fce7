#include "gemm.h"

#include "cpu.h"
#include "kernels.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* OpenBLAS hands a single row to the same path as many, which packs the whole of b to use it once: a
 * matrix-vector product reads it once and no more. */
void gemm_nn(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb, float beta,
             float *c, size_t ldc)
{
    if (m == 1)
        cblas_sgemv(CblasRowMajor, CblasTrans, (blasint)k, (blasint)n, 1, b, (blasint)ldb, a, 1, beta, c, 1);
    else
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)m, (blasint)n, (blasint)k, 1, a,
                    (blasint)lda, b, (blasint)ldb, beta, c, (blasint)ldc);
}

void gemm_nt(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb, float beta,
             float *c, size_t ldc)
{
    if (m == 1)
        cblas_sgemv(CblasRowMajor, CblasNoTrans, (blasint)n, (blasint)k, 1, b, (blasint)ldb, a, 1, beta, c,
                    1);
    else
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)m, (blasint)n, (blasint)k, 1, a,
                    (blasint)lda, b, (blasint)ldb, beta, c, (blasint)ldc);
}

void gemm_tn(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb, float beta,
             float *c, size_t ldc)
{
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (blasint)m, (blasint)n, (blasint)k, 1, a,
                (blasint)lda, b, (blasint)ldb, beta, c, (blasint)ldc);
}

/* OpenBLAS 0.3.21 takes CPUs newer than itself for a Haswell, at half the speed where there is AVX-512. */
static bool core_is_lesser(const char *core)
{
    static const char *const without_avx512[] = {"Haswell", "Zen",      "Sandybridge",
                                                 "Nehalem", "Prescott", "Core2"};
    for (size_t i = 0; i < sizeof without_avx512 / sizeof *without_avx512; i++)
        if (strcasecmp(core, without_avx512[i]) == 0)
            return true;
    return false;
}

/* Give a variable a value unless the user gave it one; true where that changed something. */
static bool set_default(const char *name, const char *value)
{
    return !getenv(name) && setenv(name, value, 0) == 0;
}

/* libgomp's threads spin for milliseconds when they have nothing to do, which a machine with other work pays for
 * dearly (SPEED.md); a few microseconds bridge what is between our loops. */
static bool set_waiting(void)
{
    return !getenv("OMP_WAIT_POLICY") && set_default("GOMP_SPINCOUNT", "20000");
}

static bool set_core_type(void)
{
    const char *core = openblas_get_corename();
    if (!cpu_get()->avx512 || !core_is_lesser(core) || !set_default("OPENBLAS_CORETYPE", "SkylakeX"))
        return false;
    setenv("SFT_OPENBLAS_TOOK_CPU_FOR", core, 1);
    return true;
}

bool kernels_start(char **argv, char *why, size_t why_size)
{
    if (openblas_get_parallel() != OPENBLAS_OPENMP) {
        snprintf(why, why_size,
                 "this OpenBLAS is not its OpenMP build, and would fight with our threads over the cores: "
                 "install libopenblas0-openmp, or choose it with update-alternatives --config "
                 "libopenblas.so.0-x86_64-linux-gnu");
        return false;
    }
    const bool waiting = set_waiting(), core = set_core_type();
    if (waiting || core) /* both libraries read their variables when they are loaded */
        execv("/proc/self/exe", argv);
    return true; /* without /proc: slower, and all else as it should be */
}

void kernels_blas_core(char *out, size_t size)
{
    const char *taken_for = getenv("SFT_OPENBLAS_TOOK_CPU_FOR");
    snprintf(out, size, "%s%s%s", openblas_get_corename(), taken_for ? "; it took this CPU for a " : "",
             taken_for ? taken_for : "");
}
