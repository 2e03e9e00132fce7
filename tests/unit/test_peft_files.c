/* Adapters' directories: tensors that do not fit, damaged files, where adapters and their bases are found. */
#include "files/peft/peft_adapter.h"
#include "files/peft/peft_base.h"
#include "model/config_read.h"
#include "scratch.h"
#include "support/run_suite.h"
#include "support/small_model.h"

#include <math.h>
#include <stdio.h>

#define SMALL_GPT2                                                                                                     \
    "{\"model_type\":\"gpt2\",\"n_layer\":2,\"n_head\":2,\"n_embd\":16,\"n_positions\":32,\"vocab_size\":40}"
#define BEGIN "{\"peft_type\":\"LORA\",\"r\":2,\"target_modules\":[\"h.0.mlp.c_fc\"]"
#define FC    "base_model.model.transformer.h.0.mlp.c_fc"
#define WTE   "base_model.model.transformer.wte"
#define HEAD  "base_model.model.lm_head"

enum { ENTRIES_MAX = 6 };

/* ---- fixture: a file of tensors, each of one number ---- */

struct put { /* name NULL: there is none */
    const char *name;
    size_t rows, cols; /* cols 0: a vector */
    float value;
};

static void put_tensors(const struct put *puts)
{
    struct st_entry entries[ENTRIES_MAX];
    char *path = path_join(dir, "adapter_model.safetensors");
    size_t n = 0;
    for (; n < ENTRIES_MAX && puts[n].name; n++)
        entries[n] = (struct st_entry){puts[n].name, &dtype_f32, puts[n].cols ? 2 : 1, {puts[n].rows, puts[n].cols}};
    struct st_writer *w = st_writer_open(path, entries, n, &err);
    for (size_t i = 0; i < n; i++) {
        const size_t count = puts[i].rows * (puts[i].cols ? puts[i].cols : 1);
        float *values = mem_calloc(count, sizeof *values);
        for (size_t k = 0; k < count; k++)
            values[k] = puts[i].value;
        st_write(w, values);
        free(values);
    }
    check_ok(st_writer_commit(w, NULL, &err));
    free(path);
}

/* What there is to say of the adapter in the scratch directory, on the small model, which is made to fit it or not. */
static enum sft_status load_as(struct param_set *params, bool fits)
{
    json *raw;
    struct model_config config;
    struct tensor_table table;
    struct peft_adapter a;
    struct adapter_spec spec = {0};
    check_ok(json_parse(SMALL_GPT2, strlen(SMALL_GPT2), &raw, &err));
    check_ok(model_config_read(&config, raw, &err));
    json_free(raw);
    *params = (struct param_set){0};
    enum sft_status status = peft_open(&a, dir, &err);
    if (!status) {
        if (fits)
            peft_fit_model(&a, &config);
        tensor_table_init(&table, &config);
        status = peft_spec(&spec, &a, &table, &config, &err);
        if (!status)
            tensor_table_adapt(&table, &spec);
        if (!status)
            check_ok(param_set_allocate(params, &table, &err));
        if (!status)
            status = peft_load(params, &a, &config, &err);
        tensor_table_free(&table);
    }
    adapter_spec_free(&spec);
    peft_close(&a);
    return status;
}

static enum sft_status load(struct param_set *params)
{
    return load_as(params, true);
}

/* ---- tensors that do not fit ---- */

#define A                                                                                                              \
    {                                                                                                                  \
        FC ".lora_A.weight", 2, 16, 1                                                                                  \
    }
#define B                                                                                                              \
    {                                                                                                                  \
        FC ".lora_B.weight", 64, 2, 1                                                                                  \
    }
