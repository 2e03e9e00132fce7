/* config.json as the model's shape, the tensor table, and random weights. */
#include "files/model_files.h"
#include "model/block/tensors.h"

#include "scratch.h"
#include "support/run_suite.h"

#include <math.h>
#include <omp.h>

/* ---- config.json ---- */

#define SIZES "\"n_layer\":2,\"n_head\":2,\"n_embd\":4,\"n_positions\":8,\"vocab_size\":5"
#define GPT2  "{\"model_type\":\"gpt2\"," SIZES

START_TEST(absent_keys_have_the_defaults_of_transformers)
{
    struct model_config c;
    json *raw;
    put("config.json", GPT2 ",\"n_inner\":null,\"eos_token_id\":[3,4],\"other\":1}");
    check_ok(model_config_load(&c, dir, &raw, &err));
    ck_assert_ptr_eq(c.family, &family_gpt2);
    ck_assert(c.n_layer == 2 && c.n_head == 2 && c.n_embd == 4 && c.n_positions == 8 && c.vocab_size == 5);
    ck_assert(c.n_inner == 16 && c.n_kv_head == 2 && c.head_dim == 2);
    ck_assert(c.tied && c.scale_attn_weights && !c.scale_attn_by_inverse_layer_idx);
    ck_assert(c.activation == ACTIVATION_GELU_NEW);
    ck_assert(c.layer_norm_epsilon == 1e-5 && c.initializer_range == 0.02 && c.dropout == 0.1);
    ck_assert_int_eq(c.eos_token_id, 3);
    ck_assert_int_eq(c.bos_token_id, -1); /* 50256 is not in this vocabulary */
    ck_assert_int_eq(c.pad_token_id, -1);
    ck_assert(json_number(json_get(raw, "other")) == 1);
    json_free(raw);
}
END_TEST

START_TEST(keys_are_read)
{
    struct model_config c;
    put("small.json",
        "{\"architectures\":[\"GPT2Model\"],\"n_layer\":3,\"n_head\":1,\"n_embd\":6,\"n_ctx\":9,\"vocab_"
        "size\":60000,"
        "\"n_inner\":10,\"activation_function\":\"gelu\",\"tie_word_embeddings\":false,"
        "\"scale_attn_weights\":false,\"scale_attn_by_inverse_layer_idx\":true,\"layer_norm_epsilon\":1e-6,"
        "\"initializer_range\":0.5,\"resid_pdrop\":0,\"embd_pdrop\":0.3,\"attn_pdrop\":0.2,"
        "\"reorder_and_upcast_attn\":true,\"eos_token_id\":null,\"pad_token_id\":7}");
    char *path = path_join(dir, "small.json");
    check_ok(model_config_load(&c, path, NULL, &err));
    ck_assert(c.n_layer == 3 && c.n_head == 1 && c.n_embd == 6 && c.n_positions == 9 &&
              c.vocab_size == 60000);
    ck_assert_uint_eq(c.n_inner, 10);
    ck_assert(!c.tied && !c.scale_attn_weights && c.scale_attn_by_inverse_layer_idx && c.activation == ACTIVATION_GELU);
    ck_assert(c.layer_norm_epsilon == 1e-6 && c.initializer_range == 0.5 && c.dropout == 0.3);
    ck_assert_int_eq(c.bos_token_id, 50256);
    ck_assert_int_eq(c.eos_token_id, -1);
    ck_assert_int_eq(c.pad_token_id, 7);
    free(path);
}
END_TEST

#define WITH(n_layer, n_head, n_embd, vocab)                                                                 \
    "{\"model_type\":\"gpt2\",\"n_layer\":" n_layer ",\"n_head\":" n_head ",\"n_embd\":" n_embd              \
    ",\"n_positions\":8,\"vocab_size\":" vocab "}"

#define LLAMA(n_kv_head, more)                                                                               \
    "{\"model_type\":\"llama\",\"num_hidden_layers\":1,\"num_attention_heads\":4,\"num_key_value_heads\":" n_kv_head \
    ",\"hidden_size\":32,\"intermediate_size\":8,\"max_position_embeddings\":8,\"vocab_size\":5" more "}"

