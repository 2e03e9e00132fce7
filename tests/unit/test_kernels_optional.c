/* Ops without rows: nothing is touched, but what is set whatever the rows are. */
#include "support/run_suite.h"
#include "support/tables.h"

#include <string.h>

static const struct kernels *tables[MAX_TABLES];
static size_t n_tables;

enum { IN = 65, OUT = 130, V = 300 };

static struct workspace work_of(const struct kernels *k, size_t N)
{
    const struct kernel_sizes sizes = {.N = N, .width = OUT, .C = IN, .V = V, .head_size = 1, .heads_per_kv = 1};
    const size_t bytes = (k->work_bytes(&sizes) + 127) / 64 * 64;
    return (struct workspace){.data = aligned_alloc(64, bytes), .bytes = bytes};
}

enum { SOME = 4 * IN, BEFORE = 7 };
static real some[SOME], touched[4][IN * OUT];
static uint8_t flags[SOME];
static int32_t ids[SOME];
static size_t starts[SOME], rows[SOME];
static struct workspace workspace;

static void check_all(size_t array, size_t n, real expected)
{
    for (size_t i = 0; i < n; i++)
        if (touched[array][i] != expected)
            ck_abort_msg("array %zu: element %zu is %g, not %g", array, i, (double)touched[array][i], (double)expected);
}

static const struct linear no_row_layers[] = {{.matrix = {.w = some}, .b = some, .in = 2, .out = 3},
                                              {.matrix = {.w = some}, .in = 2, .out = 3, .transposed = true}};
static const struct head no_row_head = {.matrix = {.w = some}, .V = 5, .C = 4, .scale = 1};

static void embed_fwd_of_none(const struct kernels *k)
{
    k->embed_fwd(touched[0], &no_row_head.matrix, some, ids, ids, 1, 0, IN);
    k->embed_fwd(touched[0], &no_row_head.matrix, NULL, ids, NULL, 1, 0, IN);
}

static void embed_bwd_of_none(const struct kernels *k)
{
    k->embed_bwd(touched[0], touched[1], some, ids, ids, -1, 1, 0, IN);
}

static void embed_rows_bwd_of_none(const struct kernels *k)
{
    k->embed_rows_bwd(touched[0], ids, 1, some, ids, -1, 1, 0, IN);
    k->embed_rows_bwd(touched[0], ids, 0, some, ids, -1, 1, 4, IN / 4);
}

static void layernorm_fwd_of_none(const struct kernels *k)
{
    k->layernorm_fwd(touched[0], touched[1], touched[2], some, some, some, 1e-5f, 0, IN);
}

static void layernorm_bwd_of_none(const struct kernels *k)
{
    k->layernorm_bwd(touched[0], touched[1], touched[2], some, some, some, some, some, 0, IN, &workspace);
}

static void rmsnorm_fwd_of_none(const struct kernels *k)
{
    k->rmsnorm_fwd(touched[0], touched[1], some, some, 1, 1e-5f, 0, IN);
}

static void rmsnorm_bwd_of_none(const struct kernels *k)
{
    k->rmsnorm_bwd(touched[0], touched[1], some, some, some, some, 1, 0, IN, &workspace);
}

static void rmsnorm_residual_fwd_of_none(const struct kernels *k)
{
    k->rmsnorm_residual_fwd(touched[0], touched[1], some, some, some, 1, 1e-5f, 1, 0, IN);
}

static void rmsnorm_residual_bwd_of_none(const struct kernels *k)
{
    k->rmsnorm_residual_bwd(touched[0], touched[1], some, some, some, some, 1, 1, 0, IN, &workspace);
}

static const struct heads no_row_heads = {.n_head = 2, .head_size = 4, .ld = 8, .stride = 4};

static void rmsnorm_heads_fwd_of_none(const struct kernels *k)
{
    k->rmsnorm_heads_fwd(touched[0], touched[1], some, some, 1, 1e-5f, &no_row_heads, 0);
}

static void rmsnorm_heads_bwd_of_none(const struct kernels *k)
{
    k->rmsnorm_heads_bwd(touched[0], touched[1], some, some, some, some, 1, &no_row_heads, 0, &workspace);
}

/* A product of one part, and of two. */
static const struct linear_part no_row_parts[][2] = {{{some, &no_row_layers[0]}, {some, &no_row_layers[1]}},
                                                     {{some, &no_row_layers[1]}, {some, &no_row_layers[0]}}};

static void linear_fwd_of_none(const struct kernels *k)
{
    for (size_t i = 0; i < 2; i++)
        for (size_t n = 1; n <= 2; n++)
            k->linear_fwd(touched[0], no_row_parts[i], n, 0, &workspace);
}

static void linear_residual_fwd_of_none(const struct kernels *k)
{
    for (size_t i = 0; i < 2; i++)
        for (size_t n = 1; n <= 2; n++) {
            k->linear_residual_fwd(touched[0], some, no_row_parts[i], n, 1, 0, &workspace);
            k->linear_residual_fwd(touched[0], NULL, no_row_parts[i], n, 0.5f, 0, &workspace);
        }
}