#define IN "/adapter_model.safetensors: "
static const struct {
    const char *more; /* of the config */
    struct put puts[ENTRIES_MAX];
    const char *message;
} misfits[] = {
    {"", {A}, IN "lora_B of 'transformer.h.0.mlp.c_fc.weight' is missing, which adapter_config.json names"},
    {"", {B}, IN "lora_A of 'transformer.h.0.mlp.c_fc.weight' is missing, which adapter_config.json names"},
    {"",
     {A, {FC ".lora_B.weight", 2, 64, 1}},
     IN "tensor '" FC ".lora_B.weight' is (2, 64), but the model makes it (64, 2): the adapter is for another base"},
    {"",
     {{FC ".lora_A.weight", 16, 0, 1}, B},
     IN "tensor '" FC ".lora_A.weight' is (16), but the model makes it (2, 16): the adapter is for another base"},
    {"",
     {A, B, {"base_model.model.transformer.h.1.mlp.c_fc.lora_A.weight", 2, 16, 1}},
     IN "tensor 'base_model.model.transformer.h.1.mlp.c_fc.lora_A.weight' is there, but adapter_config.json does not "
        "name its module"},
    {"",
     {A, B, {"base_model.model.transformer.h.2.mlp.c_fc.lora_A.weight", 2, 16, 1}},
     IN "tensor 'base_model.model.transformer.h.2.mlp.c_fc.lora_A.weight': is of a layer that the model does not have: "
        "the adapter is for another base"},
    {"",
     {A, B, {"base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight", 2, 16, 1}},
     IN "tensor 'base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight': is of no module that the model has: "
        "the adapter is for another base"},
    {"",
     {A, B, {FC ".lora_magnitude_vector", 64, 0, 1}},
     IN "tensor '" FC ".lora_magnitude_vector': DoRA is not done here (merge it into its base: in Python, peft's "
        "merge_and_unload, then save_pretrained)"},
    {"",
     {A, B, {WTE ".lora_embedding_A", 2, 40, 1}},
     IN "tensor '" WTE ".lora_embedding_A': an adapter of an embedding is not done here (merge it into its base: in "
        "Python, peft's merge_and_unload, then save_pretrained)"},
    {"",
     {A, B, {HEAD ".lora_A.weight", 2, 16, 1}},
     IN "tensor '" HEAD ".lora_A.weight': an adapter of the head is not done here (merge it into its base: in Python, "
        "peft's merge_and_unload, then save_pretrained)"},
    {"",
     {A, B, {FC ".bias", 64, 0, 1}},
     IN "tensor '" FC ".bias' is there, but adapter_config.json does not name its module"},
    {"",
     {A, {FC ".lora_A.default.weight", 2, 16, 3}, B},
     IN "tensor '" FC ".lora_A.weight': is there twice, with different values"},
    {",\"modules_to_save\":[\"ln_f\"]",
     {A, B, {"base_model.model.transformer.ln_f.weight", 16, 0, 1}},
     IN "the whole of 'transformer.ln_f.bias' is missing, which adapter_config.json names"},
    {",\"modules_to_save\":[\"wte\"]",
     {A, B, {WTE ".weight", 40, 16, 1}},
     IN "has the embedding 'transformer.wte.weight' trained apart from the head that is tied to it (merge it into its "
        "base in Python, with peft's merge_and_unload, and save that with tie_word_embeddings false)"},
    {",\"modules_to_save\":[\"wte\"]",
     {A, B, {WTE ".weight", 40, 16, 1}, {HEAD ".weight", 40, 16, 2}},
     IN "has the embedding 'transformer.wte.weight' trained apart"},
    {",\"modules_to_save\":[\"wte\"],\"ensure_weight_tying\":true",
     {A, B, {WTE ".weight", 40, 16, 1}, {HEAD ".weight", 40, 16, 2}},
     IN "has the embedding 'transformer.wte.weight' trained apart"},
    {"",
     {A, B, {WTE ".weight", 39, 16, 1}, {HEAD ".weight", 39, 16, 1}},
     IN "tensor '" WTE ".weight' is (39, 16), but the model makes it (40, 16): the adapter is for another base"},
    {",\"trainable_token_indices\":[3,4]",
     {A, B, {WTE ".token_adapter.trainable_tokens_delta", 3, 16, 1}},
     IN "tensor '" WTE
        ".token_adapter.trainable_tokens_delta' is (3, 16), but the model makes it (2, 16): the adapter is "
        "for another base"},
    {",\"trainable_token_indices\":[3,4]",
     {A, B},
     IN "trainable_tokens_delta of 'transformer.wte.weight' is missing, which adapter_config.json names"},
    {"",
     {A, B, {WTE ".token_adapter.trainable_tokens_delta", 1, 16, 1}},
     IN "tensor '" WTE
        ".token_adapter.trainable_tokens_delta' is there, but adapter_config.json does not name its module"},
    {"",
     {A, {FC ".lora_B.weight", 64, 2, INFINITY}},
     IN "tensor '" FC ".lora_B.weight': 128 of 128 values are not finite"},
};
enum { N_MISFITS = sizeof misfits / sizeof *misfits };

static void put_config(const char *more)
{
    char text[512];
    snprintf(text, sizeof text, BEGIN "%s}", more);
    put("adapter_config.json", text);
}

START_TEST(test_misfit)
{
    struct param_set params;
    const char *message = misfits[_i].message;
    put_config(misfits[_i].more);
    put_tensors(misfits[_i].puts);
    ck_assert_int_eq(load_as(&params, false), SFT_EDATA);
    ck_assert_msg(strncmp(err_text(&err) + strlen(dir), message, strlen(message)) == 0, "%s", err_text(&err));
    param_set_free(&params);
}
END_TEST

/* ---- tensors that fit, whatever their names ---- */

