/* Tensors in GGUF: every type as the package gguf decodes it, every model as transformers reads it (tests/golden/gguf,
 * made by scripts/golden_gguf.py), whole and split. */
#include "base/json.h"
#include "base/xxh64.h"
#include "files/gguf/gguf_format.h"
#include "files/gguf/gguf_tensors.h"
#include "files/gguf/gguf_types.h"
#include "files/model_files.h"
#include "files/weights.h"
#include "gguf_builder.h"
#include "model/param_set.h"
#include "scratch.h"
#include "support/run_suite.h"

#include <stdio.h>

#define GOLDEN "tests/golden/gguf/"
static const char *const models[] = {"gpt2", "llama", "qwen2", "qwen3", "gemma3", "chat"};
enum { N_MODELS = sizeof models / sizeof *models };

static float *read_all(const struct stored_tensor *t)
{
    float *values = mem_alloc((t->count + 1) * sizeof *values);
    check_ok(stored_read(t, values, &err));
    return values;
}

/* ---- types ---- */

START_TEST(types_are_decoded_bit_for_bit)
{
    struct gguf g;
    size_t n_types = 0;
    check_ok(gguf_open(&g, GOLDEN "types.gguf", &err));
    for (size_t i = 0; i < g.n_tensors; i++) {
        const struct stored_tensor *t = &g.tensors[i];
        char *name = mem_printf("%s.f32", t->name);
        const struct stored_tensor *expected = gguf_tensor(&g, name);
        free(name);
        if (!expected)
            continue;
        float *values = read_all(t);
        ck_assert_str_eq(t->dtype->name, t->name);
        ck_assert_uint_eq(t->count, expected->count);
        ck_assert_msg(memcmp(values, expected->data, expected->bytes) == 0, "%s", t->name);
        free(values);
        n_types++;
    }
    ck_assert_uint_eq(n_types, 11);
    gguf_close(&g);
}
END_TEST

START_TEST(types_are_encoded_bit_for_bit)
{
    static const char *const names[] = {"F16", "BF16", "Q8_0", "Q4_0"};
    struct gguf g;
    check_ok(gguf_open(&g, GOLDEN "quantized.gguf", &err));
    float *values = read_all(gguf_tensor(&g, "values"));
    for (size_t i = 0; i < 4; i++) {
        const struct stored_tensor *expected = gguf_tensor(&g, names[i]);
        const struct dtype *dtype = expected->dtype;
        unsigned char *bytes = mem_alloc(expected->bytes);
        ck_assert_str_eq(dtype->name, names[i]);
        ck_assert_ptr_eq(dtype_of_option(gguf_dtypes_written, dtype->option), dtype);
        ck_assert_ptr_eq(gguf_dtype(gguf_type_of(dtype)), dtype);
        dtype->from_f32(bytes, values, expected->count);
        for (size_t at = 0; at < expected->bytes; at++)
            ck_assert_msg(bytes[at] == expected->data[at], "%s: byte %zu, block %zu: %d, not %d", names[i], at,
                          at / dtype->block_bytes, bytes[at], expected->data[at]);
        free(bytes);
    }
    free(values);
    gguf_close(&g);
}
END_TEST

/* ---- models ---- */

/* The tensors of the model at `path` are those whose hashes transformers' reading gave; but a head that is the
 * embedding, which transformers keeps where a file holds it. */
static void expect_model(const char *path, const char *name)
{
    struct model_config config;
    struct param_set params;
    json *golden = NULL;
    check_ok(json_parse_file(GOLDEN "weights.json", &golden, &err));
    check_ok(model_config_load(&config, path, NULL, &err));
    check_ok(param_set_init(&params, &config, NULL, &err));
    check_ok(weights_load(params.values.data, &params.table, &config, config.vocab_size, path, &err));
    const json *hashes = json_get(golden, name);
    ck_assert_uint_ge(json_size(hashes), params.table.n_tensors);
    for (size_t i = 0; i < params.table.n_tensors; i++) {
        const struct tensor *t = &params.table.tensors[i];
        const float *values = (const float *)params.values.data + t->offset;
        char hash[17];
        snprintf(hash, sizeof hash, "%016llx", (unsigned long long)xxh64(values, t->count * sizeof *values, 0));
        const char *expected = json_string(json_get(hashes, t->name));
        ck_assert_msg(expected && strcmp(hash, expected) == 0, "%s: %s", path, t->name);
    }
    param_set_free(&params);
    json_free(golden);
}

