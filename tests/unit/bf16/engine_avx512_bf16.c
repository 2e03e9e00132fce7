#define ENGINE       "simd/bf16.inc"
#define ENGINE_NAME  "avx512_bf16"
#define ENGINE_TABLE engine_avx512_bf16
#include "engine.inc"

void real_dpbf16ps(float sums[static 16], const uint16_t a[static 32], const uint16_t b[static 32])
{
    _mm512_storeu_ps(sums, _mm512_dpbf16_ps(_mm512_loadu_ps(sums), load_pairs(a), load_pairs(b)));
}

uint16_t real_cvtneps2bf16(float x)
{
    uint16_t both[16];
    _mm256_storeu_si256((__m256i *)(void *)both, (__m256i)_mm512_cvtneps_pbh(_mm512_set1_ps(x)));
    return both[0];
}
