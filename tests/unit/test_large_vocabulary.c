/* The head over a vocabulary so large that its scratch memory, which must not grow with it, holds few positions. */
#include "base/mem.h"
#include "base/rng.h"
#include "support/measured.h"
#include "support/run_suite.h"
#include "support/tables.h"

#include <math.h>
#include <string.h>

static const struct kernels *tables[MAX_TABLES];
static size_t n_tables;

enum { V = 600000, C = 4, M = 200, PIECE = 50, MEGABYTE = 1 << 20 };

struct outputs {
    real nll[M], dw[V * C];
    uint8_t correct[M];
    real dh[M * C]; /* of act, which is no wider */
};

static real *reals(size_t n, uint64_t seed)
{
    struct rng rng;
    rng_seed(&rng, seed, 0);
    real *x = mem_alloc(n * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = (real)rng_normal(&rng);
    return x;
}

/* Positions at a time: `rows`. */
static void run(struct outputs *out, const struct kernels *k, size_t rows)
{
    const struct kernel_sizes sizes = {.N = M, .width = C, .C = C, .V = V, .head_size = 1, .heads_per_kv = 1};
    const size_t bytes = (k->work_bytes(&sizes) + 63) / 64 * 64;
    const struct workspace work = {.data = aligned_alloc(64, bytes), .bytes = bytes};
    real *w = reals(V * C, 1), *h_real = reals(M * C, 2), *dnll = reals(M, 3);
    real *buffer = mem_alloc(M * C * sizeof *buffer);
    const unsigned char *h = k->to_act(buffer, h_real, 1, M * C);
    const struct head head = {.matrix = {.w = w}, .V = V, .C = C, .scale = 1};
    int32_t labels[M];
    for (size_t m = 0; m < M; m++)
        labels[m] = (int32_t)(m * 7919 % V);
    for (size_t m = 0; m < M; m += rows) {
        const size_t n = M - m < rows ? M - m : rows, at = m * C * k->act_size;
        k->head_loss(out->nll + m, out->correct + m, (unsigned char *)out->dh + at, out->dw, m > 0, h + at,
                     labels + m, dnll + m, &head, n, &work);
    }
    free(w);
    free(h_real);
    free(buffer);
    free(dnll);
    free(work.data);
}

START_TEST(chunks_are_as_good_as_one)
{
    struct outputs *all = mem_calloc(1, sizeof *all), *some = mem_calloc(1, sizeof *some);
    for (size_t t = 1; t < n_tables; t++) { /* kernels/ref has no chunks */
        const struct kernels *k = tables[t];
        double error = 0, norm = 0;
        run(all, k, M);
        run(some, k, PIECE);
        ck_assert_msg(memcmp(all->nll, some->nll, sizeof all->nll) == 0, "%s: nll", table_name(k));
        ck_assert_msg(memcmp(all->correct, some->correct, M) == 0, "%s: correct", table_name(k));
        ck_assert_msg(memcmp(all->dh, some->dh, M * C * k->act_size) == 0, "%s: dh", table_name(k));
        for (size_t i = 0; i < V * C; i++) {
            error += pow((double)all->dw[i] - (double)some->dw[i], 2);
            norm += pow((double)some->dw[i], 2);
        }
        check_error(table_name(k), "dw", sqrt(error / norm), 1e-6);
    }
    free(all);
    free(some);
}
END_TEST

START_TEST(memory_does_not_grow_with_the_vocabulary)
{
    const struct kernel_sizes small = {.N = 1, .width = C, .C = C, .V = 262144, .head_size = 1, .heads_per_kv = 1};
    for (size_t t = 1; t < n_tables; t++) {
        struct kernel_sizes large = small;
        large.V = 1 << 20;
        const size_t of_small = tables[t]->work_bytes(&small), of_large = tables[t]->work_bytes(&large);
        ck_assert_msg(of_large < of_small + 100 * (size_t)MEGABYTE, "%s: %zu MB, %zu MB", table_name(tables[t]),
                      of_small / MEGABYTE, of_large / MEGABYTE);
    }
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    start_kernels(argv);
    n_tables = runnable_tables(tables);
    Suite *suite = suite_create("a large vocabulary");
    TCase *tcase = tcase_create("head");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, chunks_are_as_good_as_one);
    tcase_add_test(tcase, memory_does_not_grow_with_the_vocabulary);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
