#define ISA_TABLE kernels_bf16_amx
#define ISA_NAME  "amx"
#define PRECISION "bf16"
#define PRODUCTS  "AMX tiles on packed panels"
#define ENGINE    "simd/amx.inc"
#include "simd/table.inc"
