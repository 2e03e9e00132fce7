/* config.json as the model's shape: what is read, what is refused. */
#include "files/model_files.h"
#include "model/family.h"

#include "scratch.h"
#include "support/run_suite.h"

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
    ck_assert(c.tied && c.attention_multiplier == 0 && !c.scale_attn_by_inverse_layer_idx);
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
    ck_assert(!c.tied && c.attention_multiplier == 1 && c.scale_attn_by_inverse_layer_idx && c.activation == ACTIVATION_GELU);
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
    ck_assert(c.rope.theta == 500 && c.layer_norm_epsilon == 1e-5 && c.attention_multiplier == 0 && c.dropout == 0);
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

#define FAMILIES "gpt2, llama, mistral, qwen2, qwen3, gemma2, gemma3_text, smollm3, granite, olmo2, gpt_neox, opt are"
#define ACTIVATIONS "gelu_new, gelu_pytorch_tanh, gelu_fast, gelu, silu and relu are"
static const struct {
    const char *text, *message;
} bad_configs[] = {
    {"[]", "expected an object, found an array"},
    {"{}", "model_type is missing (" FAMILIES " supported)"},
    {"{\"model_type\":\"mamba\"}", "model_type 'mamba' is not supported: layers that carry a state from position to position are not supported"},
    {"{\"model_type\":2}", "model_type: expected a string, found a number"},
    {"{\"architectures\":[\"BertModel\"]}", "architecture 'BertModel' is not supported (" FAMILIES ")"},
    {"{\"model_type\":\"gpt2\"}", "n_layer is missing"},
    {"{\"model_type\":\"gpt2\",\"n_layer\":null}", "n_layer is missing"},
    {"{\"model_type\":\"gpt2\",\"n_layer\":1,\"n_head\":1,\"n_embd\":1}", "n_positions is missing"},
    {WITH("2", "12", "770", "5"), "n_embd 770 does not divide by n_head 12"},
    {WITH("0", "1", "4", "5"), "n_layer: expected 1 to 2147483647, found 0"},
    {WITH("-1", "1", "4", "5"), "n_layer: expected a whole number from 0 to 2^53, found -1"},
    {WITH("\"2\"", "1", "4", "5"), "n_layer: expected a whole number, found a string"},
    {WITH("2", "1", "4", "3000000000"), "vocab_size: expected 1 to 2147483647, found 3000000000"},
    {WITH("5000", "1", "4", "5"), "n_layer 5000 is more than 1024"},
    {WITH("1", "1", "2147483647", "2147483647"),
     "these sizes make 6e+19 parameters, more than can be right"},
    {GPT2 ",\"n_inner\":0}", "n_inner: expected 1 to 2147483647, found 0"},
    {GPT2 ",\"add_cross_attention\":true}", "add_cross_attention: a model with an encoder is not supported"},
    {GPT2 ",\"activation_function\":\"tanh\"}", "activation_function 'tanh' is not supported (" ACTIVATIONS ")"},
    {GPT2 ",\"layer_norm_epsilon\":-1}", "layer_norm_epsilon: expected a number from 1e-20 to 1, found -1"},
    {GPT2 ",\"layer_norm_epsilon\":0}", "layer_norm_epsilon: expected a number from 1e-20 to 1, found 0"},
    {GPT2 ",\"layer_norm_epsilon\":1e308}",
     "layer_norm_epsilon: expected a number from 1e-20 to 1, found 1e+308"},
    {GPT2 ",\"layer_norm_epsilon\":\"1e-5\"}", "layer_norm_epsilon: expected a number, found a string"},
    {GPT2 ",\"initializer_range\":-0.02}", "initializer_range: expected a number from 0 to 10, found -0.02"},
    {GPT2 ",\"attn_pdrop\":1.5}", "attn_pdrop: expected a number from 0 to 1, found 1.5"},
    {GPT2 ",\"hidden_size\":8}", "n_embd and hidden_size, two names of one value, differ"},
    {GPT2 ",\"tie_word_embeddings\":1}", "tie_word_embeddings: expected true or false, found a number"},
    {GPT2 ",\"eos_token_id\":\"</s>\"}", "eos_token_id: expected a token id, found a string"},
    {LLAMA("3", ""), "num_attention_heads 4 does not divide by num_key_value_heads 3"},
    {LLAMA("8", ""), "num_attention_heads 4 does not divide by num_key_value_heads 8"},
    {LLAMA("2", ",\"head_dim\":7"), "head_dim 7: rotary positions need an even one"},
    {LLAMA("2", ",\"hidden_act\":\"relu2\""), "hidden_act 'relu2' is not supported (" ACTIVATIONS ")"},
    {LLAMA("2", ",\"rope_theta\":0"), "rope_theta: expected a number from 1 to 1e+12, found 0"},
    {LLAMA("2", ",\"rope_theta\":2,\"rope_parameters\":{\"rope_theta\":3}"),
     "rope_theta and rope_parameters.rope_theta, two names of one value, differ"},
    {LLAMA("2", ",\"rope_parameters\":{\"rope_type\":\"llama3\"}"), "rope_parameters.factor is missing"},
    {LLAMA("2", ",\"rope_scaling\":{\"type\":\"dynamic\",\"factor\":2}"),
     "rope_scaling.type 'dynamic' is not supported (default, linear or llama3)"},
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

int main(void)
{
    Suite *suite = suite_create("config");
    TCase *tcase = tcase_create("config");
    tcase_add_checked_fixture(tcase, make_dir, remove_dir);
    tcase_add_test(tcase, absent_keys_have_the_defaults_of_transformers);
    tcase_add_test(tcase, keys_are_read);
    tcase_add_test(tcase, a_llama_is_read);
    tcase_add_test(tcase, an_old_key_counts_only_where_its_new_name_is_not_there);
    tcase_add_loop_test(tcase, bad_configs_are_named, 0, sizeof bad_configs / sizeof *bad_configs);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
