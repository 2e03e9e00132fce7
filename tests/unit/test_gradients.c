/* The whole model's gradients: those of every fast table against the same transformer in double, and those of
 * the double one against central differences; and that no bit of a step depends on the number of threads. */
#include "base/rng.h"
#include "model/block/tensors.h"
#include "support/hand_targets.h"
#include "support/measured.h"
#include "support/model_loss.h"
#include "support/run_suite.h"
#include "support/tables.h"
#include "support/test_models.h"
#include "train/adamw.h"
#include "train/grad_norm.h"
#include "train/objective.h"

#include <math.h>
#include <omp.h>
#include <string.h>

static const struct kernels *tables[MAX_TABLES];
static size_t n_tables;

/* ---- models and batches of the test's own ---- */

enum { MAX_POSITIONS = 1025 };

/* Parameters that a float holds exactly; norms' weights around 1, nothing near zero. */
static double *make_params(const struct tensor_table *table)
{
    double *params = mem_calloc(table->n_elements, sizeof *params);
    struct rng rng;
    rng_seed(&rng, 3, 0);
    for (size_t i = 0; i < table->n_tensors; i++) {
        const struct tensor *t = &table->tensors[i];
        const double mean = t->init == INIT_ONE ? 1 : 0;
        for (size_t k = 0; k < t->count; k++)
            params[t->offset + k] = (double)(float)(mean + 0.2 * rng_normal(&rng));
    }
    return params;
}

struct test_batch {
    int32_t tokens[MAX_POSITIONS], labels[MAX_POSITIONS], position[MAX_POSITIONS];
    float weights[MAX_POSITIONS];
    size_t seq_start[8], reach[8];
    struct batch batch;
    struct targets targets; /* in these: */
    size_t target_rows[MAX_POSITIONS];
    int32_t target_labels[MAX_POSITIONS];
    float target_weights[MAX_POSITIONS];
};

/* S sequences; two of three positions have a label, of weight 1 or 0.5. */
static void make_batch(struct test_batch *b, const size_t *lengths, size_t S, size_t vocab_size)
{
    struct rng rng;
    rng_seed(&rng, 4, 0);
    size_t n = 0;
    b->seq_start[0] = 0;
    for (size_t s = 0; s < S; s++) {
        for (size_t t = 0; t < lengths[s]; t++, n++) {
            b->tokens[n] = (int32_t)rng_below(&rng, vocab_size);
            b->position[n] = (int32_t)t;
            b->labels[n] = n % 3 ? (int32_t)rng_below(&rng, vocab_size) : LABEL_NONE;
            b->weights[n] = n % 3 ? 0.5F * (float)(n % 3) : 0;
        }
        b->seq_start[s + 1] = n;
    }
    ck_assert_uint_le(n, MAX_POSITIONS);
    b->batch = (struct batch){.N = n,
                              .S = S,
                              .tokens = b->tokens,
                              .position = b->position,
                              .seq_start = b->seq_start};
    const struct hand_targets to = {b->target_rows, b->target_labels, b->target_weights};
    b->targets = collect_targets(&to, b->labels, b->weights, n);
}

/* The same sequences, going on from others: `parent` (S), in preorder, NO_PARENT where one does not. */
static void put_behind(struct test_batch *b, const size_t *parent)
{
    struct batch *batch = &b->batch;
    for (size_t s = 0; s < batch->S; s++) {
        const size_t before = parent[s] == NO_PARENT ? 0 : b->reach[parent[s]];
        b->reach[s] = before + b->seq_start[s + 1] - b->seq_start[s];
        for (size_t n = b->seq_start[s]; n < b->seq_start[s + 1]; n++)
            b->position[n] += (int32_t)before;
    }
    batch->parent = parent;
    batch->reach = b->reach;
}

/* ---- fast tables against double ---- */

/* Relative errors that a table may make; bf16's are about twice what was measured. It rounds each operand of
 * a product (activations, weights, their gradients) to 8 bits, by at most 2^-8 of itself, some ten times on
 * the way to a gradient: about 1% of its norm in all. Those errors point anywhere, so that the gradient is as
 * long as it should be to a few thousandths; whatever scales it shows there. */