START_TEST(a_model_is_what_transformers_reads)
{
    char *path = mem_printf(GOLDEN "%s.gguf", models[_i]);
    expect_model(path, models[_i]);
    free(path);
}
END_TEST

/* Whatever part is asked for, from whatever block on, it is the part of the whole. */
static void expect_parts(const struct stored_tensor *t)
{
    float *whole = read_all(t), *part = mem_alloc((t->count + 1) * sizeof *part);
    const size_t block = t->dtype->block, n_blocks = t->count / block;
    for (size_t first = 0; first < n_blocks; first += n_blocks / 7 + 1)
        for (size_t n = 1; first + n <= n_blocks; n += n_blocks / 5 + 1) {
            stored_read_part(t, first * block, n * block, part);
            ck_assert_msg(memcmp(part, whole + first * block, n * block * sizeof *part) == 0, "%s: %zu blocks from %zu",
                          t->name, n, first);
        }
    free(whole);
    free(part);
}

START_TEST(parts_are_parts_of_the_whole)
{
    char *path = mem_printf(GOLDEN "%s.gguf", models[_i]);
    struct gguf g;
    struct model_config config;
    struct stored_tensors list;
    check_ok(model_config_load(&config, path, NULL, &err));
    check_ok(gguf_open(&g, path, &err));
    check_ok(gguf_tensors_open(&list, &g, &config, &err));
    for (size_t i = 0; i < list.n; i++)
        expect_parts(list.items[i]);
    gguf_tensors_close(&list);
    gguf_close(&g);
    free(path);
}
END_TEST

/* More rows than are turned at once, and values that say where they stand. */
START_TEST(a_large_matrix_is_transposed)
{
    enum { ROWS = 515, COLS = 3 }; /* in the file (COLS, ROWS) */
    struct strbuf bytes = {0};
    struct gguf g;
    struct stored_tensors list;
    const struct model_config config = {.family = &family_gpt2, .n_head = 1, .n_kv_head = 1};
    put_begin(&bytes, 3, 1, 0);
    put_tensor(&bytes, "blk.0.ffn_up.weight", COLS, ROWS, 0, 0);
    put_data(&bytes, 32, 0);
    for (size_t i = 0; i < (size_t)ROWS * COLS; i++) {
        const float value = (float)i;
        strbuf_add(&bytes, &value, sizeof value);
    }
    check_ok(gguf_parse(&g, bytes.data, bytes.len, &err));
    check_ok(gguf_tensors_open(&list, &g, &config, &err));
    const struct stored_tensor *t = list.items[0];
    ck_assert(t->shape[0] == ROWS && t->shape[1] == COLS);
    ck_assert_str_eq(t->name, "transformer.h.0.mlp.c_fc.weight");
    float *values = read_all(t);
    for (size_t row = 0; row < ROWS; row++)
        for (size_t col = 0; col < COLS; col++)
            ck_assert(values[row * COLS + col] == (float)(col * ROWS + row));
    free(values);
    gguf_tensors_close(&list);
    gguf_close(&g);
    strbuf_free(&bytes);
}
END_TEST

