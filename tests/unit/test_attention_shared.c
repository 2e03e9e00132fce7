/* Attention where sequences go on from others, over random trees: against the reference, and against the same paths
 * written out, a sequence each. */
#include "base/mem.h"
#include "base/rng.h"
#include "support/measured.h"
#include "support/op_call.h"
#include "support/ops.h"
#include "support/run_suite.h"
#include "support/tables.h"

#include <math.h>
#include <omp.h>
#include <string.h>

static const struct kernels *tables[MAX_TABLES];
static size_t n_tables;

static size_t op_index(const char *name)
{
    for (size_t i = 0; i < ops_count; i++)
        if (strcmp(ops_f64[i].name, name) == 0)
            return i;
    ck_abort_msg("no op %s", name);
    return 0;
}

/* ---- random trees ---- */

enum { N_TREES = 24, N_MODELLED = 3, MOST_DEPTH = 4, MOST_FLAT = 6000, QUERIES = 0 };

/* Sequences that go on from others, and the same paths written out, each down to a leaf. */
struct tree {
    struct op_sizes shared, flat;
    size_t row_of[MOST_FLAT]; /* of each flat row */
    bool is_first[MOST_FLAT]; /* its row's first copy */
};

/* Parents in preorder: the next sequence goes on from the last one, from one of those that that goes on from, or from
 * none. */
static void grow(struct op_sizes *s, struct rng *rng)
{
    static const size_t lengths[] = {0, 1, 2, 31, 32, 33, 63, 64, 65, 100, 128, 150};
    size_t depth[MAX_SEQUENCES];
    s->S = 2 + rng_below(rng, 7);
    for (size_t i = 0; i < s->S; i++) {
        size_t parent = i; /* 1 + the last one */
        while (parent > 0 && (depth[parent - 1] == MOST_DEPTH || rng_below(rng, 3) == 0))
            parent = s->parent[parent - 1];
        s->parent[i] = parent;
        depth[i] = parent > 0 ? depth[parent - 1] + 1 : 1;
        const size_t length = lengths[rng_below(rng, sizeof lengths / sizeof *lengths)];
        s->q_start[i + 1] = s->kv_start[i + 1] = s->q_start[i] + length;
    }
}

static bool is_leaf(const struct op_sizes *s, size_t i)
{
    return i + 1 == s->S || s->parent[i + 1] != i + 1;
}

/* The rows of sequence i, behind those of all that it goes on from; returns where the next flat row is. */
static size_t write_out(struct tree *t, size_t i, size_t n)
{
    const struct op_sizes *s = &t->shared;
    if (s->parent[i] > 0)
        n = write_out(t, s->parent[i] - 1, n);
    for (size_t row = s->q_start[i]; row < s->q_start[i + 1]; row++)
        t->row_of[n++] = row;
    ck_assert_uint_le(n, MOST_FLAT);
    return n;
}

static void make_tree(struct tree *t, uint64_t seed)
{
    static const size_t sizes[] = {1, 8, 20, 64}, windows[] = {0, 0, 2, 40, 64, 129};
    struct rng rng;
    rng_seed(&rng, seed, 11);
    memset(t, 0, sizeof *t);
    struct op_sizes *s = &t->shared;
    s->C = sizes[rng_below(&rng, 4)];
    s->n_kv_head = 1 + rng_below(&rng, 2);
    s->n_head = s->n_kv_head * (1 + rng_below(&rng, 2));
    s->window = windows[rng_below(&rng, 6)];
    s->softcap = rng_below(&rng, 3) == 0 ? 3 : 0;
    grow(s, &rng);
    t->flat = *s;
    memset(t->flat.parent, 0, sizeof t->flat.parent);
    t->flat.S = 0;
    size_t n = 0;
    for (size_t i = 0; i < s->S; i++)
        if (is_leaf(s, i)) {
            n = write_out(t, i, n);
            t->flat.S++;
            t->flat.q_start[t->flat.S] = t->flat.kv_start[t->flat.S] = n;
        }
    bool seen[MOST_FLAT] = {false};
    for (size_t i = 0; i < n; i++) {
        t->is_first[i] = !seen[t->row_of[i]];
        seen[t->row_of[i]] = true;
    }
}

