/* What generation computes with: a row's bits whoever else is in the batch, whatever the threads, and however a prompt
 * was cut; prompts and single positions beside each other; weights of 8 bits; logits looked through. That the ops are
 * what they are defined to be is test_kernels.c's. */
#include "base/mem.h"
#include "base/rng.h"
#include "support/bf16.h"
#include "support/measured.h"
#include "support/run_suite.h"
#include "support/tables.h"

#include <check.h>
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

static act *act_from(const struct kernels *k, act *x, size_t i)
{
    return (unsigned char *)x + i * k->act_size;
}

static float act_value(const struct kernels *k, const act *x, size_t i)
{
    return is_bf16_table(k) ? (float)bf16_to_double(((const uint16_t *)x)[i]) : ((const float *)x)[i];
}

static struct workspace make_work(const struct kernels *k, const struct kernel_sizes *sizes)
{
    const size_t bytes = (k->work_bytes(sizes) + 127) / 64 * 64;
    return (struct workspace){.data = aligned_alloc(64, bytes), .bytes = bytes};
}

/* ---- weights, kept in each way ---- */

enum kept { AS_FLOATS, AS_BF16, AS_INT8, N_KEPT };
static const char *const kept_names[] = {"floats", "bfloat16s", "int8s"};

struct kept_matrix {
    float *reals; /* of which the others are made */
    bf16 *bf16s;
    int8_t *int8s;
    float *scales;
};

static struct kept_matrix make_matrix(size_t rows, size_t columns, uint64_t seed)
{
    const size_t n = rows * columns;
    struct kept_matrix m = {.reals = some_reals(n, seed),
                            .bf16s = mem_calloc(n + 1, sizeof(bf16)),
                            .int8s = mem_calloc(n + 1, 1),
                            .scales = mem_calloc(rows + 1, sizeof(float))};
    for (size_t i = 0; i < n; i++)
        m.bf16s[i] = bf16_of((double)m.reals[i]);
    kernels_plain_f32.quantize_rows(m.int8s, m.scales, m.reals, rows, columns);
    return m;
}

static void free_matrix(struct kept_matrix *m)
{
    free(m->reals);
    free(m->bf16s);
    free(m->int8s);
    free(m->scales);
}

static struct matrix matrix_of(const struct kept_matrix *m, enum kept kept)
{
    return kept == AS_FLOATS ? (struct matrix){.w = m->reals}
           : kept == AS_BF16 ? (struct matrix){.w_bf16 = m->bf16s}
                             : (struct matrix){.w_int8 = m->int8s, .scales = m->scales};
}

/* ---- a row is the same whoever else is there ---- */

enum { MOST_ROWS = 70 };
static const size_t row_counts[] = {1, 2, 3, 4, 5, 7, 8, 16, 17, 33, 65, MOST_ROWS};
enum { N_COUNTS = sizeof row_counts / sizeof *row_counts };

/* Widths that are multiples of everything, and of nothing. */
static const struct shape {
    size_t in, out;
} shapes[] = {{768, 96}, {1, 1}, {3, 17}, {129, 65}, {160, 7}, {1000, 40}, {4096, 33}};
enum { N_SHAPES = sizeof shapes / sizeof *shapes };

static void check_rows(const struct kernels *k, const struct shape *shape, enum kept kept, bool transposed)
{
    const size_t in = shape->in, out = shape->out;
    struct kept_matrix m = make_matrix(out, in, 1);
    float *b = some_reals(out, 2), *residual = some_reals(MOST_ROWS * out, 3);
    const struct linear l = {
        .matrix = matrix_of(&m, kept), .b = b, .in = in, .out = out, .transposed = transposed};
    act *x = some_acts(k, MOST_ROWS * in, 4);
    act *y = some_acts(k, MOST_ROWS * out, 5), *y_n = some_acts(k, MOST_ROWS * out, 6);
    float *sum = some_reals(MOST_ROWS * out, 7), *sum_n = some_reals(MOST_ROWS * out, 8);
    struct workspace work = make_work(k, &(struct kernel_sizes){.N = MOST_ROWS, .width = in > out ? in : out});
    for (size_t row = 0; row < MOST_ROWS; row++) {
        const act *x_row = act_from(k, x, row * in);
        k->linear_few(&(struct few_output){.linear = &l, .y = act_from(k, y, row * out)}, 1, x_row, 1, &work);
        k->linear_few_residual(sum + row * out, residual + row * out, x_row, &l, NULL, 0.5F, 1, &work);
    }
    for (size_t i = 0; i < N_COUNTS; i++) {
        const size_t N = row_counts[i];
        k->linear_few(&(struct few_output){.linear = &l, .y = y_n}, 1, x, N, &work);
        k->linear_few_residual(sum_n, residual, x, &l, NULL, 0.5F, N, &work);
        ck_assert_msg(memcmp(y, y_n, N * out * k->act_size) == 0, "%s, %s, %zu x %zu: %zu rows together", table_name(k),
                      kept_names[kept], in, out, N);
        ck_assert_msg(memcmp(sum, sum_n, N * out * sizeof *sum) == 0, "%s, %s, %zu x %zu: %zu rows together, residual",
                      table_name(k), kept_names[kept], in, out, N);
    }
    free_matrix(&m);
    free(b);
    free(residual);
    free(x);
    free(y);
    free(y_n);
    free(sum);
    free(sum_n);
    free(work.data);
}

