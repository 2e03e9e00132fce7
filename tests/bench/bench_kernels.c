/* How fast each op of each kernel table is that this CPU runs, at GPT-2 124M's sizes and in the shapes of other
 * families (W (out,in), heads that share keys and values, windows): `make bench`. Best of several repetitions.
 *
 * usage: bench_kernels [TABLE [OP]]: of the tables of that name, the ops with that in their name
 *
 * The table "ref" multiplies by OpenBLAS: the others' products are to be compared with it. */
#include "bench/bench.h"
#include "support/tables.h"

#include <stdio.h>

enum { C = 768, F = 3072, H = 12, H_MOST = 16, D = C / H, H_KV = 3, V = 50260, M = 400, REPEAT = 5 };
enum { N = 800, LENGTH = 100, S = N / LENGTH };
enum { LONG = 2048, WIDEST = 32 * 128, ACTS = LONG * WIDEST }; /* of attention over one long sequence: q, k and v */

struct arrays {
    const struct kernels *k;
    struct workspace work;
    act *x, *y, *dy, *dx;              /* (ACTS), of which linear layers and functions use (N,F) */
    real *stream, *dstream;            /* (N,C) */
    real *w, *dw;                      /* (V,C), and so larger than any layer's */
    real *b, *db, *mean, *rstd, *lse;  /* (F), (F), (N), (N,H), (LONG,H_MOST) */
    real *turns;                       /* (N,D) */
    real *nll, *weights;               /* (N) */
    uint8_t *correct;                  /* (N) */
    uint8_t *moments;                  /* (V,C) and a quarter: those of V/2 rows in 8 bits, and their scales */
    int32_t *labels;                   /* (N) */
    size_t seq_start[S + 1];
};

static struct arrays make_arrays(const struct kernels *k)
{
    const struct kernel_sizes sizes = {.N = N, .width = F, .C = C, .V = V};
    const struct kernel_sizes longer = {.N = LONG, .head_size = 256, .heads_per_kv = 4};
    const size_t needed = k->work_bytes(&sizes), needed_too = k->work_bytes(&longer);
    struct arrays a = {.k = k, .work = {.bytes = ((needed > needed_too ? needed : needed_too) + 63) / 64 * 64}};
    a.work.data = aligned_alloc(64, a.work.bytes + 64);
    memset(a.work.data, 0, a.work.bytes);
    a.x = filled(ACTS, k->act_size), a.y = filled(ACTS, k->act_size);
    a.dy = filled(ACTS, k->act_size), a.dx = filled(ACTS, k->act_size);
    a.stream = filled(N * C, sizeof(real)), a.dstream = filled(N * C, sizeof(real));
    a.w = filled((size_t)V * C, sizeof(real)), a.dw = filled((size_t)V * C, sizeof(real));
    a.b = filled(F, sizeof(real)), a.db = filled(F, sizeof(real));
    a.mean = filled(N, sizeof(real)), a.rstd = filled(N * H, sizeof(real));
    a.lse = filled(LONG * H_MOST, sizeof(real)), a.turns = filled(N * D, sizeof(real));
    a.nll = filled(N, sizeof(real)), a.weights = filled(N, sizeof(real));
    a.correct = calloc(N, 1);
    a.moments = calloc((size_t)V * C / 4 * 5, 1);
    a.labels = calloc(N, sizeof *a.labels);
    for (size_t s = 0; s <= S; s++)
        a.seq_start[s] = s * LENGTH;
    return a;
}