static float value_of(const struct param_set *params, const char *name, size_t element)
{
    const struct tensor *t = tensor_find_name(&params->table, name);
    ck_assert_ptr_nonnull(t);
    return param_values(params, t)[element];
}

START_TEST(test_names)
{
    static const struct put forms[][ENTRIES_MAX] = {
        {A, B},
        {{"transformer.h.0.mlp.c_fc.lora_A.weight", 2, 16, 1}, {"transformer.h.0.mlp.c_fc.lora_B.weight", 64, 2, 1}},
        {{FC ".lora_A.my_adapter.weight", 2, 16, 1}, {FC ".lora_B.my_adapter.weight", 64, 2, 1}},
        {{"base_model.model.h.0.mlp.c_fc.lora_A.weight", 2, 16, 1},
         {"base_model.model.h.0.mlp.c_fc.lora_B.weight", 64, 2, 1}},
    };
    struct param_set params;
    put_config("");
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        put_tensors(forms[i]);
        check_ok(load(&params));
        ck_assert(value_of(&params, FC ".lora_A.weight", 31) == 1 && value_of(&params, FC ".lora_B.weight", 127) == 1);
        param_set_free(&params);
    }
}
END_TEST

/* A module of modules_to_save after a resize, as PEFT stores it: three times, the base's with it. */
START_TEST(test_saved_after_a_resize)
{
    static const struct put puts[ENTRIES_MAX] = {A,
                                                 B,
                                                 {WTE ".modules_to_save.weight", 42, 16, 5},
                                                 {WTE ".original_module.weight", 42, 16, 9},
                                                 {WTE ".weight", 42, 16, 5},
                                                 {HEAD ".weight", 42, 16, 5}};
    struct param_set params;
    put_config(",\"modules_to_save\":[\"wte\"]");
    put_tensors(puts);
    check_ok(load(&params));
    ck_assert_uint_eq(params.table.token_embedding->rows, 42);
    ck_assert(value_of(&params, "transformer.wte.weight", 42 * 16 - 1) == 5);
    param_set_free(&params);
}
END_TEST

/* Two ends that are not one any more; a tied head may be absent, or there with the same values. */
START_TEST(test_parted_ends)
{
    static const struct {
        const char *more;
        struct put puts[ENTRIES_MAX];
        bool parted;
    } adapters[] = {
        {",\"modules_to_save\":[\"wte\"]", {A, B, {WTE ".weight", 40, 16, 1}}, true},
        {",\"modules_to_save\":[\"lm_head\"]", {A, B, {HEAD ".weight", 40, 16, 1}}, true},
        {",\"modules_to_save\":[\"wte\"]", {A, B, {WTE ".weight", 40, 16, 1}, {HEAD ".weight", 40, 16, 2}}, true},
        {",\"modules_to_save\":[\"wte\"]", {A, B, {WTE ".weight", 40, 16, 1}, {HEAD ".weight", 40, 16, 1}}, false},
        {",\"modules_to_save\":[\"wte\"],\"ensure_weight_tying\":true", /* so PEFT */
         {A, B, {WTE ".weight", 40, 16, 1}},
         true},
        {",\"modules_to_save\":[\"wte\",\"lm_head\"],\"ensure_weight_tying\":true",
         {A, B, {WTE ".weight", 40, 16, 1}},
         false},
        {",\"trainable_token_indices\":[1]", {A, B, {WTE ".token_adapter.trainable_tokens_delta", 1, 16, 1}}, false},
        {",\"trainable_token_indices\":{\"lm_head\":[1]}",
         {A, B, {HEAD ".token_adapter.trainable_tokens_delta", 1, 16, 1}},
         true},
    };
    for (size_t i = 0; i < sizeof adapters / sizeof *adapters; i++) {
        struct param_set params;
        put_config(adapters[i].more);
        put_tensors(adapters[i].puts);
        check_ok(load(&params));
        ck_assert_msg((params.table.head != params.table.token_embedding) == adapters[i].parted, "adapter %zu", i);
        param_set_free(&params);
    }
}
END_TEST

/* Rows beyond the base's vocabulary make it grow; those that nobody trains stay what they were. */
START_TEST(test_rows)
{
    static const struct put puts[ENTRIES_MAX] = {A, B, {WTE ".token_adapter.trainable_tokens_delta", 2, 16, 7}};
    struct param_set params;
    put_config(",\"trainable_token_indices\":[41,3]");
    put_tensors(puts);
    check_ok(load(&params));
    ck_assert_uint_eq(params.table.token_embedding->rows, 42);
    ck_assert_uint_eq(params.table.token_embedding->n_trained_rows, 2);
    ck_assert(value_of(&params, "transformer.wte.weight", 41 * 16) == 7);
    ck_assert(value_of(&params, "transformer.wte.weight", 3 * 16 + 15) == 7);
    ck_assert(value_of(&params, "transformer.wte.weight", 4 * 16) == 0);
    param_set_free(&params);
}
END_TEST

