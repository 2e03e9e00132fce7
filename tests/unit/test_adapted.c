/* A model with an adapter: it is the model whose weights the adapter is added to, and its gradients are that
 * model's, by the chain rule: with W' = W + s B A, dA = s B^T dW' and dB = s dW' A^T. So the oracle is the
 * transformer without adapters, in double. */
#include "base/mem.h"
#include "base/rng.h"
#include "model/adapter.h"
#include "model/block/tensors.h"
#include "support/hand_targets.h"
#include "support/measured.h"
#include "support/model_loss.h"
#include "support/run_suite.h"
#include "support/tables.h"
#include "support/test_models.h"
#include "train/objective.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct kernels *tables[MAX_TABLES];
static size_t n_tables;

enum { POSITIONS = 96, VOCAB = 600, RANK = 5 };

/* ---- a batch ---- */

struct adapted_batch {
    int32_t tokens[POSITIONS], labels[POSITIONS], position[POSITIONS];
    float weights[POSITIONS];
    size_t seq_start[4];
    struct batch batch;
    struct targets targets;
    size_t target_rows[POSITIONS];
    int32_t target_labels[POSITIONS];
    float target_weights[POSITIONS];
};

static void make_batch(struct adapted_batch *b)
{
    static const size_t lengths[] = {1, 37, 58};
    struct rng rng;
    rng_seed(&rng, 11, 0);
    size_t n = 0;
    b->seq_start[0] = 0;
    for (size_t s = 0; s < 3; s++) {
        for (size_t t = 0; t < lengths[s]; t++, n++) {
            b->tokens[n] = (int32_t)rng_below(&rng, n % 4 ? VOCAB : 4); /* rows that are trained come often */
            b->position[n] = (int32_t)t;
            b->labels[n] = n % 3 ? (int32_t)rng_below(&rng, n % 4 ? VOCAB : 4) : LABEL_NONE;
            b->weights[n] = n % 3 ? 0.5F * (float)(n % 3) : 0;
        }
        b->seq_start[s + 1] = n;
    }
    b->batch = (struct batch){
        .N = n, .S = 3, .tokens = b->tokens, .position = b->position, .seq_start = b->seq_start};
    b->targets = collect_targets(&(struct hand_targets){b->target_rows, b->target_labels, b->target_weights}, b->labels,
                                 b->weights, n);
}

/* ---- an adapter ---- */

static bool is_linear(const struct tensor *t)
{
    return t->is_matrix && !t->per_token;
}

/* On every linear layer but each third; rows 0 to 3 of the embedding and of a head of its own; the first norm whole. */
static void make_spec(struct adapter_spec *spec, const struct tensor_table *table)
{
    size_t n_linear = 0, norm = table->n_tensors;
    for (size_t i = 0; i < table->n_tensors; i++) {
        const struct tensor *t = &table->tensors[i];
        if (is_linear(t) && n_linear++ % 3 != 1)
            adapter_spec_add_target(spec, &(struct lora_target){i, RANK + n_linear % 2, 0.7});
        if (t->n_dims == 1 && norm == table->n_tensors)
            norm = i;
        if (t->per_token) {
            static const int32_t rows[] = {0, 2, 3};
            adapter_spec_add_rows(spec, i, memcpy(mem_alloc(sizeof rows), rows, sizeof rows), 3);
        }
    }
    adapter_spec_add_whole(spec, norm);
}

/* Values that a float, and where matrices may be kept so a bfloat16, holds exactly. */
static double *make_params(const struct tensor_table *table)
{
    double *params = mem_calloc(table->n_elements, sizeof *params);
    struct rng rng;
    rng_seed(&rng, 3, 0);
    for (size_t i = 0; i < table->n_tensors; i++) {
        const struct tensor *t = &table->tensors[i];
        const double mean = t->init == INIT_ONE && t->part == PART_MODEL ? 1 : 0;
        for (size_t k = 0; k < t->count; k++)
            params[t->offset + k] = floor((mean + 0.2 * rng_normal(&rng)) * 128) / 128;
    }
    return params;
}

/* B A at (o, i) of the matrix (out,in) that t is. */
static double product_at(const struct tensor_table *table, const struct tensor *t, const double *params, size_t o,
                         size_t i)
{
    const struct tensor *a = tensor_lora_a(table, t), *b = tensor_lora_b(table, t);
    double sum = 0;
    for (size_t r = 0; r < a->rows; r++)
        sum += params[b->offset + o * b->cols + r] * params[a->offset + r * a->cols + i];
    return a->scaling * sum;
}

