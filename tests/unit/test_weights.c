/* The steps from what is stored to parameters, each alone: dtypes, placing, a tied head, new rows, formats. */
#include "files/formats.h"
#include "files/grow.h"
#include "files/half.h"
#include "files/model_files.h"
#include "files/place.h"
#include "files/tie.h"

#include "scratch.h"
#include "support/run_suite.h"

#include <math.h>

static void says(enum sft_status status, const char *message)
{
    ck_assert_int_eq(status, SFT_EDATA);
    ck_assert_str_eq(SFT_ERR_TEXT(&err), message);
}

/* ---- dtypes ---- */

static const struct {
    const char *name;
    size_t count, bytes; /* bytes 0: no whole blocks, or too many */
} sizes[] = {
    {"F32", 3, 12},
    {"BF16", 3, 6},
    {"BOOL", 3, 3},
    {"F6_E2M3", 8, 6},
    {"F6_E2M3", 7, 0},
    {"F4", 2, 1},
    {"F4", 3, 0},
    {"F64", SIZE_MAX / 4, 0},
};

START_TEST(bytes_follow_from_the_block)
{
    size_t bytes = 0;
    const bool fits = dtype_bytes(dtype_find(sizes[_i].name), sizes[_i].count, &bytes);
    ck_assert_int_eq(fits, sizes[_i].bytes != 0);
    if (fits)
        ck_assert_uint_eq(bytes, sizes[_i].bytes);
}
END_TEST

START_TEST(what_is_written_is_an_option)
{
    static const char *const options[] = {"f32", "f16", "bf16"};
    for (size_t i = 0; i < 3; i++) {
        const struct dtype *dtype = dtype_of_option(dtype_floats, options[i]);
        ck_assert(dtype && dtype->from_f32 && dtype->to_f32 && dtype_find(dtype->name) == dtype);
    }
    struct strbuf list = {0};
    dtype_options(dtype_floats, &list);
    ck_assert_str_eq(list.data, "f32, f16 or bf16");
    strbuf_free(&list);
    ck_assert_ptr_null(dtype_of_option(dtype_floats, "F32"));
    ck_assert_ptr_null(dtype_of_option(dtype_floats, "i64"));
    ck_assert_ptr_null(dtype_find("f32"));
    ck_assert_ptr_null(dtype_find("I64")->to_f32);
}
END_TEST

/* Any part, at odd addresses, is what the whole has there. */
START_TEST(a_part_is_read_alone)
{
    enum { N = 10 };
    unsigned char bytes[1 + 2 * N];
    float values[N], part[3];
    for (size_t i = 0; i < N; i++)
        values[i] = (float)i - 4.5F;
    dtype_bf16.from_f32(bytes + 1, values, N);
    char name[] = "x";
    const struct stored_tensor t = {.name = name, .dtype = &dtype_bf16, .count = N, .data = bytes + 1, .bytes = 2 * N};
    stored_read_part(&t, 6, 3, part);
    ck_assert_mem_eq(part, values + 6, sizeof part);
    check_ok(stored_read(&t, values, &err));
    ck_assert_float_eq(values[9], 4.5F);
    const struct stored_tensor other = {.name = name, .dtype = dtype_find("I8"), .count = N, .data = bytes, .bytes = N};
    says(stored_read(&other, values, &err), "tensor 'x' is I8; F32, F16, BF16 and F64 are read here");
}
END_TEST

/* ---- placing ---- */

/* A model and what could be its files' tensors: one for each of the table's, named as there, in memory. */
struct fixture {
    struct model_config config;
    struct tensor_table table;
    struct stored_tensor *stored; /* (table.n_tensors + 1) the last is a head */
    float *values;                /* (table.n_elements) what they hold, where the table has it; the head: wte */
    struct placement place;
};

