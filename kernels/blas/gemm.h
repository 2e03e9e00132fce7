/* Single-threaded matrix products by OpenBLAS, which kernels_load_blas must have loaded. Call these only inside our
 * own OpenMP regions: there the OpenMP build of OpenBLAS stays on the calling thread. */
#ifndef SFT_KERNELS_BLAS_GEMM_H
#define SFT_KERNELS_BLAS_GEMM_H

#include <stddef.h>

/* c (m,n) = a (m,k) b (k,n) + beta c, row-major; _nt: b is given as (n,k). ld: elements between rows as stored. */
void gemm_nn(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb, float beta,
             float *c, size_t ldc);
void gemm_nt(size_t m, size_t n, size_t k, const float *a, size_t lda, const float *b, size_t ldb, float beta,
             float *c, size_t ldc);

#endif
