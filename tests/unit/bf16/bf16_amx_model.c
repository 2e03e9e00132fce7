/* The AMX table on the model of its tile instructions: what packs its operands is AVX512-BF16, which must be there. */
#include "../support/tables.h"

#include <immintrin.h>

#include "amx_model.h"

#define ISA_TABLE kernels_bf16_amx_model
#define ISA_NAME  "amx (model)"
#define PRECISION "bf16"
#define PRODUCTS  "its own"
#define ENGINE    "simd/amx.inc"
#include "simd/table.inc"
