/* Every op of every fast table against the f64 reference; that against central differences; NaN, never to be lost. */
#include "base/mem.h"
#include "base/rng.h"
#include "base/xxh64.h"
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

/* ---- sizes: each op runs with those of its kind ---- */

#define SEQUENCES_1 .S = 1, .q_start = {0, 1}, .kv_start = {0, 1}
#define SEQUENCES_7 .S = 7, .q_start = {0, 1, 3, 66, 130, 195, 324, 524}, .kv_start = {0, 1, 3, 66, 130, 195, 324, 524}
#define SEQUENCES_3 .S = 3, .q_start = {0, 65, 66, 195}, .kv_start = {0, 65, 66, 195}
#define EMPTY_AND_3 .S = 4, .q_start = {0, 0, 3, 3, 3}, .kv_start = {0, 0, 3, 3, 3}
#define MORE_CACHE  .S = 2, .q_start = {0, 70, 180}, .kv_start = {0, 106, 327} /* no tile begins where a block does */
#define WITH_CACHE  .S = 5, .q_start = {0, 1, 4, 68, 69, 134}, .kv_start = {0, 1, 131, 331, 396, 589}

static const struct op_sizes row_sizes[] = {
    {.N = 1, .C = 1, .V = 1, .out = 1},     {.N = 1, .C = 17, .V = 3, .out = 5},
    {.N = 7, .C = 33, .V = 10, .out = 400}, {.N = 600, .C = 40, .V = 50, .out = 390},
    {.N = 3, .C = 401, .V = 2, .out = 31},  {.N = 130, .C = 129, .V = 700, .out = 65},
    {.N = 0, .C = 33, .V = 10, .out = 65},  {.N = 6, .C = 17000, .V = 2, .out = 33},
    {.N = 7, .C = 3, .V = 2, .out = 9000},
};
/* Sums of products, many of each: that the two cancel each other out is then no matter. */
static const struct op_sizes adapted_sizes[] = {
    {.N = 40, .C = 3, .V = 1, .out = 2},    {.N = 9, .C = 17, .V = 3, .out = 5},
    {.N = 7, .C = 33, .V = 10, .out = 400}, {.N = 600, .C = 40, .V = 50, .out = 390},
    {.N = 2, .C = 401, .V = 2, .out = 31},  {.N = 130, .C = 129, .V = 700, .out = 65},
    {.N = 0, .C = 33, .V = 10, .out = 65},  {.N = 6, .C = 17000, .V = 2, .out = 33},
    {.N = 7, .C = 3, .V = 2, .out = 9000},
};
/* A norm of one or two columns has no gradient into x but rounding errors. */
static const struct op_sizes norm_sizes[] = {{.N = 1, .C = 3},    {.N = 1, .C = 17},  {.N = 7, .C = 33},
                                             {.N = 600, .C = 40}, {.N = 3, .C = 401}, {.N = 0, .C = 33}};
static const struct op_sizes attention_sizes[] = {
    {.C = 1, .n_head = 1, SEQUENCES_1},  {.C = 1, .n_head = 3, SEQUENCES_3},
    {.C = 8, .n_head = 2, SEQUENCES_7},  {.C = 20, .n_head = 1, SEQUENCES_3},
    {.C = 64, .n_head = 1, SEQUENCES_3}, {.C = 80, .n_head = 2, SEQUENCES_3},
    {.C = 20, .n_head = 2, .S = 0},      {.C = 20, .n_head = 2, EMPTY_AND_3},
    {.C = 20, .n_head = 6, .n_kv_head = 2, SEQUENCES_3}, {.C = 64, .n_head = 4, .n_kv_head = 1, SEQUENCES_7},
    {.C = 96, .n_head = 2, .by_head = true, SEQUENCES_3},
    {.C = 20, .n_head = 4, .n_kv_head = 2, .by_head = true, SEQUENCES_3},
};
/* A window smaller than a vector, a part, a tile; as large as these; larger than a sequence. */
static const struct op_sizes window_sizes[] = {
    {.C = 20, .n_head = 2, .window = 2, SEQUENCES_7},
    {.C = 64, .n_head = 1, .window = 31, SEQUENCES_3},
    {.C = 8, .n_head = 2, .window = 32, SEQUENCES_7},
    {.C = 64, .n_head = 4, .n_kv_head = 1, .window = 40, SEQUENCES_7},
    {.C = 20, .n_head = 1, .window = 64, SEQUENCES_7},
    {.C = 80, .n_head = 2, .by_head = true, .window = 65, SEQUENCES_3},
    {.C = 128, .n_head = 2, .n_kv_head = 1, .window = 100, SEQUENCES_7},
    {.C = 8, .n_head = 1, .window = 200, SEQUENCES_7},
    {.C = 20, .n_head = 2, .window = 1000, SEQUENCES_3},
    {.C = 20, .n_head = 2, .window = 3, EMPTY_AND_3},
    {.C = 256, .n_head = 4, .n_kv_head = 1, .window = 50, SEQUENCES_3},
};
static const struct op_sizes softcap_sizes[] = {
    {.C = 1, .n_head = 3, .softcap = 0.5, SEQUENCES_3},
    {.C = 20, .n_head = 2, .softcap = 50, SEQUENCES_7},
    {.C = 64, .n_head = 4, .n_kv_head = 2, .softcap = 2, .window = 48, SEQUENCES_7},
    {.C = 256, .n_head = 4, .n_kv_head = 1, .softcap = 5, SEQUENCES_3},
    {.C = 20, .n_head = 2, .softcap = 50, EMPTY_AND_3},
};
/* Sequences that go on from others: two from one; five of which one goes on from nothing, the last from the first, and
 * one has nothing of its own; a tree whose branches are as long as a tile and its neighbours; a trunk of several tiles
 * with branches, and one beside it. */
