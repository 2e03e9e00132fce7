/* The bf16 engines below the ops: packing and products against plain loops at sizes that are multiples of nothing, with
 * nothing read or written beyond the arrays; the instructions against what the kernels take them for; and the C model
 * of AMX, which stands in for the CPU that has it. */
#include "base/mem.h"
#include "base/rng.h"
#include "bf16/bf16_arithmetic.h"
#include "bf16/engine.h"
#include "support/bf16.h"
#include "support/run_suite.h"
#include "support/tables.h"

#include <check.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bf16/amx_model.h"

static const struct bf16_engine *const engines[] = {&engine_avx512_bf16, &engine_amx_model};
enum { N_ENGINES = sizeof engines / sizeof *engines };

/* ck_assert_msg for inner loops: Check notes the place of each of its own in a file. */
#define CHECK(condition, ...)                                                                               \
    do {                                                                                                    \
        if (!(condition))                                                                                   \
            ck_abort_msg(__VA_ARGS__);                                                                      \
    } while (0)

/* ---- arrays that end where memory ends ---- */

enum { MAX_GUARDED = 16 };

static struct {
    unsigned char *map;
    size_t bytes;
} guarded_maps[MAX_GUARDED];
static size_t n_guarded;

/* n zero bytes between two pages that cannot be touched: the end is exact, and a page at most lies before. */
static void *guarded(size_t n)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (n + page - 1) / page * page, bytes = whole + 2 * page;
    unsigned char *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ck_assert(map != MAP_FAILED && n_guarded < MAX_GUARDED);
    ck_assert_int_eq(mprotect(map, page, PROT_NONE), 0);
    ck_assert_int_eq(mprotect(map + page + whole, page, PROT_NONE), 0);
    guarded_maps[n_guarded].map = map;
    guarded_maps[n_guarded++].bytes = bytes;
    return map + page + whole - n;
}

static void free_guarded(void)
{
    while (n_guarded > 0) {
        n_guarded--;
        munmap(guarded_maps[n_guarded].map, guarded_maps[n_guarded].bytes);
    }
}

/* The elements from the first to the last of (rows, columns). */
static size_t span(size_t rows, size_t columns, size_t ld)
{
    return (rows - 1) * ld + columns;
}

static float *random_reals(struct rng *rng, size_t n)
{
    float *x = guarded(n * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)rng_normal(rng);
    return x;
}

