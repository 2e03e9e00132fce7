/* Outputs that nobody wants: that they are not computed must change no bit of the others. */
#include "base/mem.h"
#include "base/rng.h"
#include "profile.h"
#include "support/run_suite.h"
#include "support/tables.h"

#include <string.h>

static const struct kernels *tables[MAX_TABLES];
static size_t n_tables;

enum { IN = 65, OUT = 130, V = 300, POSITIONS = 40, HEADS_OF_OUT = 5 };
static const size_t row_counts[] = {0, 1, 4, 70};
enum { N_ROW_COUNTS = sizeof row_counts / sizeof *row_counts };

/* ---- arrays ---- */

static real *reals(size_t n, uint64_t seed)
{
    struct rng rng;
    rng_seed(&rng, seed, 0);
    real *x = mem_alloc((n + 1) * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = (real)rng_normal(&rng);
    return x;
}

static act *acts(const struct kernels *k, size_t n, uint64_t seed)
{
    real *x = reals(n, seed);
    if (k->act_size == sizeof *x)
        return x;
    act *y = mem_alloc((n + 1) * k->act_size);
    k->to_act(y, x, 1, n);
    free(x);
    return y;
}

static struct workspace work_of(const struct kernels *k, size_t N)
{
    const struct kernel_sizes sizes = {.N = N, .width = OUT, .C = IN, .V = V, .head_size = 1, .heads_per_kv = 1};
    const size_t bytes = (k->work_bytes(&sizes) + 127) / 64 * 64;
    return (struct workspace){.data = aligned_alloc(64, bytes), .bytes = bytes};
}

/* An op's outputs, as they were and as it left them. */
enum { MAX_OUTPUTS = 3 };
struct outputs {
    void *p[MAX_OUTPUTS];
    size_t bytes[MAX_OUTPUTS];
};

static struct outputs make_outputs(const size_t bytes[MAX_OUTPUTS])
{
    struct outputs o = {0};
    for (size_t i = 0; i < MAX_OUTPUTS; i++) {
        o.bytes[i] = bytes[i];
        o.p[i] = mem_alloc(bytes[i] + 1);
        for (size_t j = 0; j + sizeof(real) <= bytes[i]; j += sizeof(real)) /* numbers in bf16 too */
            memcpy((char *)o.p[i] + j, &(real){0.5f}, sizeof(real));
    }
    return o;
}

static void free_outputs(struct outputs *o)
{
    for (size_t i = 0; i < MAX_OUTPUTS; i++)
        free(o->p[i]);
}

/* ---- outputs that nobody wants ---- */

/* An op with some of its outputs, the others NULL; seed makes its inputs. */
typedef void run_fn(const struct kernels *k, void *const out[MAX_OUTPUTS], size_t N, int variant);

/* variant: 1 transposed, 2 adding. out: dw, db. */
static void run_linear_bwd_dw(const struct kernels *k, void *const out[MAX_OUTPUTS], size_t N, int variant)
{
    act *dy = acts(k, N * OUT, 2), *x = acts(k, N * IN, 3);
    struct workspace work = work_of(k, N);
    const struct linear l = {.in = IN, .out = OUT, .transposed = variant & 1}; /* W itself is not looked at */
    k->linear_bwd_dw(out[0], out[1], variant & 2, dy, x, &l, N, &work);
    free(dy);
    free(x);
    free(work.data);
}

/* out: dx, dw, db. */
static void run_norm_bwd(const struct kernels *k, void *const out[MAX_OUTPUTS], size_t N, int variant)
{
    (void)variant;
    real *w = reals(IN, 1), *x = reals(N * IN, 3), *mean = reals(N, 4), *rstd = reals(N, 5);
    act *dy = acts(k, N * IN, 2);
    struct workspace work = work_of(k, N);
    k->layernorm_bwd(out[0], out[1], out[2], dy, x, mean, rstd, w, N, IN, &work);
    free(w);
    free(x);
    free(mean);
    free(rstd);
    free(dy);
    free(work.data);
}

/* variant: w's offset. out: dx, dw. */
static void run_rmsnorm_bwd(const struct kernels *k, void *const out[MAX_OUTPUTS], size_t N, int variant)
{
    real *w = reals(IN, 1), *x = reals(N * IN, 3), *rstd = reals(N, 5);
    act *dy = acts(k, N * IN, 2);
    struct workspace work = work_of(k, N);
    k->rmsnorm_bwd(out[0], out[1], dy, x, rstd, w, (real)variant, N, IN, &work);
    free(w);
    free(x);
    free(rstd);
    free(dy);
    free(work.data);
}

/* out: dw, dx. */
static void run_rmsnorm_residual_bwd(const struct kernels *k, void *const out[MAX_OUTPUTS], size_t N, int variant)
{
    real *w = reals(IN, 1), *x = reals(N * IN, 3), *rstd = reals(N, 5), *dy = reals(N * IN, 2);
    struct workspace work = work_of(k, N);
    k->rmsnorm_residual_bwd(out[1], out[0], dy, x, rstd, w, (real)variant, 0.5f, N, IN, &work);
    free(w);
    free(x);
    free(rstd);
    free(dy);
    free(work.data);
}

/* out: dw, dx. */
static void run_rmsnorm_heads_bwd(const struct kernels *k, void *const out[MAX_OUTPUTS], size_t N, int variant)
{
    static const struct heads heads = {.n_head = HEADS_OF_OUT, .head_size = OUT / HEADS_OF_OUT, .ld = OUT,
                                       .stride = OUT / HEADS_OF_OUT};
    real *w = reals(OUT, 1), *rstd = reals(N * HEADS_OF_OUT, 5);
    act *dy = acts(k, N * OUT, 2), *x = acts(k, N * OUT, 3);
    struct workspace work = work_of(k, N);
    k->rmsnorm_heads_bwd(out[1], out[0], dy, x, rstd, w, (real)variant, &heads, N, &work);
    free(w);
    free(x);
    free(rstd);
    free(dy);
    free(work.data);
}

/* out: dwte, dwpe. */
static void run_embed_bwd(const struct kernels *k, void *const out[MAX_OUTPUTS], size_t N, int variant)
{
    (void)variant;
    real *dx = reals(N * IN, 1);
    int32_t *tokens = mem_alloc((N + 1) * sizeof *tokens), *position = mem_alloc((N + 1) * sizeof *position);
    for (size_t n = 0; n < N; n++) {
        tokens[n] = (int32_t)(n * 7 % V);
        position[n] = (int32_t)(n % POSITIONS);
    }
    k->embed_bwd(out[0], out[1], dx, tokens, out[1] ? position : NULL, -1, 1, N, IN);
    free(dx);
    free(tokens);
    free(position);
}

/* variant: 1 adding. out: nll, dh, dw. */
static void run_head_loss(const struct kernels *k, void *const out[MAX_OUTPUTS], size_t N, int variant)
{
    real *w = reals(V * IN, 1), *dnll = reals(N, 2);
    act *h = acts(k, N * IN, 3);
    int32_t *labels = mem_alloc((N + 1) * sizeof *labels);
    uint8_t *correct = mem_alloc(N + 1);
    struct workspace work = work_of(k, N);
    const struct head head = {.matrix = {.w = w}, .V = V, .C = IN, .scale = 1};
    for (size_t n = 0; n < N; n++)
        labels[n] = (int32_t)(n * 11 % V);
    k->head_loss(out[0], correct, out[1], out[2], variant & 1, h, labels, out[1] ? dnll : NULL, &head, N, &work);
    free(w);
    free(dnll);
    free(h);
    free(labels);
    free(correct);
    free(work.data);
}

static const struct optional {
    const char *name;
    run_fn *run;
    int variants;
    unsigned always;  /* bits: outputs that are never NULL */
    unsigned wants[MAX_OUTPUTS]; /* bits: outputs without which this one is not wanted either */
    size_t row_acts[MAX_OUTPUTS], row_reals[MAX_OUTPUTS], reals[MAX_OUTPUTS]; /* elements: a row's, and whole arrays' */
} optionals[] = {
    {"linear_bwd_dw", run_linear_bwd_dw, 4, 0, {0}, {0}, {0}, {IN * OUT, OUT, 0}},
    {"layernorm_bwd", run_norm_bwd, 1, 1, {0}, {0}, {IN, 0, 0}, {0, IN, IN}},
    {"embed_bwd", run_embed_bwd, 1, 0, {0}, {0}, {0}, {V * IN, POSITIONS * IN, 0}},
    {"head_loss", run_head_loss, 2, 1, {0, 0, 1u << 1}, {0, IN, 0}, {1, 0, 0}, {0, 0, V * IN}},
    {"rmsnorm_bwd", run_rmsnorm_bwd, 2, 1, {0}, {0}, {IN, 0, 0}, {0, IN, 0}},
    {"rmsnorm_residual_bwd", run_rmsnorm_residual_bwd, 2, 2, {0}, {0, IN, 0}, {0}, {IN, 0, 0}},
    {"rmsnorm_heads_bwd", run_rmsnorm_heads_bwd, 2, 2, {0}, {0, OUT, 0}, {0}, {OUT / HEADS_OF_OUT, 0, 0}},
};
enum { N_OPTIONALS = sizeof optionals / sizeof *optionals };

static bool makes_sense(const struct optional *o, unsigned wanted)
{
    if ((wanted & o->always) != o->always)
        return false;
    for (size_t i = 0; i < MAX_OUTPUTS; i++)
        if (wanted >> i & 1 && (wanted & o->wants[i]) != o->wants[i])
            return false;
    return true;
}

static struct outputs run_wanted(const struct optional *o, const struct kernels *k, size_t N, int variant,
                                 unsigned wanted)
{
    size_t bytes[MAX_OUTPUTS];
    void *given[MAX_OUTPUTS];
    for (size_t i = 0; i < MAX_OUTPUTS; i++)
        bytes[i] = N * (o->row_acts[i] * k->act_size + o->row_reals[i] * sizeof(real)) + o->reals[i] * sizeof(real);
    struct outputs out = make_outputs(bytes);
    for (size_t i = 0; i < MAX_OUTPUTS; i++)
        given[i] = wanted >> i & 1 ? out.p[i] : NULL;
    o->run(k, given, N, variant);
    return out;
}

static void check_subsets(const struct optional *o, const struct kernels *k, size_t N, int variant)
{
    const unsigned all = (1u << MAX_OUTPUTS) - 1;
    struct outputs whole = run_wanted(o, k, N, variant, all);
    for (unsigned wanted = 0; wanted < all; wanted++) {
        if (!makes_sense(o, wanted))
            continue;
        struct outputs some = run_wanted(o, k, N, variant, wanted);
        for (size_t i = 0; i < MAX_OUTPUTS; i++)
            if (wanted >> i & 1)
                ck_assert_msg(memcmp(some.p[i], whole.p[i], whole.bytes[i]) == 0,
                              "%s of %s, %zu rows, variant %d, outputs %x: output %zu differs", o->name,
                              table_name(k), N, variant, wanted, i);
        free_outputs(&some);
    }
    free_outputs(&whole);
}

START_TEST(what_is_not_wanted_changes_nothing_else)
{
    const struct optional *o = &optionals[_i];
    for (size_t t = 0; t < n_tables; t++)
        for (size_t n = 0; n < N_ROW_COUNTS; n++)
            for (int variant = 0; variant < o->variants; variant++)
                check_subsets(o, tables[t], row_counts[n], variant);
}
END_TEST

/* What `sft bench` counts of it is what is computed. */
START_TEST(what_is_not_wanted_is_not_counted)
{
    const double product = 2.0 * 4 * IN * OUT, head = 2.0 * 4 * V * IN;
    const struct {
        size_t op;
        const char *profile;
        unsigned wanted;
        double flops;
    } cases[] = {{0, "linear, backward to W", 3, product},
                 {0, "linear, backward to W", 1, product},
                 {0, "linear, backward to W", 2, 0},
                 {3, "head, loss, both ways", 7, 3 * head}, {3, "head, loss, both ways", 3, 2 * head},
                 {3, "head, loss, both ways", 1, head}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const struct kernels *k = profile_start(tables[0]);
        struct outputs out = run_wanted(&optionals[cases[c].op], k, 4, 0, cases[c].wanted);
        free_outputs(&out);
        size_t n;
        const struct profile_op *ops = profile_ops(&n);
        for (size_t i = 0; i < n; i++)
            if (strcmp(ops[i].name, cases[c].profile) == 0) {
                ck_assert_uint_eq(ops[i].calls, 1);
                ck_assert_msg(ops[i].flops == cases[c].flops, "%s, outputs %x: %g", ops[i].name, cases[c].wanted,
                              ops[i].flops);
            }
    }
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    start_kernels(argv);
    n_tables = modelled_tables(tables);
    Suite *suite = suite_create("kernels: outputs that are not wanted");
    TCase *outputs = tcase_create("outputs");
    tcase_set_timeout(outputs, 120);
    tcase_add_loop_test(outputs, what_is_not_wanted_changes_nothing_else, 0, N_OPTIONALS);
    tcase_add_test(outputs, what_is_not_wanted_is_not_counted);
    suite_add_tcase(suite, outputs);
    return run_suite(suite);
}
