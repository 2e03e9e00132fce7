/* How fast the matrix products of whole models are, in each kernel table that this CPU runs: the linear layers of a
 * block and the head, in a model's own shapes and its own layout of W; GPT-2's beside the others'. Part of
 * `make bench`. Best of several repetitions.
 *
 * usage: bench_models [TABLE [ROW [MODEL]]]: of tables of that name, rows and models with that in their names */
#include "bench/bench.h"
#include "support/tables.h"

#include <stdbool.h>
#include <stdio.h>

enum { N = 1024, M = 512, REPEAT = 5 };

struct model {
    const char *name;
    size_t C, F, Q, KV, V;   /* n_embd, n_inner, widths of queries and of keys or values, vocabulary */
    bool out_in, fused, gate; /* W's layout; queries, keys and values in one; an MLP with a gate */
};

static const struct model models[] = {
    {"GPT-2 124M", 768, 3072, 768, 768, 50257, false, true, false},
    {"SmolLM2-135M", 576, 1536, 576, 192, 49152, true, false, true},
    {"Qwen3-0.6B", 1024, 3072, 2048, 1024, 151936, true, false, true},
    {"Gemma 3 270M", 640, 2048, 1024, 256, 262144, true, false, true},
};

struct bench {
    const struct kernels *k;
    const struct model *model;
    struct workspace work;
    act *x, *y[3], *dx; /* (N, widest) */
    real *stream;       /* (N,C) */
    real *w[3], *dw[3]; /* of the layers; w[0] and dw[0] (V,C), and so larger than any layer's */
    real *b, *db, *nll, *dnll;
    uint8_t *correct;
    int32_t *labels;
};

/* ---- what is run ---- */

/* The layers that share an input: how many, and how wide each is. */
struct layers {
    size_t n, in, out[3];
};

static struct layers attention_in(const struct model *m)
{
    return m->fused ? (struct layers){1, m->C, {m->Q + 2 * m->KV}} : (struct layers){3, m->C, {m->Q, m->KV, m->KV}};
}

static struct layers attention_out(const struct model *m)
{
    return (struct layers){1, m->Q, {m->C}};
}

static struct layers mlp_in(const struct model *m)
{
    return (struct layers){m->gate ? 2 : 1, m->C, {m->F, m->F}};
}

static struct layers mlp_out(const struct model *m)
{
    return (struct layers){1, m->F, {m->C}};
}

static struct linear layer(const struct bench *b, const struct layers *l, size_t i)
{
    return (struct linear){.matrix = {.w = b->w[i]}, .in = l->in, .out = l->out[i], .transposed = b->model->out_in};
}

struct run {
    struct bench *b;
    struct layers layers;
};

static void forward(void *context)
{
    const struct run *r = context;
    for (size_t i = 0; i < r->layers.n; i++) {
        const struct linear l = layer(r->b, &r->layers, i);
        r->b->k->linear_fwd(r->b->y[i], &(struct linear_part){r->b->x, &l}, 1, N, &r->b->work);
    }
}

static void forward_residual(void *context)
{
    const struct run *r = context;
    const struct linear l = layer(r->b, &r->layers, 0);
    r->b->k->linear_residual_fwd(r->b->stream, r->b->stream, &(struct linear_part){r->b->x, &l}, 1, 1, N, &r->b->work);
}

static void backward_dx(void *context)
{
    const struct run *r = context;
    struct linear l[3];
    struct linear_part parts[3];
    for (size_t i = 0; i < r->layers.n; i++) {
        l[i] = layer(r->b, &r->layers, i);
        parts[i] = (struct linear_part){r->b->y[i], &l[i]};
    }
    r->b->k->linear_bwd_dx(r->b->dx, parts, r->layers.n, N, &r->b->work);
}

static void backward_dw(void *context)
{
    const struct run *r = context;
    for (size_t i = 0; i < r->layers.n; i++) {
        const struct linear l = layer(r->b, &r->layers, i);
        r->b->k->linear_bwd_dw(r->b->dw[i], NULL, false, r->b->y[i], r->b->x, &l, N, &r->b->work);
    }
}

static struct head head_of(const struct bench *b)
{
    return (struct head){.matrix = {.w = b->w[0]}, .V = b->model->V, .C = b->model->C, .scale = 1};
}

static void head_both_ways(void *context)
{
    const struct bench *b = ((const struct run *)context)->b;
    const struct head head = head_of(b);
    b->k->head_loss(b->nll, b->correct, b->dx, b->dw[0], false, b->x, b->labels, b->dnll, &head, M, &b->work);
}

static void head_forward(void *context)
{
    const struct bench *b = ((const struct run *)context)->b;
    const struct head head = head_of(b);
    b->k->head_loss(b->nll, b->correct, NULL, NULL, false, b->x, b->labels, NULL, &head, M, &b->work);
}

static void one_row(void *context)
{
    const struct bench *b = ((const struct run *)context)->b;
    const struct head head = head_of(b);
    b->k->head_logits(b->dw[0], b->x, &head, 1, &b->work);
}

