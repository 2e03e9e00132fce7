/* The safetensors reader against damaged files, the writer against the reader, and the 16-bit floats against
 * slow definitions of them. */
#include "files/half.h"
#include "files/safetensors.h"

#include "base/mem.h"
#include "base/rng.h"
#include "base/strbuf.h"

#include "support/err_text.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- 16-bit floats ---- */

/* By the definition: sign, exponent and mantissa in double. */
static double slow_f16(uint16_t h)
{
    const double sign = h & 0x8000 ? -1 : 1;
    const int exponent = h >> 10 & 0x1F, mantissa = h & 0x3FF;
    if (exponent == 0x1F)
        return mantissa ? NAN : sign * INFINITY;
    return sign * (exponent ? ldexp(1024 + mantissa, exponent - 25) : ldexp(mantissa, -24));
}

/* x to `digits` binary digits with least exponent min_exponent, ties to even; infinite from `limit` on. */
static double slow_round(double x, int digits, int min_exponent, double limit)
{
    if (!isfinite(x))
        return x;
    int exponent;
    frexp(x, &exponent);
    const double unit = ldexp(1, (exponent > min_exponent ? exponent : min_exponent) - digits);
    const double rounded = nearbyint(x / unit) * unit;
    return fabs(rounded) >= limit ? copysign(INFINITY, x) : rounded;
}

static bool same(double a, double b)
{
    return isnan(a) ? isnan(b) : a == b && !signbit(a) == !signbit(b);
}

/* libcheck notes each assertion in a file: one for millions of values is enough. */
static void check_narrowing(float x)
{
    const double f16 = slow_round(x, 11, -13, 0x1p16), bf16 = slow_round(x, 8, -125, 0x1p128);
    const float got_f16 = f32_from_f16(f16_from_f32(x)), got_bf16 = f32_from_bf16(bf16_from_f32(x));
    if (!same(got_f16, f16))
        ck_abort_msg("%a as F16: %a, not %a", x, got_f16, f16);
    if (!same(got_bf16, bf16))
        ck_abort_msg("%a as BF16: %a, not %a", x, got_bf16, bf16);
}

START_TEST(every_f16_widens_exactly_and_comes_back)
{
    for (uint32_t i = 0; i <= UINT16_MAX; i++) {
        const uint16_t h = (uint16_t)i;
        const float x = f32_from_f16(h);
        const uint16_t quiet = isnan(x) ? h | 0x0200 : h;
        if (!same(x, slow_f16(h)) || f16_from_f32(x) != quiet)
            ck_abort_msg("0x%04x: %a, not %a", h, x, slow_f16(h));
    }
}
END_TEST

START_TEST(every_bf16_comes_back)
{
    for (uint32_t i = 0; i <= UINT16_MAX; i++) {
        const uint16_t h = (uint16_t)i;
        const uint16_t quiet = isnan(f32_from_bf16(h)) ? h | 0x0040 : h;
        if (bf16_from_f32(f32_from_bf16(h)) != quiet)
            ck_abort_msg("0x%04x", h);
    }
}
END_TEST

/* Each value of both formats, the middle to its neighbour, and what lies beside these. */
START_TEST(narrowing_rounds_to_nearest_even)
{
    for (uint32_t i = 0; i <= UINT16_MAX; i++) {
        const float f16 = f32_from_f16((uint16_t)i), f16_next = f32_from_f16((uint16_t)(i + 1));
        const uint32_t bf16 = i << 16;
        const uint32_t around[] = {f32_bits(f16), f32_bits(f16 / 2 + f16_next / 2), bf16, bf16 | 0x8000};
        for (size_t k = 0; k < sizeof around / sizeof *around; k++)
            for (uint32_t d = 0; d < 3; d++)
                check_narrowing(f32_from_bits(around[k] + d - 1));
    }
    struct rng rng;
    rng_seed(&rng, 1, 0);
    for (int i = 0; i < 1000000; i++)
        check_narrowing(f32_from_bits((uint32_t)rng_u64(&rng)));
}
END_TEST

/* ---- damaged files ---- */

