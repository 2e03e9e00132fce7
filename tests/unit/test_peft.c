/* Adapters' configs: what is read, refused and written, and which modules they mean. test_peft_files.c has tensors. */
#include "files/peft/peft_choose.h"
#include "files/peft/peft_save.h"
#include "model/block/tensors.h"
#include "model/config_read.h"
#include "scratch.h"
#include "support/run_suite.h"
#include "support/small_model.h"

#include <stdio.h>

#define SMALL_GPT2                                                                                                     \
    "{\"model_type\":\"gpt2\",\"n_layer\":2,\"n_head\":2,\"n_embd\":16,\"n_positions\":32,\"vocab_size\":40}"
#define BEGIN "{\"peft_type\":\"LORA\",\"target_modules\":"

/* ---- fixture: two models' tables ---- */

static struct model_config gpt2, llama;
static struct tensor_table gpt2_table, llama_table;

static void make_table(const char *text, struct model_config *config, struct tensor_table *table)
{
    json *raw;
    check_ok(json_parse(text, strlen(text), &raw, &err));
    check_ok(model_config_read(config, raw, &err));
    tensor_table_init(table, config);
    json_free(raw);
}

static void make_tables(void)
{
    make_dir();
    make_table(SMALL_GPT2, &gpt2, &gpt2_table);
    make_table(SMALL_LLAMA(""), &llama, &llama_table);
}

static void free_tables(void)
{
    tensor_table_free(&gpt2_table);
    tensor_table_free(&llama_table);
    remove_dir();
}

static void parse(struct peft_config *config, const char *text)
{
    check_ok(peft_config_parse(config, text, strlen(text), &err));
}

/* A spec, a line a tensor: targets, what is trained whole, and rows by their numbers. */
static void print_spec(const struct adapter_spec *spec, const struct tensor_table *table, struct strbuf *out)
{
    for (size_t i = 0; i < spec->n_targets; i++) {
        const struct lora_target *t = &spec->targets[i];
        strbuf_printf(out, "%s r=%zu s=%.4g\n", table->tensors[t->tensor].name, t->r, t->scaling);
    }
    for (size_t i = 0; i < spec->n_whole; i++)
        strbuf_printf(out, "%s whole\n", table->tensors[spec->whole[i]].name);
    for (size_t i = 0; i < spec->n_rows; i++) {
        strbuf_printf(out, "%s", table->tensors[spec->rows[i].tensor].name);
        for (size_t k = 0; k < spec->rows[i].n; k++)
            strbuf_printf(out, " %d", (int)spec->rows[i].rows[k]);
        strbuf_putc(out, '\n');
    }
}

/* ---- reading a config ---- */

START_TEST(test_all_keys)
{
    struct peft_config c;
    parse(&c, "{\"peft_type\":\"LORA\",\"task_type\":\"CAUSAL_LM\",\"base_model_name_or_path\":\"org/name\",\"r\":4,"
              "\"lora_alpha\":6.5,\"use_rslora\":true,\"target_modules\":[\"q_proj\",\"v_proj\"],"
              "\"exclude_modules\":\"x.*\",\"modules_to_save\":[\"lm_head\"],\"rank_pattern\":{\"q\":3,\"v\":2},"
              "\"alpha_pattern\":{\"q\":-1.5},\"layers_to_transform\":1,\"layers_pattern\":\"layers\","
              "\"trainable_token_indices\":{\"embed_tokens\":[3,1],\"lm_head\":[2]},\"lora_dropout\":0.05,"
              "\"ensure_weight_tying\":true,\"bias\":\"none\",\"init_lora_weights\":\"gaussian\",\"use_dora\":false,"
              "\"megatron_core\":\"megatron.core\",\"loftq_config\":{},\"something_new\":7}");
    ck_assert_str_eq(c.base_model, "org/name");
    ck_assert_uint_eq(c.r, 4);
    ck_assert(c.lora_alpha == 6.5 && c.lora_dropout == 0.05 && c.use_rslora && c.ensure_weight_tying && !c.all_linear);
    ck_assert_uint_eq(c.target_modules.names.count, 2);
    ck_assert_str_eq(c.target_modules.names.items[1], "v_proj");
    ck_assert_str_eq(c.exclude_modules.pattern, "x.*");
    ck_assert_str_eq(c.modules_to_save.items[0], "lm_head");
    ck_assert_uint_eq(c.rank_pattern.n, 2);
    ck_assert_str_eq(c.rank_pattern.items[1].pattern, "v");
    ck_assert(c.rank_pattern.items[1].value == 2 && c.alpha_pattern.items[0].value == -1.5);
    ck_assert_uint_eq(c.n_layers, 1);
    ck_assert_uint_eq(c.layers[0], 1);
    ck_assert_str_eq(c.layers_pattern.items[0], "layers");
    ck_assert_uint_eq(c.n_tokens, 2);
    ck_assert_str_eq(c.tokens[0].module, "embed_tokens");
    ck_assert(c.tokens[0].n == 2 && c.tokens[0].rows[0] == 3 && c.tokens[0].rows[1] == 1 && c.tokens[1].n == 1);
    peft_config_free(&c);
}
END_TEST

