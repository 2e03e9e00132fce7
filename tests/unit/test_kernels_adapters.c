/* What adapters need of the kernels beyond what test_kernels.c holds to the reference: bits that depend neither on
 * other rows, nor on threads, nor on how a gradient is computed; frozen weights of each kind on the way back; large
 * ranks in no more memory than is asked for. */
#include "base/mem.h"
#include "base/rng.h"
#include "support/bf16.h"
#include "support/measured.h"
#include "support/run_suite.h"
#include "support/tables.h"

#include <math.h>
#include <omp.h>
#include <string.h>

static const struct kernels *tables[MAX_TABLES];
static size_t n_tables;

/* ---- arrays ---- */

static float *some_reals(size_t n, uint64_t seed)
{
    struct rng rng;
    rng_seed(&rng, seed, 0);
    float *x = mem_calloc(n + 1, sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)rng_normal(&rng);
    return x;
}

static act *some_acts(const struct kernels *k, size_t n, uint64_t seed)
{
    float *x = some_reals(n, seed);
    if (k->act_size == sizeof *x)
        return x;
    act *y = mem_calloc(n + 1, k->act_size);
    k->to_act(y, x, 1, n);
    free(x);
    return y;
}

/* n of a table's operands as reals; the caller's to free. */
static float *reals_of(const struct kernels *k, const act *x, size_t n)
{
    float *y = mem_calloc(n + 1, sizeof *y);
    k->add_act(y, x, n);
    return y;
}

static act *act_from(const struct kernels *k, act *x, size_t i)
{
    return (unsigned char *)x + i * k->act_size;
}

/* So much as is asked for, in which no number is, and a line behind it. */
enum { LINE = 64, NO_NUMBER = 0xFF };
static struct workspace make_work(const struct kernels *k, const struct kernel_sizes *sizes)
{
    struct workspace work = {.bytes = k->work_bytes(sizes)};
    const size_t bytes = (work.bytes + LINE - 1) / LINE * LINE + LINE;
    work.data = aligned_alloc(LINE, bytes);
    memset(work.data, NO_NUMBER, bytes);
    return work;
}

static void free_work(const struct kernels *k, struct workspace *work)
{
    for (size_t i = 0; i < LINE; i++)
        ck_assert_msg(work->data[work->bytes + i] == NO_NUMBER, "%s: written behind its workspace", table_name(k));
    free(work->data);
}

static bool is_openblas(const struct kernels *k)
{
    return strcmp(k->products, "OpenBLAS") == 0;
}

/* ---- weights, kept in each way ---- */

enum kept { AS_FLOATS, AS_BF16, AS_INT8, N_KEPT };
static const char *const kept_names[] = {"floats", "bfloat16s", "int8s"};

/* Of the same numbers, but for what is lost in keeping them. */
struct weights {
    float *reals;
    bf16 *bf16s;
    int8_t *int8s;
    float *scales;
};

static struct weights make_weights(size_t rows, size_t columns, uint64_t seed)
{
    const size_t n = rows * columns;
    struct weights w = {some_reals(n, seed), mem_calloc(n + 1, sizeof(bf16)), mem_calloc(n + 1, 1),
                        mem_calloc(rows + 1, sizeof(float))};
    for (size_t i = 0; i < n; i++)
        w.bf16s[i] = bf16_of((double)w.reals[i]);
    kernels_plain_f32.quantize_rows(w.int8s, w.scales, w.reals, rows, columns);
    return w;
}

static void free_weights(struct weights *w)
{
    free(w->reals);
    free(w->bf16s);
    free(w->int8s);
    free(w->scales);
}

static struct matrix matrix_of(const struct weights *w, enum kept kept)
{
    return kept == AS_FLOATS ? (struct matrix){.w = w->reals}
           : kept == AS_BF16 ? (struct matrix){.w_bf16 = w->bf16s}
                             : (struct matrix){.w_int8 = w->int8s, .scales = w->scales};
}

/* What they stand for, as kept: the reals become that. */
static struct matrix expand(struct weights *w, enum kept kept, size_t rows, size_t columns)
{
    for (size_t i = 0; i < rows * columns && kept != AS_FLOATS; i++)
        w->reals[i] = kept == AS_BF16 ? (float)bf16_to_double(w->bf16s[i])
                                      : (float)((double)w->scales[i / columns] * w->int8s[i]);
    return (struct matrix){.w = w->reals};
}