static void linear_few_of_none(const struct kernels *k)
{
    const struct few_output outs[] = {{&no_row_layers[0], touched[0], NULL},
                                      {&no_row_layers[1], touched[1], &no_row_parts[1][0]}};
    k->linear_few(outs, 2, some, 0, &workspace);
    k->linear_few(outs, 0, some, 4, &workspace);
}

static void linear_few_residual_of_none(const struct kernels *k)
{
    for (size_t i = 0; i < 2; i++) {
        k->linear_few_residual(touched[0], some, some, &no_row_layers[i], NULL, 1, 0, &workspace);
        k->linear_few_residual(touched[0], NULL, some, &no_row_layers[i], &no_row_parts[1][0], 0.5f, 0, &workspace);
    }
}

static void quantize_rows_of_none(const struct kernels *k)
{
    k->quantize_rows((int8_t *)touched[0], touched[1], some, 0, IN);
}

static void scan_logits_of_none(const struct kernels *k)
{
    struct logits_scan scan = {.first = BEFORE};
    k->scan_logits(&scan, some, some, 0, V);
    ck_assert_uint_eq(scan.first, BEFORE);
}

static void linear_bwd_dx_of_none(const struct kernels *k)
{
    k->linear_bwd_dx(touched[0], no_row_parts[0], 2, 0, &workspace);
}

static void linear_bwd_dw_of_none(const struct kernels *k)
{
    for (size_t i = 0; i < 2; i++) {
        k->linear_bwd_dw(touched[1], touched[2], true, some, some, &no_row_layers[i], 0, &workspace);
        k->linear_bwd_dw(touched[3], touched[3] + 6, false, some, some, &no_row_layers[i], 0, &workspace);
        check_all(3, 6 + 3, 0); /* dw and db are set to what a sum of nothing is */
        for (size_t j = 0; j < 6 + 3; j++)
            touched[3][j] = BEFORE;
    }
}

static void linear_narrow_of_none(const struct kernels *k)
{
    const struct narrow_output outs[] = {{&no_row_layers[0], touched[0], 1}, {&no_row_layers[1], touched[1], 2}};
    k->linear_narrow(outs, 2, some, 0, &workspace);
    k->linear_narrow(outs, 0, some, 4, &workspace);
}

static void linear_narrow_dw_of_none(const struct kernels *k)
{
    const struct narrow_grad parts[] = {{some, touched[3], 2}, {some, touched[3] + 6, 1}};
    k->linear_narrow_dw(parts, 2, true, some, 3, 0, &workspace);
    k->linear_narrow_dw(parts, 0, false, some, 3, 4, &workspace);
    check_all(3, 9, BEFORE);
    k->linear_narrow_dw(parts, 2, false, some, 3, 0, &workspace);
    check_all(3, 9, 0);
    for (size_t j = 0; j < 9; j++)
        touched[3][j] = BEFORE;
}

static const enum activation functions[] = {GELU_TANH, GELU_ERF, RELU, SILU};
enum { N_FUNCTIONS = sizeof functions / sizeof *functions };

static void activation_fwd_of_none(const struct kernels *k)
{
    for (size_t i = 0; i < N_FUNCTIONS; i++)
        k->activation_fwd(touched[0], some, functions[i], 0);
}

static void activation_bwd_of_none(const struct kernels *k)
{
    for (size_t i = 0; i < N_FUNCTIONS; i++)
        k->activation_bwd(touched[0], some, some, functions[i], 0);
}

static void gate_fwd_of_none(const struct kernels *k)
{
    for (size_t i = 0; i < N_FUNCTIONS; i++)
        k->gate_fwd(touched[0], some, some, functions[i], 0);
}

static void gate_bwd_of_none(const struct kernels *k)
{
    for (size_t i = 0; i < N_FUNCTIONS; i++)
        k->gate_bwd(touched[0], touched[1], some, some, some, functions[i], 0);
}

static const struct rope no_row_rope = {.turns = some, .rotary_dim = 4, .n_head = 2, .ld = 8, .stride = 4};

static void rope_fwd_of_none(const struct kernels *k)
{
    k->rope_fwd(touched[0], &no_row_rope, 0);
}

static void rope_bwd_of_none(const struct kernels *k)
{
    k->rope_bwd(touched[0], &no_row_rope, 0);
}

/* No sequences, sequences of nothing, and one such that goes on from another. */
static const size_t no_row_parent[] = {NO_PARENT, 0};
static const struct attention no_row_attention[] = {
    {.n_head = 2, .n_kv_head = 1, .head_size = 4, .S = 0, .q_start = starts, .ld_q = 8, .ld_kv = 4,
     .stride_q = 4, .stride_kv = 4, .scale = 1},
    {.n_head = 2, .n_kv_head = 1, .head_size = 4, .S = 2, .q_start = starts, .ld_q = 8, .ld_kv = 4,
     .stride_q = 4, .stride_kv = 4, .scale = 1},
    {.n_head = 2, .n_kv_head = 1, .head_size = 4, .S = 2, .q_start = starts, .kv_len = starts, .parent = no_row_parent,
     .ld_q = 8, .ld_kv = 4, .stride_q = 4, .stride_kv = 4, .scale = 1}};