/* A file of this header and n zero bytes. */
static void build(struct strbuf *file, const char *header, size_t n_data)
{
    static const char zeros[64];
    const uint64_t len = strlen(header);
    strbuf_clear(file);
    strbuf_add(file, &len, sizeof len);
    strbuf_puts(file, header);
    strbuf_add(file, zeros, n_data);
}

#define A "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}"

static const struct {
    const char *header;
    size_t n_data;
    const char *message;
} damaged[] = {
    {"", 0, "the header does not begin with '{': this is no safetensors file"},
    {" {}", 0, "the header does not begin with '{': this is no safetensors file"},
    {"[]", 0, "the header does not begin with '{': this is no safetensors file"},
    {"{", 0, NULL},
    {"{} x", 0, NULL},
    {"{" A "," A "}", 8, "header: column 55: duplicate key \"a\""},
    {"{\"a\\u0000b\":1}", 0, NULL},
    {"{\"__metadata__\":3}", 0, "__metadata__: expected an object, found a number"},
    {"{\"a\":[]}", 0, "tensor 'a': expected an object, found an array"},
    {"{\"a\":{}}", 0, "tensor 'a': dtype: expected a string, found missing"},
    {"{\"a\":{\"dtype\":32}}", 0, "tensor 'a': dtype: expected a string, found a number"},
    {"{\"a\":{\"dtype\":\"f32\"}}", 0, "tensor 'a': unknown dtype 'f32'"},
    {"{\"a\":{\"dtype\":\"F32\"}}", 0, "tensor 'a': shape: expected an array, found missing"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2.5]}}", 0, "tensor 'a': shape[0] is not a size"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,-1]}}", 0, "tensor 'a': shape[1] is not a size"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1e300]}}", 0, "tensor 'a': shape[0] is not a size"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[\"2\"]}}", 0, "tensor 'a': shape[0] is not a size"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1]}}", 0,
     "tensor 'a': shape has more than 8 dimensions"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296]}}", 0,
     "tensor 'a': shape has more elements than memory has bytes"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, "tensor 'a': data_offsets: expected two numbers"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4]}}", 4,
     "tensor 'a': data_offsets: expected two numbers"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,0.5]}}", 4,
     "tensor 'a': data_offsets: expected two whole numbers"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[-4,0]}}", 4,
     "tensor 'a': data_offsets: expected two whole numbers"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,0]}}", 4,
     "tensor 'a': data_offsets end at 0 before they begin at 4"},
    {"{" A "}", 7, "tensor 'a': data_offsets end at 8, past the 7 bytes of data (is the file cut short?)"},
    {"{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}", 8,
     "tensor 'a': 8 bytes of data do not make 3 elements of F32"},
    {"{\"a\":{\"dtype\":\"F64\",\"shape\":[4503599627370496,1024],\"data_offsets\":[0,0]}}", 0,
     "tensor 'a': 0 bytes of data do not make 4611686018427387904 elements of F64"},
    {"{\"a\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,1]}}", 1,
     "tensor 'a': 1 bytes of data do not make 3 elements of F4"},
    {"{" A ",\"b\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[6,10]}}", 10,
     "tensor 'b' overlaps tensor 'a'"},
    {"{" A ",\"b\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[10,14]}}", 14,
     "2 bytes before tensor 'b' belong to no tensor"},
    {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", 2,
     "1 bytes before tensor 'a' belong to no tensor"},
    {"{" A "}", 9, "1 bytes at the end belong to no tensor"},
    {"{}", 3, "3 bytes at the end belong to no tensor"},
};

START_TEST(damage_is_named)
{
    struct strbuf bytes = {0};
    struct st_file file;
    struct sft_err err;
    build(&bytes, damaged[_i].header, damaged[_i].n_data);
    ck_assert_int_eq(st_parse(&file, bytes.data, bytes.len, &err), SFT_EDATA);
    ck_assert_ptr_null(file.tensors);
    if (damaged[_i].message)
        ck_assert_str_eq(err_text(&err), damaged[_i].message);
    else
        ck_assert_msg(strncmp(err_text(&err), "header: ", 8) == 0, "%s", err_text(&err));
    strbuf_free(&bytes);
}
END_TEST