#define SHARED_3 .S = 3, .q_start = {0, 65, 66, 195}, .kv_start = {0, 65, 66, 195}, .parent = {0, 1, 1}
#define SHARED_5                                                                                            \
    .S = 5, .q_start = {0, 3, 3, 40, 41, 110}, .kv_start = {0, 3, 3, 40, 41, 110}, .parent = {0, 1, 2, 0, 0}
#define SHARED_7                                                                                            \
    .S = 7, .q_start = {0, 31, 95, 128, 191, 255, 256, 321}, .kv_start = {0, 31, 95, 128, 191, 255, 256, 321}, \
    .parent = {0, 1, 2, 3, 2, 0, 6}
#define TRUNK_6                                                                                             \
    .S = 6, .q_start = {0, 300, 301, 350, 500, 510, 600}, .kv_start = {0, 300, 301, 350, 500, 510, 600},    \
    .parent = {0, 1, 1, 3, 1, 0}
static const struct op_sizes shared_sizes[] = {
    {.C = 1, .n_head = 3, SHARED_3},
    {.C = 20, .n_head = 2, SHARED_5},
    {.C = 64, .n_head = 4, .n_kv_head = 2, SHARED_7},
    {.C = 64, .n_head = 1, TRUNK_6},
    {.C = 8, .n_head = 6, .n_kv_head = 3, TRUNK_6},
    {.C = 20, .n_head = 2, .by_head = true, .window = 40, SHARED_7},
    {.C = 64, .n_head = 2, .n_kv_head = 1, .window = 65, .softcap = 3, TRUNK_6},
    {.C = 20, .n_head = 2, .window = 2, SHARED_5},
    {.C = 80, .n_head = 1, .softcap = 50, SHARED_3},
    {.C = 96, .n_head = 2, .window = 1000, SHARED_7},
};
static const struct op_sizes cache_sizes[] = {{.C = 1, .n_head = 2, WITH_CACHE},
                                              {.C = 20, .n_head = 3, WITH_CACHE},
                                              {.C = 64, .n_head = 2, WITH_CACHE},
                                              {.C = 64, .n_head = 6, .n_kv_head = 2, WITH_CACHE},
                                              {.C = 20, .n_head = 2, MORE_CACHE},
                                              {.C = 64, .n_head = 4, .n_kv_head = 2, .window = 70, MORE_CACHE},
                                              {.C = 20, .n_head = 2, .window = 1, WITH_CACHE},
                                              {.C = 64, .n_head = 2, .window = 1, WITH_CACHE},
                                              {.C = 64, .n_head = 4, .n_kv_head = 1, .window = 50, WITH_CACHE},
                                              {.C = 20, .n_head = 2, .window = 130, .softcap = 3, WITH_CACHE},
                                              {.C = 128, .n_head = 2, .window = 150, .softcap = 50, WITH_CACHE},
                                              {.C = 64, .n_head = 2, .by_head = true, .window = 1000, WITH_CACHE}};