static bool takes(const struct kernels *k, enum kept kept)
{
    return kept == AS_FLOATS || k->reads_bf16;
}

/* The norm of the difference over the norm. */
static double relative_error(const float *a, const float *b, size_t n)
{
    double difference = 0, norm = 0;
    for (size_t i = 0; i < n; i++) {
        difference += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
        norm += (double)b[i] * (double)b[i];
    }
    return sqrt(difference / norm);
}

/* ---- a row is the same whoever else is there ---- */

enum { MOST_ROWS = 260, NARROW_LAYERS = 3 };
static const size_t row_counts[] = {2, 3, 5, 14, 17, 113, MOST_ROWS};
enum { N_COUNTS = sizeof row_counts / sizeof *row_counts };

static const struct narrow_shape {
    size_t in, out[NARROW_LAYERS];
} narrow_shapes[] = {{576, {16, 16, 16}}, {130, {8, 40, 1}}, {1, {1, 2, 3}}, {2100, {64, 16, 7}}, {33, {256, 256, 5}}};
enum { N_NARROW = sizeof narrow_shapes / sizeof *narrow_shapes };

/* The layers, of which the second is (in,out) unless weights are int8s, of rows first .. first + N of x. */
static void run_narrow(const struct kernels *k, const struct narrow_shape *shape, const struct weights *w,
                       enum kept kept, act *x, act *const *y, size_t first, size_t N)
{
    struct linear l[NARROW_LAYERS];
    struct narrow_output outs[NARROW_LAYERS];
    size_t rank = 0;
    for (size_t i = 0; i < NARROW_LAYERS; i++) {
        l[i] = (struct linear){.matrix = matrix_of(&w[i], kept), .in = shape->in, .out = shape->out[i],
                               .transposed = i != 1 || kept == AS_INT8};
        outs[i] = (struct narrow_output){&l[i], act_from(k, y[i], first * shape->out[i]), 0.5F + (float)i};
        rank += shape->out[i];
    }
    struct workspace work = make_work(k, &(struct kernel_sizes){.N = N, .width = shape->in, .rank = rank});
    k->linear_narrow(outs, NARROW_LAYERS, act_from(k, x, first * shape->in), N, &work);
    free_work(k, &work);
}

static void check_narrow_rows(const struct kernels *k, const struct narrow_shape *shape, enum kept kept)
{
    struct weights w[NARROW_LAYERS];
    act *x = some_acts(k, MOST_ROWS * shape->in, 4), *alone[NARROW_LAYERS], *together[NARROW_LAYERS];
    for (size_t i = 0; i < NARROW_LAYERS; i++) {
        w[i] = make_weights(shape->out[i], shape->in, i);
        alone[i] = mem_calloc(MOST_ROWS * shape->out[i], sizeof(float));
        together[i] = mem_calloc(MOST_ROWS * shape->out[i], sizeof(float));
    }
    for (size_t row = 0; row < MOST_ROWS; row++)
        run_narrow(k, shape, w, kept, x, alone, row, 1);
    for (size_t n = 0; n < N_COUNTS; n++) {
        run_narrow(k, shape, w, kept, x, together, 0, row_counts[n]);
        for (size_t i = 0; i < NARROW_LAYERS; i++)
            ck_assert_msg(memcmp(alone[i], together[i], row_counts[n] * shape->out[i] * k->act_size) == 0,
                          "%s, %s, %zu wide: layer %zu of %zu rows together", table_name(k), kept_names[kept],
                          shape->in, i, row_counts[n]);
    }
    for (size_t i = 0; i < NARROW_LAYERS; i++) {
        free_weights(&w[i]);
        free(alone[i]);
        free(together[i]);
    }
    free(x);
}

START_TEST(a_narrow_row_is_the_same_whoever_else_is_there)
{
    for (size_t t = 0; t < n_tables; t++)
        for (enum kept kept = 0; kept < N_KEPT; kept++)
            if (!is_openblas(tables[t]))
                check_narrow_rows(tables[t], &narrow_shapes[_i], kept);
}
END_TEST

