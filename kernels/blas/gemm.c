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

bool kernels_start(char **argv, char *note, size_t note_size)
{
    note[0] = '\0';
    if (openblas_get_parallel() != OPENBLAS_OPENMP) {
        snprintf(note, note_size,
                 "this OpenBLAS is not its OpenMP build, and would fight with our threads over the cores: "
                 "install libopenblas0-openmp, or choose it with update-alternatives --config "
                 "libopenblas.so.0-x86_64-linux-gnu");
        return false;
    }
    const char *core = openblas_get_corename(), *restarted = getenv("SFT_OPENBLAS_CORE");
    if (restarted) {
        snprintf(note, note_size, "OpenBLAS took this CPU for a %s; runs as %s", restarted, core);
    } else if (cpu_get()->avx512 && core_is_lesser(core) && !getenv("OPENBLAS_CORETYPE")) {
        setenv("SFT_OPENBLAS_CORE", core, 1);
        setenv("OPENBLAS_CORETYPE", "SkylakeX", 1);
        execv("/proc/self/exe", argv);
        /* no /proc: half the speed, and all else as it should be */
        unsetenv("OPENBLAS_CORETYPE");
        unsetenv("SFT_OPENBLAS_CORE");
    }
    return true;
}