START_TEST(a_row_is_the_same_whoever_else_is_there)
{
    for (size_t t = 0; t < n_tables; t++)
        for (enum kept kept = 0; kept < N_KEPT; kept++) {
            check_rows(tables[t], &shapes[_i], kept, true);
            if (kept != AS_INT8 && strcmp(tables[t]->products, "OpenBLAS") != 0) /* ops.def */
                check_rows(tables[t], &shapes[_i], kept, false);
        }
}
END_TEST

/* ---- and whatever the threads ---- */

static void run_three(const struct kernels *k, const struct kept_matrix m[3], enum kept kept, const act *x, act *y[3],
                      size_t N)
{
    static const size_t outs[] = {96, 32, 50};
    struct linear l[3];
    struct few_output o[3];
    struct workspace work = make_work(k, &(struct kernel_sizes){.N = N, .width = 300});
    for (size_t i = 0; i < 3; i++) {
        l[i] = (struct linear){.matrix = matrix_of(&m[i], kept), .in = 300, .out = outs[i], .transposed = true};
        o[i] = (struct few_output){.linear = &l[i], .y = y[i]};
    }
    k->linear_few(o, 3, x, N, &work);
    free(work.data);
}

START_TEST(bits_do_not_depend_on_threads)
{
    static const int threads[] = {2, 3, 7};
    enum { N = 16, WIDEST = 96 };
    const enum kept kept = (enum kept)_i;
    const int before = omp_get_max_threads();
    struct kept_matrix m[] = {make_matrix(96, 300, 1), make_matrix(32, 300, 2), make_matrix(50, 300, 3)};
    for (size_t t = 0; t < n_tables && !is_modelled(tables[t]); t++) {
        const struct kernels *k = tables[t];
        act *x = some_acts(k, N * 300, 4), *y[2][3];
        for (size_t i = 0; i < 6; i++)
            y[i / 3][i % 3] = mem_calloc(N * WIDEST, sizeof(float));
        omp_set_num_threads(1);
        run_three(k, m, kept, x, y[0], N);
        for (size_t n = 0; n < sizeof threads / sizeof *threads; n++) {
            omp_set_num_threads(threads[n]);
            run_three(k, m, kept, x, y[1], N);
            for (size_t i = 0; i < 3; i++)
                ck_assert_msg(memcmp(y[0][i], y[1][i], N * WIDEST * sizeof(float)) == 0, "%s, %s: %d threads",
                              table_name(k), kept_names[kept], threads[n]);
        }
        for (size_t i = 0; i < 6; i++)
            free(y[i / 3][i % 3]);
        free(x);
    }
    omp_set_num_threads(before);
    for (size_t i = 0; i < 3; i++)
        free_matrix(&m[i]);
}
END_TEST

/* ---- prompts and single positions agree ---- */

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

