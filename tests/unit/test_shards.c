/* Weights in several files: how they are cut, read back, and what is wrong with a directory whose index lies. */
#include "files/formats.h"
#include "files/hf_files.h"
#include "files/hf_weights.h"
#include "files/weights.h"

#include "scratch.h"
#include "support/run_suite.h"
#include "support/small_model.h"
#include "support/tables.h"
#include "train/checkpoint.h"

#include <stdio.h>

#define COUNT(rows) (sizeof(rows) / sizeof *(rows))

/* ---- cutting, as huggingface_hub 2.4.0 does ---- */

static const struct {
    size_t n, max, counts[8], n_shards, shard_of[8]; /* counts: elements of four bytes; max: bytes */
} cuts[] = {
    {3, 120, {10, 10, 10}, 1, {0, 0, 0}},
    {3, 120, {10, 10, 11}, 2, {0, 0, 1}},
    {3, 120, {10, 31, 10}, 2, {1, 0, 1}},
    {3, 120, {31, 10, 20}, 2, {0, 1, 1}},
    {6, 120, {10, 10, 31, 10, 1, 40}, 4, {1, 1, 0, 1, 3, 2}},
    {2, 120, {40, 50}, 2, {0, 1}},
    {3, 120, {30, 30, 1}, 3, {0, 1, 2}},
    {8, 40, {1, 2, 3, 4, 5, 6, 7, 8}, 5, {0, 0, 0, 0, 1, 2, 3, 4}},
};

START_TEST(tensors_are_cut_as_transformers_does)
{
    struct tensor tensors[8] = {0};
    size_t shard_of[8];
    const struct tensor_table table = {.tensors = tensors, .n_tensors = cuts[_i].n};
    for (size_t i = 0; i < cuts[_i].n; i++)
        tensors[i].count = cuts[_i].counts[i];
    ck_assert_uint_eq(hf_weights_split(&table, &dtype_f32, cuts[_i].max, shard_of), cuts[_i].n_shards);
    ck_assert_mem_eq(shard_of, cuts[_i].shard_of, cuts[_i].n * sizeof *shard_of);
    ck_assert_uint_eq(hf_weights_split(&table, &dtype_f32, HF_SHARD_BYTES, shard_of), 1);
}
END_TEST

/* ---- reading back ---- */

static struct model_config config;
static struct tensor_table table;

static enum sft_status load(float **params)
{
    check_ok(model_config_load(&config, dir, NULL, &err));
    tensor_table_init(&table, &config);
    *params = mem_calloc(table.n_elements, sizeof **params);
    return weights_load(*params, &table, &config, config.vocab_size, dir, &err);
}

static void forget(float *params)
{
    free(params);
    tensor_table_free(&table);
}

static void remove_file(const char *name)
{
    char *path = path_join(dir, name);
    check_ok(io_remove_tree(path, &err));
    free(path);
}

static const size_t limits[] = {1, 1500, 3000, 100000};

START_TEST(shards_are_the_whole)
{
    float *whole, *cut;
    json *index;
    small_model_put(dir, SMALL_LLAMA(""), 0);
    check_ok(load(&whole));
    const size_t n_parameters = table.n_parameters;
    tensor_table_free(&table);
    remove_file("model.safetensors");
    small_model_put(dir, SMALL_LLAMA(""), limits[_i]);
    check_ok(load(&cut));
    ck_assert_mem_eq(whole, cut, table.n_elements * sizeof *whole);
    char *path = path_join(dir, hf_index_name);
    ck_assert_int_eq(path_exists(path), limits[_i] < 100000);
    if (path_exists(path)) {
        check_ok(json_parse_file(path, &index, &err));
        const json *metadata = json_get(index, "metadata");
        ck_assert(json_number(json_get(metadata, "total_size")) == 4.0 * (double)n_parameters);
        ck_assert(json_number(json_get(metadata, "total_parameters")) == (double)n_parameters);
        ck_assert_uint_eq(json_size(json_get(index, "weight_map")), table.n_tensors);
        json_free(index);
    }
    free(path);
    free(whole);
    forget(cut);
}
END_TEST

START_TEST(large_sizes_are_written_whole)
{
    struct strbuf text = {0};
    json *object = json_new_object();
    json_set_number(object, "total_size", 1234567890123.0);
    json_print_line(object, &text);
    ck_assert_str_eq(text.data, "{\"total_size\":1234567890123}");
    json_free(object);
    strbuf_free(&text);
}
END_TEST

/* ---- directories that are not whole ---- */

#define INDEX "model.safetensors.index.json"
#define FIRST "model-00001-of-00003.safetensors"
#define SECOND "model-00002-of-00003.safetensors"
#define THIRD "model-00003-of-00003.safetensors"