/* ---- files that are damaged, or others ---- */

START_TEST(test_files)
{
    struct param_set params;
    ck_assert_int_eq(load(&params), SFT_EIO);
    put_config("");
    ck_assert_int_eq(load(&params), SFT_EIO);
    put("adapter_model.bin", "pickle");
    expect_message(load(&params),
                   ": holds adapter_model.bin, a pickle, and no adapter_model.safetensors (save it as that: "
                   "in Python, peft's PeftModel.from_pretrained, then save_pretrained)");
    put("adapter_model.safetensors", "0123");
    ck_assert_int_eq(load(&params), SFT_EDATA);
    ck_assert_ptr_nonnull(strstr(err_text(&err), "adapter_model.safetensors"));
    put("adapter_config.json", "{\"peft_type\":\"LORA\"");
    ck_assert_int_eq(load(&params), SFT_EDATA);
    ck_assert_ptr_nonnull(strstr(err_text(&err), "adapter_config.json"));
}
END_TEST

/* ---- where adapters and their bases are ---- */

static char *make_subdir(const char *name)
{
    char *path = path_join(dir, name);
    check_ok(io_mkdirs(path, &err));
    return path;
}

START_TEST(test_finding_an_adapter)
{
    char *found, *run = make_subdir("run"), *link_path = path_join(run, "last");
    const char *link;
    char *checkpoint = make_subdir("run/checkpoint-7");
    put("run/checkpoint-7/adapter_config.json", "{}");
    check_ok(peft_dir_find(checkpoint, &found, &link, &err));
    ck_assert(!link && peft_is_adapter(found));
    free(found);
    ck_assert_int_eq(peft_dir_find(run, &found, &link, &err), SFT_EIO);
    ck_assert_str_eq(err_text(&err) + strlen(run), ": no adapter: it has no adapter_config.json");
    check_ok(io_symlink("checkpoint-7", link_path, &err));
    check_ok(peft_dir_find(run, &found, &link, &err));
    ck_assert_str_eq(link, "last");
    ck_assert(str_has_ending(found, "/run/checkpoint-7"));
    free(found);
    put("run/config.json", "{}");
    io_remove_tree(link_path, &err);
    ck_assert_int_eq(peft_dir_find(run, &found, &link, &err), SFT_EIO);
    ck_assert_str_eq(err_text(&err) + strlen(run), ": is a whole model, not an adapter: it has no adapter_config.json");
    free(run);
    free(checkpoint);
    free(link_path);
}
END_TEST

START_TEST(test_finding_the_base)
{
    char *base = make_subdir("base"), *found;
    char beside[] = "../base", nowhere[] = "no/such/directory", hub[] = "org/name";
    char *adapter = make_subdir("adapter");
    struct peft_config c = {.base_model = base};
    check_ok(peft_find_base(&c, adapter, "--model DIR", &found, &err));
    ck_assert_str_eq(found, base);
    free(found);
    c.base_model = beside;
    check_ok(peft_find_base(&c, adapter, "--model DIR", &found, &err));
    ck_assert(path_is_dir(found));
    free(found);
    c.base_model = nowhere;
    ck_assert_int_eq(peft_find_base(&c, adapter, "--model DIR", &found, &err), SFT_EIO);
    ck_assert_str_eq(
        err_text(&err) + strlen(adapter),
        "/adapter_config.json: base_model_name_or_path: there is no 'no/such/directory' here, the model that "
        "the adapter is for (say where it is: --model DIR)");
    c.base_model = hub;
    setenv("HF_HUB_CACHE", dir, 1);
    ck_assert_int_eq(peft_find_base(&c, adapter, "--model DIR", &found, &err), SFT_EIO);
    ck_assert_msg(strstr(err_text(&err), "hf download org/name") != NULL, "%s", err_text(&err));
    c.base_model = NULL;
    ck_assert_int_eq(peft_find_base(&c, adapter, "--model DIR", &found, &err), SFT_EDATA);
    ck_assert_ptr_null(found);
    free(base);
    free(adapter);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("peft_files");
    TCase *tc = tcase_create("files");
    tcase_add_checked_fixture(tc, make_dir, remove_dir);
    tcase_add_loop_test(tc, test_misfit, 0, N_MISFITS);
    tcase_add_test(tc, test_names);
    tcase_add_test(tc, test_saved_after_a_resize);
    tcase_add_test(tc, test_parted_ends);
    tcase_add_test(tc, test_rows);
    tcase_add_test(tc, test_files);
    tcase_add_test(tc, test_finding_an_adapter);
    tcase_add_test(tc, test_finding_the_base);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