/* Rounded or not, weights and x are the same numbers both ways: so in bf16 too only the order of sums differs. */
START_TEST(prompts_and_single_positions_agree)
{
    enum { N = 19, IN = 768, OUT = 100 };
    const enum kept kept = (enum kept)(_i / 2);
    const bool transposed = _i % 2;
    if (kept == AS_INT8 && !transposed)
        return;
    struct kept_matrix m = make_matrix(OUT, IN, 1);
    float *b = some_reals(OUT, 2), *residual = some_reals(N * OUT, 3);
    float *many = some_reals(N * OUT, 7), *few = some_reals(N * OUT, 8);
    for (size_t t = 0; t < n_tables; t++) {
        const struct kernels *k = tables[t];
        if (kept != AS_FLOATS && !k->reads_bf16)
            continue;
        const struct linear l = {.matrix = matrix_of(&m, kept),
                                 .b = b,
                                 .in = IN,
                                 .out = OUT,
                                 .transposed = transposed,
                                 .always_packed = true};
        act *x = some_acts(k, N * IN, 4);
        struct workspace work = make_work(k, &(struct kernel_sizes){.N = N, .width = IN});
        const struct linear_part part = {x, &l};
        k->linear_residual_fwd(many, residual, &part, 1, 0.5F, N, &work);
        k->linear_few_residual(few, residual, x, &l, NULL, 0.5F, N, &work);
        const double error = relative_error(few, many, N * OUT);
        check_error(table_name(k), kept_names[kept], error, kept == AS_INT8 ? 3e-5 : 5e-7);
        k->linear_residual_fwd(few, residual, &part, 1, 0.5F, 1, &work); /* a prompt's last piece, of one position */
        if (k->reads_bf16) /* OpenBLAS does not say that its bits depend on no tiling */
            ck_assert_msg(memcmp(few, many, OUT * sizeof *few) == 0, "%s, %s: one row", table_name(k),
                          kept_names[kept]);
        free(x);
        free(work.data);
    }
    free_matrix(&m);
    free(b);
    free(residual);
    free(many);
    free(few);
}
END_TEST

/* ---- int8 ---- */

START_TEST(int8s_are_the_nearest)
{
    enum { ROWS = 9, COLUMNS = 301 };
    float *w = some_reals(ROWS * COLUMNS, 1), scales[ROWS];
    int8_t *q = mem_calloc(ROWS * COLUMNS, 1);
    for (size_t i = 0; i < COLUMNS; i++) {
        w[3 * COLUMNS + i] = 0;
        w[4 * COLUMNS + i] *= 1e-30F;
        w[5 * COLUMNS + i] *= 1e30F;
    }
    for (size_t t = 0; t < n_tables; t++) {
        tables[t]->quantize_rows(q, scales, w, ROWS, COLUMNS);
        for (size_t r = 0; r < ROWS; r++) {
            float size = 0;
            for (size_t i = 0; i < COLUMNS; i++)
                size = fmaxf(size, fabsf(w[r * COLUMNS + i]));
            ck_assert(fabsf(scales[r] - size / 127) <= 1e-7F * scales[r]);
            for (size_t i = 0; i < COLUMNS; i++) {
                const double x = (double)w[r * COLUMNS + i], scale = (double)scales[r];
                ck_assert_msg(fabs(x - scale * q[r * COLUMNS + i]) <= 0.50001 * scale, "%s: %g as %d",
                              table_name(tables[t]), x, q[r * COLUMNS + i]);
                ck_assert_int_ge(q[r * COLUMNS + i], -127);
            }
        }
    }
    free(w);
    free(q);
}
END_TEST

/* One number among x that is much larger costs digits of its 128 neighbours alone. */
START_TEST(products_of_int8s_are_exact_to_16_bits_of_x)
{
    enum { N = 5, IN = 700, OUT = 50 };
    struct kept_matrix m = make_matrix(OUT, IN, 1);
    const struct linear l = {.matrix = matrix_of(&m, AS_INT8), .in = IN, .out = OUT, .transposed = true};
    float y[N * OUT];
    for (size_t t = 0; t < n_tables; t++) {
        const struct kernels *k = tables[t];
        float *reals = some_reals(N * IN, 4);
        reals[1 * IN + 200] = 3000;
        reals[2 * IN + 699] = -1e20F;
        memset(reals + 3 * IN, 0, 128 * sizeof *reals);
        act *x = mem_calloc(N * IN, sizeof *reals);
        const act *given = k->to_act(x, reals, 1, N * IN);
        struct workspace work = make_work(k, &(struct kernel_sizes){.N = N, .width = IN});
        k->linear_few_residual(y, NULL, given, &l, NULL, 1, N, &work);
        for (size_t n = 0; n < N; n++)
            for (size_t o = 0; o < OUT; o++) {
                double sum = 0, slack = 0;
                for (size_t i0 = 0; i0 < IN; i0 += 128) {
                    double size = 0, weights = 0;
                    for (size_t i = i0; i < IN && i < i0 + 128; i++) {
                        const double w = (double)m.scales[o] * m.int8s[o * IN + i];
                        const double x_i = (double)act_value(k, given, n * IN + i);
                        sum += x_i * w;
                        size = fmax(size, fabs(x_i));
                        weights += fabs(w);
                    }
                    slack += weights * size / 65534;
                    slack += 1e-6 * weights * size; /* floats' own */
                }
                ck_assert_msg(fabs((double)y[n * OUT + o] - sum) <= slack, "%s: (%zu,%zu) is %g, not %g",
                              table_name(k), n, o, (double)y[n * OUT + o], sum);
            }
        free(reals);
        free(x);
        free(work.data);
    }
    free_matrix(&m);
}
END_TEST