/* What PEFT takes where a key is absent or null. */
START_TEST(test_defaults)
{
    static const char *const texts[] = {
        BEGIN "\"ALL-linear\"}",
        BEGIN "\"all-linear\",\"r\":null,\"lora_alpha\":null,\"modules_to_save\":null,\"rank_pattern\":null,"
              "\"trainable_token_indices\":null,\"layers_to_transform\":[],\"base_model_name_or_path\":null}"};
    for (size_t i = 0; i < 2; i++) {
        struct peft_config c;
        parse(&c, texts[i]);
        ck_assert(c.all_linear && c.r == 8 && c.lora_alpha == 8 && !c.use_rslora && !c.base_model && !c.layers);
        ck_assert(!c.target_modules.pattern && c.modules_to_save.count == 0 && c.n_tokens == 0);
        peft_config_free(&c);
    }
}
END_TEST

static const struct {
    const char *text, *message;
} bad_configs[] = {
    {"[]", "expected an object, found an array"},
    {"{}", "peft_type: is missing (LORA is read here)"},
    {"{\"peft_type\":\"IA3\"}", "peft_type: 'IA3' is not read here, LORA is (merge it into its base: in Python, peft's "
                                "merge_and_unload, then save_pretrained)"},
    {"{\"peft_type\":\"LORA\",\"task_type\":\"SEQ_CLS\"}",
     "task_type: 'SEQ_CLS': the adapter is of a model for another task (CAUSAL_LM is read here)"},
    {"{\"peft_type\":\"LORA\"}", "target_modules: is missing (PEFT writes it with every adapter)"},
    {BEGIN "7}", "target_modules: expected a list of names, found a number"},
    {BEGIN "\"\"}", "target_modules: is empty"},
    {BEGIN "[\"a\",7]}", "target_modules[1]: expected a name, found a number"},
    {BEGIN "[\"\"]}", "target_modules[0]: expected a name, found an empty string"},
    {BEGIN "[],\"r\":0}", "r: expected a whole number from 1 to 65536, found 0"},
    {BEGIN "[],\"r\":2.5}", "r: expected a whole number from 1 to 65536, found 2.5"},
    {BEGIN "[],\"rank_pattern\":[]}", "rank_pattern: expected an object of numbers, found an array"},
    {BEGIN "[],\"rank_pattern\":{\"q\":-1}}", "rank_pattern.q: expected a whole number from 1 to 65536, found -1"},
    {BEGIN "[],\"alpha_pattern\":{\"q\":\"x\"}}", "alpha_pattern.q: expected a number, found a string"},
    {BEGIN "[],\"lora_dropout\":2}", "lora_dropout: expected a number from 0 to 1, found 2"},
    {BEGIN "[],\"modules_to_save\":\"lm_head\"}", "modules_to_save: expected a list of names, found a string"},
    {BEGIN "[],\"trainable_token_indices\":[1.5]}",
     "trainable_token_indices[0]: expected a token's id, found a number"},
    {BEGIN "[],\"trainable_token_indices\":{\"a\":7}}",
     "trainable_token_indices.a: expected a list of token ids, found a number"},
    {BEGIN "[],\"trainable_token_indices\":{\"a\":[],\"b\":[],\"c\":[]}}",
     "trainable_token_indices: names 3 modules (a model has an embedding and a head)"},
    {BEGIN "\".*q\",\"layers_to_transform\":[1]}",
     "layers_to_transform: goes with a list of target_modules only, and that is a string"},
    {BEGIN "[],\"layers_to_transform\":[-1]}", "layers_to_transform: expected a layer's number or a list of them"},
    {BEGIN "[],\"bias\":\"all\"}", "bias: 'all' is not done here, none is (merge it into its base: in Python, peft's "
                                   "merge_and_unload, then save_pretrained)"},
    {BEGIN "[],\"use_dora\":true}", "use_dora: DoRA is not done here (merge it into its base: in Python, peft's "
                                    "merge_and_unload, then save_pretrained)"},
    {BEGIN "[],\"layer_replication\":[[0,1]]}", "layer_replication: layers that are there twice"},
    {BEGIN "[],\"alora_invocation_tokens\":[1]}", "alora_invocation_tokens: an adapter that begins at some tokens"},
    {BEGIN "[],\"megatron_config\":{\"x\":1}}", "megatron_config: Megatron's layers"},
    {BEGIN "[],\"target_parameters\":[\"w\"]}", "target_parameters: an adapter of parameters that are no module's"},
    {BEGIN "[],\"init_lora_weights\":\"pissa_niter_4\"}",
     "init_lora_weights: 'pissa_niter_4' has changed the base itself (save it as one of the base as it was: in Python, "
     "save_pretrained with path_initial_model_for_weight_conversion)"},
};
enum { N_BAD_CONFIGS = sizeof bad_configs / sizeof *bad_configs };

