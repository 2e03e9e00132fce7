#define ISA_TABLE kernels_fp32_avx512
#define ISA_NAME  "avx512"
#include "simd/table.inc"