static uint16_t *random_elems(struct rng *rng, size_t n)
{
    uint16_t *x = guarded(n * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = bf16_of(rng_normal(rng));
    return x;
}

/* ---- sizes ---- */

static const struct size {
    size_t M, N, K, lda, ldb, ldc;
} sizes[] = {
    {1, 1, 1, 1, 1, 1},          {1, 33, 31, 31, 40, 33},     {5, 17, 2, 3, 17, 20},      {14, 32, 64, 64, 32, 32},
    {15, 31, 33, 50, 31, 31},    {32, 32, 32, 32, 32, 32},    {33, 65, 100, 101, 70, 65}, {64, 64, 256, 256, 64, 64},
    {31, 96, 257, 300, 97, 100}, {70, 75, 300, 512, 75, 77},  {3, 40, 1025, 1025, 40, 40}, {97, 95, 99, 100, 95, 95},
    {45, 33, 513, 1024, 33, 33}, {33, 34, 1030, 2048, 34, 34},
};
enum { N_SIZES = sizeof sizes / sizeof *sizes };

/* ---- packing ---- */

/* Where element (k, n) of a right-hand side (K, N) lies. */
static size_t packed_at(const struct bf16_engine *e, size_t k, size_t n, size_t K)
{
    const size_t K_padded = (K + e->k_step - 1) / e->k_step * e->k_step;
    return n / e->n_panel * e->n_panel * K_padded + k / 2 * 2 * e->n_panel + n % e->n_panel * 2 + k % 2;
}

/* element(b, ldb, k, n) is what should be there; zeros around. */
static void check_packed(const struct bf16_engine *e, const char *what, const uint16_t *rhs, const void *b, size_t ldb,
                         size_t K, size_t N, uint16_t (*element)(const void *b, size_t ldb, size_t k, size_t n))
{
    const size_t K_padded = (K + e->k_step - 1) / e->k_step * e->k_step;
    const size_t N_padded = (N + e->n_panel - 1) / e->n_panel * e->n_panel;
    ck_assert_uint_eq(e->rhs_size(K, N), K_padded * N_padded);
    for (size_t k = 0; k < K_padded; k++)
        for (size_t n = 0; n < N_padded; n++) {
            const uint16_t expected = k < K && n < N ? element(b, ldb, k, n) : 0;
            const uint16_t got = rhs[packed_at(e, k, n, K)];
            CHECK(got == expected, "%s, %s: (%zu, %zu) of (%zu, %zu) is %04x, not %04x", e->name, what, k, n, K, N, got,
                  expected);
        }
}

static uint16_t real_at(const void *b, size_t ldb, size_t k, size_t n)
{
    return bf16_of((double)((const float *)b)[k * ldb + n]);
}

static uint16_t real_t_at(const void *b, size_t ldb, size_t k, size_t n)
{
    return real_at(b, ldb, n, k);
}

static uint16_t elem_at(const void *b, size_t ldb, size_t k, size_t n)
{
    return ((const uint16_t *)b)[k * ldb + n];
}

static uint16_t elem_t_at(const void *b, size_t ldb, size_t k, size_t n)
{
    return elem_at(b, ldb, n, k);
}

START_TEST(packing_puts_every_element_in_its_place)
{
    const struct size *s = &sizes[_i % N_SIZES];
    const struct bf16_engine *e = engines[_i / N_SIZES];
    const size_t K = s->K, N = s->N, ldb = s->ldb, ldt = s->lda, packed = e->rhs_size(K, N);
    struct rng rng;
    rng_seed(&rng, 1, (uint64_t)_i);
    const float *reals = random_reals(&rng, span(K, N, ldb)), *reals_t = random_reals(&rng, span(N, K, ldt));
    const uint16_t *elems = random_elems(&rng, span(K, N, ldb)), *elems_t = random_elems(&rng, span(N, K, ldt));
    uint16_t *rhs = guarded(packed * sizeof *rhs);
    memset(rhs, 0xEE, packed * sizeof *rhs);
    e->rhs_of_reals(rhs, reals, ldb, K, N);
    check_packed(e, "rhs_of_reals", rhs, reals, ldb, K, N, real_at);
    memset(rhs, 0xEE, packed * sizeof *rhs);
    e->rhs_of_reals_t(rhs, reals_t, ldt, K, N);
    check_packed(e, "rhs_of_reals_t", rhs, reals_t, ldt, K, N, real_t_at);
    memset(rhs, 0xEE, packed * sizeof *rhs);
    e->rhs_of(rhs, elems, ldb, K, N);
    check_packed(e, "rhs_of", rhs, elems, ldb, K, N, elem_at);
    memset(rhs, 0xEE, packed * sizeof *rhs);
    e->rhs_of_t(rhs, elems_t, ldt, K, N);
    check_packed(e, "rhs_of_t", rhs, elems_t, ldt, K, N, elem_t_at);
    free_guarded();
}
END_TEST

START_TEST(transposing_and_rounding_touch_nothing_else)
{
    enum { CANARY = 0x5A5A };
    const struct size *s = &sizes[_i % N_SIZES];
    const struct bf16_engine *e = engines[_i / N_SIZES];
    const size_t rows = s->M, columns = s->K, lda = s->lda, ldt = rows + 3, n_t = span(columns, rows, ldt);
    struct rng rng;
    rng_seed(&rng, 2, (uint64_t)_i);
    const uint16_t *a = random_elems(&rng, span(rows, columns, lda));
    const float *reals = random_reals(&rng, span(rows, columns, lda));
    uint16_t *at = guarded(n_t * sizeof *at), *scratch = guarded(rows * columns * sizeof *scratch);
    for (size_t i = 0; i < n_t; i++)
        at[i] = CANARY;
    e->transpose(at, ldt, a, lda, rows, columns);
    for (size_t c = 0; c < columns; c++)
        for (size_t r = 0; r < ldt && c * ldt + r < n_t; r++)
            CHECK(at[c * ldt + r] == (r < rows ? a[r * lda + c] : CANARY), "%s: row %zu, column %zu", e->name, r, c);
    size_t ld = 0;
    const uint16_t *rounded = e->round_rows(scratch, &ld, reals, lda, rows, columns);
    ck_assert(rounded == scratch && ld == columns);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            CHECK(rounded[r * ld + c] == bf16_of((double)reals[r * lda + c]), "%s: row %zu, column %zu", e->name, r, c);
    free_guarded();
}
END_TEST

/* ---- products ---- */

struct operands {
    uint16_t *a, *b, *rhs; /* (M, K), (K, N), b packed */
    float *c, *before;     /* (M, N): what multiply sets or adds to, and a copy */
};

static struct operands make_operands(const struct bf16_engine *e, const struct size *s, uint64_t stream)
{
    const size_t n_c = span(s->M, s->N, s->ldc);
    struct rng rng;
    rng_seed(&rng, 3, stream);
    const struct operands o = {.a = random_elems(&rng, span(s->M, s->K, s->lda)),
                               .b = random_elems(&rng, span(s->K, s->N, s->ldb)),
                               .rhs = guarded(e->rhs_size(s->K, s->N) * sizeof *o.rhs),
                               .c = random_reals(&rng, n_c),
                               .before = guarded(n_c * sizeof *o.before)};
    e->rhs_of(o.rhs, o.b, s->ldb, s->K, s->N);
    memcpy(o.before, o.c, n_c * sizeof *o.c);
    return o;
}

static void check_element(const struct bf16_engine *e, const struct size *s, const struct operands *o, bool add,
                          size_t m, size_t n)
{
    double sum = add ? (double)o->before[m * s->ldc + n] : 0, size = fabs(sum);
    for (size_t k = 0; k < s->K; k++) {
        const double product = bf16_to_double(o->a[m * s->lda + k]) * bf16_to_double(o->b[k * s->ldb + n]);
        sum += product;
        size += fabs(product);
    }
    const double got = (double)o->c[m * s->ldc + n];
    CHECK(fabs(got - sum) <= 3e-7 * size, "%s, %zu x %zu x %zu%s: (%zu, %zu) is %.9g, not %.9g", e->name, s->M, s->N,
          s->K, add ? ", adding" : "", m, n, got, sum);
}

START_TEST(products_agree_with_plain_loops)
{
    const struct size *s = &sizes[_i % N_SIZES];
    const struct bf16_engine *e = engines[_i / N_SIZES];
    for (int add = 0; add < 2; add++) {
        const struct operands o = make_operands(e, s, (uint64_t)_i);
        e->multiply(o.c, s->ldc, add, o.a, s->lda, s->M, o.rhs, s->K, s->N);
        for (size_t m = 0; m < s->M; m++) {
            for (size_t n = 0; n < s->N; n++)
                check_element(e, s, &o, add, m, n);
            for (size_t n = s->N; n < s->ldc && m + 1 < s->M; n++)
                CHECK(o.c[m * s->ldc + n] == o.before[m * s->ldc + n], "%s: written beyond row %zu", e->name, m);
        }
        free_guarded();
    }
}
END_TEST

/* An element's bits depend on its row and its column alone: not on which rows and panels are computed with it, nor on
 * the thread, each of which must have its tiles configured. */
START_TEST(bits_depend_on_no_tiling)
{
    const struct size *s = &sizes[_i % N_SIZES];
    const struct bf16_engine *e = engines[_i / N_SIZES];
    for (int add = 0; add < 2; add++) {
        const struct operands o = make_operands(e, s, (uint64_t)_i);
        float *c = o.before;
        e->multiply(o.c, s->ldc, add, o.a, s->lda, s->M, o.rhs, s->K, s->N);
#pragma omp parallel for num_threads(3) schedule(static, 1)
        for (size_t m = 0; m < s->M; m++)
            for (size_t n = 0; n < s->N; n += e->n_panel)
                e->multiply(c + m * s->ldc + n, s->ldc, add, o.a + m * s->lda, s->lda, 1,
                            o.rhs + packed_at(e, 0, n, s->K), s->K, s->N - n < e->n_panel ? s->N - n : e->n_panel);
        ck_assert_mem_eq(c, o.c, span(s->M, s->N, s->ldc) * sizeof *c);
        free_guarded();
    }
}
END_TEST

START_TEST(nan_reaches_its_row_and_column_only)
{
    const struct size *s = &sizes[_i % N_SIZES];
    const struct bf16_engine *e = engines[_i / N_SIZES];
    const size_t m_nan = s->M - 1, n_nan = s->N - 1, k_nan = s->K - 1;
    const struct operands o = make_operands(e, s, (uint64_t)_i);
    o.a[m_nan * s->lda + k_nan] = 0x7FC0;
    o.b[k_nan * s->ldb + n_nan] = 0x7FC0;
    e->rhs_of(o.rhs, o.b, s->ldb, s->K, s->N);
    e->multiply(o.c, s->ldc, false, o.a, s->lda, s->M, o.rhs, s->K, s->N);
    for (size_t m = 0; m < s->M; m++)
        for (size_t n = 0; n < s->N; n++)
            CHECK((isnan(o.c[m * s->ldc + n]) != 0) == (m == m_nan || n == n_nan), "%s: (%zu, %zu)", e->name, m, n);
    free_guarded();
}
END_TEST

START_TEST(peaks_are_computed)
{
    ck_assert(isfinite(engines[_i]->peak_rounds(0.5f)));
}
END_TEST

/* ---- rounding ---- */

static float float_of(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof f);
    return f;
}