/* ---- a tree's numbers, written out ---- */

static size_t rows_of(const struct op_sizes *s)
{
    return s->q_start[s->S];
}

/* The flat rows' inputs, and what comes back to outputs: to the first copy of each. */
static void write_out_call(struct call *flat, const struct call *shared, const struct tree *t)
{
    const size_t N = rows_of(&t->flat), ld = N ? flat->in.n[QUERIES] / N : 0, width = N ? flat->out.n[0] / N : 0;
    for (size_t i = 0; i < N; i++) {
        for (size_t array = 0; array < 3; array++)
            memcpy(flat->in.x[array] + i * ld, shared->in.x[array] + t->row_of[i] * ld, ld * sizeof(double));
        for (size_t c = 0; c < width; c++)
            flat->dout.x[0][i * width + c] = t->is_first[i] ? shared->dout.x[0][t->row_of[i] * width + c] : 0;
    }
}

/* Whether every copy of a row came out as the row did. */
static bool same_outputs(const struct arrays *flat, const struct arrays *shared, const struct tree *t)
{
    const size_t N = rows_of(&t->flat), width = N ? flat->n[0] / N : 0;
    for (size_t i = 0; i < N; i++)
        if (memcmp(flat->x[0] + i * width, shared->x[0] + t->row_of[i] * width, width * sizeof(double)) != 0)
            return false;
    return true;
}

/* How far the sums over a row's copies are from its gradients; dq has but one copy that is not 0. */
static double gradients_apart(const struct arrays *flat, const struct arrays *shared, const struct tree *t)
{
    const struct op_sizes *s = &t->shared;
    const size_t N = rows_of(s), ld = N ? shared->n[QUERIES] / N : 0;
    double worst = 0;
    for (size_t array = 0; array < 3; array++) {
        const size_t width = (array == QUERIES ? s->n_head : s->n_kv_head) * s->C;
        double *sums = mem_calloc(N * width + 1, sizeof *sums), apart = 0, norm = 0;
        for (size_t i = 0; i < rows_of(&t->flat); i++)
            for (size_t c = 0; c < width; c++)
                sums[t->row_of[i] * width + c] += flat->x[array][i * ld + c];
        for (size_t i = 0; i < N * width; i++) {
            const double x = shared->x[array][i / width * ld + i % width];
            apart += (x - sums[i]) * (x - sums[i]);
            norm += x * x;
        }
        worst = apart > 0 ? fmax(worst, sqrt(apart / norm)) : worst;
        free(sums);
    }
    return worst;
}

/* ---- tests ---- */

static const char attention[] = "attention, shared";

START_TEST(the_definition_is_that_of_the_paths_written_out)
{
    static struct tree t;
    const struct op *op = &ops_f64[op_index(attention)];
    struct call shared, flat;
    struct arrays out, din, flat_out, flat_din;
    make_tree(&t, (uint64_t)_i);
    make_call(&shared, op, &t.shared, 1, false);
    make_call(&flat, op, &t.flat, 2, false);
    write_out_call(&flat, &shared, &t);
    run_op(op, NULL, &t.shared, &shared, &out, &din);
    run_op(op, NULL, &t.flat, &flat, &flat_out, &flat_din);
    ck_assert(same_outputs(&flat_out, &out, &t));
    check_error("f64", "a tree's gradients against its paths'", gradients_apart(&flat_din, &din, &t), 1e-13);
    free_arrays(&out);
    free_arrays(&din);
    free_arrays(&flat_out);
    free_arrays(&flat_din);
    free_call(&shared);
    free_call(&flat);
}
END_TEST