START_TEST(a_false_length_is_named)
{
    struct strbuf bytes = {0};
    struct st_file file;
    struct sft_err err;
    build(&bytes, "{" A "}", 8);
    ck_assert_int_eq(st_parse(&file, bytes.data, 7, &err), SFT_EDATA);
    ck_assert_str_eq(err_text(&err), "7 bytes are too few for a safetensors file");
    ck_assert_int_eq(st_parse(&file, bytes.data, 20, &err), SFT_EDATA);
    ck_assert_str_eq(err_text(&err), "a header of 54 bytes in a file of 20 (is it cut short?)");
    memset(bytes.data, 0xFF, 8);
    ck_assert_int_eq(st_parse(&file, bytes.data, bytes.len, &err), SFT_EDATA);
    ck_assert_str_eq(err_text(&err), "a header of 18446744073709551615 bytes (at most 100000000): this is no "
                                  "safetensors file");
    strbuf_free(&bytes);
}
END_TEST

/* Every file that differs from a good one in one byte, or that is cut short, is read or refused: no crash. */
START_TEST(no_single_damaged_byte_hurts)
{
    struct strbuf bytes = {0};
    struct st_file file;
    struct sft_err err;
    build(&bytes, "{" A ",\"b\":{\"dtype\":\"F16\",\"shape\":[1,2],\"data_offsets\":[8,12]}}", 12);
    for (size_t i = 0; i < bytes.len; i++)
        for (int bit = 0; bit < 8; bit++) {
            bytes.data[i] = (char)(bytes.data[i] ^ 1 << bit);
            st_parse(&file, bytes.data, bytes.len, &err);
            st_close(&file);
            bytes.data[i] = (char)(bytes.data[i] ^ 1 << bit);
        }
    for (size_t len = 0; len < bytes.len; len++)
        ck_assert_int_eq(st_parse(&file, bytes.data, len, &err), SFT_EDATA);
    strbuf_free(&bytes);
}
END_TEST

/* ---- good files ---- */

/* Tensors in another order than their data, an empty one, a scalar, a foreign dtype, data at odd addresses.
 */
START_TEST(an_unusual_file_is_read)
{
    struct strbuf bytes = {0};
    struct st_file file;
    struct sft_err err;
    build(&bytes,
          "{\"__metadata__\":{\"format\":\"pt\"},"
          "\"z\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[4,12],\"extra\":1},"
          "\"empty\":{\"dtype\":\"F32\",\"shape\":[0,7],\"data_offsets\":[4,4]},"
          "\"scalar\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},"
          "\"mask\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[12,15]}}  ",
          15);
    float values[] = {1.5f, -2.0f, 3.25f}, read[2];
    memcpy(bytes.data + bytes.len - 15, values, sizeof values);
    ck_assert_msg(st_parse(&file, bytes.data, bytes.len, &err) == SFT_OK, "%s", err_text(&err));
    ck_assert_uint_eq(file.n_tensors, 4);
    ck_assert_str_eq(file.tensors[0].name, "empty");
    ck_assert_uint_eq(file.tensors[0].count, 0);
    ck_assert_int_eq(stored_read(st_find(&file, "z"), read, &err), SFT_OK);
    ck_assert(read[0] == -2.0f && read[1] == 3.25f);
    ck_assert_uint_eq(st_find(&file, "scalar")->n_dims, 0);
    ck_assert_int_eq(stored_read(st_find(&file, "scalar"), read, &err), SFT_OK);
    ck_assert(read[0] == 1.5f);
    ck_assert_int_eq(stored_read(st_find(&file, "mask"), read, &err), SFT_EDATA);
    ck_assert_str_eq(err.message, "tensor 'mask' is BOOL; F32, F16, BF16 and F64 are read here");
    ck_assert_ptr_null(st_find(&file, "nothing"));
    ck_assert_ptr_null(st_find(&file, ""));
    st_close(&file);
    strbuf_free(&bytes);
}
END_TEST

