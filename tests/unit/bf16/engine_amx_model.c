#include <immintrin.h>

#include "amx_model.h"

#define ENGINE       "simd/amx.inc"
#define ENGINE_NAME  "amx (model)"
#define ENGINE_TABLE engine_amx_model
#include "engine.inc"
