/* What adapters (LoRA, rank R) add to a frozen base's linear layers, in each kernel table that this CPU runs: the
 * layers of one block, forward and backward, without adapters and with them, beside what the adapters' own products
 * would take at the base's rate. Best of several repetitions.
 *
 * usage: bench_lora [TABLE [MODEL [KIND]]]: of tables of that name, models and kinds of weights with that in theirs */
#include "bench/bench.h"
#include "support/tables.h"

#include <stdbool.h>
#include <stdio.h>

enum { N = 2048, R = 16, M = 512, REPEAT = 7, MOST = 3, SOME_ROWS = 3 };

/* Layers of one input, and how wide each is. */
struct group {
    const char *name;
    size_t n, in, out[MOST];
    bool residual;
};

static const struct model {
    const char *name;
    size_t C, V, widest;
    bool out_in;
    struct group groups[5];
} models[] = {
    {"SmolLM2-135M", 576, 49152, 3072, true,
     {{"q, k, v", 3, 576, {576, 192, 192}, false}, {"attention's output", 1, 576, {576}, true},
      {"gate, up", 2, 576, {1536, 1536}, false}, {"down", 1, 1536, {576}, true}, {0}}},
    {"GPT-2 124M", 768, 50257, 3072, false,
     {{"q, k, v", 1, 768, {2304}, false}, {"attention's output", 1, 768, {768}, true},
      {"MLP in", 1, 768, {3072}, false}, {"MLP out", 1, 3072, {768}, true}, {0}}},
};

static const struct kind {
    const char *name;
    size_t bytes;
} kinds[] = {{"floats", 4}, {"bfloat16s", 2}, {"int8s", 1}};

struct bench {
    const struct kernels *k;
    const struct model *model;
    const struct group *group;
    const struct kind *kind;
    bool adapted;
    struct workspace work;
    act *x, *dx, *y[MOST], *u[MOST], *du[MOST]; /* (N,widest); u, du (N,R) */
    real *stream, *a[MOST], *b[MOST], *da[MOST], *db[MOST], *scales, *nll, *dnll;
    void *w[MOST]; /* w[0]: the head's, too */
    uint8_t *correct;
    int32_t *labels;
};

static struct matrix matrix_of(const struct bench *b, size_t i)
{
    return b->kind->bytes == 4   ? (struct matrix){.w = b->w[i]}
           : b->kind->bytes == 2 ? (struct matrix){.w_bf16 = b->w[i]}
                                 : (struct matrix){.w_int8 = b->w[i], .scales = b->scales};
}

static struct linear base(const struct bench *b, size_t i)
{
    return (struct linear){.matrix = matrix_of(b, i), .in = b->group->in, .out = b->group->out[i],
                           .transposed = b->model->out_in || b->kind->bytes == 1};
}

/* A (R,in), B (out,R). */
static struct linear adapter_a(const struct bench *b, size_t i)
{
    return (struct linear){.matrix = {.w = b->a[i]}, .in = b->group->in, .out = R, .transposed = true};
}

static struct linear adapter_b(const struct bench *b, size_t i)
{
    return (struct linear){.matrix = {.w = b->b[i]}, .in = R, .out = b->group->out[i], .transposed = true};
}

static void forward(void *context)
{
    const struct bench *b = context;
    const struct group *g = b->group;
    struct linear as[MOST];
    struct narrow_output outs[MOST];
    for (size_t i = 0; i < g->n; i++) {
        as[i] = adapter_a(b, i);
        outs[i] = (struct narrow_output){&as[i], b->u[i], 2};
    }
    if (b->adapted)
        b->k->linear_narrow(outs, g->n, b->x, N, &b->work);
    for (size_t i = 0; i < g->n; i++) {
        const struct linear w = base(b, i), bs = adapter_b(b, i);
        const struct linear_part parts[] = {{b->x, &w}, {b->u[i], &bs}};
        if (g->residual)
            b->k->linear_residual_fwd(b->stream, b->stream, parts, b->adapted ? 2 : 1, 1, N, &b->work);
        else
            b->k->linear_fwd(b->y[i], parts, b->adapted ? 2 : 1, N, &b->work);
    }
}

