/* The whole model's gradients: those of every fast fp32 table against the same transformer in double, and
 * those of the double one against central differences. */
#include "base/rng.h"
#include "model/family.h"
#include "model/params.h"
#include "support/measured.h"
#include "support/model_loss.h"
#include "support/tables.h"

#include <math.h>
#include <string.h>

static const struct kernels *tables[MAX_TABLES];
static size_t n_tables;

/* ---- models and batches of the test's own ---- */

enum { MAX_POSITIONS = 300, TIED_TANH = 0, UNTIED_EXACT = 1, N_VARIANTS };

static struct model_config make_config(int variant, size_t vocab_size)
{
    struct model_config config = {.family = &family_gpt2,
                                  .n_layer = 2,
                                  .n_head = 3,
                                  .n_embd = 24,
                                  .n_inner = 96,
                                  .n_positions = MAX_POSITIONS,
                                  .vocab_size = vocab_size,
                                  .tied = true,
                                  .scale_attn_weights = true,
                                  .layer_norm_epsilon = 1e-5};
    if (variant == UNTIED_EXACT) {
        config.n_inner = 37;
        config.tied = false;
        config.gelu_exact = true;
        config.scale_attn_by_inverse_layer_idx = true;
    }
    return config;
}

/* Parameters that a float holds exactly; norms' weights around 1, nothing near zero. */
static double *make_params(const struct tensor_table *table)
{
    double *params = mem_calloc(table->n_elements, sizeof *params);
    struct rng rng;
    rng_seed(&rng, 3, 0);
    for (size_t i = 0; i < table->n_tensors; i++) {
        const struct tensor *t = &table->tensors[i];
        const double mean = t->spec->init == INIT_ONE ? 1 : 0;
        for (size_t k = 0; k < t->count; k++)
            params[t->offset + k] = (double)(float)(mean + 0.2 * rng_normal(&rng));
    }
    return params;
}

struct test_batch {
    int32_t tokens[MAX_POSITIONS], labels[MAX_POSITIONS], position[MAX_POSITIONS];
    float weights[MAX_POSITIONS];
    size_t seq_start[8];
    struct batch batch;
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
                              .labels = b->labels,
                              .weights = b->weights,
                              .position = b->position,
                              .seq_start = b->seq_start};
}

/* ---- fast tables against double ---- */

static double relative_difference(const double *a, const double *reference, size_t n)
{
    double sum = 0, norm = 0;
    for (size_t i = 0; i < n; i++) {
        sum += (a[i] - reference[i]) * (a[i] - reference[i]);
        norm += reference[i] * reference[i];
    }
    return sqrt(sum / norm); /* NaN where either is, or where the reference is nothing */
}

START_TEST(every_tensor_of_every_table)
{
    static const size_t lengths[] = {1, 2, 64, 65, 129};
    enum { VOCAB = 700 }; /* two tiles of the head */
    static struct test_batch b;
    const struct model_config config = make_config(_i, VOCAB);
    struct tensor_table table;
    tensor_table_init(&table, &config);
    make_batch(&b, lengths, 5, VOCAB);
    double *params = make_params(&table), *exact = mem_calloc(table.n_elements, sizeof *exact);
    double *grads = mem_calloc(table.n_elements, sizeof *grads);
    const double loss = model_loss_f64(&config, NULL, params, &b.batch, exact);
    for (size_t k = 0; k < n_tables; k++) {
        const double fast_loss = model_loss_f32(&config, tables[k], params, &b.batch, grads);
        check_error(table_name(tables[k]), "loss, relative", fabs(fast_loss / loss - 1), 2e-7);
        for (size_t i = 0; i < table.n_tensors; i++) {
            const struct tensor *t = &table.tensors[i];
            check_error(table_name(tables[k]), t->name,
                        relative_difference(grads + t->offset, exact + t->offset, t->count), 3e-6);
        }
    }
    free(params);
    free(exact);
    free(grads);
    tensor_table_free(&table);
}
END_TEST

/* ---- double against central differences ---- */

struct probe {
    const struct model_config *config;
    const struct batch *batch;
    double *params;
    const double *grads;
};

/* The slope of the loss along direction (of tensor t), from losses on both sides. */
static double slope(const struct probe *p, const struct tensor *t, const double *direction)
{
    const double step = 1e-4;
    double loss[2];
    double *saved = mem_alloc(t->count * sizeof *saved), *x = p->params + t->offset;
    memcpy(saved, x, t->count * sizeof *saved);
    for (int side = 0; side < 2; side++) {
        for (size_t k = 0; k < t->count; k++)
            x[k] = saved[k] + (side ? step : -step) * direction[k];
        loss[side] = model_loss_f64(p->config, NULL, p->params, p->batch, NULL);
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
    check_error("f64", t->name, fabs(slope(p, t, direction) - along) / norm, 1e-8);
    for (size_t i = 0; i < 3; i++) {
        const size_t k = rng_below(rng, t->count);
        memset(direction, 0, t->count * sizeof *direction);
        direction[k] = 1;
        check_error("f64", t->name, fabs(slope(p, t, direction) - gradient[k]) / norm, 1e-8);
    }
    free(direction);
}

START_TEST(double_gradient_is_the_derivative)
{
    static const size_t lengths[] = {1, 2, 5, 9};
    enum { VOCAB = 40 };
    static struct test_batch b;
    const struct model_config config = make_config(_i, VOCAB);
    struct tensor_table table;
    struct rng rng;
    tensor_table_init(&table, &config);
    rng_seed(&rng, 8, 0);
    make_batch(&b, lengths, 4, VOCAB);
    double *params = make_params(&table), *grads = mem_calloc(table.n_elements, sizeof *grads);
    const double loss = model_loss_f64(&config, NULL, params, &b.batch, grads);
    ck_assert_double_eq(model_loss_f64(&config, NULL, params, &b.batch, NULL), loss);
    const struct probe probe = {&config, &b.batch, params, grads};
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
    n_tables = runnable_tables(tables);
    Suite *suite = suite_create("gradients");
    TCase *gradients = tcase_create("gradients");
    tcase_set_timeout(gradients, 120);
    tcase_add_loop_test(gradients, every_tensor_of_every_table, 0, N_VARIANTS);
    tcase_add_loop_test(gradients, double_gradient_is_the_derivative, 0, N_VARIANTS);
    suite_add_tcase(suite, gradients);
    SRunner *runner = srunner_create(suite);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_ENV);
    const int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? 0 : 1;
}