START_TEST(test_bad_config)
{
    struct peft_config c;
    const char *text = bad_configs[_i].text, *message = bad_configs[_i].message;
    ck_assert_int_eq(peft_config_parse(&c, text, strlen(text), &err), SFT_EDATA);
    ck_assert_msg(strncmp(err_text(&err), message, strlen(message)) == 0, "%s", err_text(&err));
    peft_config_free(&c);
}
END_TEST

START_TEST(test_error_names_the_file)
{
    struct peft_config c;
    put("adapter_config.json", BEGIN "[],\"r\":0}");
    expect_message(peft_config_read(&c, dir, &err),
                   "/adapter_config.json: r: expected a whole number from 1 to 65536, found 0");
    peft_config_free(&c);
}
END_TEST

/* ---- which modules ---- */

static const struct {
    const char *config; /* behind target_modules */
    bool is_gpt2;
    const char *expected;
} choices[] = {
    {"[\"c_proj\"],\"r\":4", true,
     "transformer.h.0.attn.c_proj.weight r=4 s=2\ntransformer.h.0.mlp.c_proj.weight r=4 s=2\n"
     "transformer.h.1.attn.c_proj.weight r=4 s=2\ntransformer.h.1.mlp.c_proj.weight r=4 s=2\n"},
    {"[\"mlp.c_proj\",\"nonsense\"],\"use_rslora\":true,\"r\":16", true,
     "transformer.h.0.mlp.c_proj.weight r=16 s=2\ntransformer.h.1.mlp.c_proj.weight r=16 s=2\n"},
    {"[\"proj\",\"c_fc\"],\"exclude_modules\":[\"h.0.mlp.c_fc\"]", true, "transformer.h.1.mlp.c_fc.weight r=8 s=1\n"},
    {"\".*h\\\\.1\\\\..*c_(fc|attn)\",\"exclude_modules\":\".*attn.*\"", true,
     "transformer.h.1.mlp.c_fc.weight r=8 s=1\n"},
    {"\"c_fc\"", true, NULL}, /* a pattern is to match the whole path */
    {"[\"c_fc\"],\"layers_to_transform\":1", true, "transformer.h.1.mlp.c_fc.weight r=8 s=1\n"},
    {"[\"c_fc\"],\"layers_to_transform\":[1],\"layers_pattern\":[\"x\",\"h\"]", true,
     "transformer.h.1.mlp.c_fc.weight r=8 s=1\n"},
    {"[\"c_fc\"],\"layers_to_transform\":[1],\"layers_pattern\":\"layers\"", true, NULL},
    {"[\"transformer.h.0.mlp.c_fc\"],\"layers_to_transform\":[1]", true, "transformer.h.0.mlp.c_fc.weight r=8 s=1\n"},
    {"[\"c_fc\"],\"rank_pattern\":{\"h.0.mlp.c_fc\":2,\"c_.*\":4},\"alpha_pattern\":{\"^transformer.h.1.*\":3}", true,
     "transformer.h.0.mlp.c_fc.weight r=2 s=4\ntransformer.h.1.mlp.c_fc.weight r=4 s=0.75\n"},
    /* patterns begin after a dot, or where the path does */
    {"[\"c_fc\"],\"layers_to_transform\":[0],\"rank_pattern\":{\"fc\":2,\"mlp\":3}", true,
     "transformer.h.0.mlp.c_fc.weight r=8 s=1\n"},
    /* modules that are saved are no targets, and a tied head is the embedding */
    {"[\"c_fc\",\"c_attn\"],\"layers_to_transform\":[0],\"modules_to_save\":[\"c_attn\",\"lm_head\"]", true,
     "transformer.h.0.mlp.c_fc.weight r=8 s=1\ntransformer.wte.weight whole\n"
     "transformer.h.0.attn.c_attn.weight whole\ntransformer.h.0.attn.c_attn.bias whole\n"
     "transformer.h.1.attn.c_attn.weight whole\ntransformer.h.1.attn.c_attn.bias whole\n"},
    /* a module with all that it holds; the end of a name is enough */
    {"[\"c_attn\"],\"layers_to_transform\":[0],\"modules_to_save\":[\"h.1\",\"n_f\"]", true,
     "transformer.h.0.attn.c_attn.weight r=8 s=1\n"
     "transformer.ln_f.weight whole\ntransformer.ln_f.bias whole\n"
     "transformer.h.1.ln_1.weight whole\ntransformer.h.1.ln_1.bias whole\n"
     "transformer.h.1.attn.c_attn.weight whole\ntransformer.h.1.attn.c_attn.bias whole\n"
     "transformer.h.1.attn.c_proj.weight whole\ntransformer.h.1.attn.c_proj.bias whole\n"
     "transformer.h.1.ln_2.weight whole\ntransformer.h.1.ln_2.bias whole\n"
     "transformer.h.1.mlp.c_fc.weight whole\ntransformer.h.1.mlp.c_fc.bias whole\n"
     "transformer.h.1.mlp.c_proj.weight whole\ntransformer.h.1.mlp.c_proj.bias whole\n"},
    {"[],\"trainable_token_indices\":[7,3]", true, "transformer.wte.weight 3 7\n"},
    {"[],\"trainable_token_indices\":{\"lm_head\":[3],\"wte\":[3]}", true, "transformer.wte.weight 3\n"},
    {"[],\"trainable_token_indices\":{\"lm_head\":[3],\"embed_tokens\":[9,1]}", false,
     "model.embed_tokens.weight 1 9\nlm_head.weight 3\n"},
    {"[\"model.layers.1.mlp.up_proj\"]", false, "model.layers.1.mlp.up_proj.weight r=8 s=1\n"},
};
enum { N_CHOICES = sizeof choices / sizeof *choices };