/* Of a few rows, with what is added, kept as anything. */
static void check_few_rows(const struct kernels *k, enum kept kept, enum kept kept_added, size_t rank)
{
    enum { FEW_ROWS = 70, IN = 160, OUT = 67 };
    struct weights w = make_weights(OUT, IN, 1), b = make_weights(OUT, rank, 2);
    act *x = some_acts(k, FEW_ROWS * IN, 3), *u = some_acts(k, FEW_ROWS * rank, 4);
    act *y[2] = {mem_calloc(FEW_ROWS * OUT, sizeof(float)), mem_calloc(FEW_ROWS * OUT, sizeof(float))};
    float *sum[2] = {some_reals(FEW_ROWS * OUT, 5), some_reals(FEW_ROWS * OUT, 6)};
    float *residual = some_reals(FEW_ROWS * OUT, 7), *bias = some_reals(OUT, 8);
    const struct linear base = {.matrix = matrix_of(&w, kept), .b = bias, .in = IN, .out = OUT, .transposed = true};
    const struct linear up = {.matrix = matrix_of(&b, kept_added), .in = rank, .out = OUT, .transposed = true};
    struct workspace work = make_work(k, &(struct kernel_sizes){.N = FEW_ROWS, .width = IN});
    for (size_t n = 0, rows = 1; n < FEW_ROWS; n++) {
        const struct linear_part added = {act_from(k, u, n * rank), &up};
        const act *x_n = act_from(k, x, n * IN);
        k->linear_few(&(struct few_output){&base, act_from(k, y[0], n * OUT), &added}, 1, x_n, rows, &work);
        k->linear_few_residual(sum[0] + n * OUT, residual + n * OUT, x_n, &base, &added, 0.5F, rows, &work);
    }
    for (size_t rows = 2; rows <= FEW_ROWS; rows += 17) {
        const struct linear_part added = {u, &up};
        k->linear_few(&(struct few_output){&base, y[1], &added}, 1, x, rows, &work);
        k->linear_few_residual(sum[1], residual, x, &base, &added, 0.5F, rows, &work);
        ck_assert_msg(memcmp(y[0], y[1], rows * OUT * k->act_size) == 0 &&
                          memcmp(sum[0], sum[1], rows * OUT * sizeof(float)) == 0,
                      "%s, %s and %s, rank %zu: %zu rows together", table_name(k), kept_names[kept],
                      kept_names[kept_added], rank, rows);
    }
    void *all[] = {x, u, y[0], y[1], sum[0], sum[1], residual, bias};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    free_weights(&w);
    free_weights(&b);
    free_work(k, &work);
}

START_TEST(what_is_added_to_a_row_is_the_same_whoever_else_is_there)
{
    static const size_t ranks[] = {1, 8, 16, 200};
    for (size_t t = 0; t < n_tables; t++)
        for (enum kept kept = 0; kept < N_KEPT; kept++)
            check_few_rows(tables[t], kept, (enum kept)((kept + (size_t)_i) % N_KEPT), ranks[_i]);
}
END_TEST

/* ---- sums of products have the order of their parts ---- */

/* Deep enough that right-hand sides are packed in several goes, a part's end in the midst of one; and shallow. */
static const struct sum_shape {
    size_t in, out, ranks[3];
} sum_shapes[] = {{3000, 390, {16, 48, 1200}}, {70, 300, {16, 8, 1}}, {1025, 40, {300, 17, 64}}};
enum { N_SUMS = sizeof sum_shapes / sizeof *sum_shapes, SUM_ROWS = 61 };