/* Pages as long as a part, shorter, and longer than a block; of no length that anything else is a multiple of. */
static const struct op_sizes page_sizes[] = {
    {.C = 64, .n_head = 2, .page_rows = 32, WITH_CACHE},
    {.C = 20, .n_head = 2, .page_rows = 32, SEQUENCES_3},
    {.C = 64, .n_head = 4, .n_kv_head = 2, .page_rows = 32, .window = 70, MORE_CACHE},
    {.C = 20, .n_head = 6, .n_kv_head = 2, .page_rows = 7, WITH_CACHE},
    {.C = 80, .n_head = 1, .page_rows = 100, .window = 40, WITH_CACHE},
    {.C = 64, .n_head = 2, .page_rows = 200, .softcap = 3, MORE_CACHE},
    {.C = 64, .n_head = 2, .page_rows = 1, SEQUENCES_7},
};
/* One query each; of the last sequences' keys there are several splits. */
#define SINGLE_1 .S = 1, .q_start = {0, 1}, .kv_start = {0, 300}
#define SINGLE_7 .S = 7, .q_start = {0, 1, 2, 3, 4, 5, 6, 7}, .kv_start = {0, 1, 3, 36, 164, 293, 808, 2208}
static const struct op_sizes single_sizes[] = {
    {.C = 64, .n_head = 2, .page_rows = 32, SINGLE_7},
    {.C = 64, .n_head = 2, SINGLE_7},
    {.C = 1, .n_head = 1, SINGLE_1},
    {.C = 20, .n_head = 6, .n_kv_head = 2, .page_rows = 32, SINGLE_7},
    {.C = 128, .n_head = 4, .n_kv_head = 1, .page_rows = 7, SINGLE_7},
    {.C = 80, .n_head = 2, .page_rows = 32, .window = 1, SINGLE_7},
    {.C = 64, .n_head = 3, .n_kv_head = 1, .page_rows = 32, .window = 100, SINGLE_7},
    {.C = 64, .n_head = 2, .page_rows = 32, .window = 700, .softcap = 5, SINGLE_7},
    {.C = 256, .n_head = 4, .n_kv_head = 1, .by_head = true, .softcap = 3, SINGLE_1},
    {.C = 20, .n_head = 2, .S = 0},
};
static const struct op_sizes head_sizes[] = {
    {.N = 0, .C = 5, .V = 3},     {.N = 1, .C = 1, .V = 1},      {.N = 1, .C = 33, .V = 513},
    {.N = 127, .C = 5, .V = 511}, {.N = 128, .C = 20, .V = 512}, {.N = 129, .C = 33, .V = 1025},
};
/* small enough for central differences */
#define SEQUENCES_2 .S = 2, .q_start = {0, 2, 5}, .kv_start = {0, 2, 5}
static const struct op_sizes small_sizes[] = {
    {.N = 5, .C = 7, .V = 4, .out = 3, .n_head = 2, SEQUENCES_2},
    {.N = 5, .C = 7, .V = 4, .out = 3, .n_head = 4, .n_kv_head = 2, SEQUENCES_2},
    {.N = 5, .C = 7, .V = 4, .out = 3, .n_head = 2, .n_kv_head = 1, .window = 2, .softcap = 1.5, SEQUENCES_2},
    {.N = 5, .C = 6, .V = 4, .out = 3, .n_head = 2, .by_head = true, .softcap = 3, SEQUENCES_2},
    {.N = 5, .C = 7, .V = 4, .out = 3, .n_head = 2, .n_kv_head = 1, .parent = {0, 1}, SEQUENCES_2},
    {.N = 5, .C = 7, .V = 4, .out = 3, .n_head = 2, .window = 3, .softcap = 2, .S = 4, .q_start = {0, 2, 3, 5, 6},
     .kv_start = {0, 2, 3, 5, 6}, .parent = {0, 1, 2, 1}}};
enum { N_SMALL = sizeof small_sizes / sizeof *small_sizes };

enum sizes_kind { ROWS, PRODUCT, ADAPTED, NORM, ATTENTION, WINDOW, SOFTCAP, SHARED, PAGES, SINGLE, HEAD };
#define LIST(sizes) sizes, sizeof(sizes) / sizeof *(sizes)
static const struct {
    const struct op_sizes *sizes;
    size_t n;
} sizes_of[] = {[ROWS] = {row_sizes, 7}, /* the rest is deep or wide, for products */
                [PRODUCT] = {LIST(row_sizes)},
                [ADAPTED] = {LIST(adapted_sizes)},
                [NORM] = {LIST(norm_sizes)},
                [ATTENTION] = {LIST(attention_sizes)},
                [WINDOW] = {LIST(window_sizes)},
                [SOFTCAP] = {LIST(softcap_sizes)},
                [SHARED] = {LIST(shared_sizes)},
                [PAGES] = {LIST(page_sizes)},
                [SINGLE] = {LIST(single_sizes)},
                [HEAD] = {LIST(head_sizes)}};

/* Relative errors (norm of the difference over the norm) that a table may make. In bf16 an array of operands is rounded
 * once (by 2^-8 of itself at the most), probabilities and the logits' gradients besides. */