START_TEST(test_choice)
{
    struct peft_config c;
    struct adapter_spec spec;
    struct strbuf text = {0}, found = {0};
    const struct tensor_table *table = choices[_i].is_gpt2 ? &gpt2_table : &llama_table;
    strbuf_printf(&text, BEGIN "%s}", choices[_i].config);
    parse(&c, text.data);
    const enum sft_status status = peft_choose_as_peft(&spec, &c, table, choices[_i].is_gpt2 ? &gpt2 : &llama, &err);
    if (choices[_i].expected) {
        check_ok(status);
        print_spec(&spec, table, &found);
        ck_assert_str_eq(found.data, choices[_i].expected);
    } else {
        ck_assert_int_eq(status, SFT_EDATA);
    }
    adapter_spec_free(&spec);
    strbuf_free(&text);
    strbuf_free(&found);
    peft_config_free(&c);
}
END_TEST

static const struct {
    const char *config;
    bool is_gpt2;
    const char *message;
} bad_choices[] = {
    {"[\"nonsense\"]", true, "target_modules: names no linear layer of the model; there are c_attn, c_proj, c_fc"},
    {"\"c_fc\"", true,
     "target_modules: the pattern 'c_fc' matches no linear layer of the model; there are c_attn, c_proj, c_fc"},
    {"\"(c_fc\"", true, "target_modules: '(c_fc' is no regular expression: missing closing parenthesis"},
    {"[\"c_fc\"],\"rank_pattern\":{\"a)(b\":3}", true,
     "rank_pattern: 'a)(b' is no regular expression: unmatched closing parenthesis"},
    {"[\"c_fc\"],\"rank_pattern\":{\"(.*)*(.*)*(.*)*(.*)*t\":3}", true,
     "rank_pattern: a pattern needs too many steps (name the modules instead)"},
    {"[\"q_proj\"],\"modules_to_save\":[\"proj\"]", false,
     "modules_to_save: has the end of 'model.layers.0.self_attn.q_proj', which is in target_modules (name it whole)"},
    {"[],\"trainable_token_indices\":[40]", true, "trainable_token_indices: token 40 is not in the vocabulary of 40"},
    {"[],\"trainable_token_indices\":[4,3,4]", true, "trainable_token_indices: token 4 is there twice"},
    {"[],\"trainable_token_indices\":{\"wpe\":[1]}", true,
     "trainable_token_indices.wpe: is neither the embedding nor the head"},
    {"[],\"trainable_token_indices\":{\"lm_head\":[1]}", true,
     "trainable_token_indices: parts the head from the embedding that it is tied to (name the same rows of both)"},
    {"[],\"trainable_token_indices\":{\"lm_head\":[1],\"wte\":[2]}", true,
     "trainable_token_indices: parts the head from the embedding that it is tied to (name the same rows of both)"},
    {"[],\"modules_to_save\":[\"wte\"],\"trainable_token_indices\":[1]", true,
     "trainable_token_indices: names rows of 'transformer.wte.weight', which is in modules_to_save (all of them are "
     "trained there)"},
};
enum { N_BAD_CHOICES = sizeof bad_choices / sizeof *bad_choices };