static void backward(void *context)
{
    const struct bench *b = context;
    const struct group *g = b->group;
    struct linear ws[MOST], as[MOST];
    struct linear_part parts[2 * MOST];
    struct narrow_grad grads[MOST];
    for (size_t i = 0; i < g->n; i++) {
        const struct linear bs = adapter_b(b, i);
        const struct linear turned = {.matrix = bs.matrix, .in = bs.out, .out = R};
        ws[i] = base(b, i), as[i] = adapter_a(b, i);
        parts[i] = (struct linear_part){b->y[i], &ws[i]};
        parts[g->n + i] = (struct linear_part){b->du[i], &as[i]};
        grads[i] = (struct narrow_grad){b->du[i], b->da[i], R};
        if (!b->adapted)
            continue;
        b->k->linear_narrow(&(struct narrow_output){&turned, b->du[i], 2}, 1, b->y[i], N, &b->work);
        b->k->linear_bwd_dw(b->db[i], NULL, false, b->y[i], b->u[i], &bs, N, &b->work);
    }
    if (b->adapted)
        b->k->linear_narrow_dw(grads, g->n, false, b->x, g->in, N, &b->work);
    b->k->linear_bwd_dx(b->dx, parts, b->adapted ? 2 * g->n : g->n, N, &b->work);
}

/* ---- rows ---- */

struct times {
    double base, adapted, ideal;
};

static void print_times(const struct bench *b, const char *row, const char *way, struct times t)
{
    printf("  %-13s %-9s %-20s %-8s %8.3f ms, adapted %8.3f: + %6.3f (%4.1f%%), ideal + %6.3f\n", b->model->name,
           b->kind->name, row, way, t.base * 1e3, t.adapted * 1e3, (t.adapted - t.base) * 1e3,
           100 * (t.adapted - t.base) / t.base, t.ideal * 1e3);
}

/* So many times the adapters' products are what one way has of them. */
static void add_group(struct times *sum, struct bench *b, void (*run)(void *), const char *way, double products)
{
    struct times t;
    double of_base = 0, of_adapters = 0;
    for (size_t i = 0; i < b->group->n; i++) {
        of_base += (double)(b->group->in * b->group->out[i]);
        of_adapters += products * R * (double)(b->group->in + b->group->out[i]);
    }
    b->adapted = false;
    t.base = best_seconds(run, b, REPEAT);
    b->adapted = true;
    t.adapted = best_seconds(run, b, REPEAT);
    t.ideal = t.base * of_adapters / of_base;
    print_times(b, b->group->name, way, t);
    sum->base += t.base, sum->adapted += t.adapted, sum->ideal += t.ideal;
}

static void bench_layers(struct bench *b)
{
    struct times there = {0}, back = {0};
    for (b->group = b->model->groups; b->group->n; b->group++) {
        add_group(&there, b, forward, "forward", 1);
        add_group(&back, b, backward, "backward", 2);
    }
    print_times(b, "a block", "forward", there);
    print_times(b, "a block", "backward", back);
}

static void head_loss(void *context)
{
    const struct bench *b = context;
    const struct head head = {.matrix = matrix_of(b, 0), .V = b->model->V, .C = b->model->C, .scale = 1};
    b->k->head_loss(b->nll, b->correct, b->dx, NULL, false, b->x, b->labels, b->dnll, &head, M, &b->work);
}

static void head_rows(void *context)
{
    static const int32_t rows[SOME_ROWS] = {7, 300, 2000};
    const struct bench *b = context;
    const struct head head = {.matrix = matrix_of(b, 0), .V = b->model->V, .C = b->model->C, .scale = 1};
    b->k->head_rows_bwd(b->stream, false, rows, SOME_ROWS, b->x, b->labels, b->nll, b->dnll, &head, M, &b->work);
}