START_TEST(parts_are_added_one_after_the_other)
{
    const struct sum_shape *s = &sum_shapes[_i];
    const size_t ins[] = {s->in, s->ranks[0], s->ranks[1], s->ranks[2]}, n = SUM_ROWS * s->out;
    for (size_t t = 1; t < n_tables; t++) /* the definition's sums are not rounded between parts */
        for (int transposed = 0; transposed < 2; transposed++) {
            const struct kernels *k = tables[t];
            float *w[4], *bias = some_reals(s->out, 20), *together = some_reals(n, 21), *apart = some_reals(n, 21);
            act *x[4];
            struct linear l[4];
            struct linear_part parts[4];
            struct workspace work = make_work(
                k, &(struct kernel_sizes){.N = SUM_ROWS, .width = s->in > s->out ? s->in : s->out});
            for (size_t i = 0; i < 4; i++) {
                w[i] = some_reals(ins[i] * s->out, i), x[i] = some_acts(k, SUM_ROWS * ins[i], 10 + i);
                l[i] = (struct linear){.matrix = {.w = w[i]}, .b = i ? NULL : bias, .in = ins[i], .out = s->out,
                                       .transposed = transposed, .always_packed = true};
                parts[i] = (struct linear_part){x[i], &l[i]};
            }
            k->linear_residual_fwd(together, together, parts, 4, 1, SUM_ROWS, &work);
            for (size_t i = 0; i < 4; i++) {
                k->linear_residual_fwd(apart, apart, &parts[i], 1, 1, SUM_ROWS, &work);
                free(w[i]);
                free(x[i]);
            }
            ck_assert_msg(memcmp(together, apart, n * sizeof *apart) == 0, "%s, %zu x %zu", table_name(k), s->in,
                          s->out);
            free(bias);
            free(together);
            free(apart);
            free_work(k, &work);
        }
}
END_TEST

/* ---- gradients are the same however they are computed, and by how many threads ---- */

static const struct grad_shape {
    size_t N, in, out[NARROW_LAYERS];
} grad_shapes[] = {{1300, 100, {16, 16, 16}}, {40, 2000, {256, 3, 64}}, {257, 65, {1, 8, 31}}, {3, 30, {5, 6, 7}}};
enum { N_GRADS = sizeof grad_shapes / sizeof *grad_shapes };

/* dw (out,in) of each, in one call by so many threads. */
static void run_narrow_dw(const struct kernels *k, const struct grad_shape *s, act *const *dy, const act *x,
                          float *const *dw, bool add, int threads)
{
    struct narrow_grad parts[NARROW_LAYERS];
    size_t rank = 0;
    omp_set_num_threads(threads);
    for (size_t i = 0; i < NARROW_LAYERS; rank += s->out[i++])
        parts[i] = (struct narrow_grad){dy[i], dw[i], s->out[i]};
    struct workspace work = make_work(k, &(struct kernel_sizes){.N = s->N, .width = s->in, .rank = rank});
    k->linear_narrow_dw(parts, NARROW_LAYERS, add, x, s->in, s->N, &work);
    free_work(k, &work);
}

/* The same as the gradient of an (in,out) layer, transposed, and of an (out,in) layer that has dy for x. */
static void check_gradient(const struct kernels *k, const struct grad_shape *s, const act *dy, const act *x, size_t out,
                           const float *dw, const float *before, bool add)
{
    const size_t in = s->in, n = in * out;
    float *in_out = mem_calloc(n, sizeof *in_out), *turned = mem_calloc(n, sizeof *turned);
    struct workspace work =
        make_work(k, &(struct kernel_sizes){.N = s->N, .width = in > out ? in : out});
    const struct linear l = {.in = in, .out = out}, back = {.in = out, .out = in, .transposed = true};
    for (size_t i = 0; i < n; i++)
        in_out[i % in * out + i / in] = turned[i % in * out + i / in] = before[i];
    k->linear_bwd_dw(in_out, NULL, add, dy, x, &l, s->N, &work);
    k->linear_bwd_dw(turned, NULL, add, x, dy, &back, s->N, &work);
    for (size_t i = 0; i < n; i++)
        ck_assert_msg(dw[i] == in_out[i % in * out + i / in] && dw[i] == turned[i % in * out + i / in],
                      "%s: %zu rows, %zu of %zu: element %zu is %a, and %a, and %a", table_name(k), s->N, out, in, i,
                      (double)dw[i], (double)in_out[i % in * out + i / in], (double)turned[i % in * out + i / in]);
    free(in_out);
    free(turned);
    free_work(k, &work);
}