static const struct bounds {
    double loss, gradient; /* gradient: norm of the difference over the norm */
    double length;         /* of the gradient along the true one */
} fp32_bounds = {2e-7, 3e-6, 3e-6}, bf16_bounds = {1e-4, 2.5e-2, 8e-3};

static double relative_difference(const double *a, const double *reference, size_t n)
{
    double sum = 0, norm = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (a[i] - reference[i]) * (a[i] - reference[i]);
        norm += reference[i] * reference[i];
    }
    return sqrt(sum / norm); /* NaN where either is, or where the reference is nothing */
}

/* How far a is from being as long as the reference along it. */
static double length_difference(const double *a, const double *reference, size_t n)
{
    double along = 0, norm = 0;
    for (size_t i = 0; i < n; i++) {
        along += a[i] * reference[i];
        norm += reference[i] * reference[i];
    }
    return fabs(along / norm - 1);
}

/* The tests' own families have tight soft caps, and norms after norms: these make more of an error. */
static double slack_of(int model)
{
    return model <= MODEL_LLAMA ? 1 : 8;
}

static void check_gradient(const struct kernels *kernels, const struct tensor *t, const double *grads,
                           const double *exact, double slack)
{
    const struct bounds *bounds = is_bf16_table(kernels) ? &bf16_bounds : &fp32_bounds;
    grads += t->offset;
    exact += t->offset;
    check_error(table_name(kernels), t->name, relative_difference(grads, exact, t->count), slack * bounds->gradient);
    check_error(table_name(kernels), t->name, length_difference(grads, exact, t->count), slack * bounds->length);
}

START_TEST(every_tensor_of_every_table)
{
    static const size_t lengths[] = {1, 2, 64, 65, 129}, parent[] = {NO_PARENT, 0, 1, 1, NO_PARENT};
    enum { VOCAB = 700 }; /* two tiles of the head */
    static struct test_batch b;
    const int model = _i % N_TEST_MODELS;
    const struct model_config config = test_model((enum test_model)model, 24, MAX_POSITIONS, VOCAB);
    struct tensor_table table;
    tensor_table_init(&table, &config);
    make_batch(&b, lengths, 5, VOCAB);
    if (_i >= N_TEST_MODELS)
        put_behind(&b, parent);
    double *params = make_params(&table), *exact = mem_calloc(table.n_elements, sizeof *exact);
    double *grads = mem_calloc(table.n_elements, sizeof *grads);
    const double loss = model_loss_f64(&config, NULL, params, &b.batch, &b.targets, exact);
    for (size_t k = 0; k < n_tables; k++) {
        const double fast_loss = model_loss_f32(&config, tables[k], params, &b.batch, &b.targets, grads);
        check_error(table_name(tables[k]), "loss, relative", fabs(fast_loss / loss - 1),
                    slack_of(model) * (is_bf16_table(tables[k]) ? bf16_bounds.loss : fp32_bounds.loss));
        for (size_t i = 0; i < table.n_tensors; i++)
            check_gradient(tables[k], &table.tensors[i], grads, exact, slack_of(model));
    }
    free(params);
    free(exact);
    free(grads);
    tensor_table_free(&table);
}
END_TEST

/* ---- threads ---- */

#ifdef __SANITIZE_ADDRESS__
static const bool is_sanitized = true;
#else
static const bool is_sanitized = false;
#endif

enum { STEPS = 2 };

/* What two optimizer steps leave behind, each of two micro-batches. */
struct trace {
    double loss[STEPS], norm[STEPS];
    float *grads[STEPS], *params;
};

static float *copy_block(const struct block *block)
{
    float *copy = mem_alloc(block->bytes);
    memcpy(copy, block->data, block->bytes);
    return copy;
}