/* ---- rows ---- */

static double product(const struct layers *l)
{
    double flops = 0;
    for (size_t i = 0; i < l->n; i++)
        flops += 2.0 * N * (double)l->in * (double)l->out[i];
    return flops;
}

static const struct {
    const char *name;
    struct layers (*layers)(const struct model *m); /* NULL: the head */
    void (*run)(void *);
    double products, reads; /* of the head: products at M positions; W read so often, at one */
} rows[] = {
    {"q, k, v", attention_in, forward, 0, 0},
    {"q, k, v, backward to x", attention_in, backward_dx, 0, 0},
    {"q, k, v, backward to W", attention_in, backward_dw, 0, 0},
    {"attention's output, residual", attention_out, forward_residual, 0, 0},
    {"attention's output, backward to x", attention_out, backward_dx, 0, 0},
    {"attention's output, backward to W", attention_out, backward_dw, 0, 0},
    {"MLP in", mlp_in, forward, 0, 0},
    {"MLP in, backward to x", mlp_in, backward_dx, 0, 0},
    {"MLP in, backward to W", mlp_in, backward_dw, 0, 0},
    {"MLP out, residual", mlp_out, forward_residual, 0, 0},
    {"MLP out, backward to x", mlp_out, backward_dx, 0, 0},
    {"MLP out, backward to W", mlp_out, backward_dw, 0, 0},
    {"head, loss", NULL, head_forward, 1, 0},
    {"head, loss, both ways", NULL, head_both_ways, 3, 0},
    {"head, logits, one row", NULL, one_row, 0, 1},
};

static void bench_row(struct bench *b, size_t i)
{
    const double words = (double)b->model->V * (double)b->model->C;
    struct run run = {.b = b};
    if (rows[i].layers)
        run.layers = rows[i].layers(b->model);
    const double flops = rows[i].layers ? product(&run.layers) : rows[i].products * 2 * M * words;
    const double seconds = best_seconds(rows[i].run, &run, REPEAT);
    printf("  %-14s %-34s %9.3f ms  %7.1f %s\n", b->model->name, rows[i].name, seconds * 1e3,
           (flops > 0 ? flops : words * sizeof(real)) / seconds / 1e9, flops > 0 ? "GFLOP/s" : "GB/s");
}

/* ---- arrays ---- */

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static struct bench make_bench(const struct kernels *k, const struct model *m)
{
    const size_t widest = larger(m->gate ? 2 * m->F : m->F, m->Q + 2 * m->KV), layer_size = m->C * widest;
    const struct kernel_sizes sizes = {.N = N, .width = widest, .C = m->C, .V = m->V, .head_size = 1,
                                       .heads_per_kv = 1};
    struct bench b = {.k = k, .model = m, .work = {.bytes = (k->work_bytes(&sizes) + 63) / 64 * 64}};
    b.work.data = aligned(b.work.bytes);
    memset(b.work.data, 0, b.work.bytes);
    b.x = filled(N * widest, k->act_size), b.dx = filled(N * widest, k->act_size);
    b.stream = filled(N * m->C, sizeof(real));
    for (size_t i = 0; i < 3; i++) {
        b.y[i] = filled(N * widest, k->act_size);
        b.w[i] = filled(i ? layer_size : larger(layer_size, m->V * m->C), sizeof(real));
        b.dw[i] = filled(i ? layer_size : larger(layer_size, m->V * m->C), sizeof(real));
    }
    b.nll = filled(N, sizeof(real)), b.dnll = filled(N, sizeof(real));
    b.correct = calloc(N, 1);
    b.labels = calloc(N, sizeof *b.labels);
    return b;
}

static void free_bench(struct bench *b)
{
    void *all[] = {b->work.data, b->x,    b->dx,    b->stream, b->nll,   b->dnll,  b->correct, b->labels,
                   b->y[0],      b->y[1], b->y[2],  b->w[0],   b->w[1],  b->w[2],  b->dw[0],   b->dw[1], b->dw[2]};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

int main(int argc, char **argv)
{
    const char *const row = argc > 2 ? argv[2] : "", *const model = argc > 3 ? argv[3] : "";
    const struct kernels *tables[MAX_TABLES];
    start_kernels(argv);
    const size_t n = runnable_tables(tables);
    printf("%s, %d threads; %d positions, head at %d of them\n", cpu_get()->name, omp_get_max_threads(), N, M);
    for (size_t t = 1; t < n; t++) { /* the reference is no fun to wait for */
        if (argc > 1 && strcmp(table_name(tables[t]), argv[1]) != 0)
            continue;
        printf("\n%s %s\n", table_name(tables[t]), tables[t]->precision);
        for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
            if (!strstr(models[m].name, model))
                continue;
            struct bench b = make_bench(tables[t], &models[m]);
            for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
                if (strstr(rows[i].name, row))
                    bench_row(&b, i);
            free_bench(&b);
        }
    }
    return 0;
}