static size_t at(const struct tensor *t, size_t o, size_t i)
{
    return t->layout == LAYOUT_OUT_IN ? o * t->cols + i : i * t->cols + o;
}

static void merge(double *merged, const struct tensor_table *table, const double *params)
{
    for (size_t k = 0; k < table->n_model; k++) {
        const struct tensor *t = &table->tensors[k];
        memcpy(merged + t->offset, params + t->offset, t->count * sizeof *merged);
        if (!t->lora)
            continue;
        const size_t in = tensor_lora_a(table, t)->cols, out = tensor_lora_b(table, t)->rows;
        for (size_t o = 0; o < out; o++)
            for (size_t i = 0; i < in; i++)
                merged[t->offset + at(t, o, i)] += product_at(table, t, params, o, i);
    }
}

/* What the adapted model's gradients are, from those of the merged one. */
static void chain(double *exact, const struct tensor_table *table, const double *params, const double *dw)
{
    for (size_t k = 0; k < table->n_model; k++) {
        const struct tensor *t = &table->tensors[k];
        for (size_t i = 0; i < t->n_trained && !t->trained_rows; i++)
            exact[t->grad_offset + i] = dw[t->offset + i];
        for (size_t i = 0; i < t->n_trained_rows; i++)
            memcpy(exact + t->grad_offset + i * t->cols, dw + t->offset + (size_t)t->trained_rows[i] * t->cols,
                   t->cols * sizeof *exact);
        if (!t->lora)
            continue;
        const struct tensor *a = tensor_lora_a(table, t), *b = tensor_lora_b(table, t);
        for (size_t o = 0; o < b->rows; o++)
            for (size_t i = 0; i < a->cols; i++) {
                const double d = a->scaling * dw[t->offset + at(t, o, i)];
                for (size_t r = 0; r < a->rows; r++) {
                    exact[a->grad_offset + r * a->cols + i] += d * params[b->offset + o * b->cols + r];
                    exact[b->grad_offset + o * b->cols + r] += d * params[a->offset + r * a->cols + i];
                }
            }
    }
}

/* ---- the test ---- */

/* As in test_gradients, whose tables' rounding is the same but for u and du. */
static const struct bounds {
    double loss, gradient;
} f64_bounds = {1e-13, 1e-11}, fp32_bounds = {4e-7, 3e-5}, bf16_bounds = {2e-4, 4e-2};

static double relative_difference(const double *a, const double *reference, size_t n)
{
    double sum = 0, norm = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (a[i] - reference[i]) * (a[i] - reference[i]);
        norm += reference[i] * reference[i];
    }
    return sqrt(sum / norm);
}

static void check(const char *name, const struct bounds *bounds, double slack, const struct tensor_table *table,
                  double loss, const double *grads, double exact_loss, const double *exact)
{
    check_error(name, "loss, relative", fabs(loss / exact_loss - 1), slack * bounds->loss);
    for (size_t i = 0; i < table->n_tensors; i++) {
        const struct tensor *t = &table->tensors[i];
        if (t->trained)
            check_error(name, t->name,
                        relative_difference(grads + t->grad_offset, exact + t->grad_offset, t->n_trained),
                        slack * bounds->gradient);
    }
}

START_TEST(is_the_merged_model)
{
    static struct adapted_batch b;
    const struct model_config config = test_model((enum test_model)_i, 24, POSITIONS, VOCAB);
    const double slack = _i <= MODEL_LLAMA ? 1 : 8;
    struct tensor_table table, plain;
    struct adapter_spec spec = {0};
    tensor_table_init(&plain, &config);
    tensor_table_init(&table, &config);
    make_spec(&spec, &table);
    tensor_table_adapt(&table, &spec);
    make_batch(&b);
    double *params = make_params(&table), *merged = mem_calloc(plain.n_elements, sizeof *merged);
    double *dw = mem_calloc(plain.n_elements, sizeof *dw);
    double *exact = mem_calloc(table.n_trained_elements, sizeof *exact);
    double *grads = mem_calloc(table.n_trained_elements, sizeof *grads);
    merge(merged, &table, params);
    const double exact_loss = model_loss_f64(&config, NULL, merged, &b.batch, &b.targets, dw);
    chain(exact, &table, params, dw);
    double loss = model_loss_of_f64(&config, &table, NULL, params, &b.batch, &b.targets, grads);
    check("plain, double", &f64_bounds, 1, &table, loss, grads, exact_loss, exact);
    for (size_t k = 0; k < n_tables; k++) {
        loss = model_loss_of_f32(&config, &table, tables[k], params, &b.batch, &b.targets, grads);
        check(table_name(tables[k]), is_bf16_table(tables[k]) ? &bf16_bounds : &fp32_bounds, slack, &table, loss, grads,
              exact_loss, exact);
    }
    free(params);
    free(merged);
    free(dw);
    free(exact);
    free(grads);
    adapter_spec_free(&spec);
    tensor_table_free(&table);
    tensor_table_free(&plain);
}
END_TEST

