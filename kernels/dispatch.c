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
    const char *needs; /* of the CPU, for messages */
    const char *is;    /* what its name does not say, for messages; or NULL */
    bool only_forced;  /* by SFT_ISA */
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

static bool has_amx(const struct cpu *cpu)
{
    return cpu->amx;
}
#endif

static const struct choice choices[] = {
#if defined(__x86_64__)
    {.table = &kernels_bf16_amx, .runs = has_amx, .needs = "AMX-BF16, AMX-INT8 and Linux's permission for tiles"},
    {.table = &kernels_bf16_avx512, .runs = has_avx512_bf16, .needs = "AVX512-BF16"},
    {.table = &kernels_fp32_avx512, .runs = has_avx512, .needs = "AVX-512 (F, BW, DQ, VL)"},
    {.table = &kernels_fp32_avx2, .runs = has_avx2, .needs = "AVX2 and FMA"},
#endif
    {.table = &kernels_fp32_openblas, .runs = any, .needs = "nothing", .is = "by OpenBLAS"},
    {.table = &kernels_plain_f32, .runs = any, .needs = "nothing", .is = "to check the others by", .only_forced = true},
};
enum { N_CHOICES = sizeof choices / sizeof *choices };

/* isa: what SFT_ISA forces, or NULL. */
static bool fits(const struct choice *choice, const char *precision, const char *isa)
{
    if (strcmp(precision, "auto") != 0 && strcmp(choice->table->precision, precision) != 0)
        return false;
    return isa ? strcmp(isa, choice->table->isa) == 0 : !choice->only_forced;
}

static bool has_precision(const char *precision)
{
    for (size_t i = 0; i < N_CHOICES; i++)
        if (fits(&choices[i], precision, NULL))
            return true;
    return false;
}

/* A word that is no precision, or one that nothing on this kind of CPU computes in. */
static void explain_precision(const char *precision, char *why, size_t why_size)
{
    const char *last = "";
    size_t used = (size_t)snprintf(why, why_size, "precision %s: there are no such kernels here (auto", precision);
    for (size_t i = 0; i < N_CHOICES && used < why_size; i++) {
        const char *name = choices[i].table->precision;
        if (strcmp(name, last) != 0)
            used += (size_t)snprintf(why + used, why_size - used, ", %s", name);
        last = name;
    }
    if (used < why_size)
        snprintf(why + used, why_size - used, ")");
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
            used += (size_t)snprintf(why + used, why_size - used, "%s %s %s%s%s", first ? "" : ",", table->isa,
                                     table->precision, choices[i].is ? " " : "", choices[i].is ? choices[i].is : "");
        else if (fits(&choices[i], precision, NULL))
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
        if (!fits(choice, precision, isa))
            continue;
        if (choice->runs(cpu)) {
            if (choice->table == &kernels_fp32_openblas && !kernels_load_blas(why, why_size))
                return NULL;
            const char *is = choice->only_forced ? choice->is : NULL;
            snprintf(why, why_size, "%s%s%s", isa ? "forced by SFT_ISA" : "the fastest that this CPU runs",
                     is ? ", " : "", is ? is : "");
            return choice->table;
        }
        if (isa) {
            snprintf(why, why_size, "SFT_ISA=%s: needs %s, which this CPU (%s) lacks", isa, choice->needs,
                     cpu->name);
            return NULL;
        }
    }
    if (has_precision(precision))
        explain_none(precision, isa, why, why_size);
    else
        explain_precision(precision, why, why_size);
    return NULL;
}

const struct kernels *kernels_table(size_t i, bool *runs)
{
    if (i >= N_CHOICES)
        return NULL;
    *runs = choices[i].runs(cpu_get());
    return choices[i].table;
}

double kernels_peak_flops(const char *precision, double seconds)
{
    for (size_t i = 0; i < N_CHOICES; i++)
        if (fits(&choices[i], precision, NULL) && choices[i].runs(cpu_get()))
            return choices[i].table->peak_flops(seconds);
    return 0;
}