static void free_arrays(struct arrays *a)
{
    void *all[] = {a->work.data, a->x, a->y, a->dy, a->dx, a->stream, a->dstream, a->w, a->dw,
                   a->b, a->db, a->mean, a->rstd, a->lse, a->nll, a->weights, a->correct, a->labels,
                   a->turns, a->moments};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

/* ---- the ops ---- */

static struct attention attention_of(const struct arrays *a, size_t n_kv_head)
{
    return (struct attention){.n_head = H, .n_kv_head = n_kv_head, .head_size = D, .S = S, .q_start = a->seq_start,
                              .ld_q = 3 * C, .ld_kv = 3 * C, .stride_q = D, .stride_kv = D,
                              .scale = 0.125f};
}

static struct linear layer(const struct arrays *a, size_t in, size_t out, bool transposed)
{
    return (struct linear){.matrix = {.w = a->w}, .b = a->b, .in = in, .out = out, .transposed = transposed};
}

static act *columns(const struct arrays *a, act *x, size_t column)
{
    return (unsigned char *)x + column * a->k->act_size;
}

static void run_up(struct arrays *a)
{
    const struct linear l = layer(a, C, F, false);
    a->k->linear_fwd(a->y, &(struct linear_part){a->x, &l}, 1, N, &a->work);
}

static void run_up_t(struct arrays *a)
{
    const struct linear l = layer(a, C, F, true);
    a->k->linear_fwd(a->y, &(struct linear_part){a->x, &l}, 1, N, &a->work);
}

static void run_down(struct arrays *a)
{
    const struct linear l = layer(a, F, C, false);
    a->k->linear_residual_fwd(a->stream, a->stream, &(struct linear_part){a->x, &l}, 1, 1, N, &a->work);
}

static void back(struct arrays *a, const struct linear *l)
{
    a->k->linear_bwd_dx(a->dx, &(struct linear_part){a->dy, l}, 1, N, &a->work);
    a->k->linear_bwd_dw(a->dw, a->db, false, a->dy, a->x, l, N, &a->work);
}

static void run_up_backward(struct arrays *a)
{
    const struct linear l = layer(a, C, F, false);
    back(a, &l);
}

static void run_up_backward_t(struct arrays *a)
{
    const struct linear l = layer(a, C, F, true);
    back(a, &l);
}

static void run_up_backward_frozen(struct arrays *a)
{
    const struct linear l = layer(a, C, F, true);
    a->k->linear_bwd_dx(a->dx, &(struct linear_part){a->dy, &l}, 1, N, &a->work);
}

static void run_one_row(struct arrays *a)
{
    const struct linear l = layer(a, C, F, false);
    a->k->linear_fwd(a->y, &(struct linear_part){a->x, &l}, 1, 1, &a->work);
}

static void run_one_row_t(struct arrays *a)
{
    const struct linear l = layer(a, C, F, true);
    a->k->linear_fwd(a->y, &(struct linear_part){a->x, &l}, 1, 1, &a->work);
}

static void attend(struct arrays *a, size_t n_kv_head)
{
    const struct attention t = attention_of(a, n_kv_head);
    a->k->attention_fwd(a->y, a->lse, a->x, columns(a, a->x, C), columns(a, a->x, 2 * C), &t, &a->work);
}

static void attend_backward(struct arrays *a, size_t n_kv_head)
{
    const struct attention t = attention_of(a, n_kv_head);
    a->k->attention_bwd(a->dx, columns(a, a->dx, C), columns(a, a->dx, 2 * C), a->dy, a->y, a->x,
                        columns(a, a->x, C), columns(a, a->x, 2 * C), a->lse, &t, &a->work);
}

static void run_attention(struct arrays *a)
{
    attend(a, H);
}

static void run_attention_backward(struct arrays *a)
{
    attend_backward(a, H);
}

static void run_grouped(struct arrays *a)
{
    attend(a, H_KV);
}

static void run_grouped_backward(struct arrays *a)
{
    attend_backward(a, H_KV);
}

static void run_head(struct arrays *a)
{
    const struct head head = {.matrix = {.w = a->w}, .V = V, .C = C, .scale = 1};
    a->k->head_loss(a->nll, a->correct, a->dx, a->dw, false, a->x, a->labels, a->weights, &head, M, &a->work);
}

static void run_logits(struct arrays *a)
{
    const struct head head = {.matrix = {.w = a->w}, .V = V, .C = C, .scale = 1};
    a->k->head_logits(a->dw, a->x, &head, 1, &a->work);
}

static void run_gelu(struct arrays *a)
{
    a->k->activation_fwd(a->y, a->x, GELU_TANH, (size_t)N * F);
}

static void run_gelu_backward(struct arrays *a)
{
    a->k->activation_bwd(a->dx, a->dy, a->x, GELU_TANH, (size_t)N * F);
}

static void run_norm(struct arrays *a)
{
    a->k->layernorm_fwd(a->y, a->mean, a->rstd, a->stream, a->b, a->b, 1e-5f, N, C);
}

static void run_norm_backward(struct arrays *a)
{
    a->k->layernorm_bwd(a->dstream, a->db, a->db + C, a->dy, a->stream, a->mean, a->rstd, a->b, N, C, &a->work);
}

static void run_gelu_exact(struct arrays *a)
{
    a->k->activation_fwd(a->y, a->x, GELU_ERF, (size_t)N * F);
}

static void run_gelu_exact_backward(struct arrays *a)
{
    a->k->activation_bwd(a->dx, a->dy, a->x, GELU_ERF, (size_t)N * F);
}

static void run_relu(struct arrays *a)
{
    a->k->activation_fwd(a->y, a->x, RELU, (size_t)N * F);
}

/* An MLP's halves lie one behind the other. */
static void run_silu_gate(struct arrays *a)
{
    a->k->gate_fwd(a->y, a->x, columns(a, a->x, N * F), SILU, (size_t)N * F);
}

static void run_silu_gate_backward(struct arrays *a)
{
    a->k->gate_bwd(a->dx, columns(a, a->dx, N * F), a->dy, a->x, columns(a, a->x, N * F), SILU, (size_t)N * F);
}

static void run_gelu_gate(struct arrays *a)
{
    a->k->gate_fwd(a->y, a->x, columns(a, a->x, N * F), GELU_TANH, (size_t)N * F);
}

static void run_gelu_gate_backward(struct arrays *a)
{
    a->k->gate_bwd(a->dx, columns(a, a->dx, N * F), a->dy, a->x, columns(a, a->x, N * F), GELU_TANH, (size_t)N * F);
}

static void run_rmsnorm(struct arrays *a)
{
    a->k->rmsnorm_fwd(a->y, a->rstd, a->stream, a->b, 1, 1e-5f, N, C);
}

static void run_rmsnorm_backward(struct arrays *a)
{
    a->k->rmsnorm_bwd(a->dstream, a->db, a->dy, a->stream, a->rstd, a->b, 1, N, C, &a->work);
}

static void run_rmsnorm_residual(struct arrays *a)
{
    a->k->rmsnorm_residual_fwd(a->dstream, a->rstd, a->dstream, a->stream, a->b, 1, 1e-5f, 1, N, C);
}

static void run_rmsnorm_residual_backward(struct arrays *a)
{
    a->k->rmsnorm_residual_bwd(a->dx, a->db, a->dstream, a->stream, a->rstd, a->b, 1, 1, N, C, &a->work);
}

static const struct heads heads = {.n_head = H, .head_size = D, .ld = C, .stride = D};

static void run_rmsnorm_heads(struct arrays *a)
{
    a->k->rmsnorm_heads_fwd(a->y, a->rstd, a->x, a->b, 0, 1e-5f, &heads, N);
}

static void run_rmsnorm_heads_backward(struct arrays *a)
{
    a->k->rmsnorm_heads_bwd(a->dx, a->db, a->dy, a->x, a->rstd, a->b, 0, &heads, N, &a->work);
}

static void run_rope(struct arrays *a)
{
    const struct rope rope = {.turns = a->turns, .rotary_dim = D, .n_head = H, .ld = C, .stride = D};
    a->k->rope_fwd(a->dx, &rope, N);
}

static void run_adamw(struct arrays *a)
{
    static const struct adamw_args args = {1, 1e-5f, 0, 0.1f, 0.999f, 0.001f, 1e-8f, 0.1f, 0.03f};
    const size_t n = (size_t)V * C / 2; /* each array is the first half of what is there, or the second */
    a->k->adamw(a->w, a->w + n, a->dw, a->dw + n, &args, n);
}

static void run_adamw_8bit(struct arrays *a)
{
    static const struct adamw_args args = {1, 1e-5f, 0, 0.1f, 0.999f, 0.001f, 1e-8f, 0.1f, 0.03f};
    const size_t n = (size_t)V * C / 2;
    bf16 *scales = (bf16 *)(void *)(a->moments + 2 * n);
    const struct moments_8bit moments = {(int8_t *)a->moments, a->moments + n, scales, scales + n / MOMENTS_GROUP};
    a->k->adamw_8bit(a->w, &moments, a->dw, &args, 1, n);
}

static void run_sum(struct arrays *a)
{
    volatile double sum = a->k->sum_of_squares(a->dw, (size_t)V * C);
    (void)sum;
}

#define LINEAR    (2.0 * N * C * F)
#define ATTENTION (2.0 * 2 * S * LENGTH * (LENGTH + 1) / 2 * C)

static const struct {
    const char *name;
    void (*run)(struct arrays *a);
    double flops, acts, reals; /* reals, acts: how many of them are read and written */
} ops[] = {
    {"linear 768 x 3072", run_up, LINEAR, 0, 0},
    {"linear 3072 x 768, residual", run_down, LINEAR, 0, 0},
    {"linear 768 x 3072, backward", run_up_backward, 2 * LINEAR, 0, 0},
    {"linear (out,in)", run_up_t, LINEAR, 0, 0},
    {"linear (out,in), backward", run_up_backward_t, 2 * LINEAR, 0, 0},
    {"linear (out,in), frozen, backward", run_up_backward_frozen, LINEAR, 0, 0},
    {"attention, 8 x 100", run_attention, ATTENTION, 0, 0},
    {"attention, 8 x 100, backward", run_attention_backward, 2 * ATTENTION, 0, 0},
    {"attention, 4 heads a kv head", run_grouped, ATTENTION, 0, 0},
    {"attention, 4 a kv head, backward", run_grouped_backward, 2 * ATTENTION, 0, 0},
    {"head and loss, both ways", run_head, 6.0 * M * V * C, 0, 0},
    {"gelu", run_gelu, 0, 2.0 * N * F, 0},
    {"gelu, backward", run_gelu_backward, 0, 3.0 * N * F, 0},
    {"norm", run_norm, 0, 1.0 * N * C, 1.0 * N * C},
    {"norm, backward", run_norm_backward, 0, 1.0 * N * C, 3.0 * N * C},
    {"rmsnorm", run_rmsnorm, 0, 1.0 * N * C, 1.0 * N * C},
    {"rmsnorm, backward", run_rmsnorm_backward, 0, 1.0 * N * C, 3.0 * N * C},
    {"rmsnorm, residual", run_rmsnorm_residual, 0, 0, 3.0 * N * C},
    {"rmsnorm, residual, backward", run_rmsnorm_residual_backward, 0, 1.0 * N * C, 2.0 * N * C},
    {"rmsnorm of 12 heads of 64", run_rmsnorm_heads, 0, 2.0 * N * C, 0},
    {"rmsnorm of heads, backward", run_rmsnorm_heads_backward, 0, 3.0 * N * C, 0},
    {"rotary positions", run_rope, 0, 2.0 * N * C, 0},
    {"gelu, exact", run_gelu_exact, 0, 2.0 * N * F, 0},
    {"gelu, exact, backward", run_gelu_exact_backward, 0, 3.0 * N * F, 0},
    {"relu", run_relu, 0, 2.0 * N * F, 0},
    {"silu gate", run_silu_gate, 0, 3.0 * N * F, 0},
    {"silu gate, backward", run_silu_gate_backward, 0, 5.0 * N * F, 0},
    {"gelu gate", run_gelu_gate, 0, 3.0 * N * F, 0},
    {"gelu gate, backward", run_gelu_gate_backward, 0, 5.0 * N * F, 0},
    {"adamw", run_adamw, 0, 0, 7.0 * (V / 2) * C},
    {"adamw, 8 bits", run_adamw_8bit, 0, 0, 4.0625 * (V / 2) * C},
    {"gradient norm", run_sum, 0, 0, 1.0 * V * C},
    {"linear, one row", run_one_row, 0, 0, 1.0 * C * F},
    {"linear (out,in), one row", run_one_row_t, 0, 0, 1.0 * C * F},
    {"logits, one row", run_logits, 0, 0, 1.0 * V * C},
};

struct op_run {
    void (*run)(struct arrays *a);
    struct arrays *a;
};

static void run_op(void *context)
{
    const struct op_run *r = context;
    r->run(r->a);
}

static void print_rate(const char *name, double seconds, double flops, double peak)
{
    printf("  %-34s %9.3f ms  %7.1f GFLOP/s  %3.0f%%\n", name, seconds * 1e3, flops / seconds / 1e9,
           100 * flops / seconds / peak);
}

/* ---- attention over one long sequence, in the shapes of families ---- */

static const struct shape {
    const char *name;
    size_t n_head, n_kv_head, head_size, window;
    real softcap;
} shapes[] = {
    {"attention 12/12 x 64, 2048", 12, 12, 64, 0, 0}, /* GPT-2 */
    {"attention 9/3 x 64, 2048", 9, 3, 64, 0, 0},     /* SmolLM2 135M */
    {"attention 16/8 x 128, 2048", 16, 8, 128, 0, 0}, /* Qwen3 0.6B */
    {"attention 4/1 x 256, 2048", 4, 1, 256, 0, 0},   /* Gemma 3, 270M and 1B: its full layers, */
    {"attention 4/1 x 256, window 512", 4, 1, 256, 512, 0}, /* and the others */
    {"attention 8/4 x 256, soft cap", 8, 4, 256, 0, 50}, /* Gemma 2 2B */
};

static const size_t one_sequence[] = {0, LONG};

/* The rows are those of one matrix: q, k, v. */
static struct attention long_attention(const struct shape *s)
{
    const size_t ld = (s->n_head + 2 * s->n_kv_head) * s->head_size;
    return (struct attention){.n_head = s->n_head, .n_kv_head = s->n_kv_head, .head_size = s->head_size, .S = 1,
                              .q_start = one_sequence, .ld_q = ld, .ld_kv = ld, .stride_q = s->head_size,
                              .stride_kv = s->head_size, .window = s->window, .scale = 0.125f, .softcap = s->softcap};
}

static const struct shape *shape; /* the one that runs */

static void run_forward(struct arrays *a, const struct attention *t)
{
    const size_t k = t->n_head * t->head_size, v = k + t->n_kv_head * t->head_size;
    a->k->attention_fwd(a->y, a->lse, a->x, columns(a, a->x, k), columns(a, a->x, v), t, &a->work);
}

static void run_backward(struct arrays *a, const struct attention *t)
{
    const size_t k = t->n_head * t->head_size, v = k + t->n_kv_head * t->head_size;
    a->k->attention_bwd(a->dx, columns(a, a->dx, k), columns(a, a->dx, v), a->dy, a->y, a->x, columns(a, a->x, k),
                        columns(a, a->x, v), a->lse, t, &a->work);
}

static void run_long(struct arrays *a)
{
    const struct attention t = long_attention(shape);
    run_forward(a, &t);
}

static void run_long_backward(struct arrays *a)
{
    const struct attention t = long_attention(shape);
    run_backward(a, &t);
}

static double products(const struct shape *s)
{
    const double w = s->window ? (double)s->window : LONG, pairs = w * (w + 1) / 2 + (LONG - w) * w;
    return 2 * 2 * pairs * (double)(s->n_head * s->head_size);
}

static void bench_attention(struct arrays *a, const char *op, double peak)
{
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        char name[64];
        shape = &shapes[i];
        snprintf(name, sizeof name, "%s, backward", shape->name);
        if (strstr(shape->name, op))
            print_rate(shape->name, best_seconds(run_op, &(struct op_run){run_long, a}, REPEAT), products(shape),
                       peak);
        if (strstr(name, op))
            print_rate(name, best_seconds(run_op, &(struct op_run){run_long_backward, a}, REPEAT),
                       2 * products(shape), peak);
    }
}