static void bench_head(struct bench *b)
{
    const double seconds = best_seconds(head_loss, b, 2), flops = 4.0 * M * (double)(b->model->V * b->model->C);
    printf("  %-13s %-9s %-29s %8.3f ms, %6.1f GFLOP/s; %d rows backward %.3f ms\n", b->model->name, b->kind->name,
           "head, loss, frozen", seconds * 1e3, flops / seconds / 1e9, SOME_ROWS,
           best_seconds(head_rows, b, REPEAT) * 1e3);
}

/* ---- arrays ---- */

static struct bench make_bench(const struct kernels *k, const struct model *m, const struct kind *kind)
{
    const size_t widest = m->widest, rank = MOST * R;
    const struct kernel_sizes sizes = {.N = N, .width = widest, .C = m->C, .V = m->V, .head_size = 1,
                                       .heads_per_kv = 1, .narrow_weights = kind->bytes != 4, .rank = rank};
    struct bench b = {.k = k, .model = m, .kind = kind, .work = {.bytes = (k->work_bytes(&sizes) + 63) / 64 * 64}};
    b.work.data = aligned(b.work.bytes);
    memset(b.work.data, 0, b.work.bytes);
    b.x = filled(N * widest, k->act_size), b.dx = filled(N * widest, k->act_size);
    b.stream = filled(N * m->C, sizeof(real));
    for (size_t i = 0; i < MOST; i++) {
        b.y[i] = filled(N * widest, k->act_size);
        b.u[i] = filled((size_t)N * R, k->act_size), b.du[i] = filled((size_t)N * R, k->act_size);
        b.a[i] = filled(widest * R, sizeof(real)), b.da[i] = filled(widest * R, sizeof(real));
        b.b[i] = filled(widest * R, sizeof(real)), b.db[i] = filled(widest * R, sizeof(real));
        b.w[i] = filled(i ? widest * m->C : m->V * m->C, kind->bytes);
    }
    b.scales = filled(m->V, sizeof(real));
    b.nll = filled(N, sizeof(real)), b.dnll = filled(N, sizeof(real));
    b.correct = calloc(N, 1);
    b.labels = calloc(N, sizeof *b.labels);
    return b;
}

static void free_bench(struct bench *b)
{
    void *all[] = {b->work.data, b->x, b->dx, b->stream, b->scales, b->nll, b->dnll, b->correct, b->labels};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
    for (size_t i = 0; i < MOST; i++) {
        void *of_layer[] = {b->y[i], b->u[i], b->du[i], b->a[i], b->da[i], b->b[i], b->db[i], b->w[i]};
        for (size_t j = 0; j < sizeof of_layer / sizeof *of_layer; j++)
            free(of_layer[j]);
    }
}

int main(int argc, char **argv)
{
    const char *const model = argc > 2 ? argv[2] : "", *const kind = argc > 3 ? argv[3] : "";
    const struct kernels *tables[MAX_TABLES];
    start_kernels(argv);
    const size_t n = runnable_tables(tables);
    printf("%s, %d threads; %d positions, rank %d, head at %d\n", cpu_get()->name, omp_get_max_threads(), N, R, M);
    for (size_t t = 1; t < n; t++) { /* the reference is no fun to wait for */
        if (argc > 1 && strcmp(table_name(tables[t]), argv[1]) != 0)
            continue;
        printf("\n%s %s\n", table_name(tables[t]), tables[t]->precision);
        for (size_t m = 0; m < sizeof models / sizeof *models; m++)
            for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
                if (!strstr(models[m].name, model) || !strstr(kinds[i].name, kind) ||
                    (kinds[i].bytes != 4 && !tables[t]->reads_bf16))
                    continue;
                struct bench b = make_bench(tables[t], &models[m], &kinds[i]);
                bench_layers(&b);
                bench_head(&b);
                free_bench(&b);
            }
    }
    return 0;
}
