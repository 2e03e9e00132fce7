#define ISA_TABLE kernels_bf16_avx512
#define ISA_NAME  "avx512_bf16"
#define PRECISION "bf16"
#define PRODUCTS  "vdpbf16ps on packed panels"
#define ENGINE    "simd/bf16.inc"
#include "simd/table.inc"
