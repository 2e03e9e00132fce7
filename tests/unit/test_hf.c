/* Models in Hugging Face's form: loading, what is refused and how, saving. */
#include "files/half.h"
#include "files/hf_save.h"
#include "files/model_files.h"
#include "files/safetensors.h"
#include "files/weights.h"

#include "scratch.h"

#include <math.h>
#include <stdio.h>

/* A model in memory. */
struct model {
    struct model_config config;
    struct tensor_table table;
    json *raw;
    float *params;
};

static void model_open(struct model *m, const char *path, size_t n_new_tokens)
{
    check_ok(model_config_load(&m->config, path, &m->raw, &err));
    m->config.vocab_size += n_new_tokens;
    tensor_table_init(&m->table, &m->config);
    m->params = mem_calloc(m->table.n_elements, sizeof *m->params);
}

static void model_close(struct model *m)
{
    tensor_table_free(&m->table);
    json_free(m->raw);
    free(m->params);
}

static enum sft_status model_load(struct model *m, const char *path, size_t n_new_tokens)
{
    return weights_load(m->params, &m->table, &m->config, m->config.vocab_size - n_new_tokens, path, &err);
}

/* ---- loading: a small model, its tensors changed from test to test ---- */

enum { N_SMALL = 16, SMALL_MAX = 64 };

/* One layer, unprefixed names, every value its own. */
static const struct st_entry small_model[N_SMALL] = {
    {"wte.weight", &dtype_f32, 2, {5, 4}},
    {"wpe.weight", &dtype_f32, 2, {8, 4}},
    {"ln_f.weight", &dtype_f32, 1, {4}},
    {"ln_f.bias", &dtype_f32, 1, {4}},
    {"h.0.ln_1.weight", &dtype_f32, 1, {4}},
    {"h.0.ln_1.bias", &dtype_f32, 1, {4}},
    {"h.0.attn.c_attn.weight", &dtype_f32, 2, {4, 12}},
    {"h.0.attn.c_attn.bias", &dtype_f32, 1, {12}},
    {"h.0.attn.c_proj.weight", &dtype_f32, 2, {4, 4}},
    {"h.0.attn.c_proj.bias", &dtype_f32, 1, {4}},
    {"h.0.ln_2.weight", &dtype_f32, 1, {4}},
    {"h.0.ln_2.bias", &dtype_f32, 1, {4}},
    {"h.0.mlp.c_fc.weight", &dtype_f32, 2, {4, 16}},
    {"h.0.mlp.c_fc.bias", &dtype_f32, 1, {16}},
    {"h.0.mlp.c_proj.weight", &dtype_f32, 2, {16, 4}},
    {"h.0.mlp.c_proj.bias", &dtype_f32, 1, {4}},
};
#define SMALL_CONFIG                                                                                         \
    "{\"model_type\":\"gpt2\",\"n_layer\":1,\"n_head\":2,\"n_embd\":4,\"n_positions\":8,\"vocab_size\":5"

static size_t entry_count(const struct st_entry *entry)
{
    return entry->n_dims == 1 ? entry->shape[0] : entry->shape[0] * entry->shape[1];
}

/* Values that follow from the name without its prefix. */
static void entry_values(const struct st_entry *entry, float *values)
{
    const char *name = strncmp(entry->name, "transformer.", 12) == 0 ? entry->name + 12 : entry->name;
    for (size_t i = 0; i < entry_count(entry); i++)
        values[i] = (float)xxh64(name, strlen(name), i) / 0x1p64f - 0.5f;
}

static void write_entries(const char *name, const struct st_entry *entries, size_t n, float poison)
{
    char *path = path_join(dir, name);
    float values[SMALL_MAX];
    struct st_writer *w = st_writer_open(path, entries, n, &err);
    ck_assert_ptr_nonnull(w);
    for (size_t i = 0; i < n; i++) {
        entry_values(&entries[i], values);
        if (poison != 0 && i == n - 1)
            values[2] = poison;
        st_write(w, values);
    }
    check_ok(st_writer_commit(w, NULL, &err));
    free(path);
}

