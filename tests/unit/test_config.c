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
    ck_assert(c.n_layer == 3 && c.n_head == 1 && c.n_embd == 6 && c.n_positions == 9 && c.vocab_size == 60000);
    ck_assert_uint_eq(c.n_inner, 10);
    ck_assert(!c.tied && c.attention_multiplier == 1 && c.scale_attn_by_inverse_layer_idx &&
              c.activation == ACTIVATION_GELU);
    ck_assert(c.layer_norm_epsilon == 1e-6 && c.initializer_range == 0.5 && c.dropout == 0.3);
    ck_assert_int_eq(c.bos_token_id, 50256);
    ck_assert_int_eq(c.eos_token_id, -1);
    ck_assert_int_eq(c.pad_token_id, 7);
    free(path);
}
END_TEST

#define WITH(n_layer, n_head, n_embd, vocab)                                                                           \
    "{\"model_type\":\"gpt2\",\"n_layer\":" n_layer ",\"n_head\":" n_head ",\"n_embd\":" n_embd                        \
    ",\"n_positions\":8,\"vocab_size\":" vocab "}"

#define LLAMA(n_kv_head, more)                                                                                         \
    "{\"model_type\":\"llama\",\"num_hidden_layers\":1,\"num_attention_heads\":4,\"num_key_value_heads\":" n_kv_head   \
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

#define FAMILIES                                                                                             \
    "gpt2, llama, mistral, qwen2, qwen3, gemma2, gemma3_text, smollm3, granite, olmo2, gpt_neox, opt are"
