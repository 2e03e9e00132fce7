/* What this CPU and its operating system can run: cpuid, then XCR0 (are the registers saved?), then the
 * kernel's permission for AMX tiles. */
#ifndef SFT_KERNELS_CPU_H
#define SFT_KERNELS_CPU_H

#include <stdbool.h>

struct cpu {
    char name[64]; /* brand string */
    bool avx2;     /* with FMA */
    bool avx512;   /* F, BW, DQ, VL */
    bool avx512_bf16;
    bool amx; /* BF16 and INT8, with permission granted to this process */
};

const struct cpu *cpu_get(void); /* detected once */

#endif