static void fixture_open(struct fixture *f, bool tied, size_t n_new_tokens)
{
    f->config = (struct model_config){.family = &family_gpt2,
                                      .n_layer = 2,
                                      .n_head = 1,
                                      .n_kv_head = 1,
                                      .head_dim = 2,
                                      .n_embd = 2,
                                      .n_inner = 8,
                                      .n_positions = 3,
                                      .vocab_size = 5,
                                      .tied = tied};
    tensor_table_init(&f->table, &f->config);
    f->stored = mem_calloc(f->table.n_tensors + 1, sizeof *f->stored);
    f->values = mem_calloc(f->table.n_elements, sizeof *f->values);
    for (size_t i = 0; i < f->table.n_elements; i++)
        f->values[i] = (float)i;
    for (size_t i = 0; i < f->table.n_tensors; i++) {
        struct tensor *t = &f->table.tensors[i];
        f->stored[i] = (struct stored_tensor){.name = mem_strdup(t->name),
                                              .path = "FILE",
                                              .dtype = &dtype_f32,
                                              .n_dims = t->n_dims,
                                              .shape = {t->rows, t->cols},
                                              .count = t->count,
                                              .data = (const unsigned char *)(f->values + t->offset),
                                              .bytes = t->count * sizeof(float)};
    }
    f->stored[f->table.n_tensors] = f->stored[0]; /* wte */
    f->stored[f->table.n_tensors].name = mem_strdup("lm_head.weight");
    f->config.vocab_size += n_new_tokens;
    place_init(&f->place, &f->table, &f->config, 5);
}

static void fixture_close(struct fixture *f)
{
    place_free(&f->place);
    for (size_t i = 0; i <= f->table.n_tensors; i++)
        free(f->stored[i].name);
    free(f->stored);
    free(f->values);
    tensor_table_free(&f->table);
}

/* All of them from the last to the first but for number `without`. */
static void take_all(struct fixture *f, size_t without)
{
    for (size_t i = f->table.n_tensors; i-- > 0;)
        if (i != without)
            check_ok(place_take(&f->place, &f->stored[i], &err));
}

START_TEST(each_finds_its_place_in_any_order)
{
    struct fixture f;
    fixture_open(&f, true, 0);
    take_all(&f, SIZE_MAX);
    check_ok(place_check(&f.place, "DIR", &err));
    for (size_t i = 0; i < f.table.n_tensors; i++)
        ck_assert_ptr_eq(f.place.from[i], &f.stored[i]);
    ck_assert_uint_eq(f.place.layers_in_file, 2);
    says(place_take(&f.place, &f.stored[3], &err),
                   "FILE: tensor 'transformer.ln_f.bias' is there twice (the other is 'transformer.ln_f.bias')");
    fixture_close(&f);
}
END_TEST

START_TEST(one_that_is_missing_or_misshapen_is_named)
{
    struct fixture f;
    fixture_open(&f, true, 0);
    take_all(&f, 1);
    says(place_check(&f.place, "DIR", &err), "DIR: missing tensor: transformer.wpe.weight");
    f.stored[1].shape[0] = 4;
    check_ok(place_take(&f.place, &f.stored[1], &err));
    says(place_check(&f.place, "DIR", &err),
         "FILE: tensor 'transformer.wpe.weight' is (4, 2), but config.json makes it (3, 2)");
    f.stored[1].shape[0] = 3;
    f.stored[1].shape[1] = 4;
    says(place_check(&f.place, "DIR", &err),
         "FILE: tensor 'transformer.wpe.weight' is (3, 4), but config.json makes it (3, 2)");
    f.stored[1].dtype = dtype_find("I64");
    says(place_check(&f.place, "DIR", &err),
         "FILE: tensor 'transformer.wpe.weight' is I64; F32, F16, BF16 and F64 are read here");
    fixture_close(&f);
}
END_TEST

/* The files' rows are the base's vocabulary, however many tokens are added. */
START_TEST(files_need_no_rows_for_new_tokens)
{
    struct fixture f;
    fixture_open(&f, true, 3);
    take_all(&f, SIZE_MAX);
    check_ok(place_check(&f.place, "DIR", &err));
    ck_assert_uint_eq(place_rows_in_file(&f.place, &f.table.tensors[0]), 5);
    ck_assert_uint_eq(place_rows_in_file(&f.place, &f.table.tensors[1]), 3);
    fixture_close(&f);
}
END_TEST

/* ---- a tied head ---- */

