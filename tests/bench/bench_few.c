/* How fast a step of generation is, in each kernel table that this CPU runs: all products of one position of each of
 * some streams, over whole models' weights, as floats, bfloat16s and int8s; beside that, what the memory gives
 * (the roof), what a parallel region costs, attention of single queries over pages, and logits looked through. Part of
 * `make bench`. Best of several repetitions.
 *
 * usage: bench_few [TABLE [ROW [MODEL]]]: of tables of that name, rows and models with that in their names */
#include "bench/bench.h"
#include "support/tables.h"

#include <stdbool.h>
#include <stdio.h>

enum { MOST_STREAMS = 32, REPEAT = 5, PAGE = 32, POSITIONS = 512 };

static const struct model {
    const char *name;
    size_t L, C, F, Q, KV, D, V; /* layers, n_embd, n_inner, widths of queries and of keys, a head's, vocabulary */
    bool fused, gate;            /* queries, keys and values in one; an MLP with a gate */
} models[] = {
    {"GPT-2 124M", 12, 768, 3072, 768, 768, 64, 50257, true, false},
    {"SmolLM2-135M", 30, 576, 1536, 576, 192, 64, 49152, false, true},
    {"Qwen3-0.6B", 28, 1024, 3072, 2048, 1024, 128, 151936, false, true},
    {"Gemma 3 270M", 18, 640, 2048, 1024, 256, 256, 262144, false, true},
};

static const struct kept {
    const char *name;
    size_t bytes; /* of a weight */
} kinds[] = {{"f32", 4}, {"bf16", 2}, {"int8", 1}};

/* ---- the machine ---- */

static double roof; /* bytes a second */

static double read_all(const uint64_t *x, size_t n)
{
    uint64_t total = 0;
#pragma omp parallel for schedule(static) reduction(+ : total)
    for (size_t i = 0; i < n; i += 8)
        total += x[i] + x[i + 1] + x[i + 2] + x[i + 3] + x[i + 4] + x[i + 5] + x[i + 6] + x[i + 7];
    return (double)total;
}

static void bench_machine(void)
{
    const size_t bytes = (size_t)1 << 30, n = bytes / sizeof(uint64_t);
    uint64_t *x = aligned(bytes);
    const int threads = omp_get_max_threads();
    memset(x, 1, bytes);
    for (int t = 1; t <= threads; t++) {
        double best = INFINITY;
        omp_set_num_threads(t);
        for (int i = 0; i < REPEAT; i++) {
            const double started = omp_get_wtime();
            volatile double sum = read_all(x, n);
            (void)sum;
            best = fmin(best, omp_get_wtime() - started);
        }
        roof = (double)bytes / best;
        printf("  reading 1 GiB, %d threads %35.1f GB/s\n", t, roof / 1e9);
    }
    free(x);
    enum { REGIONS = 20000 };
    const double started = omp_get_wtime();
    for (int i = 0; i < REGIONS; i++)
#pragma omp parallel
        __asm__ volatile("" ::: "memory");
    printf("  an empty parallel region %36.2f us\n", (omp_get_wtime() - started) / REGIONS * 1e6);
}

/* ---- a model's weights ---- */

struct layer {
    struct linear in[3], out, up[2], down;
};

struct bench {
    const struct kernels *k;
    const struct model *m;
    struct workspace work;
    unsigned char *weights; /* one behind another */
    size_t bytes;
    float *scales, *b;
    struct layer *layers;
    struct head head;
    act *x, *y[3], *inner;
    real *stream, *logits;
    size_t S;
    bool packed;
};

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* The next layer's place. */
static struct linear next_layer(struct bench *b, const struct kept *kept, size_t in, size_t out)
{
    const unsigned char *p = b->weights + b->bytes;
    struct linear l = {.b = b->b, .in = in, .out = out, .transposed = true, .always_packed = true};
    if (kept->bytes == 4)
        l.matrix.w = (const real *)(const void *)p;
    else if (kept->bytes == 2)
        l.matrix.w_bf16 = (const bf16 *)(const void *)p;
    else
        l.matrix = (struct matrix){.w_int8 = (const int8_t *)p, .scales = b->scales};
    b->bytes += (in * out * kept->bytes + 63) / 64 * 64;
    return l;
}

static void place_layers(struct bench *b, const struct kept *kept)
{
    const struct model *m = b->m;
    b->bytes = 0;
    for (size_t i = 0; i < m->L; i++) {
        struct layer *l = &b->layers[i];
        const size_t widths[3] = {m->fused ? m->Q + 2 * m->KV : m->Q, m->KV, m->KV};
        for (size_t j = 0; j < (m->fused ? 1 : 3); j++)
            l->in[j] = next_layer(b, kept, m->C, widths[j]);
        l->out = next_layer(b, kept, m->Q, m->C);
        for (size_t j = 0; j < (m->gate ? 2 : 1); j++)
            l->up[j] = next_layer(b, kept, m->C, m->F);
        l->down = next_layer(b, kept, m->F, m->C);
    }
    const struct linear head = next_layer(b, kept, m->C, m->V);
    b->head = (struct head){.matrix = head.matrix, .V = m->V, .C = m->C, .scale = 1};
}