static void move(const char *from, const char *to)
{
    char *old = path_join(dir, from), *new = path_join(dir, to);
    ck_assert_int_eq(rename(old, new), 0);
    free(old);
    free(new);
}

static void copy(const char *from, const char *to)
{
    struct strbuf bytes = {0};
    char *old = path_join(dir, from), *new = path_join(dir, to);
    check_ok(io_read_file(old, &bytes, &err));
    check_ok(io_write_file(new, bytes.data, bytes.len, &err));
    strbuf_free(&bytes);
    free(old);
    free(new);
}

static void cut_short(const char *name, long bytes)
{
    char *path = path_join(dir, name);
    ck_assert_int_eq(truncate(path, bytes), 0);
    free(path);
}

/* In the index, put what stands after the tensor's name. */
static void change_index(const char *tensor, const char *file)
{
    json *index;
    char *path = path_join(dir, INDEX);
    struct strbuf text = {0};
    check_ok(json_parse_file(path, &index, &err));
    json *weight_map = json_copy(json_get(index, "weight_map"));
    if (file)
        json_set_string(weight_map, tensor, file);
    else
        json_remove(weight_map, tensor);
    json_set_node(index, "weight_map", weight_map);
    json_print(index, &text);
    put(INDEX, text.data);
    json_free(index);
    strbuf_free(&text);
    free(path);
}

static void lose_one(void)
{
    remove_file(SECOND);
}

static void lose_two(void)
{
    remove_file(SECOND);
    remove_file(THIRD);
}

static void lose_index(void)
{
    remove_file(INDEX);
}

static void truncate_header(void)
{
    cut_short(SECOND, 100);
}

static void truncate_data(void)
{
    cut_short(SECOND, 3000);
}

static void swap(void)
{
    move(FIRST, "x");
    move(SECOND, FIRST);
    move("x", SECOND);
}

/* The wrong one, twice. */
static void repeat(void)
{
    copy(FIRST, SECOND);
}

static void misplace(void)
{
    change_index("model.norm.weight", THIRD);
}

static void invent(void)
{
    change_index("model.layers.7.mlp.up_proj.weight", SECOND);
}

static void leave_unnamed(void)
{
    change_index("model.norm.weight", NULL);
    copy(FIRST, "x.safetensors");
    change_index("model.embed_tokens.weight", "x.safetensors");
}

static void name_no_file(void)
{
    change_index("model.norm.weight", "../x.safetensors");
}

static void name_nothing(void)
{
    put(INDEX, "{\"weight_map\":{\"model.norm.weight\":[1]}}");
}

static void empty_map(void)
{
    put(INDEX, "{\"weight_map\":{}}");
}

static void no_json(void)
{
    put(INDEX, "{\"weight_map\":");
}

static void pointer(void)
{
    put(INDEX, "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 548105171\n");
}

static const struct {
    void (*damage)(void);
    const char *message;
} damages[] = {
    {lose_one, ": 1 of the 3 files that " INDEX " names is not there: " SECOND " (fetch the directory again)"},
    {lose_two, ": 2 of the 3 files that " INDEX " names are not there: " SECOND ", " THIRD
               " (fetch the directory again)"},
    {lose_index, ": " FIRST " is there, but not " INDEX ", which says what is in it (fetch that too)"},
    {truncate_header, "/" SECOND ": a header of 920 bytes in a file of 100 (is it cut short?); it is one of the 3 "
                      "files that " INDEX " names: fetch it again"},
    {truncate_data, "/" SECOND ": tensor 'model.layers.0.mlp.gate_proj.weight': data_offsets end at 2624, past the "
                    "2072 bytes of data (is the file cut short?); it is one of the 3 files that " INDEX
                    " names: fetch it again"},
    {swap, "/" FIRST ": holds tensors that " INDEX " puts into " SECOND ": "},
    {repeat, "/" SECOND ": holds tensors that " INDEX " puts into " FIRST ": "},
    {misplace, "/" FIRST ": holds tensors that " INDEX " puts into " THIRD ": model.norm.weight (files have changed "
               "places, or are of different downloads: fetch the directory again)"},
    {invent, "/" SECOND ": lacks tensors that " INDEX " puts there: model.layers.*.mlp.up_proj.weight (the two are of "
             "different downloads: fetch the directory again)"},
    {leave_unnamed, "/" FIRST ": holds tensors that " INDEX " puts into x.safetensors: model.embed_tokens.weight "},
    {name_no_file, "/" INDEX ": weight_map.model.norm.weight: expected a file's name, found a path"},
    {name_nothing, "/" INDEX ": weight_map.model.norm.weight: expected a file's name, found an array"},
    {empty_map, "/" INDEX ": weight_map: expected an object of files"},
    {no_json, "/" INDEX ": column 15: expected a value, but the text ends here"},
    {pointer, "/" INDEX ": is a Git LFS pointer, not the file itself (fetch that with git lfs pull)"},
};

