/* Linear layers of the widths of real models, where a task has as much memory as it needs and no more: one that wrote
 * beyond it would write into another thread's. */
#include "support/run_suite.h"
#include "support/tables.h"

#include <omp.h>

/* Depths that are no whole blocks of any engine: Gemma 3 1B's, GPT-2 XL's, and others. */
static const struct {
    size_t in, out, N;
} layers[] = {{1152, 3584, 400}, {1600, 2560, 400}, {1030, 4100, 70}, {700, 4100, 70}, {2050, 2100, 70}};
enum { N_LAYERS = sizeof layers / sizeof *layers };

static float some(size_t i)
{
    return (float)((i * 2654435761u >> 7) % 2001) / 1000 - 1;
}

static float *make_reals(size_t n)
{
    float *x = malloc(n * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = some(i);
    return x;
}

/* y (N,out) by so many threads; of a residual, sum (N,out), scaled. */
static void run(const struct kernels *k, const struct linear *l, size_t N, const act *x, act *y, float *sum,
                int threads)
{
    const struct kernel_sizes sizes = {.N = N, .width = l->in > l->out ? l->in : l->out};
    omp_set_num_threads(threads);
    struct workspace work = {.bytes = k->work_bytes(&sizes)};
    work.data = aligned_alloc(64, (work.bytes + 63) / 64 * 64);
    ck_assert_ptr_nonnull(work.data);
    memset(work.data, 0xff, work.bytes);
    const struct linear_part part = {x, l};
    k->linear_fwd(y, &part, 1, N, &work);
    k->linear_residual_fwd(sum, NULL, &part, 1, 0.25f, N, &work);
    free(work.data);
}

START_TEST(threads_keep_to_their_memory)
{
    const struct kernels *tables[MAX_TABLES];
    const size_t n_tables = runnable_tables(tables), in = layers[_i].in, out = layers[_i].out, N = layers[_i].N;
    const int before = omp_get_max_threads();
    float *w = make_reals(in * out), *reals = make_reals(N * in), *sum = malloc(N * out * sizeof *sum),
          *alone_sum = malloc(N * out * sizeof *sum);
    act *x = malloc(N * in * sizeof(float)), *y = malloc(N * out * sizeof(float)),
        *alone = malloc(N * out * sizeof(float));
    for (size_t t = 1; t < n_tables; t++) /* the reference has no threads */
        for (int transposed = 0; transposed < 2; transposed++) {
            const struct kernels *k = tables[t];
            const struct linear l = {.matrix = {.w = w}, .in = in, .out = out, .transposed = transposed};
            const act *operand = k->to_act(x, reals, 1, N * in);
            run(k, &l, N, operand, alone, alone_sum, 1);
            for (int threads = 2; threads <= 4; threads += 2) {
                run(k, &l, N, operand, y, sum, threads);
                ck_assert_msg(memcmp(y, alone, N * out * k->act_size) == 0, "%s, %d threads", table_name(k), threads);
                ck_assert_msg(memcmp(sum, alone_sum, N * out * sizeof *sum) == 0, "%s, scaled, %d threads",
                              table_name(k), threads);
            }
        }
    omp_set_num_threads(before);
    free(w);
    free(reals);
    free(sum);
    free(alone_sum);
    free(x);
    free(y);
    free(alone);
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    start_kernels(argv);
    Suite *suite = suite_create("workspace");
    TCase *tcase = tcase_create("workspace");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, threads_keep_to_their_memory, 0, N_LAYERS);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
