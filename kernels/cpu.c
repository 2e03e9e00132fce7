#include "cpu.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static void trim(char *name)
{
    size_t start = strspn(name, " ");
    size_t len = strlen(name + start);
    memmove(name, name + start, len + 1);
    while (len && name[len - 1] == ' ')
        name[--len] = '\0';
}

#if defined(__x86_64__)

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ARCH_REQ_XCOMP_PERM = 0x1023, XFEATURE_XTILEDATA = 18 }; /* asm/prctl.h of Linux 5.16 */

static uint64_t xcr0(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static void brand(char name[static 49])
{
    uint32_t r[12] = {0};
    for (uint32_t leaf = 0; leaf < 3; leaf++)
        __get_cpuid(0x80000002u + leaf, &r[4 * leaf], &r[4 * leaf + 1], &r[4 * leaf + 2], &r[4 * leaf + 3]);
    memcpy(name, r, 48);
    name[48] = '\0';
}

static void detect(struct cpu *cpu)
{
    brand(cpu->name);
    uint32_t a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
        return;
    const bool fma = c & bit_FMA, f16c = c & bit_F16C;
    const uint64_t saved = xcr0();
    const bool ymm = (saved & 0x6) == 0x6, zmm = (saved & 0xE6) == 0xE6, tiles = (saved & 0x60000) == 0x60000;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return;
    const uint32_t avx512_set = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
    const uint32_t amx_set = 1u << 22 | 1u << 24 | 1u << 25; /* AMX-BF16, AMX-TILE, AMX-INT8 */
    const bool amx = (d & amx_set) == amx_set;
    cpu->avx2 = ymm && fma && f16c && (b & bit_AVX2);
    cpu->avx512 = cpu->avx2 && zmm && (b & avx512_set) == avx512_set;
    if (__get_cpuid_count(7, 1, &a, &b, &c, &d))
        cpu->avx512_bf16 = cpu->avx512 && (a & (1u << 5));
    cpu->amx = cpu->avx512_bf16 && amx && tiles &&
                    syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA) == 0;
}

#else

static void detect(struct cpu *cpu)
{
    snprintf(cpu->name, sizeof cpu->name, "not an x86-64 CPU");
}

#endif

const struct cpu *cpu_get(void)
{
    static struct cpu cpu;
    static bool detected;
    if (!detected) {
        detect(&cpu);
        trim(cpu.name);
        if (!cpu.name[0])
            snprintf(cpu.name, sizeof cpu.name, "unnamed CPU");
        detected = true;
    }
    return &cpu;
}