static const struct bounds {
    const char *op;
    enum sizes_kind kind;
    double forward, backward, bf16_forward, bf16_backward;
} bounds[] = {
    {"embed", ROWS, 1e-7, 5e-7, 1e-7, 5e-7},
    {"embed, tokens only", ROWS, 0, 5e-7, 0, 5e-7},
    {"embed, scaled", ROWS, 1e-7, 5e-7, 1e-7, 5e-7},
    {"embed, tokens only, scaled", ROWS, 1e-7, 5e-7, 1e-7, 5e-7},
    {"embed, some rows", ROWS, 1e-7, 5e-7, 1e-7, 5e-7},
    {"layernorm", NORM, 3e-7, 1e-6, 4e-3, 1e-6},
    {"layernorm, no bias", NORM, 3e-7, 1e-6, 4e-3, 1e-6},
    {"rmsnorm", NORM, 3e-7, 1e-6, 4e-3, 1e-6},
    {"rmsnorm, 1 + w", NORM, 3e-7, 1e-6, 4e-3, 1e-6},
    {"rmsnorm_residual", NORM, 3e-7, 1e-6, 3e-7, 4e-3},
    {"rmsnorm_heads", NORM, 3e-7, 1e-6, 4e-3, 4e-3},
    {"rmsnorm_heads, one", NORM, 3e-7, 1e-6, 4e-3, 4e-3},
    {"linear", PRODUCT, 1e-6, 2e-6, 4e-3, 4e-3},
    {"linear, adding", PRODUCT, 1e-6, 2e-6, 4e-3, 4e-3},
    {"linear, no bias", PRODUCT, 1e-6, 2e-6, 4e-3, 4e-3},
    {"linear, transposed", PRODUCT, 1e-6, 2e-6, 4e-3, 4e-3},
    {"linear, transposed, adding", PRODUCT, 1e-6, 2e-6, 4e-3, 4e-3},
    {"linear, transposed, no bias", PRODUCT, 1e-6, 2e-6, 4e-3, 4e-3},
    {"linear, three of an input", PRODUCT, 1e-6, 2e-6, 4e-3, 4e-3},
    {"linear_few, (in,out)", PRODUCT, 1e-6, 0, 4e-3, 0},
    {"linear_few", PRODUCT, 1e-6, 0, 4e-3, 0},
    {"linear_few, no bias", PRODUCT, 1e-6, 0, 4e-3, 0},
    {"linear_few, three of an input", PRODUCT, 1e-6, 0, 4e-3, 0},
    {"linear_few_residual, (in,out)", PRODUCT, 1e-6, 0, 1e-6, 0},
    {"linear_few_residual", PRODUCT, 1e-6, 0, 1e-6, 0},
    {"linear_few_residual, no bias", PRODUCT, 1e-6, 0, 1e-6, 0},
    {"linear_few_residual, none", PRODUCT, 1e-6, 0, 1e-6, 0},
    {"linear_residual", PRODUCT, 1e-6, 0, 1e-6, 0},
    {"linear_residual, no bias", PRODUCT, 1e-6, 0, 1e-6, 0},
    {"linear_residual, transposed", PRODUCT, 1e-6, 0, 1e-6, 0},
    {"linear_residual, transposed, no bias", PRODUCT, 1e-6, 0, 1e-6, 0},
    {"linear_residual, scaled", PRODUCT, 1e-6, 0, 1e-6, 0},
    {"linear_residual, scaled, transposed, no bias", PRODUCT, 1e-6, 0, 1e-6, 0},
    {"linear_residual, none", PRODUCT, 1e-6, 0, 1e-6, 0},
    {"linear_residual, none, no bias", PRODUCT, 1e-6, 0, 1e-6, 0},
    {"linear_residual, none, scaled", PRODUCT, 1e-6, 0, 1e-6, 0},
    {"linear, adapted", ADAPTED, 1e-6, 2e-6, 4e-3, 4e-3},
    {"linear, adapted, transposed, adding", ADAPTED, 1e-6, 2e-6, 4e-3, 4e-3},
    {"linear, adapted, three of an input", ADAPTED, 1e-6, 2e-6, 4e-3, 4e-3},
    {"linear_residual, adapted", ADAPTED, 1e-6, 0, 3e-3, 0}, /* x A^T is rounded */
    {"linear_residual, adapted, scaled, transposed", ADAPTED, 1e-6, 0, 3e-3, 0},
    {"linear_residual, adapted, none", ADAPTED, 1e-6, 0, 3e-3, 0},
    {"linear_few, adapted, (in,out)", ADAPTED, 1e-6, 0, 4e-3, 0},
    {"linear_few, adapted", ADAPTED, 1e-6, 0, 4e-3, 0},
    {"linear_few, adapted, three of an input", ADAPTED, 1e-6, 0, 4e-3, 0},
    {"linear_few_residual, adapted", ADAPTED, 1e-6, 0, 3e-3, 0},
    {"linear_few_residual, adapted, none", ADAPTED, 1e-6, 0, 3e-3, 0},
    {"linear_narrow", ADAPTED, 1e-6, 0, 4e-3, 0},
    {"gelu, tanh", ROWS, 3e-7, 4e-7, 4e-3, 4e-3},
    {"gelu, exact", ROWS, 3e-7, 4e-7, 4e-3, 4e-3},
    {"relu", ROWS, 0, 0, 0, 0},
    {"silu", ROWS, 3e-7, 4e-7, 4e-3, 4e-3},
    {"gate, gelu tanh", ROWS, 3e-7, 4e-7, 4e-3, 4e-3},
    {"gate, gelu exact", ROWS, 3e-7, 4e-7, 4e-3, 4e-3},
    {"gate, relu", ROWS, 1e-7, 1e-7, 4e-3, 4e-3},
    {"gate, silu", ROWS, 3e-7, 4e-7, 4e-3, 4e-3},
    {"rope", ROWS, 2e-7, 2e-7, 4e-3, 4e-3},
    {"rope, partial", ROWS, 2e-7, 2e-7, 4e-3, 4e-3},
    {"attention", ATTENTION, 1e-6, 2e-6, 5e-3, 6e-3},
    {"attention, window", WINDOW, 1e-6, 3e-6, 5e-3, 6e-3}, /* of few keys: differences of nearly equal numbers */
    {"attention, soft cap", SOFTCAP, 1e-6, 2e-6, 5e-3, 6e-3},
    {"attention, shared", SHARED, 1e-6, 3e-6, 5e-3, 6e-3},
    {"attention, pages", PAGES, 2e-6, 0, 5e-3, 0},
    {"attention_few", SINGLE, 2e-6, 0, 5e-3, 0},
    {"head_loss", HEAD, 5e-6, 5e-6, 5e-6, 6e-3},
    {"head_loss, adding", HEAD, 5e-6, 5e-6, 5e-6, 6e-3},
    {"head_loss, scaled", HEAD, 5e-6, 5e-6, 5e-6, 6e-3},
    {"head_loss, scaled and capped", HEAD, 5e-6, 5e-6, 5e-6, 6e-3},
    {"head_loss, some rows", HEAD, 5e-6, 5e-6, 5e-6, 6e-3},
    {"head_loss, some rows, adding", HEAD, 5e-6, 5e-6, 5e-6, 6e-3},
    {"head_loss, some rows, scaled and capped", HEAD, 5e-6, 5e-6, 5e-6, 6e-3},
    {"head_logits", HEAD, 1e-6, 0, 1e-6, 0},
    {"head_logits, scaled", HEAD, 1e-6, 0, 1e-6, 0},
    {"head_logits, scaled and capped", HEAD, 1e-6, 0, 1e-6, 0},
    {"gather_rows", ROWS, 0, 0, 0, 0},
    {"to_act, add_act", ROWS, 1e-7, 0, 2e-7, 0},
    {"to_act, scaled", ROWS, 1e-7, 0, 4e-3, 0},
    {"sum_of_squares", ROWS, 1e-13, 0, 1e-13, 0},
    {"adamw", ROWS, 5e-7, 0, 5e-7, 0},
    {"adamw_8bit", ROWS, 5e-7, 0, 5e-7, 0},
    {"adamw_8bit, moments", ROWS, 3e-3, 0, 3e-3, 0}, /* what lies between two codes may become either */
};
enum { N_BOUNDS = sizeof bounds / sizeof *bounds };