#define ACTIVATIONS "gelu_new, gelu_pytorch_tanh, gelu_fast, gelu, silu and relu are"
static const struct {
    const char *text, *message;
} bad_configs[] = {
    {"[]", "expected an object, found an array"},
    {"{}", "model_type is missing (" FAMILIES " supported)"},
    {"{\"model_type\":\"mamba\"}",
     "model_type 'mamba' is not supported: layers that carry a state from position to position are not supported"},
    {"{\"model_type\":2}", "model_type: expected a string, found a number"},
    {"{\"architectures\":[\"BertModel\"]}", "architecture 'BertModel' is not supported (" FAMILIES ")"},
    {"{\"model_type\":\"gpt2\"}", "n_layer is missing"},
    {"{\"model_type\":\"gpt2\",\"n_layer\":null}", "n_layer is missing"},
    {"{\"model_type\":\"gpt2\",\"n_layer\":1,\"n_head\":1,\"n_embd\":1}", "n_positions is missing"},
    {WITH("2", "12", "770", "5"), "n_head 12 does not divide n_embd 770"},
    {WITH("0", "1", "4", "5"), "n_layer: expected 1 to 2147483647, found 0"},
    {WITH("-1", "1", "4", "5"), "n_layer: expected a whole number from 0 to 2^53, found -1"},
    {WITH("\"2\"", "1", "4", "5"), "n_layer: expected a whole number, found a string"},
    {WITH("2", "1", "4", "3000000000"), "vocab_size: expected 1 to 2147483647, found 3000000000"},
    {WITH("5000", "1", "4", "5"), "n_layer 5000 is more than 1024"},
    {WITH("1", "1", "2147483647", "2147483647"), "these sizes make 6e+19 parameters, more than can be right"},
    {GPT2 ",\"n_inner\":0}", "n_inner: expected 1 to 2147483647, found 0"},
    {GPT2 ",\"add_cross_attention\":true}", "add_cross_attention: a model with an encoder is not supported"},
    {GPT2 ",\"activation_function\":\"tanh\"}", "activation_function 'tanh' is not supported (" ACTIVATIONS ")"},
    {GPT2 ",\"layer_norm_epsilon\":-1}", "layer_norm_epsilon: expected a number from 1e-20 to 1, found -1"},
    {GPT2 ",\"layer_norm_epsilon\":0}", "layer_norm_epsilon: expected a number from 1e-20 to 1, found 0"},
    {GPT2 ",\"layer_norm_epsilon\":1e308}", "layer_norm_epsilon: expected a number from 1e-20 to 1, found 1e+308"},
    {GPT2 ",\"layer_norm_epsilon\":\"1e-5\"}", "layer_norm_epsilon: expected a number, found a string"},
    {GPT2 ",\"initializer_range\":-0.02}", "initializer_range: expected a number from 0 to 10, found -0.02"},
    {GPT2 ",\"attn_pdrop\":1.5}", "attn_pdrop: expected a number from 0 to 1, found 1.5"},
    {GPT2 ",\"hidden_size\":8}", "n_embd and hidden_size, two names of one value, differ"},
    {GPT2 ",\"tie_word_embeddings\":1}", "tie_word_embeddings: expected true or false, found a number"},
    {GPT2 ",\"eos_token_id\":\"</s>\"}", "eos_token_id: expected a token id, found a string"},
    {LLAMA("3", ""), "num_key_value_heads 3 does not divide num_attention_heads 4"},
    {LLAMA("8", ""), "num_key_value_heads 8 does not divide num_attention_heads 4"},
    {LLAMA("2", ",\"head_dim\":7"), "head_dim 7: rotary positions need an even one"},
    {LLAMA("2", ",\"hidden_act\":\"relu2\""), "hidden_act 'relu2' is not supported (" ACTIVATIONS ")"},
    {LLAMA("2", ",\"rope_theta\":0"), "rope_theta: expected a number from 1 to 1e+12, found 0"},
    {LLAMA("2", ",\"rope_theta\":2,\"rope_parameters\":{\"rope_theta\":3}"),
     "rope_theta and rope_parameters.rope_theta, two names of one value, differ"},
    {LLAMA("2", ",\"rope_parameters\":{\"rope_type\":\"llama3\"}"), "rope_parameters.factor is missing"},
    {LLAMA("2", ",\"rope_scaling\":{\"type\":\"dynamic\",\"factor\":2}"),
     "rope_scaling.type 'dynamic' is not supported (default, linear and llama3 are; where it was added for long texts "
     "alone, take it out)"},
    {LLAMA("2", ",\"attention_bias\":1"), "attention_bias: expected true or false, found a number"},
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

/* What is known and not done, and what nobody here knows. Keys stand in a file of the family's, with its sizes. */
#define STATE   "layers that carry a state from position to position are not supported"
#define EXPERTS "mixtures of experts are not supported"
#define LAYER_EMBEDDINGS "embeddings of each layer are not supported"
#define QUANTIZED                                                                                            \
    "quantized weights are not read; dequantize the model in transformers and save that, or remove the key where the " \
    "weights are plain"
#define UNKNOWN(key, family)                                                                                 \
    key " is not understood, and by its name it may change what the model computes (where transformers' " family \
        " ignores it, remove it)"
#define TYPES(name) name " is not supported (full_attention and sliding_attention are)"
#define ROPE(name)                                                                                           \
    name " is not supported (default, linear and llama3 are; where it was added for long texts alone, take it out)"
static const struct {
    const char *family, *keys, *message;
} refused[] = {
    {"mamba2", "", "model_type 'mamba2' is not supported: " STATE},
    {"rwkv", "", "model_type 'rwkv' is not supported: " STATE},
    {"mixtral", "", "model_type 'mixtral' is not supported: " EXPERTS},
    {"qwen3_moe", "", "model_type 'qwen3_moe' is not supported: " EXPERTS},
    {"qwen3_5_text", "", "model_type 'qwen3_5_text' is not supported: layers of linear attention are not supported"},
    {"gemma4_text", "", "model_type 'gemma4_text' is not supported: " LAYER_EMBEDDINGS},
    {"gemma3n_text", "", "model_type 'gemma3n_text' is not supported: " LAYER_EMBEDDINGS},
    {"gemma3", "\"text_config\":{}",
     "model_type 'gemma3' is not supported: models that see images are not supported, but their text model is, where "
     "it is saved alone (gemma3_text; docs/models.md says how)"},
    {"phi3", "", "model_type 'phi3' is not supported (" FAMILIES ")"},

    {"llama", "\"quantization_config\":{\"quant_method\":\"gptq\"}", "quantization_config: " QUANTIZED},
    {"llama", "\"quantization\":{\"bits\":4}", "quantization: " QUANTIZED},
    {"llama", "\"num_local_experts\":8", "num_local_experts: " EXPERTS},
    {"qwen3", "\"num_experts\":128", "num_experts: " EXPERTS},
    {"llama", "\"attention_chunk_size\":8192", "attention_chunk_size: attention in chunks is not supported"},
    {"gpt_neox", "\"alibi\":true", "alibi: positions by ALiBi are not supported"},
    {"gemma3_text", "\"hidden_size_per_layer_input\":256", "hidden_size_per_layer_input: " LAYER_EMBEDDINGS},
    {"gemma3_text", "\"use_bidirectional_attention\":true",
     "use_bidirectional_attention: a model that sees what comes next cannot be trained to foretell it"},
    {"gemma3_text", "\"attn_logit_softcapping\":50.0",
     "attn_logit_softcapping: transformers has it in Gemma 3's configuration alone, and computes without it"},
    {"llama", "\"pruned_heads\":{\"0\":[1]}", "pruned_heads: models without some of their heads are not supported"},
    {"opt", "\"word_embed_proj_dim\":512",
     "word_embed_proj_dim: an embedding that is not as wide as the model is not supported"},
    {"opt", "\"do_layer_norm_before\":false",
     "do_layer_norm_before: norms after attention and MLP are not supported"},
    {"opt", "\"_remove_final_layer_norm\":true",
     "_remove_final_layer_norm: a model without its last norm is not supported"},
    {"opt", "\"layer_norm_elementwise_affine\":false",
     "layer_norm_elementwise_affine: norms without weights are not supported"},

    {"llama", "\"attn_output_gate\":true", UNKNOWN("attn_output_gate", "llama")},
    {"llama", "\"sliding_window\":4096", UNKNOWN("sliding_window", "llama")},
    {"llama", "\"embedding_multiplier\":12", UNKNOWN("embedding_multiplier", "llama")},
    {"llama", "\"rope_interleaved\":true", UNKNOWN("rope_interleaved", "llama")},
    {"llama", "\"qk_norm\":\"rms\"", UNKNOWN("qk_norm", "llama")},
    {"mistral", "\"attention_bias\":true", UNKNOWN("attention_bias", "mistral")},
    {"opt", "\"rope_theta\":10000", UNKNOWN("rope_theta", "opt")},
    {"qwen2", "\"dual_chunk_attention_config\":{\"chunk_size\":8}", UNKNOWN("dual_chunk_attention_config", "qwen2")},

    {"llama", "\"rope_scaling\":{\"rope_type\":\"yarn\",\"factor\":4}", ROPE("rope_scaling.rope_type 'yarn'")},
    {"llama", "\"rope_scaling\":{\"type\":\"longrope\"}", ROPE("rope_scaling.type 'longrope'")},
    {"llama", "\"rope_parameters\":{\"rope_type\":\"dynamic\"}", ROPE("rope_parameters.rope_type 'dynamic'")},
    {"llama", "\"rope_scaling\":{\"type\":\"linear\",\"rope_type\":\"default\",\"factor\":2}",
     "rope_scaling.rope_type and rope_scaling.type, two names of one value, differ"},
    {"llama", "\"rope_scaling\":{\"type\":1}", "rope_scaling.type: expected a string, found a number"},
    {"llama", "\"rope_scaling\":2", "rope_scaling: expected an object, found a number"},
    {"llama", "\"rope_scaling\":{\"type\":\"linear\"}", "rope_scaling.factor is missing"},
    {"llama", "\"rope_scaling\":{\"type\":\"linear\",\"factor\":0}",
     "rope_scaling.factor: expected a number from 1e-06 to 1e+06, found 0"},
    {"llama", "\"rope_scaling\":{\"type\":\"linear\",\"factor\":\"2\"}",
     "rope_scaling.factor: expected a number, found a string"},
    {"llama", "\"rope_scaling\":{\"rope_type\":\"default\",\"mrope_section\":[16,24,24]}",
     "rope_scaling.mrope_section is not understood"},
    {"llama",
     "\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":2,\"low_freq_factor\":4,\"high_freq_factor\":4}",
     "rope_scaling: low_freq_factor 4 is not below high_freq_factor 4"},
    {"llama", "\"rope_parameters\":{\"full_attention\":{\"rope_theta\":2}}",
     "rope_parameters.full_attention is not understood"},
    {"gemma3_text", "\"rope_parameters\":{\"rope_theta\":2}",
     "rope_parameters.rope_theta: expected an object for full_attention and one for sliding_attention"},
    {"gemma3_text", "\"rope_parameters\":{\"sliding_attention\":{\"rope_type\":\"yarn\"}}",
     ROPE("rope_parameters.sliding_attention.rope_type 'yarn'")},
    {"gemma3_text", "\"rope_local_base_freq\":5,\"rope_parameters\":{\"sliding_attention\":{\"rope_theta\":6}}",
     "rope_local_base_freq and rope_parameters.sliding_attention.rope_theta, two names of one value, differ"},
    {"llama", "\"partial_rotary_factor\":0.5",
     "partial_rotary_factor 0.5 is not supported: this family turns whole heads"},
    {"gpt_neox", "\"rotary_pct\":0.75",
     "rotary_pct 0.75 of a head_dim of 4 is 3: rotary positions need an even part"},
    {"gpt_neox", "\"rotary_pct\":0", "rotary_pct: expected a number from 1e-06 to 1, found 0"},

    {"qwen3", "\"layer_types\":[\"full_attention\",\"linear_attention\",\"full_attention\"]",
     TYPES("layer_types[1] 'linear_attention'")},
    {"qwen3", "\"layer_types\":[\"full_attention\",2,\"full_attention\"]", TYPES("layer_types[1] 'a number'")},
    {"qwen3", "\"layer_types\":[\"full_attention\"]", "layer_types: 1 types for 3 layers"},
    {"qwen3", "\"layer_types\":\"full_attention\"", "layer_types: expected a list, found a string"},
    {"qwen3", "\"layer_types\":[\"full_attention\",\"full_attention\",\"sliding_attention\"],\"sliding_window\":8",
     "layer 2 has sliding attention, but use_sliding_window says that there is none"},
    {"gemma3_text", "\"sliding_window\":null",
     "layer 0 has sliding attention, but sliding_window says that there is none"},
    {"gemma3_text", "\"sliding_window\":0", "sliding_window: expected 1 to 2147483647, found 0"},
    {"gemma3_text", "\"sliding_window_pattern\":0", "sliding_window_pattern: expected 1 to 2147483647, found 0"},
    {"gemma3_text", "\"sliding_window_pattern\":2,\"_sliding_window_pattern\":3",
     "sliding_window_pattern and _sliding_window_pattern, two names of one value, differ"},
    {"mistral", "\"layer_types\":[\"sliding_attention\",\"full_attention\",\"sliding_attention\"]",
     "layer_types[1] contradicts what else is said of sliding layers"},
    {"llama", "\"layer_types\":[\"full_attention\",\"full_attention\",\"sliding_attention\"]",
     "layer_types[2] contradicts what else is said of sliding layers"},
    {"smollm3", "\"no_rope_layers\":[1,1]", "no_rope_layers: expected a list of 0 and 1 for 3 layers"},
    {"smollm3", "\"no_rope_layers\":[1,2,1]", "no_rope_layers[1]: expected 0 or 1"},
    {"smollm3", "\"no_rope_layer_interval\":0", "no_rope_layer_interval: expected 1 to 2147483647, found 0"},
    {"granite", "\"residual_multiplier\":0", "residual_multiplier: expected a number from 1e-06 to 1e+06, found 0"},
    {"gemma2", "\"final_logit_softcapping\":-30",
     "final_logit_softcapping: expected a number from 0 to 1e+06, found -30"},
    {"gemma2", "\"query_pre_attn_scalar\":0", "query_pre_attn_scalar: expected a number from 1e-06 to 1e+06, found 0"},
};

/* A file of three layers of four heads, with more keys. */
static void put_config(const char *family, const char *keys)
{
    const bool is_neox = strcmp(family, "gpt_neox") == 0;
    char *text = mem_printf("{\"model_type\":\"%s\",\"num_hidden_layers\":3,\"num_attention_heads\":4,"
                            "\"hidden_size\":16,\"max_position_embeddings\":8,\"vocab_size\":5,\"%s\":24%s%s%s}",
                            family, strcmp(family, "opt") == 0 ? "ffn_dim" : "intermediate_size",
                            is_neox || strcmp(family, "opt") == 0 ? "" : ",\"num_key_value_heads\":2",
                            *keys ? "," : "", keys);
    put("config.json", text);
    free(text);
}

START_TEST(what_is_not_done_is_refused_by_name)
{
    struct model_config config;
    put_config(refused[_i].family, refused[_i].keys);
    char *expected = mem_printf("/config.json: %s", refused[_i].message);
    expect_message(model_config_load(&config, dir, NULL, &err), expected);
    free(expected);
}
END_TEST

/* Keys that ask for nothing, or not for what a model computes. */
static const char *const harmless[] = {
    "\"_name_or_path\":\"x\",\"_attn_implementation_autoset\":true,\"attn_implementation\":\"flash_attention_2\"",
    "\"unsloth_fixed\":true,\"unsloth_version\":\"2025.1\",\"auto_map\":{\"AutoModelForCausalLM\":\"m.M\"}",
    "\"is_llama_config\":true,\"rope_interleaved\":false,\"transformers.js_config\":{\"dtype\":\"q4\"}",
    "\"pretraining_tp\":2,\"use_cache\":false,\"output_attentions\":true,\"output_hidden_states\":true",
    "\"sliding_window\":null,\"use_sliding_window\":false,\"max_window_layers\":28,\"use_mrope\":false",
    "\"quantization_config\":null,\"num_experts\":0,\"pruned_heads\":{},\"cross_attention_hidden_size\":null",
    "\"hidden_dropout_prob\":0.1,\"attention_probs_dropout_prob\":0.1,\"classifier_dropout\":0.1",
    "\"id2label\":{\"0\":\"a\"},\"label2id\":{\"a\":0},\"problem_type\":\"x\",\"torch_dtype\":\"bfloat16\"",
    "\"temperature\":0.7,\"top_k\":50,\"max_length\":20,\"task_specific_params\":{\"a\":1},\"tokenizer_class\":\"T\"",
    "\"partial_rotary_factor\":1.0,\"chunk_size_feed_forward\":0,\"rope_scaling\":{\"rope_type\":\"default\"}",
    "\"layer_types\":[\"full_attention\",\"full_attention\",\"attention\"],\"_flash_attn_2_enabled\":true",
    "\"rope_scaling\":{},\"rope_parameters\":null,\"sft_version\":\"1\",\"tie_last_hidden_states\":true",
};

START_TEST(what_changes_nothing_is_let_through)
{
    struct model_config plain, config;
    put_config("llama", "");
    check_ok(model_config_load(&plain, dir, NULL, &err));
    put_config("llama", harmless[_i]);
    check_ok(model_config_load(&config, dir, NULL, &err));
    /* NOLINTNEXTLINE(bugprone-suspicious-memory-comparison): both were filled from the family's defaults */
    ck_assert_int_eq(memcmp(&plain, &config, sizeof plain), 0);
}
END_TEST

/* OPTModel saves "decoder.", and who unwraps a name cuts "model." off. */
START_TEST(a_tensors_name_may_lack_the_prefix_or_its_front)
{
    static const struct {
        const struct family *family;
        const char *name, *full;
    } names[] = {
        {&family_opt, "model.decoder.layers.0.fc1.bias", "model.decoder.layers.0.fc1.bias"},
        {&family_opt, "decoder.layers.0.fc1.bias", "model.decoder.layers.0.fc1.bias"},
        {&family_opt, "layers.0.fc1.bias", "model.decoder.layers.0.fc1.bias"},
        {&family_opt, "lm_head.weight", "lm_head.weight"},
        {&family_gpt_neox, "embed_in.weight", "gpt_neox.embed_in.weight"},
        {&family_gpt_neox, "embed_out.weight", "embed_out.weight"},
        {&family_llama, "norm.weight", "model.norm.weight"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *full = family_tensor_name(names[i].family, names[i].name);
        ck_assert_str_eq(full, names[i].full);
        free(full);
    }
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
    tcase_add_loop_test(tcase, what_is_not_done_is_refused_by_name, 0, sizeof refused / sizeof *refused);
    tcase_add_loop_test(tcase, what_changes_nothing_is_let_through, 0, sizeof harmless / sizeof *harmless);
    tcase_add_test(tcase, a_tensors_name_may_lack_the_prefix_or_its_front);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
