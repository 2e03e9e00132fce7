/* Models and golden values from files, for the tests that hold the transformer to transformers. */
#ifndef SFT_TESTS_GOLDEN_H
#define SFT_TESTS_GOLDEN_H

#include "base/io.h"
#include "base/json.h"
#include "files/model_files.h"
#include "files/weights.h"
#include "model/transformer.h"

#include "err_text.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>

static inline void golden_check(enum sft_status status, const struct sft_err *err)
{
    ck_assert_msg(status == SFT_OK, "%s", err_text(err));
}

static inline json *golden_read(const char *dir, const char *name)
{
    struct sft_err err;
    json *root = NULL;
    char *path = path_join(dir, name);
    golden_check(json_parse_file(path, &root, &err), &err);
    free(path);
    return root;
}

static inline void golden_load_model(struct transformer *model, const char *dir,
                                     const struct kernels *kernels, bool trained)
{
    struct sft_err err;
    struct model_config config;
    golden_check(model_config_load(&config, dir, NULL, &err), &err);
    golden_check(transformer_init(model, &config, kernels, trained ? tensor_any : NULL, &err), &err);
    golden_check(weights_load(model->params.values.data, &model->params.table, &config, config.vocab_size, dir, &err),
                 &err);
}

/* The numbers of a JSON array, as allocated arrays; *n, if wanted, gets their count. */
static inline double *golden_numbers(const json *array, size_t *n)
{
    double *numbers = mem_alloc((json_size(array) + 1) * sizeof *numbers), *next = numbers;
    for (const json *item = json_first(array); item; item = json_next(item))
        *next++ = json_number(item);
    if (n)
        *n = (size_t)(next - numbers);
    return numbers;
}

static inline int32_t *golden_ids(const json *array, size_t *n)
{
    double *numbers = golden_numbers(array, n);
    int32_t *ids = mem_alloc((*n + 1) * sizeof *ids);
    for (size_t i = 0; i < *n; i++)
        ids[i] = (int32_t)numbers[i];
    free(numbers);
    return ids;
}

/* Logits (n_rows, V) at some positions of one sequence. */
static inline void golden_logits(struct transformer *model, const int32_t *tokens, size_t n,
                                 const size_t *rows, size_t n_rows, float *logits)
{
    struct sft_err err;
    struct activations acts;
    int32_t *position = mem_alloc(n * sizeof *position);
    for (size_t i = 0; i < n; i++)
        position[i] = (int32_t)i;
    const size_t seq_start[] = {0, n};
    const struct batch batch = {.N = n, .S = 1, .tokens = tokens, .position = position, .seq_start = seq_start};
    golden_check(transformer_init_activations(model, &acts, n, KEEP_NOTHING, &err), &err);
    transformer_logits(model, &acts, &batch, NULL, rows, n_rows, logits);
    activations_free(&acts);
    free(position);
}

/* The largest difference of the model's logits from {"tokens", "rows", "values"}. */
static inline double golden_logits_error(struct transformer *model, const json *golden)
{
    size_t n, n_rows, row_index = 0;
    const size_t V = model->config.vocab_size;
    int32_t *tokens = golden_ids(json_get(golden, "tokens"), &n),
            *ids = golden_ids(json_get(golden, "rows"), &n_rows);
    size_t *rows = mem_alloc(n_rows * sizeof *rows);
    for (size_t i = 0; i < n_rows; i++)
        rows[i] = (size_t)ids[i];
    float *logits = mem_alloc(n_rows * V * sizeof *logits);
    golden_logits(model, tokens, n, rows, n_rows, logits);
    double worst = 0;
    for (const json *row = json_first(json_get(golden, "values")); row; row = json_next(row), row_index++) {
        size_t count;
        double *expected = golden_numbers(row, &count);
        ck_assert_uint_eq(count, V);
        for (size_t v = 0; v < V; v++) {
            const double error = fabs((double)logits[row_index * V + v] - expected[v]);
            ck_assert(isfinite(error));
            worst = fmax(worst, error);
        }
        free(expected);
    }
    ck_assert_uint_eq(row_index, n_rows);
    free(logits);
    free(rows);
    free(ids);
    free(tokens);
    return worst;
}

#endif