static void check_small_model(const struct model *m)
{
    for (size_t i = 0; i < N_SMALL; i++) {
        char *name = family_tensor_name(&family_gpt2, small_model[i].name);
        float values[SMALL_MAX];
        entry_values(&small_model[i], values);
        const struct tensor *t = tensor_find_name(&m->table, name);
        ck_assert_ptr_nonnull(t);
        ck_assert_mem_eq(m->params + t->offset, values, t->count * sizeof *values);
        free(name);
    }
}

START_TEST(names_load_with_and_without_the_prefix)
{
    struct model m;
    struct st_entry entries[N_SMALL + 3];
    char *names[N_SMALL];
    memcpy(entries, small_model, sizeof small_model);
    entries[N_SMALL] = (struct st_entry){"h.0.attn.bias", &dtype_f32, 1, {3}};
    entries[N_SMALL + 1] = (struct st_entry){"transformer.h.0.attn.masked_bias", &dtype_f32, 1, {1}};
    entries[N_SMALL + 2] = (struct st_entry){"score.weight", &dtype_f32, 2, {1, 4}};
    put("config.json", SMALL_CONFIG "}");
    write_entries("model.safetensors", entries, N_SMALL + 3, 0);
    model_open(&m, dir, 0);
    check_ok(model_load(&m, dir, 0));
    check_small_model(&m);
    memset(m.params, 0, m.table.n_elements * sizeof *m.params);
    for (size_t i = 0; i < N_SMALL; i++)
        entries[i].name = names[i] = mem_printf("transformer.%s", small_model[i].name);
    write_entries("model.safetensors", entries, N_SMALL, 0);
    check_ok(model_load(&m, dir, 0));
    check_small_model(&m);
    for (size_t i = 0; i < N_SMALL; i++)
        free(names[i]);
    model_close(&m);
}
END_TEST

START_TEST(shards_load)
{
    struct model m;
    put("config.json", SMALL_CONFIG "}");
    put("model.safetensors.index.json", "{\"weight_map\":{\"wte.weight\":\"m-1.safetensors\","
                                        "\"wpe.weight\":\"m-1.safetensors\",\"ln_f.bias\":\"m-2.safetensors\"}}");
    write_entries("m-1.safetensors", small_model, 2, 0);
    write_entries("m-2.safetensors", small_model + 2, N_SMALL - 2, 0);
    model_open(&m, dir, 0);
    check_ok(model_load(&m, dir, 0));
    check_small_model(&m);

    write_entries("m-1.safetensors", small_model, 3, 0);
    expect_message(model_load(&m, dir, 0),
                   "/m-2.safetensors: tensor 'ln_f.weight' is there twice (the other is 'ln_f.weight')");
    put("model.safetensors.index.json", "{\"weight_map\":{\"wte.weight\":\"../m-1.safetensors\"}}");
    expect_message(model_load(&m, dir, 0),
                   "/model.safetensors.index.json: weight_map.wte.weight: expected a file's name, found a path");
    put("model.safetensors.index.json", "{}");
    expect_message(model_load(&m, dir, 0),
                   "/model.safetensors.index.json: weight_map: expected an object of files");
    model_close(&m);
}
END_TEST

START_TEST(absent_weights_are_named)
{
    struct model m;
    put("config.json", SMALL_CONFIG "}");
    model_open(&m, dir, 0);
    expect_message(model_load(&m, dir, 0), ": no model.safetensors");
    put("pytorch_model.bin", "");
    ck_assert_int_eq(model_load(&m, dir, 0), SFT_EDATA);
    ck_assert_ptr_nonnull(strstr(err_text(&err), "only pytorch_model.bin, which is not read here; convert it"));
    model_close(&m);
}
END_TEST