static size_t op_index(const char *name)
{
    for (size_t i = 0; i < ops_count; i++)
        if (strcmp(ops_f64[i].name, name) == 0)
            return i;
    ck_abort_msg("no op %s", name);
    return 0;
}

/* ---- tables against the reference ---- */

/* Adds to the worst errors, forward and (unless NULL) backward, of the tables of one precision. */
static void compare_precision(size_t index, const struct op_sizes *sizes, bool is_bf16, double forward[],
                              double backward[])
{
    struct op reference = ops_f64[index], op = ops_f32[index];
    struct call call;
    struct arrays expected, expected_din, out, din;
    if (!backward)
        reference.backward = op.backward = NULL;
    make_call(&call, &reference, sizes, xxh64(op.name, strlen(op.name), 0), is_bf16); /* wherever its row stands */
    run_op(&reference, NULL, sizes, &call, &expected, &expected_din);
    for (size_t t = 0; t < n_tables; t++) {
        if (is_bf16_table(tables[t]) != is_bf16)
            continue;
        run_op(&op, tables[t], sizes, &call, &out, &din);
        forward[t] = fmax(forward[t], difference(&out, &expected));
        if (backward)
            backward[t] = fmax(backward[t], difference(&din, &expected_din));
        free_arrays(&out);
        free_arrays(&din);
    }
    free_arrays(&expected);
    free_arrays(&expected_din);
    free_call(&call);
}

static void compare(size_t index, const struct op_sizes *sizes, double forward[], double backward[])
{
    compare_precision(index, sizes, false, forward, backward);
    compare_precision(index, sizes, true, forward, backward);
}

static void check_errors(const char *op, const char *pass, const double errors[], double bound,
                         double bf16_bound)
{
    char what[64];
    snprintf(what, sizeof what, "%s%s", op, pass);
    for (size_t t = 0; t < n_tables; t++)
        check_error(table_name(tables[t]), what, errors[t], is_bf16_table(tables[t]) ? bf16_bound : bound);
}

START_TEST(op_agrees_with_the_reference)
{
    const struct bounds *b = &bounds[_i];
    const size_t index = op_index(b->op);
    double forward[MAX_TABLES] = {0}, backward[MAX_TABLES] = {0};
    for (size_t i = 0; i < sizes_of[b->kind].n; i++)
        compare(index, &sizes_of[b->kind].sizes[i], forward, backward);
    check_errors(b->op, "", forward, b->forward, b->bf16_forward);
    if (ops_f64[index].backward)
        check_errors(b->op, ", backward", backward, b->backward, b->bf16_backward);
}
END_TEST