START_TEST(a_head_stands_in_for_the_embedding)
{
    struct fixture f;
    fixture_open(&f, true, 0);
    take_all(&f, 0);
    check_ok(place_take(&f.place, &f.stored[f.table.n_tensors], &err));
    ck_assert(place_check(&f.place, "DIR", &err) == SFT_EDATA);
    tie_take_head(&f.place);
    check_ok(place_check(&f.place, "DIR", &err));
    ck_assert_ptr_eq(f.place.from[0], &f.stored[f.table.n_tensors]);
    ck_assert_ptr_null(f.place.head);
    fixture_close(&f);
}
END_TEST

START_TEST(a_head_beside_the_embedding_equals_it)
{
    struct fixture f;
    float values[10];
    fixture_open(&f, true, 0);
    take_all(&f, SIZE_MAX);
    check_ok(tie_check_head(&f.place, &err)); /* there is none */
    check_ok(place_take(&f.place, &f.stored[f.table.n_tensors], &err));
    tie_take_head(&f.place);
    ck_assert_ptr_nonnull(f.place.head);
    check_ok(tie_check_head(&f.place, &err));
    memcpy(values, f.place.head->data, sizeof values);
    values[9] = nextafterf(values[9], 0);
    f.stored[f.table.n_tensors].data = (const unsigned char *)values;
    ck_assert_int_eq(tie_check_head(&f.place, &err), SFT_EDATA);
    fixture_close(&f);
}
END_TEST

START_TEST(an_untied_head_is_a_tensor_like_others)
{
    struct fixture f;
    fixture_open(&f, false, 0);
    take_all(&f, SIZE_MAX);
    tie_take_head(&f.place);
    check_ok(place_check(&f.place, "DIR", &err));
    ck_assert_ptr_null(f.place.head);
    fixture_close(&f);
}
END_TEST

/* ---- new rows ---- */

START_TEST(new_rows_are_the_mean_of_the_old)
{
    enum { OLD = 3, COLS = 70 }; /* more columns than are summed at once */
    float values[OLD * COLS], mean[COLS];
    double sum[COLS] = {0}, in_pieces[COLS] = {0};
    for (size_t i = 0; i < OLD * COLS; i++)
        values[i] = (float)(i * i % 97);
    grow_add(sum, values, OLD, COLS);
    grow_add(in_pieces, values, 1, COLS);
    grow_add(in_pieces, values + COLS, OLD - 1, COLS);
    ck_assert_mem_eq(in_pieces, sum, sizeof sum);
    grow_mean(mean, sum, OLD, COLS);
    for (size_t c = 0; c < COLS; c++)
        ck_assert_float_eq(mean[c], (float)(((double)values[c] + values[COLS + c] + values[2 * COLS + c]) / OLD));
}
END_TEST

/* ---- formats, and a model's files ---- */

#define CONFIG "{\"model_type\":\"gpt2\",\"n_layer\":1,\"n_head\":1,\"n_embd\":2,\"n_positions\":4,\"vocab_size\":"

START_TEST(a_format_is_found_by_its_path)
{
    const struct format *format;
    char *config = path_join(dir, "config.json"), *other = path_join(dir, "model.bin"), *none = path_join(dir, "x");
    put("config.json", CONFIG "3}");
    put("model.bin", "");
    check_ok(format_find(&format, dir, &err));
    ck_assert_str_eq(format->name, "hf");
    check_ok(format_find(&format, config, &err));
    ck_assert_str_eq(format->name, "config");
    ck_assert_ptr_null(format->open_tensors);
    ck_assert_int_eq(format_find(&format, other, &err), SFT_EIO);
    ck_assert_ptr_nonnull(strstr(SFT_ERR_TEXT(&err), "/model.bin: is a file of a model; name its directory, "));
    ck_assert_int_eq(format_find(&format, none, &err), SFT_EIO);
    ck_assert_ptr_null(format);
    ck_assert_ptr_null(format_to_write("config"));
    ck_assert_str_eq(format_to_write("hf")->name, "hf");
    ck_assert_str_eq(format_to_write("gguf")->name, "gguf");
    ck_assert_str_eq(format_names_written, "hf or gguf");
    free(config);
    free(other);
    free(none);
}
END_TEST

static void put_tokenizer(void)
{
    put("vocab.json", "{\"a\":0,\"b\":1,\"c\":2,\"<|endoftext|>\":3}");
    put("merges.txt", "#version: 0.2\n");
}

struct problems {
    size_t n;
    char last[SFT_ERR_MAX];
};

