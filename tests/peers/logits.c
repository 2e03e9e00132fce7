/* Logits as the program computes them, for the comparison with transformers (family_peers.py).
 *
 * usage: logits DIR fp32|bf16
 * A JSON array of ids a line on stdin; for each, float32 (N,V) on stdout, as it lies in memory. */
#include "base/io.h"
#include "base/json.h"
#include "base/mem.h"
#include "infer/bundle.h"

#include <stdio.h>
#include <stdlib.h>

static void check(enum sft_status status, const struct sft_err *err)
{
    if (!status)
        return;
    fprintf(stderr, "logits: %s: %s: %s\n", err->file, err->key, err->message);
    exit(1);
}

static void write_logits(const struct bundle *bundle, const json *ids)
{
    struct sft_err err = {0};
    struct activations acts;
    const size_t N = json_size(ids), V = bundle->model.config.vocab_size, seq_start[] = {0, N};
    int32_t *tokens = mem_alloc(N * sizeof *tokens), *position = mem_alloc(N * sizeof *position);
    size_t *rows = mem_alloc(N * sizeof *rows), n = 0;
    float *logits = mem_alloc(N * V * sizeof *logits);
    for (const json *id = json_first(ids); id; id = json_next(id), n++) {
        tokens[n] = (int32_t)json_number(id);
        position[n] = (int32_t)n;
        rows[n] = n;
    }
    const struct batch batch = {.N = N, .S = 1, .tokens = tokens, .position = position, .seq_start = seq_start};
    check(activations_init(&acts, &bundle->model.config, bundle->kernels, N, false, &err), &err);
    transformer_logits(&bundle->model, &acts, &batch, NULL, rows, N, logits);
    fwrite(logits, sizeof *logits, N * V, stdout);
    activations_free(&acts);
    free(tokens);
    free(position);
    free(rows);
    free(logits);
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
    if (argc != 3) {
        fputs("usage: logits DIR fp32|bf16\n", stderr);
        return 2;
    }
    options.precision = argv[2];
    check(bundle_open(&bundle, argv[1], &options, NULL, &err), &err);
    while ((len = getline(&line, &capacity, stdin)) > 0) {
        json *ids = NULL;
        check(json_parse(line, (size_t)len, &ids, &err), &err);
        write_logits(&bundle, ids);
        json_free(ids);
    }
    free(line);
    bundle_close(&bundle);
    return fflush(stdout) == 0 ? 0 : 1;
}