START_TEST(every_op_has_a_bound)
{
    ck_assert_uint_eq(N_BOUNDS, ops_count);
    for (size_t i = 0; i < N_BOUNDS; i++)
        ck_assert_str_eq(ops_f32[op_index(bounds[i].op)].name, bounds[i].op);
}
END_TEST

START_TEST(attention_with_more_keys_than_queries)
{
    double errors[MAX_TABLES] = {0};
    for (size_t i = 0; i < sizeof cache_sizes / sizeof *cache_sizes; i++)
        compare(op_index("attention"), &cache_sizes[i], errors, NULL);
    check_errors("attention", " with a cache", errors, 2e-6, 4e-3);
}
END_TEST

/* Each query sees itself alone: nothing reaches queries and keys, and values get what outputs do. */
START_TEST(a_window_of_one_key_has_no_gradient_but_the_values)
{
    const struct op_sizes sizes = {.C = 64, .n_head = 1, .window = 1, SEQUENCES_3};
    const size_t index = op_index("attention, window");
    for (size_t t = 0; t < n_tables; t++) {
        struct call call;
        double worst = 0;
        make_call(&call, &ops_f32[index], &sizes, 3, is_bf16_table(tables[t]));
        ops_f32[index].backward(tables[t], &sizes, constant(call.in.x), constant(call.dout.x), call.din.x);
        const size_t N = sizes.q_start[sizes.S], ld = call.in.n[0] / N;
        for (size_t n = 0; n < N; n++)
            for (size_t d = 0; d < sizes.C; d++) {
                worst = fmax(worst, fmax(fabs(call.din.x[0][n * ld + d]), fabs(call.din.x[1][n * ld + d])));
                worst = fmax(worst, fabs(call.din.x[2][n * ld + d] - call.dout.x[0][n * sizes.C + d]));
            }
        check_error(table_name(tables[t]), "attention, a window of 1", worst, 2e-5);
        free_call(&call);
    }
}
END_TEST

/* Value by value over the range in which networks live: gelu is x times a logistic function, so this is the
 * accuracy of the tables' exp too. */
START_TEST(gelu_is_accurate_everywhere)
{
    enum { N = 20001 };
    const struct op_sizes sizes = {.N = N, .C = 1};
    static double x[N], ones[N], expected[N], got[N], slope[N], got_slope[N];
    const double *const in[] = {x}, *const dout[] = {ones};
    const size_t index = op_index(_i ? "gelu, exact" : "gelu, tanh");
    for (size_t i = 0; i < N; i++) {
        x[i] = (double)(float)(((double)i - N / 2) * 20.0 / N);
        ones[i] = 1;
    }
    ops_f64[index].forward(NULL, &sizes, in, (double *const[]){expected});
    ops_f64[index].backward(NULL, &sizes, in, dout, (double *const[]){slope});
    for (size_t t = 0; t < n_tables && !is_bf16_table(tables[t]); t++) {
        double worst = 0, worst_slope = 0;
        ops_f32[index].forward(tables[t], &sizes, in, (double *const[]){got});
        ops_f32[index].backward(tables[t], &sizes, in, dout, (double *const[]){got_slope});
        for (size_t i = 0; i < N; i++) {
            worst = fmax(worst, fabs(got[i] - expected[i]) / fmax(1, fabs(x[i])));
            worst_slope = fmax(worst_slope, fabs(got_slope[i] - slope[i]));
        }
        check_error(table_name(tables[t]), _i ? "gelu, exact, each" : "gelu, tanh, each", worst, 3e-7);
        check_error(table_name(tables[t]), _i ? "its slope, each" : "its slope, each", worst_slope, 5e-7);
    }
}
END_TEST

/* The score of a query's first key, of two, over twice the range that the cap leaves; the second one's is 0. Their
 * difference is the log of what the two get of the values, 1 and 0. */
START_TEST(a_soft_cap_is_accurate_everywhere)
{
    enum { N = 2001 };
    static real q[N], lse[N];
    static const real cap = 5;
    const real k[] = {1, 0}, v[] = {1, 0};
    for (size_t t = 0; t < n_tables && !is_bf16_table(tables[t]); t++) {
        double worst = 0;
        for (size_t i = 0; i < N; i++) {
            static const size_t q_start[] = {0, 1}, kv_begin[] = {0}, kv_len[] = {2};
            const struct attention a = {.n_head = 1, .n_kv_head = 1, .head_size = 1, .S = 1, .q_start = q_start,
                                        .kv_begin = kv_begin, .kv_len = kv_len, .ld_q = 1, .ld_kv = 1, .stride_q = 1,
                                        .stride_kv = 1, .scale = 1, .softcap = cap};
            const struct kernel_sizes sizes = {.N = 1, .head_size = 1, .heads_per_kv = 1};
            struct workspace work = {.bytes = tables[t]->work_bytes(&sizes) / 64 * 64 + 64};
            real out;
            work.data = aligned_alloc(64, work.bytes);
            q[i] = (real)(((double)i - N / 2) * 20 / N);
            tables[t]->attention_fwd(&out, &lse[i], &q[i], k, v, &a, &work);
            const double score = (double)cap * tanh((double)q[i] / (double)cap);
            worst = fmax(worst, fmax(fabs((double)lse[i] - log(exp(score) + 1)) / fmax(1, fabs(score)),
                                     fabs((double)out - 1 / (1 + exp(-score)))));
            free(work.data);
        }
        check_error(table_name(tables[t]), "attention, soft cap, each", worst, 1e-6);
    }
}
END_TEST