static uint32_t bits_of(float f)
{
    uint32_t bits;
    memcpy(&bits, &f, sizeof bits);
    return bits;
}

/* The nearer of the two neighbours, the even one where they are as near; infinity is the neighbour of the largest. */
static uint16_t nearest(uint32_t bits)
{
    const uint16_t below = (uint16_t)(bits >> 16), above = (uint16_t)(below + 1);
    const uint32_t rest = bits & 0xFFFF;
    if (isnan(float_of(bits)))
        return below | 0x40;
    if (rest == 0x8000)
        return below % 2 == 0 ? below : above;
    return rest < 0x8000 ? below : above;
}

/* All upper halves, and the lower ones around the middle; the instruction takes denormals for zeros. */
START_TEST(rounding_is_to_nearest_even)
{
    static const uint16_t rests[] = {0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF};
    for (uint32_t upper = 0; upper < 0x10000; upper++)
        for (size_t i = 0; i < sizeof rests / sizeof *rests; i++) {
            const uint32_t bits = upper << 16 | rests[i];
            const float x = float_of(bits);
            CHECK(real_cvtneps2bf16(x) == nearest(bits_of(flushed(x))), "vcvtneps2bf16 of %08x", bits);
            for (size_t e = 0; e < N_ENGINES; e++)
                CHECK(engines[e]->to_elem(x) == nearest(bits), "%s: %08x", engines[e]->name, bits);
        }
    for (uint32_t x = 0; x < 0x10000; x++)
        for (size_t e = 0; e < N_ENGINES; e++)
            CHECK(bits_of(engines[e]->from_elem((uint16_t)x)) == x << 16, "%s: %04x", engines[e]->name, x);
}
END_TEST

