/* The kernel tables that this CPU runs, for tests that hold each of them to the same values. */
#ifndef SFT_TESTS_TABLES_H
#define SFT_TESTS_TABLES_H

#include "cpu.h"
#include "kernels.h"
#include "simd/tables.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAX_TABLES = 4 };

/* Fills tables[] (fp32 ones; the reference first) and returns how many there are. */
static inline size_t runnable_tables(const struct kernels *tables[static MAX_TABLES])
{
    size_t n = 0;
    tables[n++] = &kernels_ref_f32;
    tables[n++] = &kernels_fp32_generic;
#if defined(__x86_64__)
    if (cpu_get()->avx2)
        tables[n++] = &kernels_fp32_avx2;
    if (cpu_get()->avx512)
        tables[n++] = &kernels_fp32_avx512;
#endif
    if (n < MAX_TABLES)
        printf("SKIP: %zu of the fp32 tables: this CPU (%s) cannot run them\n", MAX_TABLES - n,
               cpu_get()->name);
    return n;
}

/* A table's name in messages: the portable build of the fast kernels is "ref" to users, as the reference is.
 */
static inline const char *table_name(const struct kernels *table)
{
    return table == &kernels_fp32_generic ? "generic" : table->isa;
}

/* To be called first in main: see kernels_start. */
static inline void start_kernels(char **argv)
{
    char note[512];
    if (!kernels_start(argv, note, sizeof note)) {
        fprintf(stderr, "%s\n", note);
        exit(1);
    }
}

#endif