/* Blocks of 32 numbers of a vector of 64, two heads of 32 rows: what is a neighbour in the file is half a head away. */
START_TEST(a_vector_in_blocks_is_permuted)
{
    enum { N = 64, HEAD = 32 };
    struct strbuf bytes = {0};
    struct gguf g;
    struct stored_tensors list;
    const struct model_config config = {.family = &family_llama, .n_head = 2, .n_kv_head = 1};
    put_begin(&bytes, 3, 1, 0);
    put_text(&bytes, "blk.0.attn_q.bias");
    put_u32(&bytes, 1);
    put_u64(&bytes, N);
    put_u32(&bytes, 8); /* Q8_0 */
    put_u64(&bytes, 0);
    put_data(&bytes, 32, 0);
    for (char i = 0; i < N; i++) {
        if (i % 32 == 0)
            strbuf_add(&bytes, "\0\x3C", 2); /* d = 1 */
        strbuf_putc(&bytes, i);
    }
    check_ok(gguf_parse(&g, bytes.data, bytes.len, &err));
    check_ok(gguf_tensors_open(&list, &g, &config, &err));
    float *values = read_all(list.items[0]);
    for (size_t head = 0; head < 2; head++)
        for (size_t row = 0; row < HEAD; row++)
            ck_assert(values[head * HEAD + row] == (float)(head * HEAD + row % (HEAD / 2) * 2 + row / (HEAD / 2)));
    expect_parts(list.items[0]);
    free(values);
    gguf_tensors_close(&list);
    gguf_close(&g);
    strbuf_free(&bytes);
}
END_TEST

/* ---- a head that is the embedding ---- */

/* token_embd.weight in one type and output.weight in another, a row each. */
static bool is_tied(uint32_t type, const void *embedding, size_t size, uint32_t head_type, const void *head,
                    size_t head_size)
{
    struct strbuf bytes = {0};
    struct gguf g;
    put_begin(&bytes, 3, 2, 0);
    put_tensor(&bytes, "token_embd.weight", 1, 32, type, 0);
    put_tensor(&bytes, "output.weight", 1, 32, head_type, 128);
    put_data(&bytes, 32, 0);
    strbuf_add(&bytes, embedding, size);
    put_data(&bytes, 1, 128 - size);
    strbuf_add(&bytes, head, head_size);
    check_ok(gguf_parse(&g, bytes.data, bytes.len, &err));
    const bool tied = gguf_is_tied(&g);
    gguf_close(&g);
    strbuf_free(&bytes);
    return tied;
}

START_TEST(a_second_rounding_of_the_embedding_is_no_head)
{
    float numbers[32], others[32];
    unsigned char q8[34] = {0x00, 0x3C}, q4[18] = {0x00, 0x3C}; /* d = 1 */
    for (size_t i = 0; i < 32; i++) {
        const int x = (int)(i * 7 % 16) - 8;
        numbers[i] = others[i] = (float)x + 0.004F; /* beside what Q4_0 and Q8_0 have */
        q8[2 + i] = (unsigned char)x;
        q4[2 + i % 16] = (unsigned char)(q4[2 + i % 16] | (x + 8) << (i < 16 ? 0 : 4));
    }
    others[5] += 0.01F;
    ck_assert(is_tied(0, numbers, 128, 0, numbers, 128));
    ck_assert(!is_tied(0, numbers, 128, 0, others, 128)); /* both exact, and not the same */
    ck_assert(is_tied(0, numbers, 128, 8, q8, 34));
    ck_assert(is_tied(8, q8, 34, 2, q4, 18));
    q8[2] = 127;
    ck_assert(!is_tied(0, numbers, 128, 8, q8, 34));
    ck_assert(!is_tied(8, q8, 34, 2, q4, 18));
    ck_assert(!is_tied(0, numbers, 128, 26, others, 128)); /* a type that is not read */
}
END_TEST

/* Sizes whose product is 0 are all that the file's size does not bound: nothing is made of the other one. */
START_TEST(an_embedding_without_rows_is_no_head)
{
    struct strbuf bytes = {0};
    struct gguf g;
    put_begin(&bytes, 3, 2, 0);
    put_tensor(&bytes, "token_embd.weight", 0, UINT64_C(1) << 61, 0, 0);
    put_tensor(&bytes, "output.weight", 0, UINT64_C(1) << 61, 1, 0);
    put_data(&bytes, 32, 0);
    check_ok(gguf_parse(&g, bytes.data, bytes.len, &err));
    ck_assert(!gguf_is_tied(&g));
    gguf_close(&g);
    strbuf_free(&bytes);
}
END_TEST