enum { N_NO_ROW_ATTENTION = sizeof no_row_attention / sizeof *no_row_attention };

static void attention_fwd_of_none(const struct kernels *k)
{
    for (size_t i = 0; i < N_NO_ROW_ATTENTION; i++)
        k->attention_fwd(touched[0], touched[1], some, some, some, &no_row_attention[i], &workspace);
}

static void attention_few_of_none(const struct kernels *k)
{
    k->attention_few(touched[0], some, some, some, &no_row_attention[0], &workspace);
}

static void attention_bwd_of_none(const struct kernels *k)
{
    for (size_t i = 0; i < N_NO_ROW_ATTENTION; i++)
        k->attention_bwd(touched[0], touched[1], touched[2], some, some, some, some, some, some, &no_row_attention[i],
                         &workspace);
}

static void head_loss_of_none(const struct kernels *k)
{
    k->head_loss(touched[0], flags, NULL, NULL, false, some, ids, NULL, &no_row_head, 0, &workspace);
    k->head_loss(touched[0], flags, touched[1], NULL, false, some, ids, some, &no_row_head, 0, &workspace);
    k->head_loss(touched[0], flags, touched[1], touched[2], true, some, ids, some, &no_row_head, 0, &workspace);
    k->head_loss(touched[0], flags, touched[1], touched[3], false, some, ids, some, &no_row_head, 0, &workspace);
    check_all(3, 5 * 4, 0);
    for (size_t j = 0; j < 5 * 4; j++)
        touched[3][j] = BEFORE;
}

static void head_rows_bwd_of_none(const struct kernels *k)
{
    k->head_rows_bwd(touched[0], true, ids, 1, some, ids, some, some, &no_row_head, 0, &workspace);
    k->head_rows_bwd(touched[0], false, ids, 0, some, ids, some, some, &no_row_head, 0, &workspace);
    k->head_rows_bwd(touched[3], false, ids, 2, some, ids, some, some, &no_row_head, 0, &workspace);
    check_all(3, 2 * 4, 0);
    for (size_t j = 0; j < 2 * 4; j++)
        touched[3][j] = BEFORE;
}

static void head_logits_of_none(const struct kernels *k)
{
    k->head_logits(touched[0], some, &no_row_head, 0, &workspace);
}

static void gather_rows_of_none(const struct kernels *k)
{
    k->gather_rows(touched[0], some, rows, 0, 8 * sizeof(real));
}

static void scatter_rows_of_none(const struct kernels *k)
{
    k->scatter_rows(touched[0], 0, some, rows, 0, 8 * sizeof(real));
    k->scatter_rows(touched[3], 3, some, rows, 0, 8 * sizeof(real));
    check_all(3, 3 * 8, 0);
    for (size_t j = 0; j < 3 * 8; j++)
        touched[3][j] = BEFORE;
}

static void to_act_of_none(const struct kernels *k)
{
    const act *made = k->to_act(touched[0], some, 1, 0);
    ck_assert(made == some || made == touched[0]);
    ck_assert_ptr_eq(k->to_act(touched[0], some, 2, 0), touched[0]);
}

static void add_act_of_none(const struct kernels *k)
{
    k->add_act(touched[0], some, 0);
}

static void sum_of_squares_of_none(const struct kernels *k)
{
    ck_assert(k->sum_of_squares(some, 0) == 0);
}

static void adamw_of_none(const struct kernels *k)
{
    static const struct adamw_args args = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    k->adamw(touched[0], touched[1], touched[2], some, &args, 0);
}

static void adamw_8bit_of_none(const struct kernels *k)
{
    static const struct adamw_args args = {1, 1, 1, 1, 1, 1, 1, 1, 1};
    const struct moments_8bit moments = {(int8_t *)touched[1], (uint8_t *)touched[2], (bf16 *)touched[1],
                                         (bf16 *)touched[2]};
    k->adamw_8bit(touched[0], &moments, some, &args, 1, 0);
}

/* An op without such a function does not compile. */
static const struct {
    const char *name;
    void (*run)(const struct kernels *k);
} no_rows[] = {
#define OP(result, op, ...) {#op, op##_of_none},
#include "ops.def"
#undef OP
};
enum { N_OPS = sizeof no_rows / sizeof *no_rows };

START_TEST(no_rows_touch_nothing)
{
    for (size_t t = 0; t < n_tables; t++) {
        for (size_t i = 0; i < sizeof touched / sizeof **touched; i++)
            touched[i / (IN * OUT)][i % (IN * OUT)] = BEFORE;
        workspace = work_of(tables[t], 0);
        no_rows[_i].run(tables[t]);
        for (size_t array = 0; array < 4; array++)
            check_all(array, IN * OUT, BEFORE);
        free(workspace.data);
    }
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    start_kernels(argv);
    n_tables = modelled_tables(tables);
    Suite *suite = suite_create("kernels: ops without rows");
    TCase *none = tcase_create("rows");
    tcase_add_loop_test(none, no_rows_touch_nothing, 0, N_OPS);
    suite_add_tcase(suite, none);
    return run_suite(suite);
}