START_TEST(a_llama_is_read)
{
    struct model_config c;
    put("config.json", LLAMA("2", ",\"rope_parameters\":{\"rope_type\":\"default\",\"rope_theta\":500},"
                                  "\"head_dim\":6,\"rope_scaling\":null,\"rms_norm_eps\":1e-5"));
    check_ok(model_config_load(&c, dir, NULL, &err));
    ck_assert_ptr_eq(c.family, &family_llama);
    ck_assert(c.n_layer == 1 && c.n_head == 4 && c.n_kv_head == 2 && c.head_dim == 6 && c.n_embd == 32);
    ck_assert(c.n_inner == 8 && c.n_positions == 8 && c.activation == ACTIVATION_SILU && !c.tied);
    ck_assert(c.rope.theta == 500 && c.layer_norm_epsilon == 1e-5 && c.scale_attn_weights && c.dropout == 0);
    ck_assert(c.bos_token_id == 1 && c.eos_token_id == 2 && c.pad_token_id == -1);
    put("config.json", "{\"model_type\":\"llama\",\"num_hidden_layers\":1,\"num_attention_heads\":4,\"hidden_size\":32,"
                       "\"intermediate_size\":8,\"max_position_embeddings\":8,\"vocab_size\":5,\"rope_theta\":7}");
    check_ok(model_config_load(&c, dir, NULL, &err));
    ck_assert(c.n_kv_head == 4 && c.head_dim == 8 && c.rope.theta == 7 && c.layer_norm_epsilon == 1e-6);
}
END_TEST

/* Old files of GPT-2's have n_ctx beside n_positions; transformers looks at the latter alone. */
START_TEST(an_old_key_counts_only_where_its_new_name_is_not_there)
{
    struct model_config c;
    put("both.json", "{\"model_type\":\"gpt2\",\"n_layer\":1,\"n_head\":1,\"n_embd\":4,\"vocab_size\":5,"
                     "\"n_ctx\":9,\"max_position_embeddings\":7}");
    char *path = path_join(dir, "both.json");
    check_ok(model_config_load(&c, path, NULL, &err));
    ck_assert_uint_eq(c.n_positions, 7);
    free(path);
}
END_TEST