/* How a run's memory is spent. */
struct spending {
    enum keeping keeping;
    enum moments_kept moments;
};
static const struct spending all_kept = {KEEP_ALL, MOMENTS_FLOAT};

static struct trace run_steps(const struct model_config *config, const struct kernels *kernels,
                              const struct spending *spending, const double *params, const struct test_batch *first,
                              const struct test_batch *second)
{
    struct trace trace;
    struct transformer model;
    struct activations acts;
    struct adamw adamw;
    const struct adamw_options options = {
        .kept = spending->moments, .weight_decay = 0.01, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    const struct batch_buffer buffers[] = {{.batch = first->batch, .targets = first->targets},
                                           {.batch = second->batch, .targets = second->targets}};
    const struct objective_batch batches[] = {{&model, &acts, &buffers[0]}, {&model, &acts, &buffers[1]}};
    const struct batch_sums step = {.target_weight = 1000};
    ck_assert(!transformer_init(&model, config, kernels, tensor_any, NULL) &&
              !transformer_init_activations(&model, &acts, MAX_POSITIONS, spending->keeping, NULL) &&
              !adamw_init(&adamw, &model, &options, NULL));
    for (size_t i = 0; i < model.params.table.n_elements; i++)
        ((float *)model.params.values.data)[i] = (float)params[i];
    for (size_t i = 0; i < STEPS; i++) {
        struct loss_sums sums = {0};
        objective_run_grad(&objective_sft, &batches[0], &step, false, &sums);
        objective_run_grad(&objective_sft, &batches[1], &step, true, &sums);
        trace.loss[i] = sums.loss;
        trace.norm[i] = grad_norm(&model);
        trace.grads[i] = copy_block(&model.params.grads);
        adamw_step(&adamw, &model, i + 1, 1e-3, grad_norm_clip(trace.norm[i], 1));
    }
    trace.params = copy_block(&model.params.values);
    adamw_free(&adamw);
    activations_free(&acts);
    transformer_free(&model);
    return trace;
}

static void free_trace(struct trace *trace)
{
    for (size_t i = 0; i < STEPS; i++)
        free(trace->grads[i]);
    free(trace->params);
}

static void check_same_bits(const struct trace *a, const struct trace *b, const struct tensor_table *table,
                            const char *isa, int threads)
{
    for (size_t i = 0; i <= STEPS; i++) {
        const bool last = i == STEPS;
        const float *of_a = last ? a->params : a->grads[i], *of_b = last ? b->params : b->grads[i];
        ck_assert_msg(last || (isfinite(a->loss[i]) && a->loss[i] == b->loss[i]),
                      "%s, %d threads: the loss of step %zu", isa, threads, i + 1);
        for (size_t k = 0; k < table->n_tensors; k++) {
            const struct tensor *t = &table->tensors[k];
            ck_assert_msg(memcmp(of_a + t->offset, of_b + t->offset, t->count * sizeof *of_a) == 0,
                          "%s, %d threads: %s, the %s of step %zu", isa, threads, t->name,
                          last ? "weights" : "gradient", last ? i : i + 1);
        }
        ck_assert_msg(last || a->norm[i] == b->norm[i],
                      "%s, %d threads: the gradient's norm in step %zu", isa, threads, i + 1);
    }
}

/* Several tasks for each of the threads, 683 targets (the head takes 512 at once), and 1025 positions: one
 * beyond a multiple of the rows of any tile, so that a single one is left where rows are cut, or where they
 * are not. The model of AMX, which is slow, has the last sequences only, and so has a build with sanitizers: the same
 * bits are the release's to show. */
START_TEST(bits_do_not_depend_on_threads)
{
    static const size_t lengths[] = {64, 1, 353, 411, 65, 2, 129}, few[] = {1, 5, 40};
    static const int threads[] = {2, 3, 5};
    enum { SEQUENCES = sizeof lengths / sizeof *lengths, VOCAB = 1300, WIDTH = 96 };
    static struct test_batch first, second;
    const struct kernels *kernels = tables[_i / N_TEST_MODELS];
    const struct model_config config = test_model((enum test_model)(_i % N_TEST_MODELS), WIDTH, MAX_POSITIONS, VOCAB);
    const size_t n_first = is_sanitized || strstr(table_name(kernels), "model") ? 2 : SEQUENCES;
    const int threads_before = omp_get_max_threads();
    struct tensor_table table;
    tensor_table_init(&table, &config);
    make_batch(&first, lengths + SEQUENCES - n_first, n_first, VOCAB);
    make_batch(&second, few, 3, VOCAB);
    double *params = make_params(&table);
    omp_set_num_threads(1);
    struct trace expected = run_steps(&config, kernels, &all_kept, params, &first, &second);
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
        omp_set_num_threads(threads[i]);
        struct trace trace = run_steps(&config, kernels, &all_kept, params, &first, &second);
        check_same_bits(&expected, &trace, &table, table_name(kernels), threads[i]);
        free_trace(&trace);
    }
    omp_set_num_threads(threads_before);
    free_trace(&expected);
    free(params);
    tensor_table_free(&table);
}
END_TEST

