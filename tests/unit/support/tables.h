/* The kernel tables that this CPU runs, for tests that hold each of them to the same values. */
#ifndef SFT_TESTS_TABLES_H
#define SFT_TESTS_TABLES_H

#include "cpu.h"
#include "kernels.h"
#include "simd/tables.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TABLES = 16 };

/* Fills tables[] (kernels/ref first, bf16 ones last) and returns how many there are, MAX_TABLES - 1 at most. */
static inline size_t runnable_tables(const struct kernels *tables[static MAX_TABLES])
{
    size_t count = 0, n = 0;
    bool runs;
    while (kernels_table(count, &runs))
        count++;
    for (size_t i = count; i-- > 0;) {
        const struct kernels *table = kernels_table(i, &runs);
        if (runs && n < MAX_TABLES - 1)
            tables[n++] = table;
    }
    if (n < count)
        printf("SKIP: %zu of the tables: this CPU (%s) cannot run them\n", count - n, cpu_get()->name);
    return n;
}

/* The AMX table on a C model of the tile instructions (bf16/amx_model.h), slow but everywhere where AVX512-BF16 is. */
extern const struct kernels kernels_bf16_amx_model;

/* The same and the model, for tests of small sizes. */
static inline size_t modelled_tables(const struct kernels *tables[static MAX_TABLES])
{
    size_t n = runnable_tables(tables);
#if defined(__x86_64__)
    if (cpu_get()->avx512_bf16)
        tables[n++] = &kernels_bf16_amx_model;
    else
        printf("SKIP: the model of AMX: this CPU (%s) has no AVX512-BF16\n", cpu_get()->name);
#endif
    return n;
}

static inline bool is_modelled(const struct kernels *table)
{
    return strstr(table->isa, "model") != NULL;
}

static inline bool is_bf16_table(const struct kernels *table)
{
    return table->act_size == sizeof(uint16_t);
}

/* A table's name in messages. */
static inline const char *table_name(const struct kernels *table)
{
    return table->isa;
}

/* To be called first in main: see kernels_start. Tests take the tables by their names. */
static inline void start_kernels(char **argv)
{
    char why[512];
    kernels_start(argv);
    if (!kernels_load_blas(why, sizeof why)) {
        fprintf(stderr, "%s\n", why);
        exit(1);
    }
}

#endif