static void check_narrow_dw(const struct kernels *k, const struct grad_shape *s, bool add)
{
    act *x = some_acts(k, s->N * s->in, 1), *dy[NARROW_LAYERS];
    float *dw[NARROW_LAYERS], *dw_n[NARROW_LAYERS], *before[NARROW_LAYERS];
    for (size_t i = 0; i < NARROW_LAYERS; i++) {
        const size_t n = s->out[i] * s->in;
        dy[i] = some_acts(k, s->N * s->out[i], 2 + i);
        before[i] = some_reals(n, 10 + i), dw[i] = some_reals(n, 10 + i), dw_n[i] = some_reals(n, 10 + i);
    }
    run_narrow_dw(k, s, dy, x, dw, add, 1);
    run_narrow_dw(k, s, dy, x, dw_n, add, 3);
    for (size_t i = 0; i < NARROW_LAYERS; i++) {
        ck_assert_msg(memcmp(dw[i], dw_n[i], s->out[i] * s->in * sizeof **dw) == 0, "%s: 3 threads", table_name(k));
        if (!is_openblas(k))
            check_gradient(k, s, dy[i], x, s->out[i], dw[i], before[i], add);
        free(dy[i]);
        free(dw[i]);
        free(dw_n[i]);
        free(before[i]);
    }
    free(x);
}

START_TEST(narrow_gradients_are_the_same_either_way)
{
    const int before = omp_get_max_threads();
    for (size_t t = 0; t < n_tables; t++)
        for (int add = 0; add < 2; add++)
            check_narrow_dw(tables[t], &grad_shapes[_i], add);
    omp_set_num_threads(before);
}
END_TEST

/* ---- frozen weights of each kind ---- */

enum { N = 37, IN = 129, OUT = 210, RANK = 16 };

/* There and back through W of a kind and an adapter, against the definition with the numbers that W's stand for: in
 * bf16 these are rounded on the way back, and so is what comes out. */
static void check_layer(const struct kernels *k, struct weights *w, const float *b, enum kept kept, bool transposed)
{
    act *x = some_acts(k, N * IN, 1), *dy = some_acts(k, N * OUT, 2), *u = some_acts(k, N * RANK, 3);
    act *dx = mem_calloc(N * IN, sizeof(float));
    float *x_reals = reals_of(k, x, N * IN), *dy_reals = reals_of(k, dy, N * OUT), *u_reals = reals_of(k, u, N * RANK);
    float *expected = mem_calloc(N * OUT, sizeof(float)), *got = mem_calloc(N * OUT, sizeof(float));
    const struct linear l = {.matrix = matrix_of(w, kept), .in = IN, .out = OUT, .transposed = transposed},
                        reals = {.matrix = expand(w, kept, OUT, IN), .in = IN, .out = OUT, .transposed = transposed},
                        up = {.matrix = {.w = b}, .in = RANK, .out = OUT, .transposed = true},
                        down = {.matrix = {.w = b}, .in = IN, .out = RANK, .transposed = true};
    struct workspace work = make_work(k, &(struct kernel_sizes){.N = N, .width = OUT, .narrow_weights = true});
    k->linear_residual_fwd(got, NULL, (struct linear_part[]){{x, &l}, {u, &up}}, 2, 0.5F, N, &work);
    kernels_plain_f32.linear_residual_fwd(expected, NULL, (struct linear_part[]){{x_reals, &reals}, {u_reals, &up}}, 2,
                                          0.5F, N, NULL);
    check_error(table_name(k), kept_names[kept], relative_error(got, expected, N * OUT),
                is_bf16_table(k) ? 3e-3 : 1e-6); /* b is rounded */
    k->linear_bwd_dx(dx, (struct linear_part[]){{dy, &l}, {u, &down}}, 2, N, &work);
    kernels_plain_f32.linear_bwd_dx(expected, (struct linear_part[]){{dy_reals, &reals}, {u_reals, &down}}, 2, N, NULL);
    float *dx_reals = reals_of(k, dx, N * IN);
    check_error(table_name(k), kept_names[kept], relative_error(dx_reals, expected, N * IN),
                is_bf16_table(k) ? 4e-3 : 1e-6);
    void *all[] = {x, dy, u, dx, x_reals, dy_reals, u_reals, expected, got, dx_reals};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    free_work(k, &work);
}

START_TEST(a_frozen_layer_runs_both_ways)
{
    const enum kept kept = (enum kept)(_i / 2);
    const bool transposed = _i % 2;
    float *b = some_reals((size_t)RANK * OUT, 9);
    for (size_t t = 0; t < n_tables; t++)
        if (takes(tables[t], kept) && (transposed || kept != AS_INT8)) {
            struct weights w = make_weights(OUT, IN, 8);
            check_layer(tables[t], &w, b, kept, transposed);
            free_weights(&w);
        }
    free(b);
}
END_TEST