static char *scratch_path(const char *name)
{
    const char *dir = getenv("TMPDIR");
    return mem_printf("%s/sft-test-%d-%s", dir ? dir : "/tmp", (int)getpid(), name);
}

enum { N_BIG = 50000 }; /* several of the writer's chunks, and a part of one */

static float big_value(size_t i)
{
    return sinf((float)i) * 3.0f;
}

START_TEST(what_is_written_is_read)
{
    const struct st_entry entries[] = {{"b.weight", &dtype_f32, 2, {2, 3}},
                                       {"a \"quoted\"", &dtype_bf16, 1, {N_BIG}},
                                       {"h", &dtype_f16, 2, {N_BIG / 2, 2}}};
    const float small[] = {0.0f, -0.0f, 1e-40f, 3.4e38f, -1.25f, 7.0f};
    float *big = mem_alloc(N_BIG * sizeof *big), *read = mem_alloc(N_BIG * sizeof *read);
    char *path = scratch_path("written.safetensors");
    struct sft_err err;
    uint64_t hash, file_hash, header_len;
    for (size_t i = 0; i < N_BIG; i++)
        big[i] = big_value(i);

    struct st_writer *w = st_writer_open(path, entries, 3, &err);
    ck_assert_ptr_nonnull(w);
    st_write(w, small);
    st_write(w, big);
    st_write(w, big);
    ck_assert_int_eq(st_writer_commit(w, &hash, &err), SFT_OK);
    ck_assert_int_eq(io_hash_file(path, &file_hash, &err), SFT_OK);
    ck_assert_uint_eq(hash, file_hash);

    struct st_file file;
    ck_assert_msg(st_open(&file, path, &err) == SFT_OK, "%s", err_text(&err));
    memcpy(&header_len, file.map.data, sizeof header_len);
    ck_assert_uint_eq(header_len % 8, 0);
    const struct stored_tensor *t = st_find(&file, "b.weight");
    ck_assert_uint_eq(t->n_dims, 2);
    ck_assert(t->shape[0] == 2 && t->shape[1] == 3);
    ck_assert_int_eq(stored_read(t, read, &err), SFT_OK);
    ck_assert_mem_eq(read, small, sizeof small);
    ck_assert_int_eq(stored_read(st_find(&file, "a \"quoted\""), read, &err), SFT_OK);
    size_t n_bad = 0;
    for (size_t i = 0; i < N_BIG; i++)
        n_bad += read[i] != f32_from_bf16(bf16_from_f32(big[i]));
    ck_assert_int_eq(stored_read(st_find(&file, "h"), read, &err), SFT_OK);
    for (size_t i = 0; i < N_BIG; i++)
        n_bad += read[i] != f32_from_f16(f16_from_f32(big[i]));
    ck_assert_uint_eq(n_bad, 0);
    st_close(&file);
    remove(path);
    free(path);
    free(big);
    free(read);
}
END_TEST

/* Doubles become floats, at any alignment. */
START_TEST(doubles_are_read)
{
    static const double doubles[] = {0.1, -1e-3, 16777217.0, 1e300};
    struct strbuf bytes = {0};
    struct st_file file;
    struct sft_err err;
    float read[4];
    build(&bytes,
          "{\"a\":{\"dtype\":\"BOOL\",\"shape\":[1],\"data_offsets\":[0,1]},"
          "\"b\":{\"dtype\":\"F64\",\"shape\":[2,2],\"data_offsets\":[1,33]}}",
          33);
    memcpy(bytes.data + bytes.len - 32, doubles, sizeof doubles);
    ck_assert_msg(st_parse(&file, bytes.data, bytes.len, &err) == SFT_OK, "%s", err_text(&err));
    ck_assert_int_eq(stored_read(st_find(&file, "b"), read, &err), SFT_OK);
    ck_assert(read[0] == 0.1F && read[1] == -1e-3F && read[2] == 16777216.0F && isinf(read[3]));
    st_close(&file);
    strbuf_free(&bytes);
}
END_TEST