/* Three layers, of which the lower two find what they kept written over. */
START_TEST(activations_computed_again_give_the_same_bits)
{
    static const size_t lengths[] = {5, 1, 33, 20}, few[] = {1, 5, 40};
    enum { VOCAB = 60, WIDTH = 24 };
    static struct test_batch first, second;
    static const struct spending again = {KEEP_STREAM, MOMENTS_FLOAT};
    const struct kernels *kernels = tables[_i / N_TEST_MODELS];
    struct model_config config = test_model((enum test_model)(_i % N_TEST_MODELS), WIDTH, MAX_POSITIONS, VOCAB);
    struct tensor_table table;
    config.n_layer = 3;
    tensor_table_init(&table, &config);
    make_batch(&first, lengths, 4, VOCAB);
    make_batch(&second, few, 3, VOCAB);
    double *params = make_params(&table);
    struct trace expected = run_steps(&config, kernels, &all_kept, params, &first, &second);
    struct trace trace = run_steps(&config, kernels, &again, params, &first, &second);
    check_same_bits(&expected, &trace, &table, table_name(kernels), omp_get_max_threads());
    free_trace(&trace);
    free_trace(&expected);
    free(params);
    tensor_table_free(&table);
}
END_TEST

START_TEST(small_moments_do_not_depend_on_threads)
{
    static const size_t lengths[] = {5, 1, 33, 20}, few[] = {1, 5, 40};
    enum { VOCAB = 1300, WIDTH = 44 };
    static struct test_batch first, second;
    static const struct spending small = {KEEP_ALL, MOMENTS_8BIT};
    const int threads_before = omp_get_max_threads();
    const struct model_config config = test_model(MODEL_GPT2, WIDTH, MAX_POSITIONS, VOCAB);
    struct tensor_table table;
    tensor_table_init(&table, &config);
    make_batch(&first, lengths, 4, VOCAB);
    make_batch(&second, few, 3, VOCAB);
    double *params = make_params(&table);
    omp_set_num_threads(1);
    struct trace expected = run_steps(&config, tables[_i], &small, params, &first, &second);
    omp_set_num_threads(3);
    struct trace trace = run_steps(&config, tables[_i], &small, params, &first, &second);
    check_same_bits(&expected, &trace, &table, table_name(tables[_i]), 3);
    omp_set_num_threads(threads_before);
    free_trace(&trace);
    free_trace(&expected);
    free(params);
    tensor_table_free(&table);
}
END_TEST

/* ---- double against central differences ---- */

struct probe {
    const struct model_config *config;
    const struct test_batch *b;
    double *params;
    const double *grads;
    double bound;
};

