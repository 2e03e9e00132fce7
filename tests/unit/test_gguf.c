/* The container GGUF: files that are no such, cut short, damaged or that lie, and its metadata by type. */
#include "files/gguf/gguf.h"

#include "base/mem.h"
#include "gguf_builder.h"
#include "scratch.h"
#include "support/run_suite.h"

#include <math.h>

static struct strbuf bytes;

/* A copy of its exact size, so that a sanitizer sees what is read past the end. */
static enum sft_status parse(size_t size)
{
    struct gguf g;
    char *copy = mem_alloc(size + 1);
    memcpy(copy, bytes.data, size);
    const enum sft_status status = gguf_parse(&g, copy, size, &err);
    gguf_close(&g);
    free(copy);
    return status;
}

static void expect(const char *message)
{
    ck_assert_int_eq(parse(bytes.len), SFT_EDATA);
    ck_assert_str_eq(err_text(&err), message);
}

/* Two keys and two tensors, one of them of blocks; the second begins where the first ends. */
static void build_good(void)
{
    put_begin(&bytes, 3, 2, 3);
    put_string_value(&bytes, "general.architecture", "llama");
    put_u32_value(&bytes, "llama.block_count", 2);
    put_key(&bytes, "tokens", GGUF_ARRAY);
    put_u32(&bytes, GGUF_STRING);
    put_u64(&bytes, 2);
    put_text(&bytes, "a");
    put_text(&bytes, "");
    put_tensor(&bytes, "b", 2, 4, 0, 0);
    put_tensor(&bytes, "a", 1, 32, 8, 32);
    put_data(&bytes, 32, 32 + 34);
}

START_TEST(a_good_file_is_read)
{
    struct gguf g;
    build_good();
    check_ok(gguf_parse(&g, bytes.data, bytes.len, &err));
    ck_assert_uint_eq(g.n_values, 3);
    ck_assert_uint_eq(g.n_tensors, 2);
    ck_assert_str_eq(g.tensors[0].name, "a"); /* sorted */
    const struct stored_tensor *b = gguf_tensor(&g, "b");
    ck_assert(b && b->n_dims == 2 && b->shape[0] == 2 && b->shape[1] == 4 && b->count == 8);
    ck_assert_str_eq(b->dtype->name, "F32");
    ck_assert_ptr_eq(b->data, bytes.data + bytes.len - 66);
    ck_assert_str_eq(g.tensors[0].dtype->name, "Q8_0");
    ck_assert_ptr_null(gguf_tensor(&g, "c"));
    ck_assert_ptr_null(gguf_find(&g, "llama"));
    gguf_close(&g);
}
END_TEST

START_TEST(a_file_cut_short_is_refused)
{
    build_good();
    for (size_t size = 0; size < bytes.len; size++)
        ck_assert_msg(parse(size) == SFT_EDATA, "%zu bytes", size);
    check_ok(parse(bytes.len));
    ck_assert_int_eq(parse(30), SFT_EDATA);
    ck_assert_str_eq(err_text(&err), "3 keys in a file of 30 bytes (is it cut short?)");
    ck_assert_int_eq(parse(bytes.len - 1), SFT_EDATA);
    ck_assert_str_eq(err_text(&err), "tensor 'a' ends past the end of the file (is it cut short?)");
}
END_TEST

START_TEST(no_damaged_byte_hurts)
{
    build_good();
    for (size_t i = 0; i < bytes.len; i++)
        for (int value = 0; value < 256; value++) {
            const char before = bytes.data[i];
            bytes.data[i] = (char)value;
            const enum sft_status status = parse(bytes.len);
            ck_assert(status == SFT_OK || (status == SFT_EDATA && err.message[0]));
            bytes.data[i] = before;
        }
}
END_TEST

START_TEST(another_file_is_named)
{
    strbuf_clear(&bytes);
    strbuf_puts(&bytes, "{\"a\": 1}");
    expect("does not begin with 'GGUF': this is no GGUF file");
    put_begin(&bytes, 1, 0, 0);
    expect("version 1 of GGUF is not supported (2 and 3 are)");
    put_begin(&bytes, 4, 0, 0);
    expect("version 4 of GGUF is not supported (2 and 3 are)");
    put_begin(&bytes, 3U << 24, 0, 0);
    expect("a big-endian file, which is not read here (the package gguf has gguf-convert-endian)");
    put_begin(&bytes, 2, 0, 0);
    check_ok(parse(bytes.len));
}
END_TEST