START_TEST(test_bad_choice)
{
    struct peft_config c;
    struct adapter_spec spec;
    struct strbuf text = {0};
    const bool is_gpt2 = bad_choices[_i].is_gpt2;
    strbuf_printf(&text, BEGIN "%s}", bad_choices[_i].config);
    parse(&c, text.data);
    ck_assert_int_eq(
        peft_choose_as_peft(&spec, &c, is_gpt2 ? &gpt2_table : &llama_table, is_gpt2 ? &gpt2 : &llama, &err),
        SFT_EDATA);
    ck_assert_str_eq(err_text(&err), bad_choices[_i].message);
    adapter_spec_free(&spec);
    strbuf_free(&text);
    peft_config_free(&c);
}
END_TEST

/* ---- what a user asks for ---- */

static struct string_list words_of(char *text)
{
    static char *items[8];
    struct string_list words = {items, 0};
    for (char *word = strtok(text, " "); word; word = strtok(NULL, " "))
        items[words.count++] = word;
    return words;
}

static enum sft_status ask(struct adapter_spec *spec, const char *targets, const char *saved)
{
    char target_text[128], saved_text[128];
    struct peft_config c;
    *spec = (struct adapter_spec){0};
    snprintf(target_text, sizeof target_text, "%s", targets);
    snprintf(saved_text, sizeof saved_text, "%s", saved);
    peft_config_init(&c);
    const struct string_list target_words = words_of(target_text);
    enum sft_status status = peft_config_set_targets(&c, &target_words, &err);
    if (!status) {
        const struct string_list saved_words = words_of(saved_text);
        status = peft_config_set_saved(&c, &saved_words, &err);
    }
    if (!status)
        status = peft_choose(spec, &c, &gpt2_table, &gpt2, &err);
    peft_config_free(&c);
    return status;
}