/* One more tensor, or one fewer. */
static const struct {
    struct st_entry last;
    size_t n_kept; /* of small_model */
    float poison;  /* a value of the last tensor */
    const char *message;
} bad_models[] = {
    {{"h.0.mlp.c_fc.bias", &dtype_f32, 1, {16}},
     13,
     0,
     ": 2 of 16 tensors are missing: transformer.h.*.mlp.c_proj.weight, transformer.h.*.mlp.c_proj.bias"},
    {{"transformer.wte.weight", &dtype_f32, 2, {5, 4}},
     N_SMALL,
     0,
     "/model.safetensors: tensor 'wte.weight' is there twice (the other is 'transformer.wte.weight')"},
    {{"h.1.ln_1.weight", &dtype_f32, 1, {4}},
     N_SMALL,
     0,
     "/model.safetensors: more layers than config.json's n_layer 1: h.*.ln_1.weight"},
    {{"h.0.mlp.c_proj.bias", &dtype_f32, 2, {4, 1}},
     15,
     0,
     "/model.safetensors: tensor 'h.0.mlp.c_proj.bias' is (4, 1), but config.json makes it (4)"},
    {{"h.0.mlp.c_proj.bias", &dtype_f32, 1, {5}},
     15,
     0,
     "/model.safetensors: tensor 'h.0.mlp.c_proj.bias' is (5), but config.json makes it (4)"},
    {{"lm_head.weight", &dtype_f32, 2, {4, 5}},
     N_SMALL,
     0,
     "/model.safetensors: tensor 'lm_head.weight' is (4, 5), but config.json makes it (5, 4)"},
    {{"lm_head.weight", &dtype_f32, 2, {5, 4}},
     N_SMALL,
     0,
     "/model.safetensors: 'lm_head.weight' differs from 'transformer.wte.weight' although config.json's "
     "tie_word_embeddings is true (set it to false to keep them apart)"},
    {{"h.0.mlp.c_proj.bias", &dtype_f32, 1, {4}},
     15,
     NAN,
     "/model.safetensors: tensor 'h.0.mlp.c_proj.bias': 1 of 4 values are not finite"},
    {{"h.0.mlp.c_proj.bias", &dtype_bf16, 1, {4}},
     15,
     -INFINITY,
     "/model.safetensors: tensor 'h.0.mlp.c_proj.bias': 1 of 4 values are not finite"},
};

START_TEST(bad_models_are_named)
{
    struct model m;
    struct st_entry entries[N_SMALL + 1];
    const size_t n = bad_models[_i].n_kept;
    memcpy(entries, small_model, sizeof small_model);
    entries[n] = bad_models[_i].last;
    put("config.json", SMALL_CONFIG "}");
    write_entries("model.safetensors", entries, n + 1, bad_models[_i].poison);
    model_open(&m, dir, 0);
    expect_message(model_load(&m, dir, 0), bad_models[_i].message);
    model_close(&m);
}
END_TEST

/* torch's state_dict, saved whole, has a tied head too. */
START_TEST(a_tied_head_that_equals_the_embedding_is_passed_over)
{
    struct model m;
    char *path = path_join(dir, "model.safetensors");
    const struct st_entry head = {"lm_head.weight", &dtype_f32, 2, {5, 4}};
    struct st_entry entries[N_SMALL + 1];
    float values[SMALL_MAX];
    put("config.json", SMALL_CONFIG "}");
    memcpy(entries, small_model, sizeof small_model);
    entries[N_SMALL] = head;
    struct st_writer *w = st_writer_open(path, entries, N_SMALL + 1, &err);
    for (size_t i = 0; i <= N_SMALL; i++) {
        entry_values(&small_model[i % N_SMALL], values); /* the head last, as wte */
        st_write(w, values);
    }
    check_ok(st_writer_commit(w, NULL, &err));
    model_open(&m, dir, 0);
    check_ok(model_load(&m, dir, 0));
    check_small_model(&m);
    model_close(&m);
    free(path);
}
END_TEST