/* ---- metadata ---- */

START_TEST(counts_and_lengths_are_not_believed)
{
    put_begin(&bytes, 3, 0, UINT64_MAX);
    expect("18446744073709551615 keys in a file of 24 bytes (is it cut short?)");
    put_begin(&bytes, 3, UINT64_MAX / 2, 0);
    expect("9223372036854775807 tensors in a file of 24 bytes (is it cut short?)");
    put_begin(&bytes, 3, 0, 1);
    put_u64(&bytes, UINT64_MAX);
    put_data(&bytes, 64, 0);
    expect("a text of 18446744073709551615 bytes at byte 32 of a file of 64 (is it cut short?)");
    put_begin(&bytes, 3, 0, 1);
    put_key(&bytes, "k", GGUF_ARRAY);
    put_u32(&bytes, GGUF_F64);
    put_u64(&bytes, UINT64_C(1) << 61);
    expect("k: 2305843009213693952 elements in a file of 49 bytes (is it cut short?)");
    put_begin(&bytes, 3, 0, 1);
    put_key(&bytes, "k", GGUF_ARRAY);
    put_u32(&bytes, GGUF_STRING);
    put_u64(&bytes, 1);
    put_u64(&bytes, 9);
    expect("k: a text of 9 bytes at byte 57 of a file of 57 (is it cut short?)");
}
END_TEST

START_TEST(keys_that_make_no_sense_are_refused)
{
    put_begin(&bytes, 3, 0, 1);
    put_key(&bytes, "k", (enum gguf_type)13);
    put_u32(&bytes, 0);
    expect("k: has type 13, which is none that is read here");
    put_begin(&bytes, 3, 0, 1);
    put_key(&bytes, "k", GGUF_ARRAY);
    put_u32(&bytes, GGUF_ARRAY);
    put_u64(&bytes, 0);
    expect("k: is an array of arrays, which is not read here");
    put_begin(&bytes, 3, 0, 2);
    put_u32_value(&bytes, "k", 1);
    put_u32_value(&bytes, "k", 1);
    expect("k: is there twice");
    put_begin(&bytes, 3, 0, 1);
    put_u32_value(&bytes, "", 1);
    put_u32(&bytes, 0);
    expect("a key of 0 bytes at byte 24 (1 to 65535 are expected)");
    put_begin(&bytes, 3, 0, 1);
    put_u32_value(&bytes, "a\033b", 1);
    expect("a key with a control character in it at byte 24");
}
END_TEST

/* A file of one value of each type. */
static void build_values(void)
{
    const float real = 1e-5F;
    const double nan_value = (double)NAN;
    put_begin(&bytes, 3, 0, 11);
    put_key(&bytes, "small", GGUF_I8);
    strbuf_putc(&bytes, (char)-5);
    put_u32_value(&bytes, "size", 7);
    put_key(&bytes, "below", GGUF_I32);
    put_u32(&bytes, (uint32_t)-3);
    put_key(&bytes, "huge", GGUF_U64);
    put_u64(&bytes, UINT64_MAX);
    put_key(&bytes, "real", GGUF_F32);
    strbuf_add(&bytes, &real, sizeof real);
    put_key(&bytes, "nan", GGUF_F64);
    strbuf_add(&bytes, &nan_value, sizeof nan_value);
    put_key(&bytes, "flag", GGUF_BOOL);
    strbuf_putc(&bytes, 1);
    put_key(&bytes, "odd", GGUF_BOOL);
    strbuf_putc(&bytes, 2);
    put_string_value(&bytes, "text", "\303\244");
    put_string_value(&bytes, "latin", "\344");
    put_key(&bytes, "list", GGUF_ARRAY);
    put_u32(&bytes, GGUF_U32);
    put_u64(&bytes, 2);
    put_u32(&bytes, 5);
    put_u32(&bytes, 6);
}

static void expect_error(enum sft_status status, const char *message)
{
    ck_assert_int_eq(status, SFT_EDATA);
    ck_assert_str_eq(err_text(&err), message);
}