/* Kilobytes of files' pages that this process has mapped in. */
static size_t mapped_kilobytes(void)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[256];
    size_t kilobytes = 0;
    ck_assert_ptr_nonnull(status);
    while (fgets(line, sizeof line, status))
        if (sscanf(line, "RssFile: %zu", &kilobytes) == 1)
            break;
    fclose(status);
    return kilobytes;
}

/* Of a file that is read from end to end, no more than a tensor stays in memory. */
START_TEST(what_was_read_is_given_back)
{
    enum { TENSORS = 16, COUNT = 1 << 20 };
    struct st_entry entries[TENSORS];
    char names[TENSORS][8], *path = scratch_path("large.safetensors");
    float *values = mem_calloc(COUNT, sizeof *values);
    struct st_file file;
    struct sft_err err;
    for (size_t i = 0; i < TENSORS; i++) {
        snprintf(names[i], sizeof names[i], "t%zu", i);
        entries[i] = (struct st_entry){names[i], &dtype_f32, 1, {COUNT}};
    }
    struct st_writer *w = st_writer_open(path, entries, TENSORS, &err);
    for (size_t i = 0; i < TENSORS; i++) {
        values[i] = 1;
        st_write(w, values);
    }
    ck_assert_int_eq(st_writer_commit(w, NULL, &err), SFT_OK);
    ck_assert_msg(st_open(&file, path, &err) == SFT_OK, "%s", err_text(&err));
    const size_t before = mapped_kilobytes();
    for (size_t round = 0; round < 2; round++) /* again too */
        for (size_t i = 0; i < TENSORS; i++) {
            ck_assert_int_eq(stored_read(st_find(&file, names[i]), values, &err), SFT_OK);
            ck_assert(values[i] == 1 && values[TENSORS] == 0);
        }
    ck_assert_uint_le(mapped_kilobytes(), before + 2 * 4096);
    st_close(&file);
    remove(path);
    free(path);
    free(values);
}
END_TEST

START_TEST(a_path_that_cannot_be_written_is_an_error)
{
    const struct st_entry entry = {"a", &dtype_f32, 1, {1}};
    struct sft_err err;
    ck_assert_ptr_null(st_writer_open("/nonexistent/a.safetensors", &entry, 1, &err));
    ck_assert_int_eq(err.status, SFT_EIO);
}
END_TEST

START_TEST(errors_name_the_file)
{
    char *path = scratch_path("damaged.safetensors");
    char *expected = mem_printf("%s: 5 bytes are too few for a safetensors file", path);
    struct st_file file;
    struct sft_err err;
    ck_assert_int_eq(io_write_file(path, "12345", 5, &err), SFT_OK);
    ck_assert_int_eq(st_open(&file, path, &err), SFT_EDATA);
    ck_assert_str_eq(err_text(&err), expected);
    ck_assert_int_eq(st_open(&file, "/nonexistent/model.safetensors", &err), SFT_EIO);
    st_close(&file);
    remove(path);
    free(path);
    free(expected);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("safetensors");
    TCase *halves = tcase_create("16-bit floats");
    tcase_add_test(halves, every_f16_widens_exactly_and_comes_back);
    tcase_add_test(halves, every_bf16_comes_back);
    tcase_add_test(halves, narrowing_rounds_to_nearest_even);
    suite_add_tcase(suite, halves);
    TCase *files = tcase_create("files");
    tcase_add_loop_test(files, damage_is_named, 0, sizeof damaged / sizeof *damaged);
    tcase_add_test(files, a_false_length_is_named);
    tcase_add_test(files, no_single_damaged_byte_hurts);
    tcase_add_test(files, an_unusual_file_is_read);
    tcase_add_test(files, what_is_written_is_read);
    tcase_add_test(files, doubles_are_read);
    tcase_add_test(files, what_was_read_is_given_back);
    tcase_add_test(files, a_path_that_cannot_be_written_is_an_error);
    tcase_add_test(files, errors_name_the_file);
    suite_add_tcase(suite, files);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int n_failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return n_failed == 0 ? 0 : 1;
}
