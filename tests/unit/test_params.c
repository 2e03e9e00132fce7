/* The tensor table, and random weights. */
#include "files/model_files.h"
#include "model/block/tensors.h"

#include "scratch.h"
#include "support/run_suite.h"

#include <math.h>
#include <omp.h>

#define SIZES "\"n_layer\":2,\"n_head\":2,\"n_embd\":4,\"n_positions\":8,\"vocab_size\":5"
#define GPT2  "{\"model_type\":\"gpt2\"," SIZES

#define WITH(n_layer, n_head, n_embd, vocab)                                                                 \
    "{\"model_type\":\"gpt2\",\"n_layer\":" n_layer ",\"n_head\":" n_head ",\"n_embd\":" n_embd              \
    ",\"n_positions\":8,\"vocab_size\":" vocab "}"

/* ---- the tensor table ---- */

struct model {
    struct model_config config;
    struct tensor_table table;
    float *params;
};

static void model_open(struct model *m)
{
    check_ok(model_config_load(&m->config, dir, NULL, &err));
    tensor_table_init(&m->table, &m->config);
    m->params = mem_calloc(m->table.n_elements, sizeof *m->params);
}

static void model_close(struct model *m)
{
    tensor_table_free(&m->table);
    free(m->params);
}

START_TEST(the_table_lays_out_every_tensor_once)
{
    struct model m;
    put("config.json", GPT2 ",\"tie_word_embeddings\":false}");
    model_open(&m);
    ck_assert_uint_eq(m.table.n_tensors, 5 + 2 * 12);
    ck_assert_uint_eq(m.table.n_parameters,
                      2 * 5 * 4 + 8 * 4 + 2 * 4 + 2 * (4 * 4 + 4 * 12 + 12 + 16 + 4 + 64 + 16 + 64 + 4));
    size_t end = 0;
    for (size_t i = 0; i < m.table.n_tensors; i++) {
        const struct tensor *t = &m.table.tensors[i];
        ck_assert_uint_eq(t->offset, (end + 15) / 16 * 16);
        ck_assert_uint_eq(t->count, t->rows * t->cols);
        ck_assert_ptr_eq(tensor_find(&m.table, t->pattern, t->layer), t);
        ck_assert_ptr_eq(tensor_find_name(&m.table, t->name), t);
        ck_assert_int_eq(t->decays, t->n_dims == 2);
        end = t->offset + t->count;
    }
    ck_assert_uint_eq(m.table.n_elements, (end + 15) / 16 * 16);
    const char *const qkv = "h.%zu.attn.c_attn.weight";
    ck_assert_str_eq(tensor_find(&m.table, qkv, 1)->name, "transformer.h.1.attn.c_attn.weight");
    ck_assert_str_eq(m.table.head->name, "lm_head.weight");
    ck_assert_str_eq(m.table.token_embedding->name, "transformer.wte.weight");
    ck_assert_ptr_null(tensor_find(&m.table, qkv, 2));
    ck_assert_ptr_null(tensor_find(&m.table, "h.%zu.attn.q_proj.weight", 0));
    ck_assert_ptr_null(tensor_find(&m.table, NULL, 0));
    model_close(&m);

    put("config.json", GPT2 "}");
    model_open(&m);
    ck_assert_ptr_null(tensor_find(&m.table, "lm_head.weight", 0));
    ck_assert_ptr_eq(m.table.head, m.table.token_embedding);
    model_close(&m);
}
END_TEST

static bool is_norm(const struct tensor *tensor)
{
    return strstr(tensor->pattern, "ln_") != NULL;
}

START_TEST(only_trained_tensors_have_a_place_among_the_gradients)
{
    struct model m;
    put("config.json", GPT2 "}");
    model_open(&m);
    ck_assert_uint_eq(m.table.n_trained_elements, m.table.n_elements); /* all, as it is made */
    tensor_table_choose(&m.table, is_norm);
    size_t end = 0, n_trained = 0;
    for (size_t i = 0; i < m.table.n_tensors; i++) {
        const struct tensor *t = &m.table.tensors[i];
        ck_assert_int_eq(t->trained, is_norm(t));
        if (!t->trained)
            continue;
        ck_assert_uint_eq(t->grad_offset, (end + 15) / 16 * 16);
        end = t->grad_offset + t->count;
        n_trained++;
    }
    ck_assert_uint_eq(n_trained, 2 + 2 * 4);
    ck_assert_uint_eq(m.table.n_trained_elements, (end + 15) / 16 * 16);
    tensor_table_choose(&m.table, NULL);
    ck_assert_uint_eq(m.table.n_trained_elements, 0);
    model_close(&m);
}
END_TEST

/* ---- random weights ---- */

static double standard_deviation(const float *values, size_t n)
{
    double sum = 0, sum_sq = 0;
    for (size_t i = 0; i < n; i++) {
        sum += values[i];
        sum_sq += (double)values[i] * values[i];
    }
    return sqrt(sum_sq / (double)n - sum / (double)n * (sum / (double)n));
}

START_TEST(random_weights_follow_gpt2)
{
    struct model m;
    put("config.json", WITH("8", "4", "64", "5000"));
    model_open(&m);
    params_init_random(m.params, &m.table, &m.config, 7);
    for (size_t i = 0; i < m.table.n_tensors; i++) {
        const struct tensor *t = &m.table.tensors[i];
        const float *values = m.params + t->offset;
        const bool residual = strstr(t->name, "c_proj") != NULL;
        const double expected = t->n_dims == 1 ? 0 : residual ? 0.02 / 4 : 0.02;
        ck_assert_double_eq_tol(standard_deviation(values, t->count), expected,
                                4 * expected / sqrt(2.0 * (double)t->count) + 1e-12);
        if (t->n_dims == 1)
            ck_assert(values[0] == (strstr(t->name, "bias") ? 0.0f : 1.0f));
    }
    model_close(&m);
}
END_TEST

START_TEST(random_weights_depend_on_the_seed_alone)
{
    struct model m;
    put("config.json", WITH("1", "1", "64", "5000"));
    model_open(&m);
    const size_t bytes = m.table.n_elements * sizeof(float);
    float *first = mem_alloc(bytes);
    const int n_threads = omp_get_max_threads();
    omp_set_num_threads(1);
    params_init_random(m.params, &m.table, &m.config, 7);
    memcpy(first, m.params, bytes);
    omp_set_num_threads(3);
    params_init_random(m.params, &m.table, &m.config, 7);
    ck_assert_int_eq(memcmp(first, m.params, bytes), 0);
    params_init_random(m.params, &m.table, &m.config, 8);
    ck_assert_int_ne(memcmp(first, m.params, bytes), 0);
    omp_set_num_threads(n_threads);
    free(first);
    model_close(&m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("params");
    TCase *tcase = tcase_create("params");
    tcase_add_checked_fixture(tcase, make_dir, remove_dir);
    tcase_add_test(tcase, the_table_lays_out_every_tensor_once);
    tcase_add_test(tcase, only_trained_tensors_have_a_place_among_the_gradients);
    tcase_add_test(tcase, random_weights_follow_gpt2);
    tcase_add_test(tcase, random_weights_depend_on_the_seed_alone);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