START_TEST(values_are_read_by_type)
{
    struct gguf g;
    size_t size;
    double real;
    bool flag;
    struct gguf_text text;
    const struct gguf_value *list;
    build_values();
    check_ok(gguf_parse(&g, bytes.data, bytes.len, &err));
    check_ok(gguf_get_size(&g, "size", 1, &size, &err));
    ck_assert_uint_eq(size, 7);
    check_ok(gguf_get_size(&g, "none", 1, &size, &err));
    ck_assert_uint_eq(size, 1);
    check_ok(gguf_get_real(&g, "real", 0, &real, &err));
    ck_assert(real == 1e-5); /* and not the double that the float is */
    check_ok(gguf_get_real(&g, "below", 0, &real, &err));
    ck_assert(real == -3);
    check_ok(gguf_get_real(&g, "small", 0, &real, &err));
    ck_assert(real == -5);
    check_ok(gguf_get_flag(&g, "flag", false, &flag, &err));
    ck_assert(flag);
    check_ok(gguf_get_flag(&g, "none", true, &flag, &err));
    ck_assert(flag);
    check_ok(gguf_get_string(&g, "text", &text, &err));
    ck_assert(text.len == 2 && memcmp(text.text, "\303\244", 2) == 0);
    check_ok(gguf_get_string(&g, "none", &text, &err));
    ck_assert_ptr_null(text.text);
    check_ok(gguf_get_array(&g, "list", GGUF_I32, &list, &err));
    ck_assert(list->count == 2 && gguf_i32_at(list, 0) == 5 && gguf_i32_at(list, 1) == 6);
    check_ok(gguf_get_array(&g, "none", GGUF_I32, &list, &err));
    ck_assert_ptr_null(list);
    check_ok(gguf_require(&g, "size", &err));
    gguf_close(&g);
}
END_TEST

START_TEST(values_of_other_types_are_named)
{
    struct gguf g;
    size_t size;
    double real;
    bool flag;
    struct gguf_text text;
    const struct gguf_value *list;
    build_values();
    check_ok(gguf_parse(&g, bytes.data, bytes.len, &err));
    expect_error(gguf_get_size(&g, "real", 0, &size, &err), "real: expected a whole number, found f32");
    expect_error(gguf_get_size(&g, "list", 0, &size, &err), "list: expected a whole number, found an array of u32");
    expect_error(gguf_get_size(&g, "below", 0, &size, &err), "below: -3 is not a size");
    expect_error(gguf_get_size(&g, "huge", 0, &size, &err), "huge: 18446744073709551615 is not a size");
    expect_error(gguf_get_real(&g, "text", 0, &real, &err), "text: expected a number, found string");
    expect_error(gguf_get_real(&g, "nan", 0, &real, &err), "nan: is not finite");
    expect_error(gguf_get_flag(&g, "size", false, &flag, &err), "size: expected true or false, found u32");
    expect_error(gguf_get_flag(&g, "odd", false, &flag, &err), "odd: expected 0 or 1 as a bool, found 2");
    expect_error(gguf_get_string(&g, "size", &text, &err), "size: expected a string, found u32");
    expect_error(gguf_get_string(&g, "latin", &text, &err), "latin: is not UTF-8 without a NUL in it");
    expect_error(gguf_get_array(&g, "list", GGUF_F32, &list, &err),
                 "list: expected an array of f32, found an array of u32");
    expect_error(gguf_get_array(&g, "size", GGUF_I32, &list, &err), "size: expected an array of i32, found u32");
    expect_error(gguf_require(&g, "none", &err), "none: is missing");
    gguf_close(&g);
}
END_TEST

/* ---- tensors ---- */

/* Two tensors: "a" of (1, 8) F32 at 0, and another; then so much data. */
static void build_second(const char *name, uint64_t rows, uint64_t cols, uint32_t type, uint64_t offset, size_t data)
{
    put_begin(&bytes, 3, 2, 0);
    put_tensor(&bytes, "a", 1, 8, 0, 0);
    put_tensor(&bytes, name, rows, cols, type, offset);
    put_data(&bytes, 32, data);
}

