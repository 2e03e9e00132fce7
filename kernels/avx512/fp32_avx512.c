#define ISA_TABLE kernels_fp32_avx512
#define ISA_NAME  "avx512"
#define PRECISION "fp32"
#define PRODUCTS  "FMA on packed panels"
#define ENGINE    "simd/fp32.inc"
#include "simd/table.inc"
