/* The fast tables that dispatch.c chooses from. */
#ifndef SFT_KERNELS_SIMD_TABLES_H
#define SFT_KERNELS_SIMD_TABLES_H

#include "kernels.h"

extern const struct kernels kernels_fp32_openblas; /* "ref": any CPU */
extern const struct kernels kernels_fp32_avx2;     /* x86-64 only, as the next */
extern const struct kernels kernels_fp32_avx512;
extern const struct kernels kernels_bf16_avx512;
extern const struct kernels kernels_bf16_amx;

#endif