/* The slope of the loss along direction (of tensor t), from losses on both sides. */
static double slope(const struct probe *p, const struct tensor *t, const double *direction)
{
    const double step = 3e-5;
    double loss[2];
    double *saved = mem_alloc(t->count * sizeof *saved), *x = p->params + t->offset;
    memcpy(saved, x, t->count * sizeof *saved);
    for (int side = 0; side < 2; side++) {
        for (size_t k = 0; k < t->count; k++)
            x[k] = saved[k] + (side ? step : -step) * direction[k];
        loss[side] = model_loss_f64(p->config, NULL, p->params, &p->b->batch, &p->b->targets, NULL);
    }
    memcpy(x, saved, t->count * sizeof *saved);
    free(saved);
    return (loss[1] - loss[0]) / (2 * step);
}

/* Along a random direction and along a few coordinates. */
static void check_tensor(const struct probe *p, const struct tensor *t, struct rng *rng)
{
    double *direction = mem_calloc(t->count, sizeof *direction), along = 0, norm = 0;
    const double *gradient = p->grads + t->offset;
    for (size_t k = 0; k < t->count; k++) {
        direction[k] = rng_normal(rng) / sqrt((double)t->count);
        along += gradient[k] * direction[k];
        norm += gradient[k] * gradient[k];
    }
    norm = sqrt(norm);
    ck_assert_msg(norm > 1e-3, "%s", t->name);
    check_error("f64", t->name, fabs(slope(p, t, direction) - along) / norm, p->bound);
    for (size_t i = 0; i < 3; i++) {
        const size_t k = rng_below(rng, t->count);
        memset(direction, 0, t->count * sizeof *direction);
        direction[k] = 1;
        check_error("f64", t->name, fabs(slope(p, t, direction) - gradient[k]) / norm, p->bound);
    }
    free(direction);
}

START_TEST(double_gradient_is_the_derivative)
{
    static const size_t lengths[] = {1, 2, 5, 9}, parent[] = {NO_PARENT, 0, 1, 0};
    enum { VOCAB = 40 };
    static struct test_batch b;
    const int model = _i % N_TEST_MODELS;
    const struct model_config config = test_model((enum test_model)model, 24, MAX_POSITIONS, VOCAB);
    struct tensor_table table;
    struct rng rng;
    tensor_table_init(&table, &config);
    rng_seed(&rng, 8, 0);
    make_batch(&b, lengths, 4, VOCAB);
    if (_i >= N_TEST_MODELS)
        put_behind(&b, parent);
    double *params = make_params(&table), *grads = mem_calloc(table.n_elements, sizeof *grads);
    const double loss = model_loss_f64(&config, NULL, params, &b.batch, &b.targets, grads);
    ck_assert_double_eq(model_loss_f64(&config, NULL, params, &b.batch, &b.targets, NULL), loss);
    const struct probe probe = {&config, &b, params, grads, model <= MODEL_LLAMA ? 1e-8 : 3e-8};
    for (size_t i = 0; i < table.n_tensors; i++)
        check_tensor(&probe, &table.tensors[i], &rng);
    free(params);
    free(grads);
    tensor_table_free(&table);
}
END_TEST

int main(int argc, char **argv)
{
    (void)argc;
    start_kernels(argv);
    n_tables = modelled_tables(tables);
    Suite *suite = suite_create("gradients");
    TCase *gradients = tcase_create("gradients"), *threads = tcase_create("threads");
    tcase_set_timeout(gradients, 120);
    tcase_set_timeout(threads, 300);
    tcase_add_loop_test(gradients, every_tensor_of_every_table, 0, 2 * N_TEST_MODELS);
    tcase_add_loop_test(gradients, double_gradient_is_the_derivative, 0, 2 * N_TEST_MODELS);
    tcase_add_loop_test(threads, bits_do_not_depend_on_threads, N_TEST_MODELS, /* the reference has one thread */
                        (int)n_tables * N_TEST_MODELS);
    tcase_add_loop_test(threads, small_moments_do_not_depend_on_threads, 1, (int)n_tables);
    tcase_add_loop_test(gradients, activations_computed_again_give_the_same_bits, 0, (int)n_tables * N_TEST_MODELS);
    suite_add_tcase(suite, gradients);
    suite_add_tcase(suite, threads);
    return run_suite(suite);
}