/* ---- conversations that begin alike: what they share once, or each written out ---- */

enum { BRANCHES = 18, TRUNK = 200, BRANCH = 100, PATH = TRUNK + BRANCH, TOGETHER = 6 /* as many as the arrays hold */ };

static struct attention branches(void)
{
    static size_t start[BRANCHES + 2], parent[BRANCHES + 1], reach[BRANCHES + 1];
    struct attention t = long_attention(&shapes[1]);
    for (size_t s = 0; s <= BRANCHES; s++) {
        start[s + 1] = TRUNK + s * BRANCH;
        parent[s] = s > 0 ? 0 : NO_PARENT;
        reach[s] = s > 0 ? PATH : TRUNK;
    }
    t.S = BRANCHES + 1, t.q_start = start, t.kv_len = reach, t.parent = parent;
    return t;
}

static struct attention written_out(void)
{
    static size_t start[TOGETHER + 1];
    struct attention t = long_attention(&shapes[1]);
    for (size_t s = 0; s <= TOGETHER; s++)
        start[s] = s * PATH;
    t.S = TOGETHER, t.q_start = start;
    return t;
}

static void run_branches(struct arrays *a)
{
    const struct attention t = branches();
    run_forward(a, &t);
}

static void run_branches_backward(struct arrays *a)
{
    const struct attention t = branches();
    run_backward(a, &t);
}