START_TEST(an_untied_head_is_needed)
{
    struct model m;
    put("config.json", SMALL_CONFIG ",\"tie_word_embeddings\":false}");
    write_entries("model.safetensors", small_model, N_SMALL, 0);
    model_open(&m, dir, 0);
    expect_message(model_load(&m, dir, 0), ": tensor 'lm_head.weight' is missing, although config.json's "
                                             "tie_word_embeddings is false (where the head is the embedding, set it to "
                                             "true)");
    model_close(&m);
}
END_TEST

START_TEST(new_tokens_start_at_the_mean)
{
    struct model m;
    struct st_entry entries[N_SMALL + 1];
    memcpy(entries, small_model, sizeof small_model);
    entries[N_SMALL] = (struct st_entry){"lm_head.weight", &dtype_f32, 2, {5, 4}};
    put("config.json", SMALL_CONFIG ",\"tie_word_embeddings\":false}");
    write_entries("model.safetensors", entries, N_SMALL + 1, 0);
    model_open(&m, dir, 3);
    check_ok(model_load(&m, dir, 3));
    const struct tensor *const grown[] = {m.table.token_embedding, m.table.head};
    ck_assert_ptr_ne(grown[0], grown[1]);
    for (size_t r = 0; r < 2; r++) {
        const struct tensor *t = grown[r];
        const float *rows = m.params + t->offset;
        float values[SMALL_MAX];
        entry_values(r ? &entries[N_SMALL] : &entries[0], values);
        ck_assert_uint_eq(t->rows, 8);
        ck_assert_mem_eq(rows, values, 5 * 4 * sizeof *values);
        for (size_t c = 0; c < 4; c++) {
            const float mean = (values[c] + values[4 + c] + values[8 + c] + values[12 + c] + values[16 + c]) /
                               5;
            for (size_t row = 5; row < 8; row++)
                ck_assert_float_eq_tol(rows[row * 4 + c], mean, 1e-7f);
        }
    }
    model_close(&m);
}
END_TEST

/* ---- saving ---- */

static void save(const struct model *m, const struct dtype *dtype)
{
    const struct model_meta meta = {.base_config = m->raw,
                                    .eos_token_id = 3,
                                    .pad_token_id = -1,
                                    .bos_token_id = m->config.bos_token_id,
                                    .dtype = dtype};
    const struct model_out out = {
        .values = model_values_in(m->params), .table = &m->table, .config = &m->config, .meta = &meta};
    check_ok(hf_save(&out, dir, &err));
}

START_TEST(the_bases_own_keys_are_kept)
{
    struct model m;
    json *saved;
    put("config.json", SMALL_CONFIG ",\"eos_token_id\":[1,2],\"bos_token_id\":50256,\"resid_pdrop\":0.25,"
                                    "\"activation_function\":\"gelu_fast\",\"mine\":{\"deep\":[1,null]}}");
    model_open(&m, dir, 2);
    save(&m, &dtype_f32);
    char *config = path_join(dir, "config.json"), *generation = path_join(dir, "generation_config.json");
    check_ok(json_parse_file(config, &saved, &err));
    ck_assert(json_number(json_get(saved, "vocab_size")) == 7);
    const json *eos = json_first(json_get(saved, "eos_token_id")); /* a list stays one, the end of turn first */
    ck_assert(json_number(eos) == 3 && json_number(json_next(eos)) == 1);
    ck_assert_uint_eq(json_size(json_get(saved, "eos_token_id")), 3);
    ck_assert(json_is_null(json_get(saved, "bos_token_id")) && json_is_null(json_get(saved, "pad_token_id")));
    ck_assert(json_number(json_get(saved, "resid_pdrop")) == 0.25);
    ck_assert_str_eq(json_string(json_get(saved, "activation_function")), "gelu_fast");
    ck_assert_str_eq(json_string(json_first(json_get(saved, "architectures"))), "GPT2LMHeadModel");
    ck_assert_str_eq(json_string(json_get(saved, "dtype")), "float32");
    ck_assert_uint_eq(json_size(json_get(json_get(saved, "mine"), "deep")), 2);
    json_free(saved);
    check_ok(json_parse_file(generation, &saved, &err));
    ck_assert_uint_eq(json_size(json_get(saved, "eos_token_id")), 3);
    json_free(saved);
    free(config);
    free(generation);
    model_close(&m);
}
END_TEST