START_TEST(what_is_wrong_is_named)
{
    float *params;
    const char *message = damages[_i].message;
    small_model_put(dir, SMALL_LLAMA(""), 8000);
    damages[_i].damage();
    ck_assert_int_eq(load(&params), SFT_EDATA);
    ck_assert_msg(strncmp(err_text(&err) + strlen(dir), message, strlen(message)) == 0, "%s", err_text(&err));
    forget(params);
}
END_TEST

/* ---- which files a model is ---- */

static const char *listed(const char *path)
{
    static struct strbuf text;
    const struct format *format;
    char **paths;
    size_t n;
    check_ok(format_find(&format, path, &err));
    check_ok(format->list_files(&paths, &n, path, &err));
    strbuf_clear(&text);
    for (size_t i = 0; i < n; i++)
        strbuf_printf(&text, "%s%s", i ? " " : "", path_basename(paths[i]));
    io_list_free(paths, n);
    return text.data;
}

START_TEST(a_models_files_are_its_own)
{
    small_model_put(dir, SMALL_LLAMA(""), 8000);
    put("tokenizer.json", "{}");
    put("chat_template.jinja", "");
    put("consolidated.safetensors", "");
    put("README.md", "");
    put("mine.json", "{}");
    ck_assert_str_eq(listed(dir), "chat_template.jinja config.json " FIRST " " SECOND " " THIRD " " INDEX
                                  " tokenizer.json");
    char *config_path = path_join(dir, "mine.json");
    ck_assert_str_eq(listed(config_path), "chat_template.jinja config.json mine.json tokenizer.json");
    small_model_put(dir, SMALL_LLAMA(""), 0); /* what transformers takes first */
    ck_assert_str_eq(listed(dir), "chat_template.jinja config.json model.safetensors tokenizer.json");
    free(config_path);
}
END_TEST

/* ---- checkpoints ---- */

static void open_learner(struct transformer *model, struct adamw *adamw)
{
    static const char text[] = SMALL_LLAMA("");
    const struct adamw_options options = {.beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    json *raw;
    check_ok(json_parse(text, strlen(text), &raw, &err));
    check_ok(model_config_read(&config, raw, &err));
    json_free(raw);
    check_ok(transformer_init(model, &config, &kernels_plain_f32, tensor_any, &err));
    check_ok(adamw_init(adamw, model, &options, &err));
}

START_TEST(a_checkpoint_of_shards_is_gone_on_from)
{
    struct transformer model, again;
    struct adamw adamw, adamw_again;
    struct strbuf record = {0};
    struct checkpoint_found found;
    const struct train_state state = {.step = 5};
    const struct model_meta meta = {
        .eos_token_id = -1, .pad_token_id = -1, .bos_token_id = -1, .dtype = &dtype_f32, .max_shard_bytes = 8000};
    open_learner(&model, &adamw);
    params_init_random(model.params.values.data, &model.params.table, &config, 3);
    strbuf_puts(&record, "\"total_steps\": 9");
    check_ok(checkpoint_save(dir, &(struct checkpoint){&model, &adamw, NULL, NULL, &meta, &state, &record}, &err));
    check_ok(checkpoint_find(dir, &found, &err));
    ck_assert_uint_eq(found.state.step, 5);
    open_learner(&again, &adamw_again);
    check_ok(checkpoint_load(found.dir, false, &again, &adamw_again, &err));
    ck_assert_mem_eq(model.params.values.data, again.params.values.data, model.params.values.bytes);
    cut_short("checkpoint-5/" SECOND, 3000);
    checkpoint_found_free(&found);
    ck_assert_int_eq(checkpoint_find(dir, &found, &err), SFT_EDATA); /* its checksum is wrong: there is none other */
    checkpoint_found_free(&found);
    strbuf_free(&record);
    adamw_free(&adamw);
    adamw_free(&adamw_again);
    transformer_free(&model);
    transformer_free(&again);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shards");
    TCase *tcase = tcase_create("shards");
    tcase_add_checked_fixture(tcase, make_dir, remove_dir);
    tcase_add_loop_test(tcase, tensors_are_cut_as_transformers_does, 0, COUNT(cuts));
    tcase_add_loop_test(tcase, shards_are_the_whole, 0, COUNT(limits));
    tcase_add_test(tcase, large_sizes_are_written_whole);
    tcase_add_loop_test(tcase, what_is_wrong_is_named, 0, COUNT(damages));
    tcase_add_test(tcase, a_models_files_are_its_own);
    tcase_add_test(tcase, a_checkpoint_of_shards_is_gone_on_from);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