static void run_written_out(struct arrays *a)
{
    const struct attention t = written_out();
    for (size_t i = 0; i < BRANCHES; i += TOGETHER)
        run_forward(a, &t);
}

static void run_written_out_backward(struct arrays *a)
{
    const struct attention t = written_out();
    for (size_t i = 0; i < BRANCHES; i += TOGETHER)
        run_backward(a, &t);
}

static void bench_branches(struct arrays *a, const char *op, double peak)
{
    const double flat = BRANCHES * PATH * (PATH + 1) / 2, again = (BRANCHES - 1) * TRUNK * (TRUNK + 1) / 2; /* pairs */
    const double products = 2 * 2 * (double)(shapes[1].n_head * shapes[1].head_size);
    const struct {
        const char *name;
        void (*run)(struct arrays *a);
        double flops;
    } runs[] = {
        {"attention, 18 branches", run_branches, (flat - again) * products},
        {"attention, 18 written out", run_written_out, flat * products},
        {"attention, branches, backward", run_branches_backward, 2 * (flat - again) * products},
        {"attention, written out, backward", run_written_out_backward, 2 * flat * products},
    };
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
        if (strstr(runs[i].name, op))
            print_rate(runs[i].name, best_seconds(run_op, &(struct op_run){runs[i].run, a}, REPEAT), runs[i].flops,
                       peak);
}