/* ---- activations computed again ---- */

static float *gradients_of(const struct model_config *config, const struct tensor_table *table,
                           const struct kernels *kernels, enum keeping keeping, const double *params,
                           struct adapted_batch *b)
{
    struct transformer model;
    struct activations acts;
    struct loss_sums sums = {0};
    struct tensor_table copy = tensor_table_copy(table);
    const struct batch_buffer buffer = {.batch = b->batch, .targets = b->targets};
    const struct objective_batch run = {&model, &acts, &buffer};
    ck_assert(!transformer_init_of(&model, config, kernels, &copy, NULL) &&
              !transformer_init_activations(&model, &acts, POSITIONS, keeping, NULL));
    for (size_t i = 0; i < table->n_elements; i++)
        ((float *)model.params.values.data)[i] = (float)params[i];
    objective_run_grad(&objective_sft, &run, &(struct batch_sums){.target_weight = 1}, false, &sums);
    float *grads = mem_alloc(table->n_trained_elements * sizeof *grads);
    memcpy(grads, model.params.grads.data, table->n_trained_elements * sizeof *grads);
    activations_free(&acts);
    transformer_free(&model);
    return grads;
}

START_TEST(activations_may_be_computed_again)
{
    static struct adapted_batch b;
    const struct model_config config = test_model((enum test_model)_i, 24, POSITIONS, VOCAB);
    struct tensor_table table;
    struct adapter_spec spec = {0};
    tensor_table_init(&table, &config);
    make_spec(&spec, &table);
    tensor_table_adapt(&table, &spec);
    make_batch(&b);
    double *params = make_params(&table);
    for (size_t k = 0; k < n_tables; k++) {
        if (strcmp(tables[k]->isa, "plain") == 0 || is_modelled(tables[k])) /* they are slow */
            continue;
        float *kept = gradients_of(&config, &table, tables[k], KEEP_ALL, params, &b);
        float *again = gradients_of(&config, &table, tables[k], KEEP_STREAM, params, &b);
        ck_assert_msg(memcmp(kept, again, table.n_trained_elements * sizeof *kept) == 0, "%s", table_name(tables[k]));
        free(kept);
        free(again);
    }
    free(params);
    adapter_spec_free(&spec);
    tensor_table_free(&table);
}
END_TEST

/* ---- how it begins ---- */

START_TEST(begins_by_changing_nothing)
{
    const struct model_config config = test_model(MODEL_GPT2, 24, POSITIONS, VOCAB);
    struct tensor_table table;
    struct adapter_spec spec = {0};
    tensor_table_init(&table, &config);
    make_spec(&spec, &table);
    tensor_table_adapt(&table, &spec);
    float *params = mem_calloc(table.n_elements, sizeof *params);
    adapter_init_random(params, &table, 7);
    for (size_t i = table.n_model; i < table.n_tensors; i++) {
        const struct tensor *t = &table.tensors[i];
        const double bound = 1 / sqrt((double)t->cols);
        double largest = 0;
        for (size_t k = 0; k < t->count; k++)
            largest = fmax(largest, fabs((double)params[t->offset + k]));
        ck_assert_double_le(largest, t->part == PART_LORA_A ? bound : 0);
        ck_assert(t->part == PART_LORA_B || largest > 0.9 * bound);
    }
    free(params);
    adapter_spec_free(&spec);
    tensor_table_free(&table);
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    start_kernels(argv);
    n_tables = modelled_tables(tables);
    Suite *suite = suite_create("adapted");
    TCase *adapted = tcase_create("adapted");
    tcase_set_timeout(adapted, 300);
    tcase_add_loop_test(adapted, is_the_merged_model, 0, N_TEST_MODELS);
    tcase_add_loop_test(adapted, activations_may_be_computed_again, 0, N_TEST_MODELS);
    tcase_add_test(adapted, begins_by_changing_nothing);
    suite_add_tcase(suite, adapted);
    return run_suite(suite);
}