static const struct {
    const char *targets, *saved, *message;
} bad_wishes[] = {
    {"c_atn", "",
     "target_modules: the model has no linear layer 'c_atn' (did you mean 'c_attn'?); there are c_attn, c_proj, "
     "c_fc"},
    {"c_attn,c_fc", "", "target_modules: 'c_attn,c_fc' has a comma in it (names are separated by blanks)"},
    {"all_linear", "", "target_modules: unknown 'all_linear' (did you mean 'all-linear'?)"},
    {"all-linear c_fc", "", "target_modules: 'all-linear' stands alone, without names beside it"},
    {"wte", "", "target_modules: 'wte' is an embedding, which takes no adapter here (modules_to_save trains it whole)"},
    {"wpe", "", "target_modules: 'wpe' is an embedding, which takes no adapter here (modules_to_save trains it whole)"},
    {"lm_head", "",
     "target_modules: 'lm_head' is the head, which takes no adapter here (modules_to_save trains it whole)"},
    {"ln_1", "", "target_modules: 'ln_1' is a norm, which takes no adapter (modules_to_save trains it whole)"},
    {"mlp", "", "target_modules: 'mlp' holds layers and is none (name these)"},
    {"", "", "target_modules: names no linear layer of the model; there are c_attn, c_proj, c_fc"},
    {"c_attn c_fc", "c_fc", "target_modules: 'c_fc' is in modules_to_save, too (leave it out of one of them)"},
    {"c_attn c_fc", "mlp", "target_modules: 'c_fc' is in modules_to_save, too (leave it out of one of them)"},
    {"c_attn", "wt",
     "modules_to_save: the model has no module 'wt' (did you mean 'wte'?); there are wte, wpe, ln_f, ln_1, "
     "c_attn, c_proj, ln_2, c_fc, lm_head"},
    {"c_attn", "wte,lm_head", "modules_to_save: 'wte,lm_head' has a comma in it (names are separated by blanks)"},
};
enum { N_BAD_WISHES = sizeof bad_wishes / sizeof *bad_wishes };

START_TEST(test_bad_wish)
{
    struct adapter_spec spec;
    ck_assert_int_eq(ask(&spec, bad_wishes[_i].targets, bad_wishes[_i].saved), SFT_EUSAGE);
    ck_assert_str_eq(err_text(&err), bad_wishes[_i].message);
    adapter_spec_free(&spec);
}
END_TEST

START_TEST(test_wish)
{
    struct adapter_spec spec;
    check_ok(ask(&spec, "all-linear", "ln_f lm_head"));
    ck_assert_uint_eq(spec.n_targets, 8);
    ck_assert_uint_eq(spec.n_whole, 3);
    adapter_spec_free(&spec);
    check_ok(ask(&spec, "c_proj", "mlp")); /* the attention's alone */
    ck_assert_uint_eq(spec.n_targets, 2);
    adapter_spec_free(&spec);
}
END_TEST

/* ---- writing a config ---- */

/* The config's text for what `targets` means on a model. */
static void print(struct peft_config *c, const struct model_config *model, struct strbuf *out)
{
    struct tensor_table table;
    struct adapter_spec spec;
    tensor_table_init(&table, model);
    check_ok(peft_choose(&spec, c, &table, model, &err));
    tensor_table_adapt(&table, &spec);
    strbuf_clear(out);
    peft_config_print(c, &table, model, out);
    adapter_spec_free(&spec);
    tensor_table_free(&table);
}

static void expect_in(const struct strbuf *text, const char *part)
{
    ck_assert_msg(strstr(text->data, part) != NULL, "no '%s' in %s", part, text->data);
}

START_TEST(test_written)
{
    static const int32_t rows[] = {38, 39};
    char words[] = "all-linear";
    struct peft_config c;
    struct strbuf text = {0};
    peft_config_init(&c);
    c.base_model = mem_strdup("/models/base");
    c.r = 4;
    c.lora_alpha = 8;
    const struct string_list targets = words_of(words);
    check_ok(peft_config_set_targets(&c, &targets, &err));
    check_ok(peft_train_rows(&c, &gpt2_table, &gpt2, rows, 2, &err));
    print(&c, &gpt2, &text);
    expect_in(&text, "\"base_model_name_or_path\": \"/models/base\"");
    expect_in(&text, "\"fan_in_fan_out\": true");
    expect_in(&text, "\"inference_mode\": true");
    expect_in(&text, "\"peft_type\": \"LORA\"");
    expect_in(&text, "\"task_type\": \"CAUSAL_LM\"");
    expect_in(&text, "\"lora_alpha\": 8,");
    expect_in(&text, "\"r\": 4,");
    expect_in(&text, "\"modules_to_save\": null");
    expect_in(&text, "\"target_modules\": [\n    \"c_attn\",\n    \"c_proj\",\n    \"c_fc\"\n  ]");
    expect_in(&text, "\"trainable_token_indices\": [\n    38,\n    39\n  ]");
    strbuf_free(&text);
    peft_config_free(&c);
}
END_TEST