START_TEST(tables_agree_with_the_definition)
{
    static struct tree t;
    const size_t index = op_index(attention);
    make_tree(&t, (uint64_t)_i);
    for (size_t k = 0; k < n_tables; k++) {
        const bool is_bf16 = is_bf16_table(tables[k]);
        struct call call;
        struct arrays expected, expected_din, out, din;
        if (is_modelled(tables[k]) && _i >= N_MODELLED)
            continue;
        make_call(&call, &ops_f64[index], &t.shared, 1, is_bf16);
        run_op(&ops_f64[index], NULL, &t.shared, &call, &expected, &expected_din);
        run_op(&ops_f32[index], tables[k], &t.shared, &call, &out, &din);
        check_error(table_name(tables[k]), "a tree", difference(&out, &expected), is_bf16 ? 5e-3 : 1e-6);
        check_error(table_name(tables[k]), "a tree, backward", difference(&din, &expected_din), is_bf16 ? 6e-3 : 3e-6);
        free_arrays(&expected);
        free_arrays(&expected_din);
        free_arrays(&out);
        free_arrays(&din);
        free_call(&call);
    }
}
END_TEST

/* Not of OpenBLAS, whose sums depend on where its tiles begin. */
START_TEST(outputs_have_the_bits_of_the_paths_written_out)
{
    static struct tree t;
    const struct op *op = &ops_f32[op_index(attention)];
    struct call shared, flat;
    make_tree(&t, (uint64_t)_i);
    make_call(&shared, op, &t.shared, 1, true);
    make_call(&flat, op, &t.flat, 2, true);
    write_out_call(&flat, &shared, &t);
    for (size_t k = 0; k < n_tables; k++) {
        if (strcmp(table_name(tables[k]), "ref") == 0 || (is_modelled(tables[k]) && _i >= N_MODELLED))
            continue;
        op->forward(tables[k], &t.shared, constant(shared.in.x), shared.out.x);
        op->forward(tables[k], &t.flat, constant(flat.in.x), flat.out.x);
        ck_assert_msg(same_outputs(&flat.out, &shared.out, &t), "%s, tree %d", table_name(tables[k]), _i);
    }
    free_call(&shared);
    free_call(&flat);
}
END_TEST

/* One thread takes trees as they are, many cut them. */
START_TEST(bits_do_not_depend_on_threads)
{
    static struct tree t;
    const struct op *op = &ops_f32[op_index(attention)];
    const int before = omp_get_max_threads();
    struct call call;
    make_tree(&t, (uint64_t)_i);
    make_call(&call, op, &t.shared, 1, true);
    for (size_t k = 1; k < n_tables; k++) { /* the definition has no threads */
        struct arrays out, din, expected, expected_din;
        if (is_modelled(tables[k]) && _i >= N_MODELLED)
            continue;
        omp_set_num_threads(1);
        run_op(op, tables[k], &t.shared, &call, &expected, &expected_din);
        for (int threads = 2; threads <= 4; threads++) {
            omp_set_num_threads(threads);
            run_op(op, tables[k], &t.shared, &call, &out, &din);
            ck_assert_msg(memcmp(out.x[0], expected.x[0], out.n[0] * sizeof(double)) == 0, "%s, tree %d, %d threads",
                          table_name(tables[k]), _i, threads);
            for (size_t i = 0; i < 3; i++)
                ck_assert_msg(memcmp(din.x[i], expected_din.x[i], din.n[i] * sizeof(double)) == 0,
                              "%s, tree %d, %d threads: gradient %zu", table_name(tables[k]), _i, threads, i);
            free_arrays(&out);
            free_arrays(&din);
        }
        free_arrays(&expected);
        free_arrays(&expected_din);
    }
    omp_set_num_threads(before);
    free_call(&call);
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    start_kernels(argv);
    n_tables = modelled_tables(tables);
    Suite *suite = suite_create("attention_shared");
    TCase *trees = tcase_create("trees");
    tcase_set_timeout(trees, 120);
    tcase_add_loop_test(trees, the_definition_is_that_of_the_paths_written_out, 0, N_TREES);
    tcase_add_loop_test(trees, tables_agree_with_the_definition, 0, N_TREES);
    tcase_add_loop_test(trees, outputs_have_the_bits_of_the_paths_written_out, 0, N_TREES);
    tcase_add_loop_test(trees, bits_do_not_depend_on_threads, 0, N_TREES);
    suite_add_tcase(suite, trees);
    return run_suite(suite);
}
