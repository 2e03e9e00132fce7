#define ISA_TABLE kernels_fp32_avx2
#define ISA_NAME  "avx2"
#define PRECISION "fp32"
#define PRODUCTS  "FMA on packed panels"
#define ENGINE    "simd/fp32.inc"
#include "simd/table.inc"