static void note(void *context, const struct sft_err *problem)
{
    struct problems *p = context;
    p->n++;
    sft_err_text(problem, p->last, sizeof p->last);
}

START_TEST(a_models_files_open_together)
{
    struct model_files m;
    put("config.json", CONFIG "4,\"eos_token_id\":3}");
    put("generation_config.json", "{\"eos_token_id\":[3,2]}");
    put_tokenizer();
    check_ok(model_files_open(&m, dir, &err));
    ck_assert_uint_eq(m.config.vocab_size, 4);
    ck_assert_uint_eq(m.generation.n_end_tokens, 2);
    ck_assert_uint_eq(tokenizer_vocab_size(m.tokenizer), 4);
    ck_assert(json_number(json_get(m.config_json, "n_layer")) == 1);
    struct tokenizer *again;
    tokenizer_add_special(m.tokenizer, "<|new|>");
    check_ok(model_files_reload_tokenizer(&m, &again, &err));
    ck_assert_uint_eq(tokenizer_vocab_size(again), 4);
    tokenizer_free(again);
    model_files_close(&m);

    char *config = path_join(dir, "config.json"); /* beside which the other files are */
    check_ok(model_files_open(&m, config, &err));
    ck_assert_uint_eq(m.generation.n_end_tokens, 2);
    ck_assert_ptr_nonnull(m.tokenizer);
    model_files_close(&m);
    free(config);
}
END_TEST

START_TEST(a_survey_tells_all_that_is_wrong)
{
    struct model_files m;
    struct problems problems = {0};
    put("config.json", CONFIG "3}");
    put("generation_config.json", "[]");
    put_tokenizer();
    ck_assert_int_eq(model_files_open(&m, dir, &err), SFT_EDATA);
    ck_assert_ptr_nonnull(strstr(SFT_ERR_TEXT(&err), "generation_config.json"));
    model_files_close(&m);
    model_files_survey(&m, dir, note, &problems);
    ck_assert_uint_eq(problems.n, 2);
    ck_assert_ptr_nonnull(strstr(problems.last, "the tokenizer has ids up to 3, but config.json's vocab_size is 3"));
    ck_assert_ptr_nonnull(m.tokenizer);
    model_files_close(&m);

    put("config.json", "{}");
    problems.n = 0;
    model_files_survey(&m, dir, note, &problems);
    ck_assert_uint_eq(problems.n, 1); /* what depends on the config is not looked at */
    ck_assert_ptr_null(m.config.family);
    ck_assert_ptr_nonnull(m.tokenizer);
    model_files_close(&m);
}
END_TEST

START_TEST(a_tokenizer_needs_no_model)
{
    struct model_files m;
    put_tokenizer();
    ck_assert_int_eq(model_files_open(&m, dir, &err), SFT_EDATA);
    model_files_close(&m);
    check_ok(model_files_open_tokenizer(&m, dir, &err));
    ck_assert_ptr_null(m.config.family);
    ck_assert_uint_eq(tokenizer_vocab_size(m.tokenizer), 4);
    model_files_close(&m);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("weights");
    TCase *tcase = tcase_create("weights");
    tcase_add_checked_fixture(tcase, make_dir, remove_dir);
    tcase_add_loop_test(tcase, bytes_follow_from_the_block, 0, sizeof sizes / sizeof *sizes);
    tcase_add_test(tcase, what_is_written_is_an_option);
    tcase_add_test(tcase, a_part_is_read_alone);
    tcase_add_test(tcase, each_finds_its_place_in_any_order);
    tcase_add_test(tcase, one_that_is_missing_or_misshapen_is_named);
    tcase_add_test(tcase, files_need_no_rows_for_new_tokens);
    tcase_add_test(tcase, a_head_stands_in_for_the_embedding);
    tcase_add_test(tcase, a_head_beside_the_embedding_equals_it);
    tcase_add_test(tcase, an_untied_head_is_a_tensor_like_others);
    tcase_add_test(tcase, new_rows_are_the_mean_of_the_old);
    tcase_add_test(tcase, a_format_is_found_by_its_path);
    tcase_add_test(tcase, a_models_files_open_together);
    tcase_add_test(tcase, a_survey_tells_all_that_is_wrong);
    tcase_add_test(tcase, a_tokenizer_needs_no_model);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