/* ---- vdpbf16ps ---- */

/* Any sign and mantissa, an exponent from `least` on, below least + range. */
static uint16_t random_bf16(struct rng *rng, uint64_t least, uint64_t range)
{
    return (uint16_t)(rng_below(rng, 0x10000) & 0x807F) | (uint16_t)((least + rng_below(rng, range)) << 7);
}

static bool same_or_both_nan(float a, float b)
{
    return bits_of(a) == bits_of(b) || (isnan(a) && isnan(b));
}

/* Exponents of the operands and of the sum: ordinary ones, products near the smallest normal number, denormals, and
 * all there are, with infinities and NaN. */
static const struct {
    uint64_t a, b, range, sum, sum_range;
} exponents[] = {{120, 120, 15, 120, 15}, {55, 55, 20, 0, 30}, {0, 120, 10, 0, 6}, {0, 0, 256, 0, 256}};
enum { N_EXPONENTS = sizeof exponents / sizeof *exponents };

/* The manual's order, which no sum of ours depends on but every bit does: the odd neighbours first. */
START_TEST(vdpbf16ps_is_two_multiply_adds)
{
    struct rng rng;
    rng_seed(&rng, 4, (uint64_t)_i);
    for (int repeat = 0; repeat < 5000; repeat++) {
        uint16_t a[32], b[32];
        float sums[16], got[16];
        for (size_t i = 0; i < 32; i++) {
            a[i] = random_bf16(&rng, exponents[_i].a, exponents[_i].range);
            b[i] = random_bf16(&rng, exponents[_i].b, exponents[_i].range);
        }
        for (size_t i = 0; i < 16; i++) {
            const uint32_t upper = random_bf16(&rng, exponents[_i].sum, exponents[_i].sum_range);
            sums[i] = got[i] = float_of(upper << 16 | (uint32_t)rng_below(&rng, 0x10000));
        }
        real_dpbf16ps(got, a, b);
        for (size_t i = 0; i < 16; i++) {
            const float odd = multiply_add(sums[i], a[2 * i + 1], b[2 * i + 1]);
            const float expected = multiply_add(odd, a[2 * i], b[2 * i]);
            CHECK(same_or_both_nan(got[i], expected), "%a + %04x %04x + %04x %04x is %a, not %a", (double)sums[i],
                  a[2 * i + 1], b[2 * i + 1], a[2 * i], b[2 * i], (double)got[i], (double)expected);
        }
    }
}
END_TEST

