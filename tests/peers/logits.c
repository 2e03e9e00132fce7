/* Logits as the program computes them, for the comparison with transformers (family_peers.py).
 *
 * usage: logits DIR fp32|bf16 [training|prompt|decode [f32|bf16|int8]]
 * A JSON array of ids a line on stdin; for each, float32 (N,V) on stdout, as it lies in memory: as the forward pass of
 * training has them, as a prompt's, or one token after another. */
#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"
#include "infer/bundle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(enum sft_status status, const struct sft_err *err)
{
    if (!status)
        return;
    fprintf(stderr, "logits: %s: %s: %s\n", err->file, err->key, err->message);
    exit(1);
}

enum way { TRAINING, PROMPT, DECODE };

/* Keys and values in one page of N positions. */
struct one_page {
    struct block memory;
    uint32_t number;
    size_t start, len;
};

static struct kv_view one_page_make(struct one_page *page, const struct bundle *bundle, size_t N, enum way way)
{
    struct sft_err err = {0};
    const struct model_config *c = &bundle->model.config;
    const size_t size = c->n_layer * 2 * c->n_kv_head * N * c->head_dim;
    *page = (struct one_page){0};
    check(block_alloc(&page->memory, size * bundle->kernels->act_size, "keys and values", &err), &err);
    return (struct kv_view){.memory = page->memory.data,
                            .page_rows = N,
                            .page_size = size,
                            .pages = &page->number,
                            .page_start = &page->start,
                            .len = &page->len,
                            .decoding = way == DECODE};
}

static void write_logits(const struct bundle *bundle, const json *ids, enum way way)
{
    struct sft_err err = {0};
    struct activations acts;
    struct one_page page;
    const size_t N = json_size(ids), V = bundle->model.config.vocab_size, step = way == DECODE ? 1 : N;
    const size_t seq_start[] = {0, step};
    int32_t *tokens = mem_alloc(N * sizeof *tokens), *position = mem_alloc(N * sizeof *position);
    size_t *rows = mem_alloc(N * sizeof *rows), n = 0;
    float *logits = mem_alloc(N * V * sizeof *logits);
    for (const json *id = json_first(ids); id; id = json_next(id), n++) {
        tokens[n] = (int32_t)json_number(id);
        position[n] = (int32_t)n;
        rows[n] = n;
    }
    const struct kv_view view = one_page_make(&page, bundle, N, way);
    check(transformer_init_activations(&bundle->model, &acts, N, KEEP_NOTHING, &err), &err);
    for (n = 0; n < N; n += step) {
        const struct batch batch = {
            .N = step, .S = 1, .tokens = tokens + n, .position = position + n, .seq_start = seq_start};
        transformer_logits(&bundle->model, &acts, &batch, way == TRAINING ? NULL : &view, rows, step, logits + n * V);
    }
    fwrite(logits, sizeof *logits, N * V, stdout);
    activations_free(&acts);
    block_free(&page.memory);
    free(tokens);
    free(position);
    free(rows);
    free(logits);
}

static enum way way_of(const char *name)
{
    static const char *const names[] = {[TRAINING] = "training", [PROMPT] = "prompt", [DECODE] = "decode"};
    for (size_t way = 0; way < sizeof names / sizeof *names; way++)
        if (strcmp(names[way], name) == 0)
            return (enum way)way;
    fprintf(stderr, "logits: %s: not a way to compute them\n", name);
    exit(2);
}

int main(int argc, char **argv)
{
    struct sft_err err = {0};
    struct bundle bundle = {0};
    struct bundle_options options = {0};
    char *line = NULL;
    size_t capacity = 0;
    ssize_t len;
    kernels_start(argv);
    if (argc < 3 || argc > 5) {
        fputs("usage: logits DIR fp32|bf16 [training|prompt|decode [f32|bf16|int8]]\n", stderr);
        return 2;
    }
    options.precision = argv[2];
    const enum way way = argc > 3 ? way_of(argv[3]) : TRAINING;
    options.for_generation = way != TRAINING;
    options.weights = argc > 4 ? argv[4] : NULL;
    check(bundle_open(&bundle, argv[1], &options, NULL, &err), &err);
    while ((len = getline(&line, &capacity, stdin)) > 0) {
        json *ids = NULL;
        check(json_parse(line, (size_t)len, &ids, &err), &err);
        write_logits(&bundle, ids, way);
        json_free(ids);
    }
    free(line);
    bundle_close(&bundle);
    return fflush(stdout) == 0 ? 0 : 1;
}