/* What many rows, the head's loss and the embedding make of int8s is what they make of the numbers that these are. */
START_TEST(int8s_are_what_they_stand_for)
{
    enum { N = 37, IN = 129, OUT = 200 };
    struct kept_matrix m = make_matrix(OUT, IN, 1);
    float *reals = some_reals(OUT * IN, 2), *expected = some_reals(N * OUT, 3), *got = some_reals(N * OUT, 4);
    int32_t ids[N];
    uint8_t correct[N];
    for (size_t i = 0; i < OUT * IN; i++)
        reals[i] = (float)((double)m.scales[i / IN] * m.int8s[i]);
    for (size_t i = 0; i < N; i++)
        ids[i] = (int32_t)(i * 7 % OUT);
    const struct matrix int8s = matrix_of(&m, AS_INT8), floats = {.w = reals};
    for (size_t t = 0; t < n_tables; t++) {
        const struct kernels *k = tables[t];
        if (!k->reads_bf16)
            continue;
        act *x = some_acts(k, N * IN, 5);
        float *x_reals = mem_calloc(N * IN, sizeof *x_reals);
        for (size_t i = 0; i < N * IN; i++)
            x_reals[i] = act_value(k, x, i);
        struct workspace work = make_work(
            k, &(struct kernel_sizes){.N = N, .width = OUT, .C = IN, .V = OUT, .head_size = 1, .heads_per_kv = 1,
                                      .narrow_weights = true});
        const struct linear l = {.matrix = int8s, .in = IN, .out = OUT, .transposed = true}, l_reals = {
            .matrix = floats, .in = IN, .out = OUT, .transposed = true};
        const struct linear_part part = {x, &l}, part_reals = {x_reals, &l_reals};
        kernels_plain_f32.linear_residual_fwd(expected, NULL, &part_reals, 1, 0.5F, N, NULL);
        k->linear_residual_fwd(got, NULL, &part, 1, 0.5F, N, &work);
        check_error(table_name(k), "int8s, many rows", relative_error(got, expected, N * OUT), 1e-6);
        const struct head head = {.matrix = int8s, .V = OUT, .C = IN, .scale = 0.5F},
                          head_reals = {.matrix = floats, .V = OUT, .C = IN, .scale = 0.5F};
        kernels_plain_f32.head_loss(expected, correct, NULL, NULL, false, x_reals, ids, NULL, &head_reals, N, NULL);
        k->head_loss(got, correct, NULL, NULL, false, x, ids, NULL, &head, N, &work);
        check_error(table_name(k), "int8s, losses", relative_error(got, expected, N), 5e-6);
        kernels_plain_f32.embed_fwd(expected, &floats, NULL, ids, NULL, 1.5F, N, IN);
        k->embed_fwd(got, &int8s, NULL, ids, NULL, 1.5F, N, IN);
        check_error(table_name(k), "int8s, embedding", relative_error(got, expected, N * IN), 2e-7);
        free(x);
        free(x_reals);
        free(work.data);
    }
    free_matrix(&m);
    free(reals);
    free(expected);
    free(got);
}
END_TEST

/* ---- attention ---- */

enum { H = 6, H_KV = 2, D = 64, KEYS = 700, PAGE = 32, N_PAGES = (KEYS + PAGE - 1) / PAGE, KV_PAGE = H_KV * PAGE * D };

/* A sequence's keys and values in pages that lie the other way round, as floats or rounded. */
struct paged {
    act *q, *k, *v;
    uint32_t pages[N_PAGES];
    size_t page_start[1], kv_len[1], q_start[2];
};