/* ---- the reference against central differences ---- */

/* sum(dout . out) at in + step * direction in input i. */
static double objective(const struct op *op, const struct op_sizes *sizes, const struct call *call, size_t i,
                        const double *direction, double step)
{
    struct arrays in = copy(&call->in), out = copy(&call->out);
    for (size_t k = 0; k < in.n[i]; k++)
        in.x[i][k] += step * direction[k];
    op->forward(NULL, sizes, constant(in.x), out.x);
    double sum = 0;
    for (size_t o = 0; o < MAX_ARRAYS; o++)
        sum += dot(out.x[o], call->dout.x[o], out.n[o]);
    free_arrays(&in);
    free_arrays(&out);
    return sum;
}

START_TEST(reference_backward_is_the_derivative)
{
    const struct op *op = &ops_f64[_i / N_SMALL];
    const struct op_sizes *sizes = &small_sizes[_i % N_SMALL];
    const double step = 1e-5;
    struct call call;
    struct rng rng;
    if (!op->backward)
        return;
    make_call(&call, op, sizes, 99, false);
    for (size_t i = 0; i < MAX_ARRAYS; i++)
        memset(call.din.x[i], 0, call.din.n[i] * sizeof(double));
    op->backward(NULL, sizes, constant(call.in.x), constant(call.dout.x), call.din.x);
    rng_seed(&rng, 5, 0);
    for (size_t i = 0; call.in.n[i]; i++) {
        double *direction = mem_alloc(call.in.n[i] * sizeof *direction);
        for (size_t k = 0; k < call.in.n[i]; k++)
            direction[k] = rng_below(&rng, 2) ? 1 : -1;
        const double slope = (objective(op, sizes, &call, i, direction, step) -
                              objective(op, sizes, &call, i, direction, -step)) /
                             (2 * step);
        const double norm = sqrt(dot(call.din.x[i], call.din.x[i], call.in.n[i]));
        ck_assert(norm > 0);
        check_error("f64", op->name, fabs(slope - dot(call.din.x[i], direction, call.in.n[i])) / norm, 1e-8);
        free(direction);
    }
    free_call(&call);
}
END_TEST

/* ---- same bits for any number of threads ---- */

static void check_same(const struct arrays *a, const struct arrays *b, const char *op, const char *table, int threads)
{
    for (size_t i = 0; i < MAX_ARRAYS; i++)
        ck_assert_msg(memcmp(a->x[i], b->x[i], a->n[i] * sizeof *a->x[i]) == 0, "%s of %s with %d threads: array %zu",
                      op, table, threads, i);
}

static void check_threads(const struct op *op, const char *name, const struct kernels *table,
                          const struct op_sizes *sizes, const struct call *call)
{
    static const int threads[] = {2, 3, 5};
    struct arrays out, din, out_n, din_n;
    omp_set_num_threads(1);
    run_op(op, table, sizes, call, &out, &din);
    for (size_t n = 0; n < sizeof threads / sizeof *threads; n++) {
        omp_set_num_threads(threads[n]);
        run_op(op, table, sizes, call, &out_n, &din_n);
        check_same(&out_n, &out, name, table_name(table), threads[n]);
        check_same(&din_n, &din, name, table_name(table), threads[n]);
        free_arrays(&out_n);
        free_arrays(&din_n);
    }
    free_arrays(&out);
    free_arrays(&din);
}

START_TEST(bits_do_not_depend_on_threads)
{
    const struct bounds *b = &bounds[_i];
    const struct op *op = &ops_f32[op_index(b->op)];
    const int before = omp_get_max_threads();
    for (size_t i = 0; i < sizes_of[b->kind].n; i++) {
        const struct op_sizes *sizes = &sizes_of[b->kind].sizes[i];
        struct call call;
        make_call(&call, op, sizes, 7, true);
        for (size_t t = 1; t < n_tables && !is_modelled(tables[t]); t++) /* the reference has no threads */
            check_threads(op, b->op, tables[t], sizes, &call);
        free_call(&call);
    }
    omp_set_num_threads(before);
}
END_TEST

/* ---- NaN ---- */