static struct bench make_bench(const struct kernels *k, const struct model *m, const struct kept *kept)
{
    const size_t widest = larger(m->gate ? 2 * m->F : m->F, m->Q + 2 * m->KV);
    const struct kernel_sizes sizes = {.N = MOST_STREAMS, .width = widest, .C = m->C, .head_size = m->D,
                                       .heads_per_kv = m->Q / m->KV, .narrow_weights = true};
    struct bench b = {.k = k, .m = m, .work = {.bytes = (k->work_bytes(&sizes) + 63) / 64 * 64}};
    b.work.data = aligned(b.work.bytes);
    b.layers = calloc(m->L, sizeof *b.layers);
    b.scales = filled(m->V, sizeof(float)), b.b = filled(widest, sizeof(float));
    b.x = filled(MOST_STREAMS * widest, k->act_size), b.inner = filled(MOST_STREAMS * widest, k->act_size);
    for (size_t i = 0; i < 3; i++)
        b.y[i] = filled(MOST_STREAMS * widest, k->act_size);
    b.stream = filled(MOST_STREAMS * m->C, sizeof(real)), b.logits = filled(MOST_STREAMS * m->V, sizeof(real));
    place_layers(&b, kept);
    b.weights = filled(b.bytes / kept->bytes, kept->bytes);
    place_layers(&b, kept);
    return b;
}

static void free_bench(struct bench *b)
{
    void *all[] = {b->work.data, b->weights, b->scales, b->b, b->layers, b->x, b->y[0], b->y[1], b->y[2], b->inner,
                   b->stream, b->logits};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        free(all[i]);
}

/* ---- a step ---- */

static void shared_input(struct bench *b, const struct linear *l, size_t n)
{
    struct few_output outs[3];
    for (size_t i = 0; i < n; i++) {
        outs[i] = (struct few_output){.linear = &l[i], .y = b->y[i]};
        if (b->packed)
            b->k->linear_fwd(b->y[i], &(struct linear_part){b->x, &l[i]}, 1, b->S, &b->work);
    }
    if (!b->packed)
        b->k->linear_few(outs, n, b->x, b->S, &b->work);
}

static void to_stream(struct bench *b, const struct linear *l)
{
    if (b->packed)
        b->k->linear_residual_fwd(b->stream, b->stream, &(struct linear_part){b->inner, l}, 1, 1, b->S, &b->work);
    else
        b->k->linear_few_residual(b->stream, b->stream, b->inner, l, NULL, 1, b->S, &b->work);
}

static void run_products(void *context)
{
    struct bench *b = context;
    for (size_t i = 0; i < b->m->L; i++) {
        shared_input(b, b->layers[i].in, b->m->fused ? 1 : 3);
        to_stream(b, &b->layers[i].out);
        shared_input(b, b->layers[i].up, b->m->gate ? 2 : 1);
        to_stream(b, &b->layers[i].down);
    }
    if (b->packed) {
        const struct linear l = {.matrix = b->head.matrix, .in = b->head.C, .out = b->head.V, .transposed = true,
                                 .always_packed = true};
        b->k->linear_residual_fwd(b->logits, NULL, &(struct linear_part){b->x, &l}, 1, 1, b->S, &b->work);
    } else {
        b->k->head_logits(b->logits, b->x, &b->head, b->S, &b->work);
    }
}

static void bench_products(const struct kernels *k, const struct model *m, const struct kept *kept)
{
    static const size_t streams[] = {1, 2, 4, 8, 16, MOST_STREAMS};
    if (kept->bytes != 4 && k->act_size == 4 && !k->reads_bf16)
        return;
    struct bench b = make_bench(k, m, kept);
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++) {
        b.S = streams[i];
        b.packed = false;
        const double few = best_seconds(run_products, &b, REPEAT);
        b.packed = true;
        const double packed = best_seconds(run_products, &b, 2);
        const double rate = (double)b.bytes / few;
        printf("  %-14s products, %-4s %2zu streams %8.2f ms %6.1f GB/s %4.0f%% of the roof %7.1f GFLOP/s; ", m->name,
               kept->name, b.S, few * 1e3, rate / 1e9, 100 * rate / roof,
               2.0 * (double)b.S * (double)(b.bytes / kept->bytes) / few / 1e9);
        printf("packed %8.2f ms\n", packed * 1e3);
    }
    free_bench(&b);
}

/* ---- attention, and logits ---- */

struct attention_bench {
    const struct kernels *k;
    struct workspace work;
    struct attention a;
    act *q, *out, *kv;
    size_t L, page; /* elements of a page, of all layers */
};

