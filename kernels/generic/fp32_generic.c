#define ISA_TABLE kernels_fp32_generic
#define ISA_NAME  "ref"
#include "simd/table.inc"
