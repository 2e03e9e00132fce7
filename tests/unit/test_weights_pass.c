/* A model's weights on their way from one place to another: piece by piece, and what comes out is what was there. */
#include "files/hf_save.h"
#include "files/safetensors.h"
#include "files/weights.h"
#include "model/config_read.h"

#include "scratch.h"
#include "support/run_suite.h"

#include <math.h>

/* 17 million parameters, of which the largest matrices have 4 million. */
#define WIDE_LLAMA                                                                                                     \
    "{\"model_type\":\"llama\",\"num_hidden_layers\":1,\"num_attention_heads\":8,\"hidden_size\":1024,"          \
    "\"intermediate_size\":4096,\"max_position_embeddings\":64,\"vocab_size\":40}"

enum { STEP = 1 << 14 };

struct fixture {
    struct model_config config;
    struct tensor_table table;
    json *raw;
};

static float value(size_t i)
{
    return (float)(i % 1009) / 1024 - 0.5F;
}

/* The model of WIDE_LLAMA in `dir`, its values numbered through; `n_bad` of its last matrix are none, far apart. */
static void put_model(struct fixture *f, const struct dtype *dtype, size_t n_bad)
{
    struct st_entry entries[16];
    float values[STEP];
    put("config.json", WIDE_LLAMA);
    check_ok(json_parse(WIDE_LLAMA, strlen(WIDE_LLAMA), &f->raw, &err));
    check_ok(model_config_read(&f->config, f->raw, &err));
    tensor_table_init(&f->table, &f->config);
    const size_t n = f->table.n_tensors;
    ck_assert_uint_le(n, sizeof entries / sizeof *entries);
    for (size_t i = 0; i < n; i++) {
        const struct tensor *t = &f->table.tensors[i];
        entries[i] = (struct st_entry){t->name, dtype, t->n_dims, {t->rows, t->cols}};
    }
    char *path = path_join(dir, "model.safetensors");
    struct st_writer *w = st_writer_open(path, entries, n, &err);
    ck_assert_ptr_nonnull(w);
    for (size_t i = 0; i < n; i++)
        for (size_t done = 0, part, count = f->table.tensors[i].count; done < count; done += part) {
            part = count - done < STEP ? count - done : STEP;
            for (size_t k = 0; k < part; k++)
                values[k] = value(i + done + k);
            if (n_bad && i + 1 == n && done % (count / n_bad) == 0)
                values[7] = NAN;
            st_write_piece(w, values, part);
        }
    check_ok(st_writer_commit(w, NULL, &err));
    free(path);
}

static void forget(struct fixture *f)
{
    tensor_table_free(&f->table);
    json_free(f->raw);
}

/* From `dir` into dir/out. */
static enum sft_status pass_on(const struct fixture *f, const struct dtype *dtype)
{
    struct weights *weights;
    struct strbuf unused = {0};
    char *out = path_join(dir, "out");
    const struct model_meta meta = {
        .base_config = f->raw, .eos_token_id = -1, .pad_token_id = -1, .bos_token_id = -1, .dtype = dtype};
    check_ok(io_mkdirs(out, &err));
    check_ok(weights_begin(&weights, &f->table, &f->config, dir, &unused, &err));
    const struct model_out model = {
        .values = {weights_pass, weights}, .table = &f->table, .config = &f->config, .meta = &meta};
    const enum sft_status status = hf_save(&model, out, &err);
    weights_end(weights);
    strbuf_free(&unused);
    free(out);
    return status;
}

/* Before anything else of this process takes memory. */
START_TEST(no_tensor_is_in_memory_whole)
{
    struct fixture f;
    put_model(&f, &dtype_bf16, 0);
    const size_t before = mem_peak_rss();
    check_ok(pass_on(&f, &dtype_f32));
    const size_t took = mem_peak_rss() - before;
    ck_assert_uint_gt(f.table.n_parameters, 16 << 20);
    ck_assert_msg(took < 14 << 20, "%zu MB", took >> 20); /* 4 of floats, 2 of the file; a matrix is 16 and 8 */
    forget(&f);
}
END_TEST

static const struct dtype *const dtypes[] = {&dtype_f32, &dtype_bf16, &dtype_f16};

START_TEST(it_arrives_as_it_was)
{
    struct fixture f;
    struct st_file file;
    put_model(&f, &dtype_f32, 0);
    check_ok(pass_on(&f, dtypes[_i]));
    char *path = path_join(dir, "out/model.safetensors");
    check_ok(st_open(&file, path, &err));
    ck_assert_uint_eq(file.n_tensors, f.table.n_tensors);
    for (size_t i = 0; i < f.table.n_tensors; i++) {
        const struct stored_tensor *t = st_find(&file, f.table.tensors[i].name);
        ck_assert_ptr_nonnull(t);
        float *values = mem_calloc(t->count, sizeof *values);
        check_ok(stored_read(t, values, &err));
        size_t n_different = 0;
        for (size_t k = 0; k < t->count; k++) /* numbers of ten bits: BF16 rounds them */
            n_different += fabsf(values[k] - value(i + k)) > (_i == 1 ? 0x1p-9F : 0);
        ck_assert_uint_eq(n_different, 0);
        free(values);
    }
    st_close(&file);
    free(path);
    forget(&f);
}
END_TEST

/* Wherever they are, they are counted; and nothing half is left. */
START_TEST(what_is_no_number_is_not_passed_on)
{
    struct fixture f;
    char *out = path_join(dir, "out");
    char **names;
    size_t n_names;
    put_model(&f, &dtype_f32, 4);
    ck_assert_int_eq(pass_on(&f, &dtype_bf16), SFT_EDATA);
    ck_assert_ptr_nonnull(strstr(err_text(&err), "values are not finite"));
    const char *counted = strstr(err_text(&err), "': 4 of ");
    ck_assert_msg(counted != NULL, "%s", err_text(&err));
    check_ok(io_list(out, &names, &n_names, &err));
    for (size_t i = 0; i < n_names; i++)
        ck_assert_msg(!strstr(names[i], "model.safetensors"), "%s", names[i]);
    io_list_free(names, n_names);
    free(out);
    forget(&f);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("weights_pass");
    TCase *tcase = tcase_create("weights_pass");
    tcase_add_checked_fixture(tcase, make_dir, remove_dir);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, no_tensor_is_in_memory_whole);
    tcase_add_loop_test(tcase, it_arrives_as_it_was, 0, sizeof dtypes / sizeof *dtypes);
    tcase_add_test(tcase, what_is_no_number_is_not_passed_on);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