START_TEST(tensors_that_lie_are_refused)
{
    build_second("b", 1, 8, 0, 32, 64);
    check_ok(parse(bytes.len));
    build_second("b", 1, 8, 0, 64, 64);
    expect("tensor 'b' ends past the end of the file (is it cut short?)");
    build_second("b", 1, 8, 0, UINT64_MAX - 31, 64);
    expect("tensor 'b' ends past the end of the file (is it cut short?)");
    build_second("b", 1, 8, 0, 33, 128);
    expect("tensor 'b' begins at 33, which is no multiple of the alignment, 32");
    build_second("b", 2, 8, 0, 0, 128);
    expect("tensors 'a' and 'b' overlap");
    build_second("a", 1, 8, 0, 32, 64);
    expect("tensor 'a' is there twice");
    build_second("b", UINT64_C(1) << 40, UINT64_C(1) << 40, 0, 32, 64);
    expect("tensor 'b' has more elements than memory has bytes");
    build_second("b", UINT64_C(1) << 32, UINT64_C(1) << 31, 0, 32, 64);
    expect("tensor 'b' has more bytes than memory");
    build_second("b", 32, 8, 8, 32, 512);
    expect("tensor 'b' has rows of 8, which make no blocks of 32 as Q8_0 has");
    build_second("b", 1, 256, 4, 32, 512);
    expect("tensor 'b' is of type 4, which is not known here");
    build_second("b", 1, 256, 31337, 32, 512);
    expect("tensor 'b' is of type 31337, which is not known here");
    build_second("", 1, 8, 0, 32, 64);
    expect("a tensor's name of 0 bytes at byte 65 (1 to 255 are expected)");
}
END_TEST

START_TEST(dimensions_are_counted)
{
    put_begin(&bytes, 3, 1, 0);
    put_text(&bytes, "a");
    put_u32(&bytes, 5);
    put_data(&bytes, 32, 64);
    expect("tensor 'a' has 5 dimensions (4 at most)");
    put_begin(&bytes, 3, 1, 0); /* a number */
    put_text(&bytes, "a");
    put_u32(&bytes, 0);
    put_u32(&bytes, 0);
    put_u64(&bytes, 0);
    put_data(&bytes, 32, 4);
    check_ok(parse(bytes.len));
}
END_TEST

/* A type that is known and not read is no hindrance until its tensor is wanted. */
START_TEST(a_type_that_is_not_read_is_named)
{
    struct gguf g;
    float values[256];
    build_second("b", 1, 256, 23, 32, 32 + 136);
    check_ok(gguf_parse(&g, bytes.data, bytes.len, &err));
    expect_error(stored_read(gguf_tensor(&g, "b"), values, &err),
                 "tensor 'b' is IQ4_XS; F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K and Q6_K are read "
                 "here");
    gguf_close(&g);
}
END_TEST

static void build_aligned(uint32_t alignment, uint64_t offset, size_t data)
{
    put_begin(&bytes, 3, 2, 1);
    put_u32_value(&bytes, "general.alignment", alignment);
    put_tensor(&bytes, "a", 1, 2, 0, 0);
    put_tensor(&bytes, "b", 1, 2, 0, offset);
    put_data(&bytes, alignment ? alignment : 32, data);
}

START_TEST(the_alignment_is_the_files)
{
    build_aligned(8, 8, 16);
    check_ok(parse(bytes.len));
    build_aligned(64, 64, 72);
    check_ok(parse(bytes.len));
    build_aligned(64, 32, 72);
    expect("tensor 'b' begins at 32, which is no multiple of the alignment, 64");
    build_aligned(0, 32, 72);
    expect("general.alignment: 0 is no power of two");
    build_aligned(24, 24, 72);
    expect("general.alignment: 24 is no power of two");
    put_begin(&bytes, 3, 0, 1);
    put_string_value(&bytes, "general.alignment", "32");
    expect("general.alignment: expected a whole number, found string");
}
END_TEST

static void free_bytes(void)
{
    strbuf_free(&bytes);
}

int main(void)
{
    Suite *suite = suite_create("gguf");
    TCase *tcase = tcase_create("container");
    tcase_add_checked_fixture(tcase, NULL, free_bytes);
    tcase_add_test(tcase, a_good_file_is_read);
    tcase_add_test(tcase, a_file_cut_short_is_refused);
    tcase_add_test(tcase, no_damaged_byte_hurts);
    tcase_add_test(tcase, another_file_is_named);
    tcase_add_test(tcase, counts_and_lengths_are_not_believed);
    tcase_add_test(tcase, keys_that_make_no_sense_are_refused);
    tcase_add_test(tcase, values_are_read_by_type);
    tcase_add_test(tcase, values_of_other_types_are_named);
    tcase_add_test(tcase, tensors_that_lie_are_refused);
    tcase_add_test(tcase, dimensions_are_counted);
    tcase_add_test(tcase, a_type_that_is_not_read_is_named);
    tcase_add_test(tcase, the_alignment_is_the_files);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