static const struct {
    const char *text, *message;
} bad_configs[] = {
    {"[]", "expected an object, found an array"},
    {"{}", "model_type is missing (gpt2, llama are supported)"},
    {"{\"model_type\":\"mamba\"}", "model_type 'mamba' is not supported (gpt2, llama are)"},
    {"{\"model_type\":2}", "model_type: expected a string, found a number"},
    {"{\"architectures\":[\"BertModel\"]}", "architecture 'BertModel' is not supported (gpt2, llama are)"},
    {"{\"model_type\":\"gpt2\"}", "n_layer is missing"},
    {"{\"model_type\":\"gpt2\",\"n_layer\":null}", "n_layer is missing"},
    {"{\"model_type\":\"gpt2\",\"n_layer\":1,\"n_head\":1,\"n_embd\":1}", "n_positions is missing"},
    {WITH("2", "12", "770", "5"), "n_embd 770 does not divide by n_head 12"},
    {WITH("0", "1", "4", "5"), "n_layer: expected 1 to 2147483647, found 0"},
    {WITH("-1", "1", "4", "5"), "n_layer: expected a whole number from 0 to 2^53, found -1"},
    {WITH("\"2\"", "1", "4", "5"), "n_layer: expected a whole number, found a string"},
    {WITH("2", "1", "4", "3000000000"), "vocab_size: expected 1 to 2147483647, found 3000000000"},
    {WITH("5000", "1", "4", "5"), "n_layer 5000 is more than 4096"},
    {WITH("1", "1", "2147483647", "2147483647"),
     "these sizes make 6e+19 parameters, more than can be right"},
    {GPT2 ",\"n_inner\":0}", "n_inner: expected 1 to 2147483647, found 0"},
    {GPT2 ",\"add_cross_attention\":true}", "add_cross_attention: a model with an encoder is not supported"},
    {GPT2 ",\"activation_function\":\"relu\"}",
     "activation_function 'relu' is not supported (gelu_new, gelu_pytorch_tanh, gelu_fast and gelu are)"},
    {GPT2 ",\"layer_norm_epsilon\":-1}", "layer_norm_epsilon: expected a number from 1e-20 to 1, found -1"},
    {GPT2 ",\"layer_norm_epsilon\":0}", "layer_norm_epsilon: expected a number from 1e-20 to 1, found 0"},
    {GPT2 ",\"layer_norm_epsilon\":1e308}",
     "layer_norm_epsilon: expected a number from 1e-20 to 1, found 1e+308"},
    {GPT2 ",\"layer_norm_epsilon\":\"1e-5\"}", "layer_norm_epsilon: expected a number, found a string"},
    {GPT2 ",\"initializer_range\":-0.02}", "initializer_range: expected a number from 0 to 10, found -0.02"},
    {GPT2 ",\"attn_pdrop\":1.5}", "attn_pdrop: expected a number from 0 to 1, found 1.5"},
    {GPT2 ",\"hidden_size\":8}", "n_embd and hidden_size, two names of one size, differ"},
    {GPT2 ",\"tie_word_embeddings\":1}", "tie_word_embeddings: expected true or false, found a number"},
    {GPT2 ",\"eos_token_id\":\"</s>\"}", "eos_token_id: expected a token id, found a string"},
    {LLAMA("3", ""), "num_attention_heads 4 does not divide by num_key_value_heads 3"},
    {LLAMA("8", ""), "num_attention_heads 4 does not divide by num_key_value_heads 8"},
    {LLAMA("2", ",\"head_dim\":7"), "head_dim 7: rotary positions need an even one"},
    {LLAMA("2", ",\"hidden_act\":\"gelu\""), "hidden_act 'gelu' is not supported (silu and swish are)"},
    {LLAMA("2", ",\"attention_bias\":true"), "attention_bias: biases are not supported"},
    {LLAMA("2", ",\"rope_theta\":0"), "rope_theta: expected a number from 1 to 1e+12, found 0"},
    {LLAMA("2", ",\"rope_theta\":2,\"rope_parameters\":{\"rope_theta\":3}"),
     "rope_theta and rope_parameters.rope_theta, two names of one size, differ"},
    {LLAMA("2", ",\"rope_parameters\":{\"rope_type\":\"llama3\"}"),
     "rope_parameters.rope_type: rotary positions that are scaled are not supported"},
    {LLAMA("2", ",\"rope_scaling\":{\"type\":\"linear\",\"factor\":2}"),
     "rope_scaling.type: rotary positions that are scaled are not supported"},
    {GPT2 ",\"activation_function\":\"silu\"}",
     "activation_function 'silu' is not supported (gelu_new, gelu_pytorch_tanh, gelu_fast and gelu are)"},
    {GPT2 ",\"eos_token_id\":[1,\"</s>\"]}", "eos_token_id: expected a token id, found a string"},
};

START_TEST(bad_configs_are_named)
{
    struct model_config config;
    json *raw;
    put("config.json", bad_configs[_i].text);
    char *expected = mem_printf("/config.json: %s", bad_configs[_i].message);
    expect_message(model_config_load(&config, dir, &raw, &err), expected);
    ck_assert_ptr_null(raw);
    free(expected);
}
END_TEST

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
    tcase_add_test(tcase, absent_keys_have_the_defaults_of_transformers);
    tcase_add_test(tcase, keys_are_read);
    tcase_add_test(tcase, a_llama_is_read);
    tcase_add_test(tcase, an_old_key_counts_only_where_its_new_name_is_not_there);
    tcase_add_loop_test(tcase, bad_configs_are_named, 0, sizeof bad_configs / sizeof *bad_configs);
    tcase_add_test(tcase, the_table_lays_out_every_tensor_once);
    tcase_add_test(tcase, only_trained_tensors_have_a_place_among_the_gradients);
    tcase_add_test(tcase, random_weights_follow_gpt2);
    tcase_add_test(tcase, random_weights_depend_on_the_seed_alone);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