/* ---- the model of AMX ---- */

struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

/* Tile 0 (3, 5) of sums, 1 (3, 4 pairs), 2 (4 pairs, 5). */
static const struct tile_config small_tiles = {.palette = 1, .row_bytes = {20, 16, 20}, .rows = {3, 3, 4}};

START_TEST(tile_product_sums_even_and_odd_apart)
{
    const float start = 0x1p-30f;
    float sums[3][7];
    uint16_t a[3][8], b[4][10];
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 7; j++)
            sums[i][j] = start;
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 8; k++)
            a[i][k] = bf16_of((double)(i + 1) * (k % 2 ? -1 : 1)); /* even and odd ones cancel each other... */
    for (size_t k = 0; k < 4; k++)
        for (size_t j = 0; j < 10; j++)
            b[k][j] = bf16_of((double)(j / 2 + 1) * (j % 2 ? 1 : 1 + 0x1p-7)); /* ... but for a little */
    amx_model_loadconfig(&small_tiles);
    amx_model_load(0, sums, sizeof *sums);
    amx_model_load(1, a, sizeof *a);
    amx_model_load(2, b, sizeof *b);
    amx_model_dpbf16ps(0, 1, 2);
    amx_model_store(0, sums, sizeof *sums);
    amx_model_release();
    for (size_t i = 0; i < 3; i++)
        for (size_t j = 0; j < 7; j++) {
            float even = 0, odd = 0;
            for (size_t k = 0; j < 5 && k < 4; k++) {
                even += float_of_bf16(a[i][2 * k]) * float_of_bf16(b[k][2 * j]);
                odd += float_of_bf16(a[i][2 * k + 1]) * float_of_bf16(b[k][2 * j + 1]);
            }
            ck_assert(sums[i][j] == (j < 5 ? start + (even + odd) : start));
        }
}
END_TEST

static void no_configuration(void)
{
    amx_model_zero(0);
}