static size_t count_nan(const struct arrays *a)
{
    size_t count = 0;
    for (size_t i = 0; i < MAX_ARRAYS; i++)
        for (size_t k = 0; k < a->n[i]; k++)
            count += isnan(a->x[i][k]) != 0;
    return count;
}

/* One NaN among the inputs of op: at least so many of its outputs are NaN. Of attention there are three queries: of a
 * window of two keys, the first key is seen by two of them. */
static const struct {
    const char *op;
    size_t input, element, at_least;
} nan_cases[] = {
    {"layernorm", 0, 3, 33},  {"linear", 0, 0, 400},  {"linear", 1, 0, 7},         {"gelu, exact", 0, 50, 1},
    {"gelu, tanh", 0, 50, 1}, {"head_loss", 0, 2, 1}, {"head_loss", 1, 40, 7},     {"attention", 0, 1, 8},
    {"attention", 1, 1, 24},  {"attention", 2, 1, 3}, {"sum_of_squares", 0, 9, 1}, {"adamw", 3, 4, 3},
    {"attention, window", 0, 1, 8},   {"attention, window", 1, 1, 16},   {"attention, window", 2, 1, 2},
    {"attention, soft cap", 0, 1, 8}, {"attention, soft cap", 1, 1, 24}, {"rmsnorm_heads", 0, 3, 33},
    {"rmsnorm", 0, 3, 33},    {"relu", 0, 50, 1},     {"silu", 0, 50, 1},          {"rmsnorm_residual", 0, 3, 33},
    {"gate, gelu tanh", 0, 50, 1}, {"gate, gelu exact", 0, 50, 1}, {"gate, relu", 0, 50, 1}, {"gate, silu", 0, 50, 1},
    {"linear_few", 0, 0, 400}, {"linear_few", 1, 0, 7}, {"linear_few_residual, none", 0, 0, 400},
    {"gate, gelu tanh", 1, 50, 1}, {"gate, gelu exact", 1, 50, 1}, {"gate, relu", 1, 50, 1}, {"gate, silu", 1, 50, 1},
};

START_TEST(nan_in_nan_out)
{
    const struct op_sizes sizes = {.N = 7, .C = 33, .V = 10, .out = 400};
    for (size_t c = 0; c < sizeof nan_cases / sizeof *nan_cases; c++) {
        const char *op = nan_cases[c].op;
        const size_t index = op_index(op);
        const struct op_sizes attention = {.C = 8, .n_head = 1, .S = 1, .q_start = {0, 3}, .kv_start = {0, 3},
                                           .window = strstr(op, "window") ? 2 : 0,
                                           .softcap = strstr(op, "soft cap") ? 5 : 0};
        const struct op_sizes *s = strncmp(op, "attention", strlen("attention")) == 0 ? &attention : &sizes;
        for (size_t t = 0; t < n_tables; t++) {
            struct call call;
            make_call(&call, &ops_f32[index], s, c, true);
            call.in.x[nan_cases[c].input][nan_cases[c].element] = NAN;
            ops_f32[index].forward(tables[t], s, constant(call.in.x), call.out.x);
            const size_t count = count_nan(&call.out);
            ck_assert_msg(count >= nan_cases[c].at_least, "%s of %s: %zu NaN", nan_cases[c].op,
                          table_name(tables[t]), count);
            if (ops_f32[index].backward) {
                ops_f32[index].backward(tables[t], s, constant(call.in.x), constant(call.dout.x), call.din.x);
                ck_assert_msg(count_nan(&call.din) > 0, "%s of %s, backward", nan_cases[c].op,
                              table_name(tables[t]));
            }
            free_call(&call);
        }
    }
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    start_kernels(argv);
    n_tables = modelled_tables(tables);
    Suite *suite = suite_create("kernels");
    TCase *agreement = tcase_create("agreement"), *reference = tcase_create("reference"),
          *threads = tcase_create("threads"), *nan = tcase_create("nan");
    tcase_set_timeout(agreement, 120);
    tcase_add_test(agreement, every_op_has_a_bound);
    tcase_add_loop_test(agreement, op_agrees_with_the_reference, 0, N_BOUNDS);
    tcase_add_test(agreement, attention_with_more_keys_than_queries);
    tcase_add_test(agreement, a_window_of_one_key_has_no_gradient_but_the_values);
    tcase_add_test(agreement, a_soft_cap_is_accurate_everywhere);
    tcase_add_loop_test(agreement, gelu_is_accurate_everywhere, 0, 2);
    tcase_add_loop_test(reference, reference_backward_is_the_derivative, 0, N_SMALL * (int)ops_count);
    tcase_set_timeout(threads, 120);
    tcase_add_loop_test(threads, bits_do_not_depend_on_threads, 0, N_BOUNDS);
    tcase_add_test(nan, nan_in_nan_out);
    suite_add_tcase(suite, agreement);
    suite_add_tcase(suite, reference);
    suite_add_tcase(suite, threads);
    suite_add_tcase(suite, nan);
    return run_suite(suite);
}
