#define ISA_TABLE kernels_fp32_openblas
#define ISA_NAME  "ref"
#define PRECISION "fp32"
#define PRODUCTS  "OpenBLAS"
#define ENGINE    "simd/blas.inc"
#include "simd/table.inc"