static struct paged make_paged(const struct kernels *k)
{
    struct paged p = {.q = some_acts(k, (size_t)KEYS * H * D, 1),
                      .k = some_acts(k, (size_t)N_PAGES * KV_PAGE, 2),
                      .v = some_acts(k, (size_t)N_PAGES * KV_PAGE, 3)};
    for (size_t i = 0; i < N_PAGES; i++)
        p.pages[i] = (uint32_t)(N_PAGES - 1 - i);
    return p;
}

static void free_paged(struct paged *p)
{
    free(p->q);
    free(p->k);
    free(p->v);
}

static struct attention paged_attention(struct paged *p, size_t n_q, size_t n_kv, size_t window)
{
    p->q_start[1] = n_q;
    p->kv_len[0] = n_kv;
    return (struct attention){.n_head = H, .n_kv_head = H_KV, .head_size = D, .S = 1, .q_start = p->q_start,
                              .kv_len = p->kv_len, .ld_q = H * D, .ld_kv = D, .stride_q = D, .stride_kv = PAGE * D,
                              .pages = p->pages, .page_start = p->page_start, .page_rows = PAGE,
                              .stride_page = KV_PAGE, .window = window, .scale = 0.125F};
}

static struct workspace attention_work(const struct kernels *k)
{
    return make_work(k, &(struct kernel_sizes){.N = KEYS, .width = H * D, .head_size = D, .heads_per_kv = H / H_KV});
}

/* A prompt of KEYS in pieces of so many positions, against all at once. */
START_TEST(a_prompt_is_the_same_however_it_is_cut)
{
    static const size_t windows[] = {0, 100, 129}, pieces[] = {512, 128, 33, 1};
    const size_t window = windows[_i];
    for (size_t t = 0; t < n_tables; t++) {
        const struct kernels *k = tables[t];
        if (!k->reads_bf16 || is_modelled(k))
            continue; /* the definition is so by itself, and so slow */
        if (strcmp(k->isa, "plain") == 0)
            continue;
        struct paged p = make_paged(k);
        struct workspace work = attention_work(k);
        act *whole = mem_calloc((size_t)KEYS * H * D, sizeof(float));
        act *cut = mem_calloc((size_t)KEYS * H * D, sizeof(float));
        float *lse = mem_calloc((size_t)KEYS * H, sizeof *lse);
        struct attention a = paged_attention(&p, KEYS, KEYS, window);
        k->attention_fwd(whole, lse, p.q, p.k, p.v, &a, &work);
        for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
            for (size_t n = 0; n < KEYS; n += pieces[i]) {
                const size_t n_q = pieces[i] < KEYS - n ? pieces[i] : KEYS - n;
                a = paged_attention(&p, n_q, n + n_q, window);
                k->attention_fwd(act_from(k, cut, n * H * D), lse, act_from(k, p.q, n * H * D), p.k, p.v, &a, &work);
            }
            ck_assert_msg(memcmp(whole, cut, (size_t)KEYS * H * D * k->act_size) == 0, "%s, window %zu: pieces of %zu",
                          table_name(k), window, pieces[i]);
        }
        free_paged(&p);
        free(whole);
        free(cut);
        free(lse);
        free(work.data);
    }
}
END_TEST

/* The last query of a prompt, alone. */
START_TEST(a_single_query_is_a_prompts_last)
{
    static const size_t keys[] = {1, 31, 32, 33, 128, 129, 400, 513, KEYS}, windows[] = {0, 1, 50, 300, 600};
    const size_t window = windows[_i];
    for (size_t t = 0; t < n_tables; t++) {
        const struct kernels *k = tables[t];
        struct paged p = make_paged(k);
        struct workspace work = attention_work(k);
        act *many = mem_calloc(2 * H * D, sizeof(float)), *one = mem_calloc(H * D, sizeof(float));
        float lse[2 * H], expected[H * D], got[H * D];
        for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
            const size_t n = keys[i], n_q = n > 1 ? 2 : 1;
            struct attention a = paged_attention(&p, n_q, n, window);
            k->attention_fwd(many, lse, act_from(k, p.q, (n - n_q) * H * D), p.k, p.v, &a, &work);
            a = paged_attention(&p, 1, n, window);
            k->attention_few(one, act_from(k, p.q, (n - 1) * H * D), p.k, p.v, &a, &work);
            for (size_t j = 0; j < H * D; j++) {
                expected[j] = act_value(k, many, (n_q - 1) * H * D + j);
                got[j] = act_value(k, one, j);
            }
            char what[64];
            snprintf(what, sizeof what, "one query, window %zu, %zu keys", window, n);
            check_error(table_name(k), what, relative_error(got, expected, H * D), is_bf16_table(k) ? 3e-3 : 1e-6);
        }
        free_paged(&p);
        free(many);
        free(one);
        free(work.data);
    }
}
END_TEST

