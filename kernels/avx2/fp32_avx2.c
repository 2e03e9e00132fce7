#define ISA_TABLE kernels_fp32_avx2
#define ISA_NAME  "avx2"
#include "simd/table.inc"