static void released(void)
{
    amx_model_loadconfig(&small_tiles);
    amx_model_release();
    amx_model_zero(0);
}

static void tile_out_of_range(void)
{
    amx_model_loadconfig(&small_tiles);
    amx_model_zero(8);
}

static void tile_not_configured(void)
{
    amx_model_loadconfig(&small_tiles);
    amx_model_zero(3);
}

static void wrong_palette(void)
{
    struct tile_config c = small_tiles;
    c.palette = 2;
    amx_model_loadconfig(&c);
}

static void too_many_rows(void)
{
    struct tile_config c = small_tiles;
    c.rows[0] = 17;
    amx_model_loadconfig(&c);
}

static void too_wide(void)
{
    struct tile_config c = small_tiles;
    c.row_bytes[0] = 68;
    amx_model_loadconfig(&c);
}

static void reserved_byte(void)
{
    struct tile_config c = small_tiles;
    c.reserved[13] = 1;
    amx_model_loadconfig(&c);
}

static void same_tile_twice(void)
{
    amx_model_loadconfig(&small_tiles);
    amx_model_dpbf16ps(0, 1, 1);
}

static void tiles_that_do_not_fit(void)
{
    amx_model_loadconfig(&small_tiles);
    amx_model_dpbf16ps(0, 2, 1);
}

static const struct {
    const char *name;
    void (*run)(void);
} faults[] = {{"no configuration", no_configuration},       {"released", released},
              {"tile 8", tile_out_of_range},                {"a tile not configured", tile_not_configured},
              {"palette 2", wrong_palette},                 {"17 rows", too_many_rows},
              {"68 bytes", too_wide},                       {"a reserved byte", reserved_byte},
              {"the same tile twice", same_tile_twice},     {"tiles that do not fit", tiles_that_do_not_fit}};
enum { N_FAULTS = sizeof faults / sizeof *faults };

START_TEST(model_faults_where_the_cpu_would)
{
    fflush(NULL);
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        if (!freopen("/dev/null", "w", stderr))
            _exit(2);
        amx_model_release(); /* whatever a test before has left in this thread */
        faults[_i].run();
        _exit(1);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT, "%s: no fault", faults[_i].name);
}
END_TEST

static Suite *bf16_suite(void)
{
    Suite *suite = suite_create("bf16");
    TCase *instructions = tcase_create("instructions"), *engine = tcase_create("engines");
    tcase_set_timeout(engine, 120);
    tcase_add_loop_test(instructions, model_faults_where_the_cpu_would, 0, N_FAULTS);
    tcase_add_test(instructions, tile_product_sums_even_and_odd_apart);
    tcase_add_test(instructions, rounding_is_to_nearest_even);
    tcase_add_loop_test(instructions, vdpbf16ps_is_two_multiply_adds, 0, N_EXPONENTS);
    tcase_add_loop_test(engine, packing_puts_every_element_in_its_place, 0, N_ENGINES * N_SIZES);
    tcase_add_loop_test(engine, transposing_and_rounding_touch_nothing_else, 0, N_ENGINES * N_SIZES);
    tcase_add_loop_test(engine, products_agree_with_plain_loops, 0, N_ENGINES * N_SIZES);
    tcase_add_loop_test(engine, bits_depend_on_no_tiling, 0, N_ENGINES * N_SIZES);
    tcase_add_loop_test(engine, nan_reaches_its_row_and_column_only, 0, N_ENGINES * N_SIZES);
    tcase_add_loop_test(engine, peaks_are_computed, 0, N_ENGINES);
    suite_add_tcase(suite, instructions);
    suite_add_tcase(suite, engine);
    return suite;
}

int main(int argc, char **argv)
{
    (void)argc;
    start_kernels(argv);
    if (!cpu_get()->avx512_bf16) {
        printf("SKIP: the bf16 engines and the model of AMX: this CPU (%s) has no AVX512-BF16\n", cpu_get()->name);
        return 0;
    }
    return run_suite(bf16_suite());
}