/* The head's loss, its gradient into h, and into some rows. */
static void check_head(const struct kernels *k, enum kept kept)
{
    enum { V = OUT, C = IN, N_ROWS = 40 };
    struct weights w = make_weights(V, C, 1);
    act *h = some_acts(k, N * C, 2), *dh = mem_calloc(N * C, sizeof(float));
    float *h_reals = reals_of(k, h, N * C), *dnll = some_reals(N, 3), *expected_dh = mem_calloc(N * C, sizeof(float));
    float nll[N], expected_nll[N], dw[N_ROWS * C], expected_dw[N_ROWS * C];
    int32_t labels[N], rows[N_ROWS];
    uint8_t correct[N];
    const struct head head = {.matrix = matrix_of(&w, kept), .V = V, .C = C, .scale = 0.25F, .softcap = 4},
                      reals = {.matrix = expand(&w, kept, V, C), .V = V, .C = C, .scale = 0.25F, .softcap = 4};
    for (size_t i = 0; i < N; i++)
        labels[i] = (int32_t)(i * 7 % V);
    for (size_t i = 0; i < N_ROWS; i++)
        rows[i] = (int32_t)(5 * i + 2);
    struct workspace work = make_work(k, &(struct kernel_sizes){.N = N, .width = C, .C = C, .V = V, .head_size = 1,
                                                               .heads_per_kv = 1, .narrow_weights = true});
    const struct kernels *plain = &kernels_plain_f32;
    k->head_loss(nll, correct, dh, NULL, false, h, labels, dnll, &head, N, &work);
    k->head_rows_bwd(dw, false, rows, N_ROWS, h, labels, nll, dnll, &head, N, &work);
    plain->head_loss(expected_nll, correct, expected_dh, NULL, false, h_reals, labels, dnll, &reals, N, NULL);
    plain->head_rows_bwd(expected_dw, false, rows, N_ROWS, h_reals, labels, expected_nll, dnll, &reals, N, NULL);
    float *dh_reals = reals_of(k, dh, N * C);
    const bool rounds_w = is_bf16_table(k) && kept == AS_FLOATS;
    check_error(table_name(k), "losses", relative_error(nll, expected_nll, N), rounds_w ? 2e-3 : 5e-6);
    check_error(table_name(k), "dh", relative_error(dh_reals, expected_dh, N * C), is_bf16_table(k) ? 6e-3 : 5e-6);
    check_error(table_name(k), "some rows", relative_error(dw, expected_dw, N_ROWS * C),
                is_bf16_table(k) ? 6e-3 : 5e-6);
    void *all[] = {h, dh, h_reals, dnll, expected_dh, dh_reals};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    free_weights(&w);
    free_work(k, &work);
}

START_TEST(a_frozen_head_runs_both_ways)
{
    for (size_t t = 0; t < n_tables; t++)
        if (takes(tables[t], (enum kept)_i))
            check_head(tables[t], (enum kept)_i);
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    start_kernels(argv);
    n_tables = modelled_tables(tables);
    Suite *suite = suite_create("kernels of adapters");
    TCase *bits = tcase_create("bits"), *frozen = tcase_create("frozen weights");
    tcase_set_timeout(bits, 120);
    tcase_add_loop_test(bits, a_narrow_row_is_the_same_whoever_else_is_there, 0, N_NARROW);
    tcase_add_loop_test(bits, what_is_added_to_a_row_is_the_same_whoever_else_is_there, 0, 4);
    tcase_add_loop_test(bits, parts_are_added_one_after_the_other, 0, N_SUMS);
    tcase_add_loop_test(bits, narrow_gradients_are_the_same_either_way, 0, N_GRADS);
    tcase_add_loop_test(frozen, a_frozen_layer_runs_both_ways, 0, 2 * N_KEPT);
    tcase_add_loop_test(frozen, a_frozen_head_runs_both_ways, 0, N_KEPT);
    suite_add_tcase(suite, bits);
    suite_add_tcase(suite, frozen);
    return run_suite(suite);
}