/* ---- what has no place ---- */

START_TEST(tensors_of_an_unknown_place_are_named)
{
    struct strbuf bytes = {0};
    struct gguf g;
    struct stored_tensors list;
    const struct model_config config = {.family = &family_qwen3, .n_head = 2, .n_kv_head = 1, .tied = true};
    static const char *const names[] = {"blk.0.ffn_gate_exps.weight", "blk.1.ffn_gate_exps.weight", "output.weight",
                                        "rope_freqs.weight",          "cls.weight",                 "blk.x",
                                        "rope_factors_long.weight",   "v.blk.0.attn_q.weight"};
    enum { N = sizeof names / sizeof *names };
    put_begin(&bytes, 3, N, 0);
    for (size_t i = 0; i < N; i++)
        put_tensor(&bytes, names[i], 1, 8, 0, 32 * i);
    put_data(&bytes, 32, 32 * N);
    check_ok(gguf_parse(&g, bytes.data, bytes.len, &err));
    ck_assert_int_eq(gguf_tensors_open(&list, &g, &config, &err), SFT_EDATA);
    ck_assert_str_eq(err_text(&err), "tensors of an unknown place: blk.*.ffn_gate_exps.weight (2), blk.x, "
                                     "rope_factors_long.weight, v.blk.*.attn_q.weight (no Qwen3ForCausalLM has "
                                     "them)");
    ck_assert_uint_eq(list.n, 1); /* a tied head and rotary factors are left out; company keeps its name */
    ck_assert_str_eq(list.items[0]->name, "cls.weight");
    gguf_tensors_close(&list);
    gguf_close(&g);
    strbuf_free(&bytes);
}
END_TEST

static enum sft_status find_family(const char *architecture, const struct family **family)
{
    struct strbuf bytes = {0};
    struct gguf g;
    put_begin(&bytes, 3, 0, 1);
    put_string_value(&bytes, "general.architecture", architecture);
    check_ok(gguf_parse(&g, bytes.data, bytes.len, &err));
    const enum sft_status status = gguf_family(&g, family, &err);
    gguf_close(&g);
    strbuf_free(&bytes);
    return status;
}

START_TEST(architectures_are_named)
{
    const struct family *family;
    check_ok(find_family("gemma3", &family));
    ck_assert_ptr_eq(family, &family_gemma3);
    ck_assert_int_eq(find_family("mamba", &family), SFT_EDATA);
    ck_assert_str_eq(err_text(&err),
                     "general.architecture: 'mamba' is not supported (gpt2, llama, qwen2, qwen3, gemma2, gemma3, "
                     "smollm3, granite, olmo2, gptneox are)");
}
END_TEST

/* ---- several files ---- */

static void expect_in_message(const char *part)
{
    ck_assert_msg(strstr(err_text(&err), part) != NULL, "%s", err_text(&err));
}

static char *part_path(size_t number)
{
    return mem_printf("%s/split-%05zu-of-00003.gguf", dir, number);
}

/* Part `number` is the golden part `of`, with `changed` bytes after `key` replaced by x (16 bits). */
static void put_part(size_t number, size_t of, const char *key, uint16_t x)
{
    struct strbuf bytes = {0};
    char *from = mem_printf(GOLDEN "split-%05zu-of-00003.gguf", of), *to = part_path(number);
    check_ok(io_read_file(from, &bytes, &err));
    if (key) {
        char *at = memmem(bytes.data, bytes.len, key, strlen(key));
        ck_assert_ptr_nonnull(at);
        memcpy(at + strlen(key) + 4, &x, sizeof x);
    }
    check_ok(io_write_file(to, bytes.data, bytes.len, &err));
    free(from);
    free(to);
    strbuf_free(&bytes);
}

