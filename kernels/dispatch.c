#include "cpu.h"
#include "kernels.h"
#include "simd/tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What can be chosen, best first within a precision. */
struct choice {
    const struct kernels *table;
    bool (*runs)(const struct cpu *cpu);
    const char *needs; /* for messages */
};

static bool any(const struct cpu *cpu)
{
    (void)cpu;
    return true;
}

#if defined(__x86_64__)
static bool has_avx2(const struct cpu *cpu)
{
    return cpu->avx2;
}

static bool has_avx512(const struct cpu *cpu)
{
    return cpu->avx512;
}

static bool has_avx512_bf16(const struct cpu *cpu)
{
    return cpu->avx512_bf16;
}

static bool has_amx_bf16(const struct cpu *cpu)
{
    return cpu->amx_bf16;
}
#endif

static const struct choice choices[] = {
#if defined(__x86_64__)
    {&kernels_bf16_amx, has_amx_bf16, "AMX-BF16 and Linux's permission for tiles"},
    {&kernels_bf16_avx512, has_avx512_bf16, "AVX512-BF16"},
    {&kernels_fp32_avx512, has_avx512, "AVX-512 (F, BW, DQ, VL)"},
    {&kernels_fp32_avx2, has_avx2, "AVX2 and FMA"},
#endif
    {&kernels_fp32_generic, any, "nothing"},
};
enum { N_CHOICES = sizeof choices / sizeof *choices };

static bool fits(const struct choice *choice, const char *precision)
{
    return strcmp(precision, "auto") == 0 || strcmp(choice->table->precision, precision) == 0;
}

/* Why no table fits: SFT_ISA is no name of one of that precision, or this CPU runs none of them. */
static void explain_none(const char *precision, const char *isa, char *why, size_t why_size)
{
    const bool any_precision = strcmp(precision, "auto") == 0;
    size_t used = 0;
    if (isa)
        used = (size_t)snprintf(why, why_size, "SFT_ISA=%s: no%s%s kernels of that name (there are", isa,
                                any_precision ? "" : " ", any_precision ? "" : precision);
    else
        used = (size_t)snprintf(why, why_size, "precision %s: this CPU (%s) lacks what its kernels need (",
                                precision, cpu_get()->name);
    bool first = true;
    for (size_t i = 0; i < N_CHOICES && used < why_size; i++) {
        const struct kernels *table = choices[i].table;
        if (isa)
            used += (size_t)snprintf(why + used, why_size - used, "%s %s %s", first ? "" : ",", table->isa,
                                     table->precision);
        else if (fits(&choices[i], precision))
            used += (size_t)snprintf(why + used, why_size - used, "%s%s", first ? "" : ", or ", choices[i].needs);
        else
            continue;
        first = false;
    }
    if (used < why_size)
        snprintf(why + used, why_size - used, ")");
}

const struct kernels *kernels_select(const char *precision, char *why, size_t why_size)
{
    const char *isa = getenv("SFT_ISA");
    if (isa && !*isa)
        isa = NULL;
    const struct cpu *cpu = cpu_get();
    for (size_t i = 0; i < N_CHOICES; i++) {
        const struct choice *choice = &choices[i];
        if (!fits(choice, precision) || (isa && strcmp(isa, choice->table->isa) != 0))
            continue;
        if (choice->runs(cpu)) {
            if (choice->table == &kernels_fp32_generic && !kernels_load_blas(why, why_size))
                return NULL;
            snprintf(why, why_size, "%s", isa ? "forced by SFT_ISA" : "the fastest that this CPU runs");
            return choice->table;
        }
        if (isa) {
            snprintf(why, why_size, "SFT_ISA=%s: needs %s, which this CPU (%s) lacks", isa, choice->needs,
                     cpu->name);
            return NULL;
        }
    }
    explain_none(precision, isa, why, why_size);
    return NULL;
}

double kernels_peak_flops(const char *precision, double seconds)
{
    for (size_t i = 0; i < N_CHOICES; i++)
        if (fits(&choices[i], precision) && choices[i].runs(cpu_get()))
            return choices[i].table->peak_flops(seconds);
    return 0;
}
