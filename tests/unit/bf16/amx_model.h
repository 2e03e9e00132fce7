/* The AMX instructions that kernels/simd/amx.inc uses, in C, for machines that have none: as the pseudocode in Intel's
 * Software Developer's Manual (volume 2, LDTILECFG to TILEZERO) says. Included after <immintrin.h>, it puts the model
 * in the intrinsics' place. The state is a thread's own, as the CPU's is. What would fault aborts with a message. */
#ifndef SFT_TESTS_AMX_MODEL_H
#define SFT_TESTS_AMX_MODEL_H

#include <stddef.h>

void amx_model_loadconfig(const void *config);
void amx_model_release(void);
void amx_model_zero(int tile);
void amx_model_load(int tile, const void *base, size_t stride);
void amx_model_store(int tile, void *base, size_t stride);
void amx_model_dpbf16ps(int sums, int a, int b);
void amx_model_dpbssd(int sums, int a, int b);
void amx_model_dpbsud(int sums, int a, int b);

#undef _tile_loadconfig
#undef _tile_release
#undef _tile_zero
#undef _tile_loadd
#undef _tile_stored
#undef _tile_dpbf16ps
#undef _tile_dpbssd
#undef _tile_dpbsud
#define _tile_loadconfig amx_model_loadconfig
#define _tile_release    amx_model_release
#define _tile_zero       amx_model_zero
#define _tile_loadd      amx_model_load
#define _tile_stored     amx_model_store
#define _tile_dpbf16ps   amx_model_dpbf16ps
#define _tile_dpbssd     amx_model_dpbssd
#define _tile_dpbsud     amx_model_dpbsud

#endif