static void run_attention(void *context)
{
    const struct attention_bench *b = context;
    const size_t layer = b->page / b->L;
    for (size_t i = 0; i < b->L; i++) {
        const unsigned char *k = (const unsigned char *)b->kv + i * layer * b->k->act_size;
        b->k->attention_few(b->out, b->q, k, k + layer / 2 * b->k->act_size, &b->a, &b->work);
    }
}

static void bench_attention(const struct kernels *k, const struct model *m)
{
    static const size_t streams[] = {1, 16};
    enum { PAGES = POSITIONS / PAGE };
    const struct kernel_sizes sizes = {.N = 16, .width = m->Q, .head_size = m->D, .heads_per_kv = m->Q / m->KV};
    struct attention_bench b = {.k = k, .work = {.bytes = (k->work_bytes(&sizes) + 63) / 64 * 64}, .L = m->L};
    uint32_t pages[16 * PAGES];
    size_t page_start[16], kv_len[16], q_start[17];
    b.page = m->L * 2 * m->KV * PAGE;
    b.work.data = aligned(b.work.bytes);
    b.q = filled(16 * m->Q, k->act_size), b.out = filled(16 * m->Q, k->act_size);
    b.kv = filled(16 * PAGES * b.page, k->act_size);
    for (size_t s = 0; s < 17; s++)
        q_start[s] = s;
    for (size_t s = 0; s < 16; s++) {
        page_start[s] = s * PAGES;
        kv_len[s] = POSITIONS;
    }
    for (size_t i = 0; i < 16 * PAGES; i++) /* streams that began together */
        pages[i] = (uint32_t)(i % PAGES * 16 + i / PAGES);
    b.a = (struct attention){.n_head = m->Q / m->D, .n_kv_head = m->KV / m->D, .head_size = m->D, .q_start = q_start,
                             .kv_len = kv_len, .ld_q = m->Q, .ld_kv = m->D, .stride_q = m->D,
                             .stride_kv = PAGE * m->D, .pages = pages, .page_start = page_start, .page_rows = PAGE,
                             .stride_page = b.page, .scale = 0.125f};
    for (size_t i = 0; i < 2; i++) {
        b.a.S = streams[i];
        const double seconds = best_seconds(run_attention, &b, REPEAT);
        const double bytes = (double)(b.a.S * PAGES * b.page * k->act_size);
        printf("  %-14s attention, %d keys %2zu streams %7.2f ms %6.1f GB/s %4.0f%% of the roof\n", m->name, POSITIONS,
               b.a.S, seconds * 1e3, bytes / seconds / 1e9, 100 * bytes / seconds / roof);
    }
    free(b.work.data);
    free(b.q);
    free(b.out);
    free(b.kv);
}

struct scan_bench {
    const struct kernels *k;
    real *logits;
    size_t S, V;
};

static void run_scan(void *context)
{
    const struct scan_bench *b = context;
    struct logits_scan scans[MOST_STREAMS];
    real temperatures[MOST_STREAMS];
    for (size_t s = 0; s < b->S; s++)
        temperatures[s] = 1;
    b->k->scan_logits(scans, b->logits, temperatures, b->S, b->V);
}

static void bench_scan(const struct kernels *k, const struct model *m)
{
    struct scan_bench b = {.k = k, .logits = filled(16 * m->V, sizeof(real)), .V = m->V};
    for (b.S = 1; b.S <= 16; b.S += 15) {
        const double seconds = best_seconds(run_scan, &b, REPEAT);
        printf("  %-14s scan of logits %2zu streams %14.2f ms %6.1f GB/s\n", m->name, b.S, seconds * 1e3,
               (double)(b.S * m->V) * sizeof(real) / seconds / 1e9);
    }
    free(b.logits);
}

int main(int argc, char **argv)
{
    const char *const row = argc > 2 ? argv[2] : "", *const model = argc > 3 ? argv[3] : "";
    const struct kernels *tables[MAX_TABLES];
    start_kernels(argv);
    const size_t n = runnable_tables(tables);
    printf("%s, %d threads\n", cpu_get()->name, omp_get_max_threads());
    bench_machine();
    for (size_t t = 1; t < n; t++) { /* the reference is no fun to wait for */
        if (argc > 1 && strcmp(table_name(tables[t]), argv[1]) != 0)
            continue;
        printf("\n%s %s\n", table_name(tables[t]), tables[t]->precision);
        for (size_t m = 0; m < sizeof models / sizeof *models; m++) {
            if (!strstr(models[m].name, model))
                continue;
            for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
                if (strstr("products", row) || strstr(kinds[i].name, row))
                    bench_products(tables[t], &models[m], &kinds[i]);
            if (strstr("attention", row))
                bench_attention(tables[t], &models[m]);
            if (strstr("logits", row))
                bench_scan(tables[t], &models[m]);
        }
    }
    return 0;
}
