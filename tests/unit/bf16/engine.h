/* The bf16 engines' functions, as product.inc describes them, for tests: there they are static, one copy a table. */
#ifndef SFT_TESTS_BF16_ENGINE_H
#define SFT_TESTS_BF16_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bf16_engine {
    const char *name;
    size_t n_panel, k_step; /* a right-hand side's: panels of (K / k_step, n_panel, k_step), in pairs along K */
    size_t k_block;
    size_t (*rhs_size)(size_t K, size_t N);
    void (*rhs_of_reals)(uint16_t *rhs, const float *b, size_t ldb, size_t K, size_t N);
    void (*rhs_of_reals_t)(uint16_t *rhs, const float *b, size_t ldb, size_t K, size_t N);
    void (*rhs_of)(uint16_t *rhs, const uint16_t *b, size_t ldb, size_t K, size_t N);
    void (*rhs_of_t)(uint16_t *rhs, const uint16_t *b, size_t ldb, size_t K, size_t N);
    void (*multiply)(float *c, size_t ldc, bool add, const uint16_t *a, size_t lda, size_t M, const uint16_t *rhs,
                     size_t K, size_t N);
    void (*transpose)(uint16_t *at, size_t ldt, const uint16_t *a, size_t lda, size_t rows, size_t columns);
    const uint16_t *(*round_rows)(uint16_t *scratch, size_t *ld, const float *a, size_t lda, size_t rows,
                                  size_t columns);
    uint16_t (*to_elem)(float x);
    float (*from_elem)(uint16_t x);
    float (*peak_rounds)(float start);
};

extern const struct bf16_engine engine_avx512_bf16, engine_amx_model;

/* The instructions themselves, for those that have one here. */
void real_dpbf16ps(float sums[static 16], const uint16_t a[static 32], const uint16_t b[static 32]);
uint16_t real_cvtneps2bf16(float x);

#endif