static void bench_table(const struct kernels *k, const char *op)
{
    struct arrays a = make_arrays(k);
    const double peak = k->peak_flops ? k->peak_flops(0.2) : 0;
    printf("\n%s %s: the instruction's own peak %.0f GFLOP/s\n", table_name(k), k->precision, peak / 1e9);
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        if (!strstr(ops[i].name, op))
            continue;
        const double seconds = best_seconds(run_op, &(struct op_run){ops[i].run, &a}, REPEAT);
        const double bytes = ops[i].acts * (double)k->act_size + ops[i].reals * (double)sizeof(real);
        if (ops[i].flops > 0)
            print_rate(ops[i].name, seconds, ops[i].flops, peak);
        else
            printf("  %-34s %9.3f ms  %7.1f GB/s\n", ops[i].name, seconds * 1e3, bytes / seconds / 1e9);
    }
    bench_attention(&a, op, peak);
    bench_branches(&a, op, peak);
    free_arrays(&a);
}

int main(int argc, char **argv)
{
    const struct kernels *tables[MAX_TABLES];
    start_kernels(argv);
    const size_t n = runnable_tables(tables);
    printf("%s, %d threads; %d positions in sequences of %d, head at %d of them\n", cpu_get()->name,
           omp_get_max_threads(), N, LENGTH, M);
    for (size_t t = 1; t < n; t++) /* the reference is no fun to wait for */
        if (argc < 2 || strcmp(table_name(tables[t]), argv[1]) == 0)
            bench_table(tables[t], argc > 2 ? argv[2] : "");
    return 0;
}
