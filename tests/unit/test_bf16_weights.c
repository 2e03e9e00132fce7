/* Ops with weights that are kept as bfloat16s: whatever is computed of them is what is computed of the same numbers as
 * floats, to the last bit. */
#include "base/mem.h"
#include "support/run_suite.h"
#include "support/tables.h"

enum { C = 70, V = 530, M_MOST = 41, OUT = 115 };

/* ---- ops ---- */

static float some(size_t i)
{
    return (float)((i * 2654435761u >> 7) % 2001) / 1000 - 1;
}

/* n numbers that bfloat16s hold, as both; free w. */
struct both {
    float *w;
    bf16 *w_bf16;
};

static struct both make_both(size_t n)
{
    struct both both = {mem_calloc(n, sizeof *both.w), mem_calloc(n, sizeof *both.w_bf16)};
    for (size_t i = 0; i < n; i++) {
        const float x = some(3 * i + 1);
        uint32_t bits;
        memcpy(&bits, &x, sizeof bits);
        both.w_bf16[i] = (bf16)(bits >> 16);
        bits &= 0xFFFF0000u;
        memcpy(&both.w[i], &bits, sizeof bits);
    }
    return both;
}

static void free_both(struct both both)
{
    free(both.w);
    free(both.w_bf16);
}

static struct workspace make_work(const struct kernels *k)
{
    const struct kernel_sizes sizes = {.N = M_MOST, .width = OUT, .C = C, .V = V, .narrow_weights = true};
    struct workspace work = {.bytes = k->work_bytes(&sizes)};
    work.data = aligned_alloc(64, (work.bytes + 64) / 64 * 64);
    ck_assert_ptr_nonnull(work.data);
    return work;
}

/* n elements as operands of the table; free buffer. */
static const act *operand(const struct kernels *k, float *reals, act **buffer, size_t n)
{
    for (size_t i = 0; i < n; i++)
        reals[i] = some(7 * i);
    *buffer = mem_calloc(n, sizeof(float));
    return k->to_act(*buffer, reals, 1, n);
}

static const size_t row_counts[] = {1, 3, 4, 5, M_MOST};
enum { N_COUNTS = sizeof row_counts / sizeof *row_counts };

/* What each op gives of w and of w_bf16: y twice, `bytes` of it the same. */
static void expect_same(const struct kernels *k, const char *op, size_t rows, const void *of_floats,
                        const void *of_bf16, size_t bytes)
{
    ck_assert_msg(memcmp(of_floats, of_bf16, bytes) == 0, "%s: %s of %zu rows", table_name(k), op, rows);
}

static void check_linear(const struct kernels *k, size_t N, bool transposed)
{
    const struct both w = make_both(C * OUT);
    struct linear l = {.matrix = {.w = w.w}, .in = C, .out = OUT, .transposed = transposed}, kept = l;
    kept.matrix = (struct matrix){.w_bf16 = w.w_bf16};
    float *reals = mem_calloc(N * OUT, sizeof *reals), *sums = mem_calloc(2 * N * OUT, sizeof *sums);
    act *buffer, *y = mem_calloc(2 * N * OUT, sizeof(float)), *y_bf16 = (float *)y + N * OUT;
    const act *x = operand(k, reals, &buffer, N * OUT);
    const struct workspace work = make_work(k);
    const struct linear_part part = {x, &l}, part_kept = {x, &kept};
    k->linear_fwd(y, &part, 1, N, &work);
    k->linear_fwd(y_bf16, &part_kept, 1, N, &work);
    expect_same(k, transposed ? "linear, (out,in)," : "linear, (in,out),", N, y, y_bf16, N * OUT * k->act_size);
    k->linear_residual_fwd(sums, reals, &part, 1, 0.5F, N, &work);
    k->linear_residual_fwd(sums + N * OUT, reals, &part_kept, 1, 0.5F, N, &work);
    expect_same(k, "linear and residual", N, sums, sums + N * OUT, N * OUT * sizeof *sums);
    k->linear_bwd_dx(y, &part, 1, N, &work);
    k->linear_bwd_dx(y_bf16, &part_kept, 1, N, &work);
    expect_same(k, "linear, backward to x,", N, y, y_bf16, N * C * k->act_size);
    free(work.data);
    free(buffer);
    free(reals);
    free(sums);
    free(y);
    free_both(w);
}