/* ---- logits ---- */

static struct logits_scan scan_of(const struct kernels *k, const float *x, float inverse_temperature, size_t V)
{
    struct logits_scan scan;
    k->scan_logits(&scan, x, &inverse_temperature, 1, V);
    return scan;
}

START_TEST(logits_are_looked_through)
{
    static const size_t sizes[] = {1, 2, 31, 33, 1000, 50257};
    for (size_t t = 0; t < n_tables; t++)
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            const struct kernels *k = tables[t];
            const size_t V = sizes[i];
            float *x = some_reals(2 * V, i), temperatures[] = {1, 1.0F / 0.3F};
            struct logits_scan both[2], alone;
            for (size_t v = 0; v < 2 * V; v++)
                x[v] = x[v] * 5 + 20;
            x[V / 2] = x[V - 1] = 60; /* the first of two */
            x[V + V / 3] = -INFINITY;
            k->scan_logits(both, x, temperatures, 2, V);
            for (size_t s = 0; s < 2; s++) {
                size_t first = 0;
                double total = 0;
                for (size_t v = 1; v < V; v++)
                    first = x[s * V + v] > x[s * V + first] ? v : first;
                const double top = (double)x[s * V + first];
                for (size_t v = 0; v < V && top > -INFINITY; v++)
                    total += exp(((double)x[s * V + v] - top) * (double)temperatures[s]);
                ck_assert_uint_eq(both[s].first, first);
                ck_assert((double)both[s].largest == top);
                ck_assert(both[s].all_finite);
                ck_assert_msg(fabs((double)both[s].total - total) <= 2e-6 * total, "%s, %zu: %g, not %g",
                              table_name(k), V, (double)both[s].total, total);
                alone = scan_of(k, x + s * V, temperatures[s], V);
                ck_assert(alone.total == both[s].total);
            }
            free(x);
        }
}
END_TEST

START_TEST(logits_that_are_none_are_told)
{
    enum { V = 1000 };
    static const float bad[] = {NAN, INFINITY, -NAN};
    for (size_t t = 0; t < n_tables; t++)
        for (size_t i = 0; i < 3; i++)
            for (size_t at = 0; at < V; at += 37) {
                float *x = some_reals(V, 1);
                x[at] = bad[i];
                ck_assert_msg(!scan_of(tables[t], x, 1, V).all_finite, "%s: %g at %zu", table_name(tables[t]),
                              (double)bad[i], at);
                free(x);
            }
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    start_kernels(argv);
    n_tables = modelled_tables(tables);
    Suite *suite = suite_create("few rows");
    TCase *bits = tcase_create("bits"), *agree = tcase_create("agreement"), *int8 = tcase_create("int8"),
          *logits = tcase_create("logits");
    tcase_set_timeout(bits, 120);
    tcase_set_timeout(agree, 120);
    tcase_add_loop_test(bits, a_row_is_the_same_whoever_else_is_there, 0, N_SHAPES);
    tcase_add_loop_test(bits, bits_do_not_depend_on_threads, 0, N_KEPT);
    tcase_add_loop_test(bits, a_prompt_is_the_same_however_it_is_cut, 0, 3);
    tcase_add_loop_test(agree, prompts_and_single_positions_agree, 0, 2 * N_KEPT);
    tcase_add_loop_test(agree, a_single_query_is_a_prompts_last, 0, 5);
    tcase_add_test(int8, int8s_are_the_nearest);
    tcase_add_test(int8, products_of_int8s_are_exact_to_16_bits_of_x);
    tcase_add_test(int8, int8s_are_what_they_stand_for);
    tcase_add_test(logits, logits_are_looked_through);
    tcase_add_test(logits, logits_that_are_none_are_told);
    suite_add_tcase(suite, bits);
    suite_add_tcase(suite, agree);
    suite_add_tcase(suite, int8);
    suite_add_tcase(suite, logits);
    return run_suite(suite);
}