static enum sft_status open_part(size_t number)
{
    struct gguf g;
    char *path = part_path(number);
    const enum sft_status status = gguf_open(&g, path, &err);
    gguf_close(&g);
    free(path);
    return status;
}

START_TEST(a_split_model_is_read_from_its_first_file)
{
    for (size_t i = 1; i <= 3; i++)
        put_part(i, i, NULL, 0);
    char *path = part_path(1);
    expect_model(path, "llama");
    char **paths;
    size_t n;
    check_ok(format_gguf.list_files(&paths, &n, path, &err));
    ck_assert_uint_eq(n, 3);
    io_list_free(paths, n);
    free(path);
    ck_assert_int_eq(open_part(2), SFT_EUSAGE);
    expect_in_message("is part 2 of a model in 3 files (name the first, ");
}
END_TEST

START_TEST(split_files_that_do_not_fit_are_refused)
{
    put_part(1, 1, NULL, 0);
    put_part(2, 2, NULL, 0);
    ck_assert_int_eq(open_part(1), SFT_EIO);
    expect_in_message("split-00003-of-00003.gguf: No such file or directory; it is one of the 3 files that ");
    put_part(3, 2, NULL, 0);
    expect_message(open_part(1),
                   "/split-00003-of-00003.gguf: says that it is part 2 of 3, but by its name it is part 3 of 3");
    put_part(3, 2, "split.no", 2);
    ck_assert_int_eq(open_part(1), SFT_EDATA);
    expect_in_message("split-00003-of-00003.gguf: tensor '");
    expect_in_message("' is there twice");
    put_part(3, 3, NULL, 0);
    put_part(1, 1, "split.tensors.count", 99);
    expect_message(open_part(1),
                   "/split-00001-of-00003.gguf: split.tensors.count is 99, but its 3 files hold 21 tensors");
    put_part(1, 1, "split.count", 4);
    ck_assert_int_eq(open_part(1), SFT_EDATA);
    expect_in_message("whose names end in -00001-of-00004.gguf and so on: the others are found by theirs");
    put_part(1, 1, "split.no", 7);
    expect_message(open_part(1), "/split-00001-of-00003.gguf: split.no 7 and split.count 3 do not fit");
}
END_TEST

START_TEST(another_file_is_told_with_its_name)
{
    struct gguf g;
    put("a.gguf", "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n");
    char *path = path_join(dir, "a.gguf");
    ck_assert_int_eq(gguf_open(&g, path, &err), SFT_EDATA);
    expect_in_message("/a.gguf: ");
    expect_in_message("LFS");
    gguf_close(&g);
    free(path);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gguf tensors");
    TCase *tcase = tcase_create("tensors");
    tcase_add_checked_fixture(tcase, make_dir, remove_dir);
    tcase_add_test(tcase, types_are_decoded_bit_for_bit);
    tcase_add_test(tcase, types_are_encoded_bit_for_bit);
    tcase_add_loop_test(tcase, a_model_is_what_transformers_reads, 0, N_MODELS);
    tcase_add_loop_test(tcase, parts_are_parts_of_the_whole, 0, N_MODELS);
    tcase_add_test(tcase, a_large_matrix_is_transposed);
    tcase_add_test(tcase, a_vector_in_blocks_is_permuted);
    tcase_add_test(tcase, an_embedding_without_rows_is_no_head);
    tcase_add_test(tcase, a_second_rounding_of_the_embedding_is_no_head);
    tcase_add_test(tcase, tensors_of_an_unknown_place_are_named);
    tcase_add_test(tcase, architectures_are_named);
    tcase_add_test(tcase, a_split_model_is_read_from_its_first_file);
    tcase_add_test(tcase, split_files_that_do_not_fit_are_refused);
    tcase_add_test(tcase, another_file_is_told_with_its_name);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