/* A head of its own is told from the embedding; a tied embedding takes its head along. */
START_TEST(test_written_ends)
{
    static const int32_t rows[] = {39};
    struct peft_config c;
    struct strbuf text = {0};
    parse(&c, BEGIN "[\"q_proj\"],\"something_new\":7,\"rank_pattern\":{\"q_proj\":3}}");
    check_ok(peft_train_rows(&c, &llama_table, &llama, rows, 1, &err));
    print(&c, &llama, &text);
    expect_in(&text, "\"something_new\": 7");
    expect_in(&text, "\"rank_pattern\": {\n    \"q_proj\": 3\n  }");
    expect_in(&text, "\"fan_in_fan_out\": false");
    expect_in(&text, "\"ensure_weight_tying\": false");
    expect_in(&text, "\"embed_tokens\": [\n      39\n    ]");
    expect_in(&text, "\"lm_head\": [\n      39\n    ]");
    peft_config_free(&c);
    parse(&c, BEGIN "[\"c_fc\"],\"modules_to_save\":[\"wte\",\"ln_f\"]}");
    print(&c, &gpt2, &text);
    expect_in(&text, "\"ensure_weight_tying\": true");
    expect_in(&text, "\"modules_to_save\": [\n    \"wte\",\n    \"ln_f\",\n    \"lm_head\"\n  ]");
    peft_config_free(&c);
    strbuf_free(&text);
}
END_TEST

/* What is trained whole needs no rows. */
START_TEST(test_rows_of_what_is_saved)
{
    static const int32_t rows[] = {39};
    struct peft_config c;
    parse(&c, BEGIN "[\"q_proj\"],\"modules_to_save\":[\"embed_tokens\"]}");
    check_ok(peft_train_rows(&c, &llama_table, &llama, rows, 1, &err));
    ck_assert_uint_eq(c.n_tokens, 1);
    ck_assert_str_eq(c.tokens[0].module, "lm_head");
    peft_config_free(&c);
    parse(&c, BEGIN "[\"c_fc\"],\"modules_to_save\":[\"lm_head\"]}");
    check_ok(peft_train_rows(&c, &gpt2_table, &gpt2, rows, 1, &err));
    ck_assert_uint_eq(c.n_tokens, 0);
    peft_config_free(&c);
}
END_TEST

START_TEST(test_same_choice)
{
    struct peft_config a, b;
    parse(&a, BEGIN "\"all-linear\",\"modules_to_save\":[\"wte\"]}");
    parse(&b, BEGIN "[\"c_attn\",\"c_proj\",\"mlp.c_fc\"],\"modules_to_save\":[\"lm_head\"]}");
    ck_assert(peft_same_targets(&a, &b, &gpt2_table));
    ck_assert(peft_same_saved(&a, &b, &gpt2_table, &gpt2));
    ck_assert(!peft_same_targets(&a, &b, &llama_table));
    ck_assert(!peft_same_saved(&a, &b, &llama_table, &llama));
    peft_config_free(&a);
    peft_config_free(&b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("peft");
    TCase *tc = tcase_create("configs");
    tcase_add_checked_fixture(tc, make_tables, free_tables);
    tcase_add_test(tc, test_all_keys);
    tcase_add_test(tc, test_defaults);
    tcase_add_loop_test(tc, test_bad_config, 0, N_BAD_CONFIGS);
    tcase_add_test(tc, test_error_names_the_file);
    tcase_add_loop_test(tc, test_choice, 0, N_CHOICES);
    tcase_add_loop_test(tc, test_bad_choice, 0, N_BAD_CHOICES);
    tcase_add_loop_test(tc, test_bad_wish, 0, N_BAD_WISHES);
    tcase_add_test(tc, test_wish);
    tcase_add_test(tc, test_written);
    tcase_add_test(tc, test_written_ends);
    tcase_add_test(tc, test_rows_of_what_is_saved);
    tcase_add_test(tc, test_same_choice);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