/* What is saved without a base's config says the same as what was loaded. */
START_TEST(a_config_of_our_own_reads_back)
{
    struct model m;
    struct model_config again;
    put("config.json", SMALL_CONFIG ",\"n_inner\":10,\"activation_function\":\"gelu\",\"eos_token_id\":3,"
                                    "\"layer_norm_epsilon\":1e-6,\"scale_attn_weights\":false,"
                                    "\"tie_word_embeddings\":false}");
    model_open(&m, dir, 0);
    json_free(m.raw);
    m.raw = NULL;
    save(&m, &dtype_f32);
    check_ok(model_config_load(&again, dir, NULL, &err));
    ck_assert_int_eq(memcmp(&again, &m.config, sizeof again), 0);
    model_close(&m);
}
END_TEST

static float rounded(float x, const struct dtype *dtype)
{
    return dtype == &dtype_bf16  ? f32_from_bf16(bf16_from_f32(x))
           : dtype == &dtype_f16 ? f32_from_f16(f16_from_f32(x))
                             : x;
}

static void check_round_trip(const struct model *m, const struct dtype *dtype)
{
    struct model again;
    save(m, dtype);
    model_open(&again, dir, 0);
    check_ok(model_load(&again, dir, 0));
    ck_assert_uint_eq(again.table.n_elements, m->table.n_elements);
    size_t n_bad = 0;
    for (size_t i = 0; i < m->table.n_elements; i++)
        n_bad += f32_bits(again.params[i]) != f32_bits(rounded(m->params[i], dtype));
    ck_assert_uint_eq(n_bad, 0);
    model_close(&again);
}

static const struct {
    const char *name;
    size_t n_parameters;
} real_models[] = {{"capp-gpt", 236224}, {"llmviz-gpt-nano-sort", 85728}, {"lmbuddy-tiny-gpt2", 2168}};

START_TEST(real_models_survive_a_round_trip)
{
    const char *assets = getenv("SFT_ASSETS");
    char *path = mem_printf("%s/models/%s", assets ? assets : "../shared/assets", real_models[_i].name);
    if (!path_is_dir(path)) {
        printf("SKIP: real_models_survive_a_round_trip: no %s\n", path);
        free(path);
        return;
    }
    struct model m;
    model_open(&m, path, 0);
    check_ok(model_load(&m, path, 0));
    ck_assert_uint_eq(m.table.n_parameters, real_models[_i].n_parameters);
    check_round_trip(&m, &dtype_f32);
    check_round_trip(&m, &dtype_bf16);
    check_round_trip(&m, &dtype_f16);
    model_close(&m);
    free(path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hf");
    TCase *tcase = tcase_create("hf");
    tcase_add_checked_fixture(tcase, make_dir, remove_dir);
    tcase_add_test(tcase, names_load_with_and_without_the_prefix);
    tcase_add_test(tcase, shards_load);
    tcase_add_test(tcase, absent_weights_are_named);
    tcase_add_loop_test(tcase, bad_models_are_named, 0, sizeof bad_models / sizeof *bad_models);
    tcase_add_test(tcase, a_tied_head_that_equals_the_embedding_is_passed_over);
    tcase_add_test(tcase, an_untied_head_is_needed);
    tcase_add_test(tcase, new_tokens_start_at_the_mean);
    tcase_add_test(tcase, the_bases_own_keys_are_kept);
    tcase_add_test(tcase, a_config_of_our_own_reads_back);
    tcase_add_loop_test(tcase, real_models_survive_a_round_trip, 0, sizeof real_models / sizeof *real_models);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? 0 : 1;
}