static void check_head(const struct kernels *k, size_t M)
{
    const struct both w = make_both(V * C);
    const struct head head = {.matrix = {.w = w.w}, .V = V, .C = C, .scale = 0.5F, .softcap = 3};
    const struct head kept = {.matrix = {.w_bf16 = w.w_bf16}, .V = V, .C = C, .scale = 0.5F, .softcap = 3};
    const struct head *const heads[] = {&head, &kept};
    float *reals = mem_calloc(M * C, sizeof *reals), *logits[2], nll[2][M_MOST], dnll[M_MOST];
    int32_t labels[M_MOST];
    uint8_t correct[M_MOST];
    act *buffer, *dh[2];
    const act *h = operand(k, reals, &buffer, M * C);
    const struct workspace work = make_work(k);
    for (size_t m = 0; m < M; m++) {
        labels[m] = (int32_t)(m * 13 % V);
        dnll[m] = 1;
    }
    for (size_t i = 0; i < 2; i++) {
        logits[i] = mem_calloc(M * V, sizeof **logits);
        dh[i] = mem_calloc(M * C, sizeof(float));
        k->head_logits(logits[i], h, heads[i], M, &work);
        k->head_loss(nll[i], correct, dh[i], NULL, false, h, labels, dnll, heads[i], M, &work);
    }
    expect_same(k, "logits", M, logits[0], logits[1], M * V * sizeof **logits);
    expect_same(k, "losses", M, nll[0], nll[1], M * sizeof **nll);
    expect_same(k, "the head, backward,", M, dh[0], dh[1], M * C * k->act_size);
    for (size_t i = 0; i < 2; i++) {
        free(logits[i]);
        free(dh[i]);
    }
    free(work.data);
    free(buffer);
    free(reals);
    free_both(w);
}

static void check_embedding(const struct kernels *k, size_t N)
{
    const struct both w = make_both(V * C);
    float *x = mem_calloc(2 * N * C, sizeof *x);
    int32_t tokens[M_MOST], position[M_MOST];
    for (size_t n = 0; n < N; n++)
        tokens[n] = position[n] = (int32_t)(n * 29 % V);
    for (size_t with = 0; with < 2; with++) {
        const float *wpe = with ? w.w : NULL;
        k->embed_fwd(x, &(struct matrix){.w = w.w}, wpe, tokens, position, 1.5F, N, C);
        k->embed_fwd(x + N * C, &(struct matrix){.w_bf16 = w.w_bf16}, wpe, tokens, position, 1.5F, N, C);
        expect_same(k, "the embedding", N, x, x + N * C, N * C * sizeof *x);
    }
    free(x);
    free_both(w);
}

START_TEST(ops_give_what_they_give_of_floats)
{
    const struct kernels *tables[MAX_TABLES];
    const size_t n_tables = modelled_tables(tables), rows = row_counts[_i];
    size_t n_checked = 0;
    for (size_t t = 0; t < n_tables; t++) {
        if (!tables[t]->reads_bf16)
            continue;
        check_linear(tables[t], rows, false);
        check_linear(tables[t], rows, true);
        check_head(tables[t], rows);
        check_embedding(tables[t], rows);
        n_checked++;
    }
    ck_assert_uint_ge(n_checked, 1); /* the definition does on any CPU */
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    start_kernels(argv);
    Suite *suite = suite_create("bf16 weights");
    TCase *tcase = tcase_create("bf16 weights");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, ops_give_what_they_give_of_floats, 0, N_COUNTS);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
