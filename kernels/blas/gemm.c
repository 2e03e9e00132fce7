#include "gemm.h"

#include "openblas.h"

/* OpenBLAS hands a single row to the same path as many, which packs the whole of b to use it once: a
 * matrix-vector product reads it once and no more. */
void gemm_nn(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb, float beta,
             float *c, size_t ldc)
{
    if (m == 1)
        openblas.sgemv(CblasRowMajor, CblasTrans, (blasint)k, (blasint)n, 1, b, (blasint)ldb, a, 1, beta, c, 1);
    else
        openblas.sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (blasint)m, (blasint)n, (blasint)k, 1, a,
                       (blasint)lda, b, (blasint)ldb, beta, c, (blasint)ldc);
}

void gemm_nt(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb, float beta,
             float *c, size_t ldc)
{
    if (m == 1)
        openblas.sgemv(CblasRowMajor, CblasNoTrans, (blasint)n, (blasint)k, 1, b, (blasint)ldb, a, 1, beta, c, 1);
    else
        openblas.sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)m, (blasint)n, (blasint)k, 1, a,
                       (blasint)lda, b, (blasint)ldb, beta, c, (blasint)ldc);
}
