/* What a profile counts: operations that are needed, bytes that are read and written at the least. */
#include "profile.h"
#include "support/run_suite.h"

#include <check.h>
#include <string.h>

/* Of attention, the keys that each query sees: 1 + 2 + 3 of the first sequence, and 4 + 5 of the second, which has
 * three keys before its queries'; no more than a window holds. */
START_TEST(unseen_keys_are_not_counted)
{
    enum { HEADS = 2, D = 4, QUERIES = 5, KEYS = 8 };
    static const size_t q_start[] = {0, 3, QUERIES}, kv_begin[] = {0, 3}, kv_len[] = {3, 5};
    struct attention a = {.n_head = HEADS, .n_kv_head = HEADS, .head_size = D, .S = 2, .q_start = q_start,
                          .kv_begin = kv_begin, .kv_len = kv_len, .ld_q = HEADS * D, .ld_kv = HEADS * D,
                          .stride_q = D, .stride_kv = D, .scale = 1};
    const struct kernels *k = profile_start(&kernels_plain_f32);
    static real q[QUERIES * HEADS * D], kv[KEYS * HEADS * D], out[QUERIES * HEADS * D], lse[QUERIES * HEADS];
    static const double seen[] = {[0] = 1 + 2 + 3 + 4 + 5, [1] = 1 + 1 + 1 + 1 + 1, [2] = 1 + 2 + 2 + 2 + 2,
                                  [3] = 1 + 2 + 3 + 3 + 3, [4] = 1 + 2 + 3 + 4 + 4, [5] = 1 + 2 + 3 + 4 + 5};
    for (a.window = 0; a.window < sizeof seen / sizeof *seen; a.window++) {
        size_t n, counted = 0;
        profile_reset();
        k->attention_fwd(out, lse, q, kv, kv, &a, NULL);
        const struct profile_op *ops = profile_ops(&n);
        for (size_t i = 0; i < n; i++)
            if (ops[i].calls) {
                ck_assert(ops[i].flops == 2 * 2.0 * seen[a.window] * HEADS * D); /* two products */
                counted++;
            }
        ck_assert_uint_eq(counted, 1);
    }
}
END_TEST

/* What one op counted, of one call. */
static const struct profile_op *counted(const char *name)
{
    size_t n;
    const struct profile_op *ops = profile_ops(&n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(ops[i].name, name) == 0) {
            ck_assert_uint_eq(ops[i].calls, 1);
            return &ops[i];
        }
    ck_abort_msg("no op %s", name);
    return NULL;
}

/* Of a few rows, the weights as they are kept, once, and what goes in and out; of no products. */
START_TEST(weights_are_read_once)
{
    enum { N = 3, IN = 4, OUT = 5 };
    static const real w[IN * OUT], residual[N * OUT], scales[OUT], x[N * IN];
    static const bf16 w_bf16[IN * OUT];
    static const int8_t w_int8[IN * OUT];
    static real y[2][N * OUT];
    const struct linear layers[] = {
        {.matrix = {.w = w}, .in = IN, .out = OUT, .transposed = true},
        {.matrix = {.w_bf16 = w_bf16}, .in = IN, .out = OUT, .transposed = true},
        {.matrix = {.w_int8 = w_int8, .scales = scales}, .in = IN, .out = OUT, .transposed = true}};
    static const double bytes[] = {4 * IN * OUT, 2 * IN * OUT, IN * OUT + 4 * OUT};
    const struct kernels *k = profile_start(&kernels_plain_f32);
    for (size_t i = 0; i < 3; i++) {
        const struct few_output outs[] = {{.linear = &layers[0], .y = y[0]},
                                          {.linear = &layers[i], .y = y[1]}};
        profile_reset();
        k->linear_few(outs, 2, x, N, NULL);
        k->linear_few_residual(y[0], residual, x, &layers[i], NULL, 1, N, NULL);
        const struct profile_op *few = counted("linear, few rows");
        const struct profile_op *to_stream = counted("linear and residual, few rows");
        ck_assert(few->flops == 0 && few->bytes == bytes[0] + bytes[i] + 4 * (N * IN + 2 * N * OUT));
        ck_assert(to_stream->bytes == bytes[i] + 4 * (N * IN + 2 * N * OUT));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("profile");
    TCase *tcase = tcase_create("profile");
    tcase_add_test(tcase, unseen_keys_are_not_counted);
    tcase_add_test(tcase, weights_are_read_once);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
