/* OpenBLAS, loaded when a table that needs it is chosen: no other has to have it, to wait for it, or to give it the
 * 128 MB of addresses that it maps for every thread. */
#ifndef SFT_KERNELS_BLAS_OPENBLAS_H
#define SFT_KERNELS_BLAS_OPENBLAS_H

#include <cblas.h>
#include <stdbool.h>
#include <stddef.h>

struct openblas {
    void *library; /* NULL: not loaded */
    __typeof__(cblas_sgemm) *sgemm;
    __typeof__(cblas_sgemv) *sgemv;
    __typeof__(openblas_get_parallel) *get_parallel;
    __typeof__(openblas_get_corename) *get_corename;
    const char *took_cpu_for; /* a lesser core, before that was put right; NULL: did not */
};
extern struct openblas openblas;

#endif
